// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/kvm_wait.h"

#include <errno.h>

#include "source/kvm_module.h"
#include "util/log.h"
#include "util/loop.h"

#define SECOND_MS 1000

struct kvm_wait {
	const struct kvm_wait_calls *calls;
	struct loop *loop;
	int result;
};

static void end(struct kvm_wait *w, int result)
{
	w->result = result;
	loop_stop(w->loop);
}

static int take_second(void *ctx)
{
	struct kvm_wait *w = ctx;

	w->calls->second(w->calls->ctx);
	if (kvm_module() != KVM_MISSING)
		end(w, 0);
	return 0;
}

static int take_signal(void *ctx, const struct signalfd_siginfo *info)
{
	struct kvm_wait *w = ctx;

	if (info->ssi_signo == SIGHUP)
		w->calls->hup(w->calls->ctx);
	else if (info->ssi_signo == SIGUSR2)
		say("SIGUSR2: there is nothing to save, KVM is not loaded");
	else
		end(w, -EINTR);
	return 0;
}

static int prepare(struct kvm_wait *w)
{
	sigset_t signals;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGUSR2);
	w->loop = loop_new();
	if (!w->loop)
		return -ENOMEM;
	err = loop_add_signals(w->loop, &signals, take_signal, w);
	if (!err)
		err = loop_add_timer(w->loop, SECOND_MS, take_second, w);
	return err < 0 ? err : 0;
}

int kvm_wait(const struct kvm_wait_calls *calls)
{
	struct kvm_wait w = { .calls = calls };
	int err = prepare(&w);

	if (!err)
		err = loop_run(w.loop);
	loop_free(w.loop);
	return err ? err : w.result;
}
