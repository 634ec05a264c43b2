/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/lib/terminal_driver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/lib/view_scene.h"

static char self[4096], session[64];

__attribute__((format(printf, 1, 2)))
static char *run(const char *format, ...)
{
	char command[8192], *text = NULL;
	size_t size = 0;
	va_list args;
	FILE *out;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	out = popen(command, "r");
	assert_non_null(out);
	if (getdelim(&text, &size, '\0', out) < 0) {
		free(text);
		text = strdup("");
	}
	pclose(out);
	return text;
}

void tmux(const char *arguments)
{
	free(run("tmux -u -L %s %s 2>&1", session, arguments));
}

void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
}

/* The screen once it shows text; patient, as the machine may be busy. */
char *await(const char *text)
{
	char *screen = NULL;

	for (int i = 0; i < 400; i++) {
		free(screen);
		screen = run("tmux -u -L %s capture-pane -p 2>&1", session);
		if (strstr(screen, text))
			return screen;
		nap();
	}
	print_error("'%s' did not come, but\n%s\n", text, screen);
	free(screen);
	fail();
	return NULL;
}

void open_screen(const char *environment, const char *scene, int width, int height)
{
	char arguments[8192];

	snprintf(arguments, sizeof(arguments),
		 "-f /dev/null new-session -d -x %d -y %d \"env TZ=UTC %s '%s' --show %s; sleep 60\"", width, height,
		 environment, self, scene);
	tmux(arguments);
}

void type(const char *keys)
{
	char arguments[256];

	snprintf(arguments, sizeof(arguments), "send-keys %s", keys);
	tmux(arguments);
}

void type_bytes(const char *bytes)
{
	char arguments[256];

	snprintf(arguments, sizeof(arguments), "send-keys -H %s", bytes);
	tmux(arguments);
}

static void name_session(void)
{
	static int number;

	snprintf(session, sizeof(session), "sdeitop-test-%d-%d", getpid(), ++number);
}

int close_screen(void **state)
{
	tmux("kill-server");
	name_session();	/* the old server may take its time */
	return 0;
}

void assert_screen(const char *golden, const char *awaited)
{
	char *screen = await(awaited);

	/* What is awaited may come before the last key, or the last line. */
	for (int i = 0; i < (getenv("UPDATE_GOLDEN") ? 10 : 100) && !is_golden(golden, screen); i++) {
		free(screen);
		nap();
		screen = await(awaited);
	}
	assert_golden(golden, screen);
	free(screen);
}

void signal_screen(const char *name)
{
	free(run("pkill -%s -P $(tmux -L %s display-message -p '#{pane_pid}') 2>&1", name, session));
}

char *left_behind(void)
{
	return run("tmux -L %s display-message -p 'alternate #{alternate_on} cursor #{cursor_flag}'; "
		   "tmux -u -L %s capture-pane -p", session, session);
}

static bool have_tmux(void)
{
	return system("command -v tmux >/dev/null && command -v pkill >/dev/null") == 0;
}

bool prepare_terminal_driver(void)
{
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0 || !have_tmux())
		return false;
	name_session();
	return true;
}
