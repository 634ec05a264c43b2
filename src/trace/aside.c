// SPDX-License-Identifier: GPL-2.0-only
#include "aside.h"

#include <sched.h>
#include <signal.h>

static void do_job(struct aside *a)
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

void aside_do(struct aside *a, void (*job)(void *ctx), void *ctx)
{
	*a = (struct aside){ .busy = true, .job = job, .ctx = ctx };
	do_job(a);
}

int aside_thread(pthread_t *thread, void *(*run)(void *ctx), void *ctx)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(thread, NULL, run, ctx);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

void aside_start(struct aside *a, void (*job)(void *ctx), void *ctx)
{
	*a = (struct aside){ .busy = true, .job = job, .ctx = ctx };
	a->has_thread = aside_thread(&a->thread, do_aside, a) == 0;
	if (!a->has_thread)
		do_job(a);
}

bool aside_is_busy(const struct aside *a)
{
	return a->busy;
}

bool aside_is_done(const struct aside *a)
{
	return __atomic_load_n(&a->done, __ATOMIC_ACQUIRE);
}

void aside_wait(struct aside *a)
{
	if (a->has_thread)
		pthread_join(a->thread, NULL);
	a->has_thread = a->busy = a->done = false;
}
