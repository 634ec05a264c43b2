/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why something could not be done, for the program and for people. Who fills one is said by its function; who called that
 * looks at it only if the function failed.
 */
#ifndef UTIL_ERROR_H
#define UTIL_ERROR_H

#define ERROR_TEXT 1024

struct error {
	int code;		/* -errno */
	char text[ERROR_TEXT];	/* what was tried, what failed, what to do; one line without its end */
};

/* Fills it. Returns code, so that a function can end with it. */
int error_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The usual one: -ENOMEM. */
int error_no_memory(struct error *error);

#endif
