/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers and times as people read them. All take buf and its size and return buf.
 */
#ifndef VIEW_FIGURES_FORMAT_H
#define VIEW_FIGURES_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "session/status.h"

#define FORMAT_SIZE TIMES_SIZE	/* enough for each of them */

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

/* A place in something that takes a while, as --since takes it: 00m12.3s, 1h02m03.4s. */
char *format_position(char *buf, size_t size, uint64_t ns);

/* How long after or before a moment, in a unit that fits: -1.500us, +12.345678ms, -1199.998369s. */
char *format_offset(char *buf, size_t size, int64_t ns);

/* A moment as --time says, see util/times.h: with its date, or without unless what is observed lasts a day or longer. */
char *format_time(char *buf, size_t size, const struct status *status, uint64_t time_ns, unsigned int decimals);
char *format_clock(char *buf, size_t size, const struct status *status, uint64_t time_ns, unsigned int decimals);
unsigned int format_clock_width(const struct status *status, unsigned int decimals);

/* Always with its date, and of the wall clock, for JSON. */
char *format_time_wall(char *buf, size_t size, const struct status *status, uint64_t time_ns);

#endif
