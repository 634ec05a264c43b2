/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs the test program itself on a terminal of tmux, as TEST --show WORDS, types keys and looks at the screen. */
#ifndef TESTS_TERMINAL_DRIVER_H
#define TESTS_TERMINAL_DRIVER_H

#include <stdbool.h>

#define UTF8 "LC_ALL=C.UTF-8"

/* To be called first. False: this machine lacks what it takes. */
bool prepare_terminal_driver(void);

void open_screen(const char *environment, const char *words, int width, int height);
int close_screen(void **state);		/* a cmocka teardown */

void tmux(const char *arguments);	/* a command of tmux */
void type(const char *keys);		/* as tmux names them */
void type_bytes(const char *bytes);	/* as a terminal sends them, in hexadecimal: "1b 5b 48" */
void signal_screen(const char *name);	/* to the program: "USR1" */
void nap(void);

/* The screen once it shows text; a new string. */
char *await(const char *text);

/* The screen is to be that of tests/golden/NAME once it shows what is awaited. */
void assert_screen(const char *golden, const char *awaited);

/* The state of the terminal in its first line, and what is on it. */
char *left_behind(void);

#endif
