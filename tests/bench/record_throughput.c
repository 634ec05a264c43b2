// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes a recording of a busy host, VMs of 8 vCPUs, and prints how many records per second of CPU time packing and storing
 * took, on one line of JSON. Each record is of any of the vCPUs. Asserts nothing. Arguments: a directory that is not there yet,
 * how many records, of how many vCPUs (64).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/sdei.h"
#include "tests/random_bits.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/recorder.h"

#define VCPUS_EACH 8U
#define VCPUS 64U
#define CHUNK 65536U		/* records that are made before any is timed; a recorder drains about as many at once */
#define STEP_NS 2000U		/* mean time between two records of the host */
#define SECOND_NS 1000000000ULL
#define BEGIN_NS (4321 * SECOND_NS)
#define RE (SDEI_REGISTERED | SDEI_ENABLED)

enum step {
	END, SIGNAL, SIGNAL_SELF, COALESCED, SIGNAL_MASKED, DISPATCH, COMPLETE, COMPLETE_CALL, RESUME, RESUME_CALL, MASK, MASK_CALL,
	UNMASK, UNMASK_CALL,
};

/* What a vCPU goes through, with the calls that a guest makes for it. */
static const enum step scripts[][12] = {
	{ SIGNAL, DISPATCH, COMPLETE, COMPLETE_CALL },
	{ SIGNAL, DISPATCH, RESUME, RESUME_CALL },
	{ SIGNAL_SELF, DISPATCH, COMPLETE, COMPLETE_CALL },
	{ SIGNAL, COALESCED, DISPATCH, COMPLETE, COMPLETE_CALL },
	{ MASK, MASK_CALL, SIGNAL_MASKED, UNMASK, UNMASK_CALL, DISPATCH, COMPLETE, COMPLETE_CALL },
};
static const unsigned int shares[] = { 60, 10, 10, 1, 15 };	/* of each */

union record {
	struct sdei_record head;
	struct sdei_record_handler handler;
	struct sdei_record_call call;
};

struct vcpu {
	uint32_t vm, id;
	const enum step *next;
};

static uint64_t seed = 88172645463325252ULL;

static const enum step *random_script(void)
{
	unsigned int which = 0, all = 0, chosen;

	for (unsigned int i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		all += shares[i];
	for (chosen = random_below(&seed, all); chosen >= shares[which]; which++)
		chosen -= shares[which];
	return scripts[which];
}

/* --- records */

/* In two of three cases in the kernel, else in a program; the pages are not many. */
static uint64_t random_pc(void)
{
	uint64_t base = random_below(&seed, 3) ? 0xffff800008000000 : 0xaaaac0de0000;

	return base + random_below(&seed, 4096) * 4;
}

static size_t make_call(union record *r, uint32_t number, uint64_t argument)
{
	r->head.kind = SDEI_CALL;
	r->head.event = SDEI_NONE;
	r->call.function = SDEI_FN_BASE | number;
	r->call.args[0] = argument;
	return sizeof(r->call);
}

static size_t make_plain(union record *r, uint8_t kind, uint8_t state, uint8_t outcome)
{
	r->head.kind = kind;
	r->head.state = state;
	r->head.outcome = outcome;
	return sizeof(r->head);
}

static size_t make_signal(union record *r, uint8_t state, uint8_t outcome, bool self)
{
	make_plain(r, SDEI_SIGNAL, state | RE | SDEI_PENDING, outcome);
	r->head.origin = self ? SDEI_FROM_GUEST : SDEI_FROM_VMM;
	r->head.sender = self ? r->head.vcpu : SDEI_NONE;
	return sizeof(r->head);
}

static size_t make_complete(union record *r, uint8_t how, uint64_t argument)
{
	make_plain(r, SDEI_COMPLETE, RE, how);
	r->head.arg = argument;
	return sizeof(r->head);
}

static size_t make_mask(union record *r, uint8_t kind, uint8_t state)
{
	make_plain(r, kind, state, 0);
	r->head.event = SDEI_NONE;
	r->head.error = kind == SDEI_MASK;
	return sizeof(r->head);
}

static size_t make_dispatch(union record *r)
{
	make_plain(r, SDEI_DISPATCH, RE | SDEI_RUNNING, 0);
	r->head.pc = random_pc();
	return sizeof(r->head);
}

static size_t make(union record *r, enum step step)
{
	switch (step) {
	case SIGNAL:
	case SIGNAL_SELF:
		return make_signal(r, 0, SDEI_QUEUED, step == SIGNAL_SELF);
	case COALESCED:
		return make_signal(r, 0, SDEI_COALESCED, false);
	case SIGNAL_MASKED:
		return make_signal(r, SDEI_MASKED, SDEI_QUEUED, false);
	case DISPATCH:
		return make_dispatch(r);
	case COMPLETE:
		return make_complete(r, SDEI_COMPLETED, 0);
	case RESUME:
		return make_complete(r, SDEI_RESUMED, 0xffff800008000000 + random_below(&seed, 4096) * 4);
	case COMPLETE_CALL:
	case RESUME_CALL:
		return make_call(r, step == COMPLETE_CALL ? 0x25 : 0x26, 0);
	case MASK:
		return make_mask(r, SDEI_MASK, SDEI_MASKED);
	case UNMASK:
		return make_mask(r, SDEI_UNMASK, 0);
	case MASK_CALL:
		make_call(r, 0x2b, 0);
		r->head.state = SDEI_MASKED;
		r->head.result = 1;
		return sizeof(r->call);
	default:
		return make_call(r, 0x2c, 0);
	}
}

/* What the iterator would have told at attach. */
static size_t make_state(union record *r, const struct vcpu *v, uint64_t time_ns)
{
	memset(r, 0, sizeof(*r));
	r->head = (struct sdei_record){
		.time_ns = time_ns, .vm = v->vm, .vcpu = v->id, .kind = SDEI_STATE, .state = RE, .origin = SDEI_SNAPSHOT,
	};
	r->handler.ep_addr = 0xffff800008001000;
	r->handler.ep_arg = 0xffff000012345600 + v->id * 64;
	return sizeof(r->handler);
}

static size_t advance(union record *r, struct vcpu *v, uint64_t time_ns)
{
	if (!v->next || *v->next == END)
		v->next = random_script();
	memset(r, 0, sizeof(*r));
	r->head.time_ns = time_ns;
	r->head.vm = v->vm;
	r->head.vcpu = v->id;
	return make(r, *v->next++);
}

/* --- the recorder */

static uint64_t record_chunk(struct bench_recorder *r, const union record *records, const size_t *sizes, size_t count)
{
	uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	for (size_t i = 0; i < count; i++)
		packetizer_record(r->pack, &records[i].head, sizes[i]);
	bench_recorder_drained(r, records[count - 1].head.time_ns);
	return clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
}

/* The CPU time that it took, without making the records. */
static uint64_t run(struct bench_recorder *r, uint64_t records, uint32_t vcpu_count, union record *chunk, size_t *sizes)
{
	static struct vcpu vcpus[CHUNK];
	uint64_t time_ns = BEGIN_NS, took_ns;

	bench_recorder_status(r, time_ns++, false);
	for (uint32_t i = 0; i < vcpu_count; i++) {
		vcpus[i] = (struct vcpu){ .vm = 4000 + i / VCPUS_EACH * 17, .id = i % VCPUS_EACH };
		sizes[i] = make_state(&chunk[i], &vcpus[i], time_ns);
	}
	took_ns = record_chunk(r, chunk, sizes, vcpu_count);
	for (uint64_t done = 0; done < records; ) {
		size_t count = records - done < CHUNK ? records - done : CHUNK;

		for (size_t i = 0; i < count; i++)
			sizes[i] = advance(&chunk[i], &vcpus[random_below(&seed, vcpu_count)], time_ns += 2 + random_below(&seed, 2 * STEP_NS));
		took_ns += record_chunk(r, chunk, sizes, count);
		done += count;
	}
	bench_recorder_status(r, time_ns + 2, true);
	return took_ns;
}

int main(int argc, char **argv)
{
	uint64_t records = argc == 3 || argc == 4 ? strtoull(argv[2], NULL, 0) : 0, took_ns;
	uint64_t vcpus = argc == 4 ? strtoull(argv[3], NULL, 0) : VCPUS;
	union record *chunk = malloc(CHUNK * sizeof(*chunk));
	size_t *sizes = malloc(CHUNK * sizeof(*sizes));
	const struct packetizer_counters *c;
	struct bench_recorder r;

	if (!records || !vcpus || vcpus > CHUNK || !chunk || !sizes) {
		fprintf(stderr, "usage: %s NEW-DIRECTORY RECORDS [VCPUS]\n", argv[0]);
		return 2;
	}
	bench_recorder_open(&r, argv[1]);
	took_ns = run(&r, records, vcpus, chunk, sizes);
	c = packetizer_counters(r.pack);
	printf("{\"records\":%llu,\"cpu_ns\":%llu,\"bytes\":%llu,\"snapshot_bytes\":%llu,\"unrecorded\":%llu}\n",
	       (unsigned long long)records, (unsigned long long)took_ns, (unsigned long long)c->bytes,
	       (unsigned long long)c->snapshot_bytes, (unsigned long long)c->unrecorded);
	free(chunk);
	free(sizes);
	return bench_recorder_close(&r) ? 1 : 0;
}
