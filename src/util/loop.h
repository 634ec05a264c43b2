/* SPDX-License-Identifier: GPL-2.0-only */
/* The one poll loop: descriptors, periodic timers and signals, each with its callback. */
#ifndef UTIL_LOOP_H
#define UTIL_LOOP_H

#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>

struct loop;

/* 0, or -errno, which ends loop_run() with that value. */
typedef int (*loop_call_t)(void *ctx);
typedef int (*loop_signal_t)(void *ctx, const struct signalfd_siginfo *info);

struct loop *loop_new(void);		/* NULL: no memory */
void loop_free(struct loop *loop);	/* closes timers and signals, not descriptors; unblocks the signals; NULL is fine */

/* Called when fd is readable. 0 or -errno. */
int loop_add_fd(struct loop *loop, int fd, loop_call_t call, void *ctx);

/* Called when nobody reads any more what is written to fd, a pipe or a socket. 0 or -errno. */
int loop_add_reader_gone(struct loop *loop, int fd, loop_call_t call, void *ctx);

/* Called every period_ms (0: not until loop_set_timer()); missed turns are dropped. An id for that, or -errno. */
int loop_add_timer(struct loop *loop, uint64_t period_ms, loop_call_t call, void *ctx);
int loop_set_timer(struct loop *loop, int id, uint64_t period_ms);

/* Blocks these signals and takes them here instead, once per loop. 0 or -errno. */
int loop_add_signals(struct loop *loop, const sigset_t *signals, loop_signal_t call, void *ctx);

/* What the signal mask was before loop_add_signals(), for children. */
const sigset_t *loop_old_mask(const struct loop *loop);

/* Runs until loop_stop() (0) or a callback's error. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
