/* SPDX-License-Identifier: GPL-2.0-only */
#include "util/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define LOOP_MAX 8

struct loop {
	struct pollfd fds[LOOP_MAX];
	struct entry {
		loop_call_t call;
		void *ctx;
		bool timer;
	} entries[LOOP_MAX];
	int count;
	bool stopped;
	int signal_fd;
	loop_signal_t signal_call;
	void *signal_ctx;
	sigset_t old_mask;
};

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop) {
		loop->signal_fd = -1;
		sigprocmask(SIG_SETMASK, NULL, &loop->old_mask);
	}
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	for (int i = 0; i < loop->count; i++)
		if (loop->entries[i].timer)
			close(loop->fds[i].fd);
	if (loop->signal_fd >= 0) {
		close(loop->signal_fd);
		sigprocmask(SIG_SETMASK, &loop->old_mask, NULL);
	}
	free(loop);
}

static int add(struct loop *loop, int fd, short events, loop_call_t call, void *ctx)
{
	if (loop->count == LOOP_MAX)
		return -ENOSPC;
	loop->fds[loop->count] = (struct pollfd){ .fd = fd, .events = events };
	loop->entries[loop->count] = (struct entry){ .call = call, .ctx = ctx };
	loop->count++;
	return 0;
}

int loop_add_fd(struct loop *loop, int fd, loop_call_t call, void *ctx)
{
	return add(loop, fd, POLLIN, call, ctx);
}

/* POLLERR and POLLHUP come unasked. */
int loop_add_reader_gone(struct loop *loop, int fd, loop_call_t call, void *ctx)
{
	return add(loop, fd, 0, call, ctx);
}

int loop_set_timer(struct loop *loop, int id, uint64_t period_ms)
{
	struct itimerspec spec = {
		.it_value = { .tv_sec = period_ms / 1000, .tv_nsec = period_ms % 1000 * 1000000 },
	};

	spec.it_interval = spec.it_value;
	return timerfd_settime(loop->fds[id].fd, 0, &spec, NULL) < 0 ? -errno : 0;
}

int loop_add_timer(struct loop *loop, uint64_t period_ms, loop_call_t call, void *ctx)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int err, id = loop->count;

	if (fd < 0)
		return -errno;
	err = loop_add_fd(loop, fd, call, ctx);
	if (err) {
		close(fd);
		return err;
	}
	loop->entries[id].timer = true;
	err = loop_set_timer(loop, id, period_ms);
	return err ? err : id;
}

static int take_signals(void *ctx)
{
	struct loop *loop = ctx;
	struct signalfd_siginfo info;
	int err = 0;

	while (!err && read(loop->signal_fd, &info, sizeof(info)) == sizeof(info))
		err = loop->signal_call(loop->signal_ctx, &info);
	return err;
}

int loop_add_signals(struct loop *loop, const sigset_t *signals, loop_signal_t call, void *ctx)
{
	sigprocmask(SIG_BLOCK, signals, NULL);
	loop->signal_fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signal_fd < 0) {
		int err = -errno;

		sigprocmask(SIG_SETMASK, &loop->old_mask, NULL);
		return err;
	}
	loop->signal_call = call;
	loop->signal_ctx = ctx;
	return loop_add_fd(loop, loop->signal_fd, take_signals, loop);
}

const sigset_t *loop_old_mask(const struct loop *loop)
{
	return &loop->old_mask;
}

/* A timer's count of turns must be read, or it stays readable; false if it has none after all. */
static bool timer_is_due(int fd)
{
	uint64_t turns;

	return read(fd, &turns, sizeof(turns)) == sizeof(turns);
}

static int dispatch(struct loop *loop)
{
	for (int i = 0; i < loop->count && !loop->stopped; i++) {
		const struct entry *entry = &loop->entries[i];
		int err;

		if (!loop->fds[i].revents || (entry->timer && !timer_is_due(loop->fds[i].fd)))
			continue;
		err = entry->call(entry->ctx);
		if (err)
			return err;
	}
	return 0;
}

int loop_run(struct loop *loop)
{
	int err = 0;

	while (!err && !loop->stopped) {
		if (poll(loop->fds, loop->count, -1) >= 0)
			err = dispatch(loop);
		else if (errno != EINTR)
			err = -errno;
	}
	return err;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}
