// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many records per second of CPU time become slices in each format, written to nowhere, and whether memory grows
 * with the number of records. Prints, asserts nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "view/export/export.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/episode.h"

#define RECORDS (1U << 22)
#define VCPUS 64U

static char *name(void *ctx, uint32_t vm)
{
	return strdup("a-guest");
}

static void feed(struct export *x, uint64_t *time)
{
	for (uint32_t i = 0; i < RECORDS; i++) {
		uint32_t vcpu = i / EPISODE_STEPS / 32 * 32 + i % 32;
		struct sdei_record r = { .time_ns = *time += 137, .vm = 1000 + vcpu % VCPUS / 8, .vcpu = vcpu % 8 };

		episode_step(&r, i / 32 % EPISODE_STEPS);
		export_record(x, &r, sizeof(r));
		if (i % 65536 == 0)
			export_tick(x, r.time_ns, r.time_ns);
	}
}

static void run(const char *what, const struct export_format *format)
{
	const struct export_options options = { .format = format, .out = fopen("/dev/null", "w"), .name = name };
	struct export *x = export_new(&options);
	struct rusage first, last;
	struct export_counters counters;
	uint64_t time = 1, start;
	long bytes;

	if (!x)
		exit(1);
	feed(x, &time);
	getrusage(RUSAGE_SELF, &first);
	start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	feed(x, &time);
	start = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	getrusage(RUSAGE_SELF, &last);
	export_end(x, time);
	export_counters(x, &counters);
	bytes = last.ru_maxrss - first.ru_maxrss;
	printf("%-8s  %5.1f M records/s  %llu slices  memory %+ld KiB in the second %u records\n", what, RECORDS * 1e3 / start,
	       (unsigned long long)counters.slices, bytes, RECORDS);
	export_free(x);
	fclose(options.out);
}

int main(void)
{
	run("perfetto", &export_perfetto);
	run("chrome", &export_chrome);
	run("csv", &export_csv);
	return 0;
}
