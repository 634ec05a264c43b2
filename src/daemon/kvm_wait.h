/* SPDX-License-Identifier: GPL-2.0-only */
/* A sdeid that was started before KVM: where it is a module, it may come later. */
#ifndef DAEMON_KVM_WAIT_H
#define DAEMON_KVM_WAIT_H

struct kvm_wait_calls {
	void (*second)(void *ctx);	/* each second */
	void (*hup)(void *ctx);		/* SIGHUP */
	void *ctx;
};

/*
 * Until KVM is loaded. There is nothing in /sys or /dev that could be waited for under every confinement of a service, so it is
 * looked for each second. 0; -EINTR: SIGTERM or SIGINT came first; else why it cannot be waited for.
 */
int kvm_wait(const struct kvm_wait_calls *calls);

#endif
