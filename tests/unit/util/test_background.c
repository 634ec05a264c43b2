// SPDX-License-Identifier: GPL-2.0-only
/* Jobs that are done aside: who starts one goes on, and has it back when it waits. */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/background.h"

struct job {
	int gate[2];		/* the job waits until there is something to read */
	pthread_t by;
	bool takes_signals;
	unsigned int count;
};

static void work(void *ctx)
{
	struct job *job = ctx;
	sigset_t blocked;
	char pass;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	job->takes_signals = !sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGUSR2);
	job->by = pthread_self();
	job->count += read(job->gate[0], &pass, 1) == 1;
}

static void let_pass(struct job *job)
{
	assert_int_equal(write(job->gate[1], "x", 1), 1);
}

static void test_goes_on_meanwhile(void **state)
{
	struct background aside = { 0 };
	struct job job = { 0 };
	sigset_t before, after;

	assert_int_equal(pipe(job.gate), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	for (unsigned int i = 1; i <= 3; i++) {
		assert_false(background_is_busy(&aside));
		assert_false(background_is_done(&aside));
		background_start(&aside, work, &job);
		assert_true(background_is_busy(&aside));
		assert_false(background_is_done(&aside));	/* it is at the gate */
		let_pass(&job);
		while (!background_is_done(&aside))
			sched_yield();
		assert_true(background_is_busy(&aside));
		background_wait(&aside);
		assert_int_equal(job.count, i);
		assert_false(job.takes_signals);
		assert_false(pthread_equal(job.by, pthread_self()));
	}
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
	close(job.gate[0]);
	close(job.gate[1]);
}

static void test_waits(void **state)
{
	struct background aside = { 0 };
	struct job job = { 0 };

	background_wait(&aside);		/* for nothing */
	assert_int_equal(pipe(job.gate), 0);
	background_start(&aside, work, &job);
	let_pass(&job);
	background_wait(&aside);
	assert_int_equal(job.count, 1);
	assert_false(background_is_busy(&aside));
	background_wait(&aside);
	close(job.gate[0]);
	close(job.gate[1]);
}

/* As an administrator's limits may have it. */
static bool no_threads;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) = dlsym(RTLD_NEXT, "pthread_create");

	return no_threads ? EAGAIN : create(thread, attr, start, arg);
}

static void test_no_thread(void **state)
{
	struct background aside = { 0 };
	struct job job = { 0 };

	assert_int_equal(pipe(job.gate), 0);
	for (unsigned int i = 1; i <= 2; i++) {
		let_pass(&job);
		no_threads = true;
		if (i == 1)
			background_start(&aside, work, &job);
		else
			background_do(&aside, work, &job);
		no_threads = false;
		assert_int_equal(job.count, i);
		assert_true(pthread_equal(job.by, pthread_self()));
		assert_true(background_is_busy(&aside));
		assert_true(background_is_done(&aside));
		background_wait(&aside);
		assert_false(background_is_busy(&aside));
	}
	close(job.gate[0]);
	close(job.gate[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on_meanwhile), cmocka_unit_test(test_waits), cmocka_unit_test(test_no_thread),
	};

	return cmocka_run_group_tests_name("trace_aside", tests, NULL, NULL);
}
