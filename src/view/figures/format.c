/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/figures/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_SEC 1000000000LL

/* Figures from 1000 on have no fraction that anybody reads. */
#define WHOLE_FROM 999.95

/* Prints with as many decimals, from most down to 0, as fit into width; the length. */
static unsigned int print_fitting(char *buf, size_t size, double value, int most, unsigned int width)
{
	int length = 0;

	for (int decimals = most; decimals >= 0; decimals--) {
		length = snprintf(buf, size, "%.*f", decimals, value);
		if ((unsigned int)length <= width)
			break;
	}
	return length;
}

char *format_count(char *buf, size_t size, double value, unsigned int width)
{
	static const char suffixes[] = "kMGTPE";
	const char *suffix = suffixes;
	unsigned int length;

	if (print_fitting(buf, size, value, 0, width) <= width)
		return buf;
	for (value /= 1000; suffix[1] && value >= 1000; suffix++)
		value /= 1000;
	length = print_fitting(buf, size - 1, value, 2, width - 1);
	buf[length] = *suffix;
	buf[length + 1] = '\0';
	return buf;
}

char *format_real(char *buf, size_t size, double value, unsigned int width)
{
	if (value == 0)
		return format_count(buf, size, 0, width);
	if (value < WHOLE_FROM && print_fitting(buf, size, value, 1, width) <= width)
		return buf;
	return format_count(buf, size, value, width);
}

char *format_us(char *buf, size_t size, double ns, unsigned int width)
{
	if (print_fitting(buf, size, ns / 1e3, ns / 1e3 < WHOLE_FROM, width) <= width)
		return buf;
	print_fitting(buf, size - 1, ns / 1e9, 2, width - 1);
	return strcat(buf, "s");
}

/* Two neighbouring units: 4m05s. */
static char *two_units(char *buf, size_t size, uint64_t seconds, unsigned int big, const char *units)
{
	unsigned int small = big == 86400 ? 3600 : big / 60;

	snprintf(buf, size, "%llu%c%02llu%c", (unsigned long long)(seconds / big), units[0],
		 (unsigned long long)(seconds % big / small), units[1]);
	return buf;
}

char *format_age(char *buf, size_t size, uint64_t ns)
{
	static const struct {
		double below, scale;
		const char *unit;
	} scales[] = {
		{ 1e3, 1, "ns" }, { 1e6, 1e3, "us" }, { 1e9, 1e6, "ms" }, { 60e9, 1e9, "s" },
	};

	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
		double value = ns / scales[i].scale;

		if (ns >= scales[i].below)
			continue;
		snprintf(buf, size, "%.*f%s", value < 99.95 && i > 0, value, scales[i].unit);
		return buf;
	}
	ns /= NS_PER_SEC;
	if (ns < 3600)
		return two_units(buf, size, ns, 60, "ms");
	if (ns < 86400)
		return two_units(buf, size, ns, 3600, "hm");
	return two_units(buf, size, ns, 86400, "dh");
}

char *format_lasting(char *buf, size_t size, uint64_t ns, unsigned int width)
{
	if (print_fitting(buf, size, ns / 1e3, ns / 1e3 < WHOLE_FROM, width) <= width)
		return buf;
	return format_age(buf, size, ns);
}

char *format_position(char *buf, size_t size, uint64_t ns)
{
	uint64_t tenths = ns / (NS_PER_SEC / 10), seconds = tenths / 10;
	int length = seconds >= 3600 ? snprintf(buf, size, "%" PRIu64 "h", seconds / 3600) : 0;

	snprintf(buf + length, size - length, "%02um%02u.%us", (unsigned int)(seconds / 60 % 60), (unsigned int)(seconds % 60),
		 (unsigned int)(tenths % 10));
	return buf;
}

char *format_offset(char *buf, size_t size, int64_t ns)
{
	double value = ns;

	if (value > -1e6 && value < 1e6)
		snprintf(buf, size, "%+.3fus", value / 1e3);
	else if (value > -1e9 && value < 1e9)
		snprintf(buf, size, "%+.6fms", value / 1e6);
	else
		snprintf(buf, size, "%+.6fs", value / 1e9);
	return buf;
}

char *format_time(char *buf, size_t size, const struct status *status, uint64_t time_ns, unsigned int decimals)
{
	struct times plain;

	return times_full(buf, size, status_times(status, &plain), time_ns, decimals);
}

char *format_time_wall(char *buf, size_t size, const struct status *status, uint64_t time_ns)
{
	struct times plain;

	return times_wall(buf, size, status_times(status, &plain), time_ns, 3);
}

char *format_clock(char *buf, size_t size, const struct status *status, uint64_t time_ns, unsigned int decimals)
{
	struct times plain;

	return times_short(buf, size, status_times(status, &plain), time_ns, decimals);
}

unsigned int format_clock_width(const struct status *status, unsigned int decimals)
{
	struct times plain;

	return times_short_width(status_times(status, &plain), decimals);
}
