// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an image of a large model takes: bytes, and the CPU time to write and to read it. Prints, asserts nothing. The
 * model is that of 4,096 vCPUs in VMs of 8, with 4 events each, after 1000 random records per vCPU.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/image.h"
#include "tests/unit/lib/sdei_machine.h"
#include "tests/bench/lib/clock.h"

#define VMS 512
#define VCPUS 8
#define RECORDS (1000 * VCPUS)
#define ROUNDS 5

struct feeding {
	struct model *m;
	uint32_t vm;
	unsigned int fed;
};

/* As of a host that has been up for eleven days: times take as many bytes as they do there. */
static void take(void *ctx, const struct sdei_record *record, size_t size)
{
	struct feeding *f = ctx;
	struct sdei_record_call r;

	memcpy(&r, record, size);
	r.head.vm = f->vm;
	r.head.time_ns += 1000000000000000;
	model_feed(f->m, &r.head, size);
	f->fed++;
}

static void fill(struct model *m, uint32_t vm)
{
	struct feeding f = { .m = m, .vm = vm };
	struct machine *machine = machine_new(VCPUS, vm, take, &f);

	while (f.fed < RECORDS)
		machine_step(machine);
	machine_free(machine);
}

struct taken {
	uint64_t save_ns, load_ns;
	size_t size;
};

static struct taken measure(const struct model *m)
{
	struct taken t = { .save_ns = UINT64_MAX, .load_ns = UINT64_MAX };

	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned char *bytes = NULL;
		uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID), saved, loaded;
		struct model *copy;
		int err;

		t.size = 0;
		if (image_save(m, NULL, &bytes, &t.size))
			exit(1);
		saved = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		copy = image_load(bytes, t.size, NULL, NULL, &err);
		loaded = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		if (!copy)
			exit(1);
		t.save_ns = saved - start < t.save_ns ? saved - start : t.save_ns;
		t.load_ns = loaded - saved < t.load_ns ? loaded - saved : t.load_ns;
		model_free(copy);
		free(bytes);
	}
	return t;
}

int main(void)
{
	struct model *m = model_new(NULL);
	struct taken t;

	for (uint32_t vm = 0; vm < VMS; vm++)
		fill(m, 1000 + vm);
	t = measure(m);
	printf("%u vCPUs of 4 events: %.1f MB, %zu bytes/vCPU-event, saved in %.0f ms, loaded in %.0f ms\n", VMS * VCPUS,
	       (double)t.size / 1e6, t.size / (VMS * VCPUS * 4), (double)t.save_ns / 1e6, (double)t.load_ns / 1e6);
	model_free(m);
	return 0;
}
