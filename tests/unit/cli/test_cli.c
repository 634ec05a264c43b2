/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands as far as they come without tracepoints, and the loop that they run in. */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/lib/command_run.h"
#include "cli/commands.h"
#include "util/loop.h"
#include "view/figures/columns.h"

static char output[65536];

/* Reads fd to its end into output; on a pty that is an error. */
static void read_all(int fd)
{
	size_t length = 0;
	ssize_t got;

	while ((got = read(fd, output + length, sizeof(output) - length - 1)) > 0)
		length += got;
	output[length] = '\0';
	close(fd);
}

static int exit_status(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define RUN(command, ...) run_command(&command, (char *[]){ "sdeitop", ##__VA_ARGS__, NULL }, NULL, output, sizeof(output))

static void test_usage(void **state)
{
	assert_int_equal(RUN(cmd_top, "--nothing"), 2);
	assert_says("sdeitop: --nothing: no such option\nsdeitop: try 'sdeitop --help'\n");
	assert_int_equal(RUN(cmd_top, "1", "2", "3"), 2);
	assert_int_equal(RUN(cmd_top, "-s", "nothing"), 2);
	assert_says("the name of a column");
	assert_int_equal(RUN(cmd_top, "-j", "-f", "web"), 2);
	assert_says("--filter");
	assert_int_equal(RUN(cmd_top, "-f", "vm=web* p99>fast"), 2);
	assert_says("--filter 'vm=web* p99>fast': character 13: 'fast' is not a time, as in 500us or 2ms");
	assert_int_equal(RUN(cmd_events, "5", "6"), 2);
	assert_says("try 'sdeitop events --help'");
	assert_int_equal(RUN(cmd_events, "--since", "5s"), 2);
	assert_says("is for recordings");
	assert_int_equal(RUN(cmd_events, "/nonexistent", "--", "true"), 2);
	assert_int_equal(RUN(cmd_events, "/nonexistent"), 1);
	assert_says("cannot open /nonexistent");
	assert_int_equal(RUN(cmd_report, "/nonexistent"), 1);
	assert_int_equal(RUN(cmd_report), 2);
	assert_int_equal(RUN(cmd_record, "--keep", "3"), 2);
	assert_int_equal(RUN(cmd_record, "--json"), 2);
}

static void test_help(void **state)
{
	assert_int_equal(RUN(cmd_top, "--help"), 0);
	for (size_t i = 0; i < column_count; i++)
		assert_says(columns[i].help);
	assert_says("this help");		/* the keys */
	assert_int_equal(RUN(cmd_top, "-V"), 0);
	assert_says("sdeitop ");
	assert_int_equal(RUN(cmd_events, "-h"), 0);
	assert_says("Usage: sdeitop events");
}

static void test_output_that_cannot_be(void **state)
{
	assert_int_equal(RUN(cmd_top, "-o", "/nonexistent/file"), 1);
	assert_says("cannot open /nonexistent/file");
}

/* On a terminal that cannot show a screen, it says what can be done. */
static int run_on_terminal(const char *term)
{
	int fd;
	pid_t child = forkpty(&fd, NULL, NULL, NULL);

	assert_true(child >= 0);
	if (child == 0) {
		if (term)
			setenv("TERM", term, 1);
		else
			unsetenv("TERM");
		_exit(cmd_top.run(&cmd_top, 1, (char *[]){ "sdeitop", NULL }));
	}
	read_all(fd);
	return exit_status(child);
}

static void test_terminals(void **state)
{
	assert_int_equal(run_on_terminal("dumb"), 1);
	assert_says("cannot move its cursor; try -b");
	assert_int_equal(run_on_terminal("no-such-terminal"), 1);
	assert_says("is not known here");
	assert_int_equal(run_on_terminal(NULL), 1);
	assert_says("is not known here");
}

/* --- the loop */

struct turns {
	struct loop *loop;
	int turns, signals, last_signal;
};

static int take_turn(void *ctx)
{
	struct turns *t = ctx;

	if (++t->turns == 3)
		kill(getpid(), SIGUSR1);
	return 0;
}

static int take_signal(void *ctx, const struct signalfd_siginfo *info)
{
	struct turns *t = ctx;

	t->signals++;
	t->last_signal = info->ssi_signo;
	loop_stop(t->loop);
	return 0;
}

static void test_loop(void **state)
{
	struct turns t = { .loop = loop_new() };
	sigset_t signals, before, after;

	sigprocmask(SIG_SETMASK, NULL, &before);
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	assert_int_equal(loop_add_signals(t.loop, &signals, take_signal, &t), 0);
	assert_true(loop_add_timer(t.loop, 1, take_turn, &t) >= 0);
	assert_int_equal(loop_run(t.loop), 0);
	assert_true(t.turns >= 3);
	assert_int_equal(t.signals, 1);
	assert_int_equal(t.last_signal, SIGUSR1);
	loop_free(t.loop);
	sigprocmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&after, SIGUSR1), sigismember(&before, SIGUSR1));
}

static int end_loop(void *ctx)
{
	loop_stop(ctx);
	return 0;
}

static void test_loop_reader_gone(void **state)
{
	struct loop *loop = loop_new();
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(loop_add_reader_gone(loop, pipes[1], end_loop, loop), 0);
	close(pipes[0]);
	assert_int_equal(loop_run(loop), 0);
	loop_free(loop);
	close(pipes[1]);
}

static int fail_turn(void *ctx)
{
	return -EIO;
}

static void test_loop_error(void **state)
{
	struct loop *loop = loop_new();
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(loop_add_fd(loop, pipes[0], fail_turn, NULL), 0);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	assert_int_equal(loop_run(loop), -EIO);
	loop_free(loop);
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage), cmocka_unit_test(test_help), cmocka_unit_test(test_output_that_cannot_be),
		cmocka_unit_test(test_terminals), cmocka_unit_test(test_loop), cmocka_unit_test(test_loop_error),
		cmocka_unit_test(test_loop_reader_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
