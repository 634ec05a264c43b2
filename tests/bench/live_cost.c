// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program on a tracepoint costs the CPU that it runs on. A server, so that others can be measured in between: each
 * line of standard input is the name of a program of cost.bpf.c, or "-" for none of ours; the answer is a line of JSON with
 * the nanoseconds per event, the median of some chunks that fit into the rings, and what came out of these. "+ SECONDS" fires
 * as fast as it can with nothing of ours attached, "+ SECONDS RATE" so many events a second. Argument: the CPU.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/producer.h"

#define RING_BYTES (1 << 21)
#define CHUNK 20000		/* 32 bytes each, hot ones: below the watermark, so that nobody is woken */
#define CHUNKS 25

static void count_record(void *ctx, const struct sdei_record *record, size_t size)
{
	++*(uint64_t *)ctx;
}

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int measure(struct producer *p, const char *name)
{
	int64_t took[CHUNKS];
	uint64_t records = 0;
	const struct record_sink sink = { .record = count_record, .ctx = &records };
	int err = producer_attach(p, strcmp(name, "-") == 0 ? NULL : name);

	for (int i = -1; i < CHUNKS && !err; i++) {	/* the first one warms up */
		int64_t ns = producer_fire(p, CHUNK);

		if (ns < 0)
			err = ns;
		else if (i >= 0)
			took[i] = ns;
		live_drain(producer_live(p), &sink, true);
		records += producer_empty_bare(p);
	}
	if (err) {
		fprintf(stderr, "%s: %s\n", name, strerror(-err));
		return err;
	}
	qsort(took, CHUNKS, sizeof(took[0]), by_value);
	printf("{\"program\":\"%s\",\"ns\":%.2f,\"fired\":%d,\"records\":%llu}\n", name, (double)took[CHUNKS / 2] / CHUNK,
	       CHUNK * (CHUNKS + 1), (unsigned long long)records);
	fflush(stdout);
	return 0;
}

static int fire_on(struct producer *p, double seconds, double rate)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC), now = start, fired = 0;
	uint32_t batch = rate ? rate / 1000 : CHUNK;
	int err = producer_attach(p, NULL);

	while (!err && now - start < seconds * 1e9) {
		int64_t took = producer_fire(p, batch);

		err = took < 0 ? took : 0;
		fired += batch;
		do
			now = clock_ns(CLOCK_MONOTONIC);
		while (rate && now - start < fired / rate * 1e9);
	}
	printf("{\"fired\":%llu,\"wall_ns\":%llu}\n", (unsigned long long)fired, (unsigned long long)(now - start));
	fflush(stdout);
	return err;
}

static int obey(struct producer *p, const char *line)
{
	double seconds, rate = 0;

	if (sscanf(line, "+ %lf %lf", &seconds, &rate) > 0)
		return fire_on(p, seconds, rate);
	return measure(p, line);
}

int main(int argc, char **argv)
{
	struct producer *p = producer_new(RING_BYTES);
	int err = p ? run_on(argc > 1 ? atoi(argv[1]) : 0, PRODUCER_PRIORITY) : -ENOENT;
	char line[64];

	while (!err && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		err = obey(p, line);
	}
	producer_free(p);
	return err ? 1 : 0;
}
