/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/screen/crash.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT };

/* A signal handler has no context but globals. */
static struct {
	struct termios modes;
	bool modes_known;
	char leave[256];
	size_t length;
	char stack[32768];	/* of its own, as a stack overflow leaves none */
} crash;

static void restore_and_die(int signal)
{
	ssize_t written = write(STDOUT_FILENO, crash.leave, crash.length);

	(void)written;
	if (crash.modes_known)
		tcsetattr(STDIN_FILENO, TCSANOW, &crash.modes);
	raise(signal);	/* SA_RESETHAND: this time it kills */
}

void crash_save_modes(void)
{
	crash.modes_known = tcgetattr(STDIN_FILENO, &crash.modes) == 0;
}

void crash_arm(const char *leave)
{
	struct sigaction action = { .sa_handler = restore_and_die, .sa_flags = SA_RESETHAND | SA_ONSTACK };
	stack_t stack = { .ss_sp = crash.stack, .ss_size = sizeof(crash.stack) };

	snprintf(crash.leave, sizeof(crash.leave), "%s", leave);
	crash.length = strlen(crash.leave);
	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

void crash_disarm(void)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
}
