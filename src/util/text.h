/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest names are whatever somebody put on a command line. What leaves here
 * cannot move the cursor, change colours, reorder the line or break a parser.
 */
#ifndef UTIL_TEXT_H
#define UTIL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Length of the UTF-8 sequence at s and its code point; 0 if it is not valid (or s is at its end). */
unsigned int utf8_decode(const char *s, uint32_t *code);

/* Controls, bidirectional and invisible characters: those that change how others look. */
bool escape_is_unsafe(uint32_t code);

/*
 * A new string (free() it; NULL: no memory) for terminals and text: unsafe and undecodable bytes
 * become \xNN, \uNNNN or \UNNNNNNNN, a backslash becomes two. utf8: whether other characters than ASCII may stay.
 */
char *escape_terminal(const char *in, bool utf8);

/* Writes in as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void escape_json(FILE *out, const char *in);

/* How many bytes at the begin of in stand for themselves in a JSON string: ASCII without quotes, backslashes and controls. */
size_t escape_json_plain(const char *in);

/* Columns that an escaped string takes on the terminal. */
unsigned int text_width(const char *s);

/* The longest start of s that takes at most width columns; its bytes, its columns in *used (may be NULL). */
size_t text_cut(const char *s, unsigned int width, unsigned int *used);

#endif
