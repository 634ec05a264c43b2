/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers and times as people read them. All take buf and its size and return buf.
 */
#ifndef VIEW_FIGURES_FORMAT_H
#define VIEW_FIGURES_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define FORMAT_SIZE 40	/* enough for each of them */

/* "12345", with k, M, G, … when that takes more than width columns. */
char *format_count(char *buf, size_t size, double value, unsigned int width);

/* "0" for nothing at all, "12.3" below 1000, "12345", then as format_count(). */
char *format_real(char *buf, size_t size, double value, unsigned int width);

/* Microseconds without their unit: as format_real() up to what fits, then seconds with an s. */
char *format_us(char *buf, size_t size, double ns, unsigned int width);

/* A duration with its unit in at most 6 columns: 1.5us, 12ms, 3.2s, 4m05s, 2h05m, 3d04h. */
char *format_age(char *buf, size_t size, uint64_t ns);

/* What lasts, and may do so for days: microseconds without their unit if that fits into width, else as format_age(). */
char *format_lasting(char *buf, size_t size, uint64_t ns, unsigned int width);

/* A place in something that takes a while: 00:12.3, 1:02:03.4. */
char *format_position(char *buf, size_t size, uint64_t ns);

/* CLOCK_REALTIME as 2026-01-31T12:34:56.789Z. */
char *format_wall(char *buf, size_t size, int64_t wall_ns);

/* The same as 12:34:56 in local time. */
char *format_clock(char *buf, size_t size, int64_t wall_ns);
char *format_clock_ms(char *buf, size_t size, int64_t wall_ns);	/* 12:34:56.789 */

#endif
