// SPDX-License-Identifier: GPL-2.0-only
#include "util/background.h"

#include <sched.h>
#include <signal.h>

static void do_job(struct background *a)
{
	a->job(a->ctx);
	__atomic_store_n(&a->done, true, __ATOMIC_RELEASE);
}

static void *do_aside(void *ctx)
{
	const struct sched_param none = { 0 };

	/* Whoever started it may have been given precedence, to read in time: this may not take the CPU from them. */
	if (sched_getscheduler(0) != SCHED_OTHER)	/* else not even asked for: sdeid's unit does not allow it */
		sched_setscheduler(0, SCHED_OTHER, &none);
	do_job(ctx);
	return NULL;
}

void background_do(struct background *a, void (*job)(void *ctx), void *ctx)
{
	*a = (struct background){ .busy = true, .job = job, .ctx = ctx };
	do_job(a);
}

int background_thread(pthread_t *thread, void *(*run)(void *ctx), void *ctx)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(thread, NULL, run, ctx);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

void background_start(struct background *a, void (*job)(void *ctx), void *ctx)
{
	*a = (struct background){ .busy = true, .job = job, .ctx = ctx };
	a->has_thread = background_thread(&a->thread, do_aside, a) == 0;
	if (!a->has_thread)
		do_job(a);
}

bool background_is_busy(const struct background *a)
{
	return a->busy;
}

bool background_is_done(const struct background *a)
{
	return __atomic_load_n(&a->done, __ATOMIC_ACQUIRE);
}

void background_wait(struct background *a)
{
	if (a->has_thread)
		pthread_join(a->thread, NULL);
	a->has_thread = a->busy = a->done = false;
}
