/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One job at a time in a thread of its own: what waits for a disk, while the one who started it goes on reading rings. The
 * thread has the privileges that its creator has when it starts, but no precedence of real time, and takes no signals. What
 * the job uses is its own until background_wait() returns.
 */
#ifndef UTIL_BACKGROUND_H
#define UTIL_BACKGROUND_H

#include <pthread.h>
#include <stdbool.h>

/* All zero: no job. */
struct background {
	pthread_t thread;
	bool has_thread, busy, done;
	void (*job)(void *ctx);
	void *ctx;
};

/* Not while it is busy. If there can be no thread, the job is done here and now. */
void background_start(struct background *a, void (*job)(void *ctx), void *ctx);

/* The same without a thread. */
void background_do(struct background *a, void (*job)(void *ctx), void *ctx);

/* A thread that takes no signals: 0, or what pthread_create() says. */
int background_thread(pthread_t *thread, void *(*run)(void *ctx), void *ctx);

/* A job was started, and not waited for. */
bool background_is_busy(const struct background *a);

/* That job has come to its end: waiting for it takes no time. */
bool background_is_done(const struct background *a);

/* Until the job has ended; at once if there is none. */
void background_wait(struct background *a);

#endif
