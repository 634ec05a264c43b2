// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader on rings of our own making. A simulated CPU does what a BPF program
 * does, step by step: count the attempt, take the time, reserve, submit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/streams.h"

#define RING_BYTES 4096
#define MAX_CPUS 4
#define MS 1000000ULL

struct cpu {
	struct ring ring;
	struct sdei_cpu counts;
	unsigned long consumer, producer;
	uint8_t *content;	/* mapped twice, as the kernel does */
};

struct lab {
	struct cpu cpus[MAX_CPUS];
	struct streams *streams;
	unsigned int count;
};

static uint8_t *map_twice(void)
{
	int fd = memfd_create("ring", 0);
	uint8_t *content;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, RING_BYTES), 0);
	content = mmap(NULL, 2 * RING_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mmap(content, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	mmap(content + RING_BYTES, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	close(fd);
	return content;
}

static struct lab *lab_new(unsigned int cpus)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	lab->count = cpus;
	lab->streams = streams_new(cpus);
	for (unsigned int i = 0; i < cpus; i++) {
		struct cpu *cpu = &lab->cpus[i];

		cpu->content = map_twice();
		ring_init(&cpu->ring, &cpu->consumer, &cpu->producer, cpu->content, RING_BYTES);
		streams_set(lab->streams, i, &cpu->ring, &cpu->counts);
	}
	return lab;
}

static void lab_free(struct lab *lab)
{
	for (unsigned int i = 0; i < lab->count; i++)
		munmap(lab->cpus[i].content, 2 * RING_BYTES);
	streams_free(lab->streams);
	free(lab);
}

static uint32_t *header_at(struct cpu *cpu, unsigned long position)
{
	return (uint32_t *)(cpu->content + (position & (RING_BYTES - 1)));
}

static void begin_attempt(struct cpu *cpu, unsigned int kind)
{
	cpu->counts.kinds[kind].attempted++;
}

/* The position of the record, still busy; -1: no room, and the loss is counted. */
static long reserve(struct cpu *cpu, const struct sdei_record *record, size_t size)
{
	unsigned long position = cpu->producer;

	if (position + size + BPF_RINGBUF_HDR_SZ - cpu->consumer > RING_BYTES - 1) {
		cpu->counts.kinds[record->kind].lost++;
		return -1;
	}
	*header_at(cpu, position) = size | BPF_RINGBUF_BUSY_BIT;
	memcpy((uint8_t *)header_at(cpu, position) + BPF_RINGBUF_HDR_SZ, record, size);
	cpu->producer += (size + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
	return position;
}

static void submit(struct cpu *cpu, unsigned long position)
{
	*header_at(cpu, position) &= ~BPF_RINGBUF_BUSY_BIT;
}

static bool emit(struct cpu *cpu, uint64_t time_ns, unsigned int kind, uint64_t arg)
{
	struct sdei_record record = { .time_ns = time_ns, .kind = kind, .arg = arg };
	long position;

	begin_attempt(cpu, kind);
	position = reserve(cpu, &record, sizeof(record));
	if (position >= 0)
		submit(cpu, position);
	return position >= 0;
}

/* The args of what a pass delivers, in order. */
static size_t pass(struct lab *lab, uint64_t now_ns, bool all, uint64_t *args, size_t room)
{
	const struct sdei_record *record;
	size_t size, count = 0;

	streams_begin(lab->streams, now_ns, all);
	while ((record = streams_next(lab->streams, &size)) && count < room)
		args[count++] = record->arg;
	streams_end(lab->streams);
	return count;
}

static void expect_pass(struct lab *lab, uint64_t now_ns, const char *expected)
{
	uint64_t args[64];
	size_t count = pass(lab, now_ns, now_ns == UINT64_MAX, args, 64);
	char text[65];

	for (size_t i = 0; i < count; i++)
		text[i] = args[i];
	text[count] = '\0';
	assert_string_equal(text, expected);
}

static void test_merges(void **state)
{
	struct lab *lab = lab_new(3);

	emit(&lab->cpus[0], 1 * MS, SDEI_SIGNAL, 'a');
	emit(&lab->cpus[0], 4 * MS, SDEI_SIGNAL, 'd');
	emit(&lab->cpus[1], 3 * MS, SDEI_SIGNAL, 'c');
	emit(&lab->cpus[2], 2 * MS, SDEI_SIGNAL, 'b');
	emit(&lab->cpus[2], 5 * MS, SDEI_SIGNAL, 'e');
	expect_pass(lab, 4 * MS + STREAMS_GUARD_NS, "abcd");
	assert_false(streams_is_complete(lab->streams));
	expect_pass(lab, 10 * MS, "e");
	assert_true(streams_is_complete(lab->streams));
	assert_int_equal(streams_read(lab->streams), 5);
	assert_int_equal(streams_late(lab->streams), 0);
	lab_free(lab);
}

static void test_ties(void **state)
{
	struct lab *lab = lab_new(3);

	emit(&lab->cpus[0], MS, SDEI_COMPLETE, 'c');
	emit(&lab->cpus[1], MS, SDEI_DISPATCH, 'b');
	emit(&lab->cpus[2], MS, SDEI_SIGNAL, 'a');
	expect_pass(lab, 2 * MS, "abc");
	lab_free(lab);
}

/* On one CPU the order of the ring is the order of things, whatever the ranks say. */
static void test_one_cpu_keeps_its_order(void **state)
{
	struct lab *lab = lab_new(2);

	emit(&lab->cpus[0], MS, SDEI_CALL, 'a');
	emit(&lab->cpus[0], MS, SDEI_SIGNAL, 'b');
	emit(&lab->cpus[0], MS, SDEI_STATE, 'c');
	expect_pass(lab, 2 * MS, "abc");
	lab_free(lab);
}

/* An attempt under way, not even reserved yet, holds up what other CPUs did after the last look. */
static void test_waits_for_an_attempt(void **state)
{
	struct lab *lab = lab_new(2);
	struct sdei_record record = { .time_ns = 2 * MS, .kind = SDEI_SIGNAL, .arg = 'b' };

	emit(&lab->cpus[1], MS, SDEI_SIGNAL, 'a');
	assert_int_equal(streams_settled(lab->streams), 0);
	expect_pass(lab, 2 * MS, "a");
	assert_int_equal(streams_settled(lab->streams), 2 * MS - STREAMS_GUARD_NS);
	begin_attempt(&lab->cpus[0], SDEI_SIGNAL);
	emit(&lab->cpus[1], 3 * MS, SDEI_DISPATCH, 'c');
	expect_pass(lab, 4 * MS, "");
	assert_int_equal(streams_settled(lab->streams), 2 * MS);
	submit(&lab->cpus[0], reserve(&lab->cpus[0], &record, sizeof(record)));
	expect_pass(lab, 5 * MS, "bc");
	assert_int_equal(streams_settled(lab->streams), 5 * MS - STREAMS_GUARD_NS);
	assert_int_equal(streams_late(lab->streams), 0);
	lab_free(lab);
}

static void test_waits_for_a_busy_record(void **state)
{
	struct lab *lab = lab_new(2);
	struct sdei_record record = { .time_ns = 2 * MS, .kind = SDEI_SIGNAL, .arg = 'b' };
	long position;

	emit(&lab->cpus[0], 1 * MS, SDEI_SIGNAL, 'a');
	begin_attempt(&lab->cpus[0], SDEI_SIGNAL);
	position = reserve(&lab->cpus[0], &record, sizeof(record));
	emit(&lab->cpus[0], 4 * MS, SDEI_SIGNAL, 'd');
	emit(&lab->cpus[1], 3 * MS, SDEI_DISPATCH, 'c');
	expect_pass(lab, 5 * MS, "a");
	submit(&lab->cpus[0], position);
	expect_pass(lab, 6 * MS, "bcd");
	lab_free(lab);
}

/* A lost record is not waited for. */
static void test_losses_are_accounted(void **state)
{
	struct lab *lab = lab_new(2);
	unsigned int taken = 0;
	uint64_t args[256];

	while (emit(&lab->cpus[0], MS + taken, SDEI_SIGNAL, 'x'))
		taken++;
	emit(&lab->cpus[1], 3 * MS, SDEI_SIGNAL, 'y');
	assert_int_equal(pass(lab, 4 * MS, false, args, 256), taken + 1);
	assert_int_equal(args[taken], 'y');
	assert_true(streams_is_complete(lab->streams));
	lab_free(lab);
}

/* A program whose CPU is gone for long must not stop everything: its record comes late, and is counted as such. */
static void test_gives_up_waiting(void **state)
{
	struct lab *lab = lab_new(2);
	struct sdei_record record = { .time_ns = 2 * MS, .kind = SDEI_SIGNAL, .arg = 'b' };

	begin_attempt(&lab->cpus[0], SDEI_SIGNAL);
	emit(&lab->cpus[1], 3 * MS, SDEI_SIGNAL, 'c');
	expect_pass(lab, 3 * MS + STREAMS_HOLD_NS - 1, "");
	assert_int_equal(streams_settled(lab->streams), 3 * MS - 1);
	expect_pass(lab, 3 * MS + STREAMS_HOLD_NS, "c");
	submit(&lab->cpus[0], reserve(&lab->cpus[0], &record, sizeof(record)));
	expect_pass(lab, 4 * MS + STREAMS_HOLD_NS, "b");
	assert_int_equal(streams_late(lab->streams), 1);
	assert_int_equal(streams_settled(lab->streams), 4 * MS + STREAMS_HOLD_NS - STREAMS_GUARD_NS);
	lab_free(lab);
}

static void test_final_takes_all(void **state)
{
	struct lab *lab = lab_new(2);

	begin_attempt(&lab->cpus[0], SDEI_SIGNAL);
	emit(&lab->cpus[1], 900 * MS, SDEI_SIGNAL, 'a');
	expect_pass(lab, MS, "");
	expect_pass(lab, UINT64_MAX, "a");
	assert_false(streams_is_complete(lab->streams));
	lab_free(lab);
}

static void test_discarded_and_short(void **state)
{
	struct lab *lab = lab_new(1);
	struct cpu *cpu = &lab->cpus[0];
	struct sdei_record record = { .time_ns = MS, .kind = SDEI_SIGNAL };
	size_t size;

	emit(cpu, MS, SDEI_SIGNAL, 'a');
	*header_at(cpu, reserve(cpu, &record, sizeof(record))) = sizeof(record) | BPF_RINGBUF_DISCARD_BIT;
	submit(cpu, reserve(cpu, &record, 5));
	emit(cpu, 2 * MS, SDEI_SIGNAL, 'b');
	streams_begin(lab->streams, 9 * MS, false);
	assert_non_null(streams_next(lab->streams, &size));
	assert_non_null(streams_next(lab->streams, &size));
	assert_int_equal(size, 5);
	assert_non_null(streams_next(lab->streams, &size));
	assert_int_equal(size, sizeof(record));
	assert_null(streams_next(lab->streams, &size));
	streams_end(lab->streams);
	assert_int_equal(cpu->consumer, cpu->producer);
	assert_int_equal(streams_late(lab->streams), 0);
	lab_free(lab);
}

/* A CPU that was not there at the start has no ring, only losses. */
static void test_without_a_ring(void **state)
{
	struct lab *lab = lab_new(2);

	streams_set(lab->streams, 1, NULL, &lab->cpus[1].counts);
	lab->cpus[1].counts.kinds[SDEI_SIGNAL] = (struct sdei_counter) { 3, 3 };
	emit(&lab->cpus[0], MS, SDEI_SIGNAL, 'a');
	expect_pass(lab, 2 * MS, "a");
	assert_true(streams_is_complete(lab->streams));
	lab_free(lab);
}

/* An attempt of a simulated CPU, as far as it has got. */
struct attempt {
	enum { IDLE, COUNTED, TIMED, RESERVED } step;
	struct sdei_record record;
	long position;
};

static void advance(struct cpu *cpu, struct attempt *attempt, uint64_t now_ns)
{
	switch (attempt->step) {
	case IDLE:
		attempt->record.kind = 1 + rand() % (SDEI_KIND_COUNT - 1);
		attempt->record.arg++;
		begin_attempt(cpu, attempt->record.kind);
		break;
	case COUNTED:
		attempt->record.time_ns = now_ns;
		break;
	case TIMED:
		attempt->position = reserve(cpu, &attempt->record, sizeof(attempt->record));
		break;
	case RESERVED:
		if (attempt->position >= 0)
			submit(cpu, attempt->position);
		break;
	}
	attempt->step = (attempt->step + 1) % 4;
}

static uint64_t drain_in_order(struct lab *lab, uint64_t now_ns, bool all, uint64_t *newest_ns)
{
	const struct sdei_record *record;
	uint64_t count = 0;
	size_t size;

	streams_begin(lab->streams, now_ns, all);
	for (; (record = streams_next(lab->streams, &size)); count++) {
		assert_true(record->time_ns >= *newest_ns);
		*newest_ns = record->time_ns;
	}
	streams_end(lab->streams);
	return count;
}

static void sum_counts(struct lab *lab, uint64_t *attempted, uint64_t *lost)
{
	for (unsigned int i = 0; i < lab->count; i++)
		for (int kind = 0; kind < SDEI_KIND_COUNT; kind++) {
			*attempted += lab->cpus[i].counts.kinds[kind].attempted;
			*lost += lab->cpus[i].counts.kinds[kind].lost;
		}
}

/* Whatever the interleaving: in time order, nothing twice, and what is missing has been counted. */
static void test_random_interleavings(void **state)
{
	for (int round = 0; round < 200; round++) {
		struct lab *lab = lab_new(MAX_CPUS);
		struct attempt attempts[MAX_CPUS] = { 0 };
		uint64_t now_ns = MS, newest_ns = 0, read = 0, attempted = 0, lost = 0;
		unsigned int every = 20 + rand() % 1500;

		for (int i = 0; i < 5000; i++) {
			unsigned int cpu = rand() % MAX_CPUS;

			now_ns += rand() % 40000;	/* so that attempts take longer than the guard */
			advance(&lab->cpus[cpu], &attempts[cpu], now_ns);
			if (rand() % every == 0)
				read += drain_in_order(lab, now_ns, false, &newest_ns);
		}
		for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++)
			while (attempts[cpu].step != IDLE)
				advance(&lab->cpus[cpu], &attempts[cpu], now_ns);
		read += drain_in_order(lab, UINT64_MAX, true, &newest_ns);
		sum_counts(lab, &attempted, &lost);
		assert_int_equal(attempted, read + lost);
		assert_true(streams_is_complete(lab->streams));
		assert_int_equal(streams_late(lab->streams), 0);
		lab_free(lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merges),
		cmocka_unit_test(test_ties),
		cmocka_unit_test(test_one_cpu_keeps_its_order),
		cmocka_unit_test(test_waits_for_an_attempt),
		cmocka_unit_test(test_waits_for_a_busy_record),
		cmocka_unit_test(test_losses_are_accounted),
		cmocka_unit_test(test_gives_up_waiting),
		cmocka_unit_test(test_final_takes_all),
		cmocka_unit_test(test_discarded_and_short),
		cmocka_unit_test(test_without_a_ring),
		cmocka_unit_test(test_random_interleavings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
