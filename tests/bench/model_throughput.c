// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many records per second of CPU time the model takes from memory. Prints,
 * asserts nothing. Orders of the same records:
 *   episodes	one vCPU after the other goes through whole episodes
 *   local	32 vCPUs at a time go through whole episodes (a busy host's rings)
 *   scattered	each record is another vCPU's (the worst case for caches)
 * In batches, as from a full ring; with the argument "both" also one by one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "tests/random_bits.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/episode.h"

#define RECORDS (1U << 22)
#define ROUNDS 3
#define BATCH 512

static uint64_t seed = 88172645463325252ULL;

static uint64_t fill(struct sdei_record *records, uint32_t vcpus, uint32_t together, uint64_t time)
{
	uint32_t first = 0;

	for (uint32_t i = 0; i < RECORDS; first += together) {
		for (unsigned int number = 0; number < EPISODE_STEPS; number++) {
			for (uint32_t k = 0; k < together && i < RECORDS; k++, i++) {
				/* An odd factor: a permutation that no prefetcher follows. */
				uint32_t vcpu = (first + k) * 2654435761U % vcpus;

				time += 1 + random_below(&seed, 1000);
				records[i] = (struct sdei_record){ .time_ns = time, .vm = 1000 + vcpu / 8, .vcpu = vcpu % 8 };
				episode_step(&records[i], number);
			}
		}
	}
	return time;
}

/* many: in batches, as from a full ring. */
static void feed(struct model *m, const struct sdei_record *records, bool many)
{
	const struct sdei_record *batch[BATCH];
	size_t sizes[BATCH], count = 0;

	for (uint32_t i = 0; i < RECORDS; i++) {
		if (!many) {
			model_feed(m, &records[i], sizeof(records[i]));
			continue;
		}
		batch[count] = &records[i];
		sizes[count++] = sizeof(records[i]);
		if (count == BATCH || i + 1 == RECORDS) {
			model_feed_many(m, batch, sizes, count);
			count = 0;
		}
	}
}

static void run(struct sdei_record *records, uint32_t vcpus, uint32_t together, bool many)
{
	struct model *m = model_new(NULL);
	uint64_t time = 1, best = UINT64_MAX;

	for (unsigned int round = 0; round <= ROUNDS; round++) {
		uint64_t start, took;

		time = fill(records, vcpus, together, time);
		start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		feed(m, records, many);
		took = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
		if (round && took < best)	/* the first one creates everything */
			best = took;
	}
	printf("%6u vCPUs  %-9s  %-15s  %6.1f M records/s  %llu misfits\n", vcpus,
	       together == 1 ? "episodes" : together == vcpus ? "scattered" : "local", many ? "model_feed_many" : "model_feed", RECORDS * 1e3 / best,
	       (unsigned long long)model_totals(m)->misfits);
	model_free(m);
}

int main(int argc, char **argv)
{
	int both = argc > 1 && !strcmp(argv[1], "both");	/* one by one, too */
	static const uint32_t sizes[] = { 1, 64, 4096, 65536 };
	struct sdei_record *records = malloc(RECORDS * sizeof(*records));

	if (!records)
		return 1;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (int many = !both; many < 2; many++) {
			run(records, sizes[i], sizes[i] < 32 ? sizes[i] : 32, many);
			run(records, sizes[i], 1, many);
			run(records, sizes[i], sizes[i], many);
		}
	}
	free(records);
	return 0;
}
