// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many records per second of CPU time become slices in each format, written to nowhere, and whether memory grows
 * with the number of records. Prints, asserts nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "../../src/view/export.h"

#define STEPS 8
#define RECORDS (1U << 22)
#define VCPUS 64U

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static char *name(void *ctx, uint32_t vm)
{
	return strdup("a-guest");
}

/* Two dispatched episodes, one of them masked, one with a signal coalesced. */
static void step(struct sdei_record *r, unsigned int number)
{
	static const struct { uint8_t kind, state, outcome; int error; } steps[STEPS] = {
		{ SDEI_SIGNAL, SDEI_PENDING, SDEI_QUEUED, 0 },
		{ SDEI_DISPATCH, SDEI_RUNNING, 0, 0 },
		{ SDEI_COMPLETE, 0, SDEI_COMPLETED, 0 },
		{ SDEI_MASK, SDEI_MASKED, 0, 1 },
		{ SDEI_SIGNAL, SDEI_PENDING | SDEI_MASKED, SDEI_QUEUED, 0 },
		{ SDEI_UNMASK, 0, 0, 0 },
		{ SDEI_DISPATCH, SDEI_RUNNING, 0, 0 },
		{ SDEI_COMPLETE, 0, SDEI_COMPLETED, 0 },
	};

	r->kind = steps[number].kind;
	r->outcome = steps[number].outcome;
	r->error = steps[number].error;
	r->state = steps[number].state;
	if (r->kind == SDEI_MASK || r->kind == SDEI_UNMASK)
		r->event = SDEI_NONE;
	else
		r->state |= SDEI_REGISTERED | SDEI_ENABLED;
}

static void feed(struct export *x, uint64_t *time)
{
	for (uint32_t i = 0; i < RECORDS; i++) {
		uint32_t vcpu = i / STEPS / 32 * 32 + i % 32;
		struct sdei_record r = { .time_ns = *time += 137, .vm = 1000 + vcpu % VCPUS / 8, .vcpu = vcpu % 8 };

		step(&r, i / 32 % STEPS);
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
	start = now_ns();
	feed(x, &time);
	start = now_ns() - start;
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
