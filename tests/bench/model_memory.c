// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a model holds on the heap for each vCPU, all that belongs to it counted, by the C library's own account:
 *   idle	its event is registered and enabled, by the guest's calls; nothing has come
 *   busy	a thousand records of episodes, and calls
 * as a report has them, and as the live screen does, which keeps figures of the interval, too. Prints, asserts nothing.
 */
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>

#include "model/model.h"
#include "record/sdei.h"
#include "tests/random_bits.h"
#include "tests/bench/lib/episode.h"

#define VCPUS 4096
#define EPISODES 125

static uint64_t seed = 88172645463325252ULL, time_ns = 1;

static struct sdei_record next(uint32_t vcpu)
{
	time_ns += 1 + random_below(&seed, 1000);
	return (struct sdei_record){ .time_ns = time_ns, .vm = 1000 + vcpu / 8, .vcpu = vcpu % 8 };
}

static void call(struct model *m, uint32_t vcpu, uint32_t function)
{
	struct sdei_record_call r = { .head = next(vcpu), .function = function };

	r.head.kind = SDEI_CALL;
	r.head.event = SDEI_NONE;
	model_feed(m, &r.head, sizeof(r));
}

static void begin(struct model *m, uint32_t vcpu)
{
	struct sdei_record_handler r = { .head = next(vcpu), .ep_addr = 0xffff800008000000 };

	r.head.kind = SDEI_STATE;
	r.head.origin = SDEI_SNAPSHOT;
	r.head.state = SDEI_REGISTERED | SDEI_ENABLED;
	model_feed(m, &r.head, sizeof(r));
	for (uint32_t number = SDEI_FN_VERSION; number <= SDEI_FN_EVENT_ENABLE; number++)
		call(m, vcpu, number);
}

static void episode(struct model *m, uint32_t vcpu)
{
	for (unsigned int number = 0; number < EPISODE_STEPS; number++) {
		struct sdei_record r = next(vcpu);

		time_ns += 1 + random_below(&seed, 10000);
		episode_step(&r, number);
		model_feed(m, &r, sizeof(r));
	}
	call(m, vcpu, SDEI_FN_EVENT_CONTEXT);
	call(m, vcpu, SDEI_FN_EVENT_COMPLETE);
}

static void print(const struct model *m, const char *what, bool live, size_t before)
{
	if (model_totals(m)->unknown || model_totals(m)->misfits)
		fprintf(stderr, "records that the model does not understand\n");
	printf("%s, %s: %zu bytes/vCPU\n", what, live ? "live" : "report", (mallinfo2().uordblks - before) / VCPUS);
}

static void run(bool live)
{
	size_t before = mallinfo2().uordblks;
	struct model *m = model_new(NULL);

	if (live)
		model_keep_intervals(m, true);
	for (uint32_t vcpu = 0; vcpu < VCPUS; vcpu++)
		begin(m, vcpu);
	print(m, "idle", live, before);
	for (unsigned int i = 0; i < EPISODES; i++) {
		for (uint32_t vcpu = 0; vcpu < VCPUS; vcpu++)
			episode(m, vcpu);
		if (live && i % 10 == 0)
			model_tick(m, time_ns);
	}
	print(m, "busy", live, before);
	model_free(m);
}

int main(void)
{
	run(false);
	run(true);
	return 0;
}
