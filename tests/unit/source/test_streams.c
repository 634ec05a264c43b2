// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reader on rings of our own making. A simulated CPU does what a BPF program
 * does, step by step: count the attempt, take the time, reserve, commit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "record/kinds.h"
#include "source/streams.h"

#define RING_BYTES 4096
#define MAX_CPUS 4
#define MS 1000000ULL

struct cpu {
	struct ring ring;
	struct sdei_cpu counts;
	struct sdei_ring *shared;
};

struct lab {
	struct cpu cpus[MAX_CPUS];
	struct streams *streams;
	unsigned int count;
};

static struct lab *lab_new(unsigned int cpus)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	lab->count = cpus;
	lab->streams = streams_new(cpus);
	for (unsigned int i = 0; i < cpus; i++) {
		struct cpu *cpu = &lab->cpus[i];

		cpu->shared = calloc(1, RING_BYTES + SDEI_RING_EXTRA);
		ring_init(&cpu->ring, cpu->shared, RING_BYTES);
		streams_set(lab->streams, i, &cpu->ring, &cpu->counts);
	}
	return lab;
}

static void lab_free(struct lab *lab)
{
	for (unsigned int i = 0; i < lab->count; i++)
		free(lab->cpus[i].shared);
	streams_free(lab->streams);
	free(lab);
}

static void begin_attempt(struct cpu *cpu, unsigned int kind)
{
	cpu->counts.kinds[kind].attempted++;
}

static size_t size_of(const struct sdei_record *record)
{
	return kind_of(record->kind) ? kind_of(record->kind)->size : sizeof(*record);
}

/* The time of a record is the test's. */
static __u64 no_clock(void)
{
	return 0;
}

/* False: no room, and the loss is counted. Else the record is there, but not whole yet. */
static bool reserve(struct cpu *cpu, const struct sdei_record *record)
{
	__u64 filled, time;
	void *place = ring_reserve(cpu->shared, RING_BYTES, size_of(record), no_clock, &time, &filled);

	if (place) {
		memset(place, 0, size_of(record));
		memcpy(place, record, sizeof(*record));
	} else {
		cpu->counts.kinds[record->kind].lost++;
	}
	return place;
}

static bool emit(struct cpu *cpu, uint64_t time_ns, unsigned int kind, uint64_t arg)
{
	struct sdei_record record = { .time_ns = time_ns, .kind = kind, .arg = arg };
	bool reserved;

	begin_attempt(cpu, kind);
	reserved = reserve(cpu, &record);
	if (reserved)
		ring_commit(cpu->shared);
	return reserved;
}

#define RUN 3		/* so that a pass takes several */

/* The args of what a pass delivers, in order. */
static size_t pass(struct lab *lab, uint64_t now_ns, bool all, uint64_t *args, size_t room)
{
	const struct sdei_record *records[RUN];
	size_t sizes[RUN], count = 0, run;

	streams_begin(lab->streams, now_ns, all);
	while ((run = streams_next(lab->streams, records, sizes, RUN)))
		for (size_t i = 0; i < run && count < room; i++)
			args[count++] = records[i]->arg;
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
	assert_true(reserve(&lab->cpus[0], &record));
	ring_commit(lab->cpus[0].shared);
	expect_pass(lab, 5 * MS, "bc");
	assert_int_equal(streams_settled(lab->streams), 5 * MS - STREAMS_GUARD_NS);
	assert_int_equal(streams_late(lab->streams), 0);
	lab_free(lab);
}

static void test_waits_for_a_busy_record(void **state)
{
	struct lab *lab = lab_new(2);
	struct sdei_record record = { .time_ns = 2 * MS, .kind = SDEI_SIGNAL, .arg = 'b' };

	emit(&lab->cpus[0], 1 * MS, SDEI_SIGNAL, 'a');
	begin_attempt(&lab->cpus[0], SDEI_SIGNAL);
	assert_true(reserve(&lab->cpus[0], &record));
	emit(&lab->cpus[0], 4 * MS, SDEI_SIGNAL, 'd');
	emit(&lab->cpus[1], 3 * MS, SDEI_DISPATCH, 'c');
	expect_pass(lab, 5 * MS, "a");
	ring_commit(lab->cpus[0].shared);
	expect_pass(lab, 6 * MS, "bcd");
	lab_free(lab);
}

/* A program that is preempted between taking room and telling from where on that was may tell it late. */
static void test_settled_goes_back(void **state)
{
	struct lab *lab = lab_new(1);
	struct sdei_record record = { .time_ns = 3 * MS, .kind = SDEI_SIGNAL, .arg = 'c' };

	emit(&lab->cpus[0], 1 * MS, SDEI_SIGNAL, 'a');
	emit(&lab->cpus[0], 2 * MS, SDEI_SIGNAL, 'b');
	begin_attempt(&lab->cpus[0], SDEI_SIGNAL);
	assert_true(reserve(&lab->cpus[0], &record));
	expect_pass(lab, 4 * MS, "ab");
	lab->cpus[0].shared->settled = sizeof(record);
	expect_pass(lab, 5 * MS, "");
	ring_commit(lab->cpus[0].shared);
	expect_pass(lab, 6 * MS, "c");
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
	assert_true(reserve(&lab->cpus[0], &record));
	ring_commit(lab->cpus[0].shared);
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

/* Kinds of all sizes, round and round: the last one of a round sticks out. */
static void test_sizes(void **state)
{
	struct lab *lab = lab_new(1);
	struct cpu *cpu = &lab->cpus[0];
	const struct sdei_record *record;
	size_t size;

	for (unsigned int i = 1; i < 2000; i++) {
		unsigned int kind = 1 + rand() % (SDEI_KIND_COUNT - 1);

		assert_true(emit(cpu, i * MS, kind, i));
		streams_begin(lab->streams, (i + 1) * MS, false);
		assert_int_equal(streams_next(lab->streams, &record, &size, 1), 1);
		assert_int_equal(record->kind, kind);
		assert_int_equal(record->arg, i);
		assert_int_equal(size, kind_of(kind)->size);
		assert_int_equal(streams_next(lab->streams, &record, &size, 1), 0);
		streams_end(lab->streams);
	}
	assert_int_equal(cpu->shared->consumed, cpu->shared->reserved >> SDEI_RING_SHIFT);
	lab_free(lab);
}

/* No program writes it. Where the next record begins is not known then: all that is there goes at once. */
static void test_no_kind(void **state)
{
	struct lab *lab = lab_new(1);
	const struct sdei_record *record;
	size_t size;

	emit(&lab->cpus[0], MS, SDEI_SIGNAL, 'a');
	emit(&lab->cpus[0], MS, SDEI_KIND_NONE, 'b');
	emit(&lab->cpus[0], MS, SDEI_SIGNAL, 'c');
	streams_begin(lab->streams, 9 * MS, false);
	assert_int_equal(streams_next(lab->streams, &record, &size, 1), 1);
	assert_int_equal(streams_next(lab->streams, &record, &size, 1), 1);
	assert_int_equal(record->kind, SDEI_KIND_NONE);
	assert_int_equal(size, 2 * sizeof(*record));
	assert_int_equal(streams_next(lab->streams, &record, &size, 1), 0);
	streams_end(lab->streams);
	emit(&lab->cpus[0], 10 * MS, SDEI_SIGNAL, 'd');
	expect_pass(lab, 60 * MS, "d");
	lab_free(lab);
}

static void test_default_sizes(void **state)
{
	static const struct { unsigned int cpus; size_t bytes; } sizes[] = {
		{ 1, 4 << 20 }, { 8, 4 << 20 }, { 9, 2 << 20 }, { 16, 2 << 20 }, { 17, 1 << 20 }, { 8192, 1 << 20 },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_int_equal(ring_default_bytes(sizes[i].cpus), sizes[i].bytes);
}

/* --- one CPU, for real: a thread that writes, signals whose handler writes in between, and a reader beside it */

#define WRITTEN 300000

static struct {
	struct sdei_ring *ring;
	volatile uint64_t in_thread, in_handler, refused;
	volatile bool over;
	__u64 clock;
} writer;

static __u64 tick(void)
{
	return __atomic_add_fetch(&writer.clock, 1, __ATOMIC_RELAXED);
}

/* Of each size; what it holds tells whether it is whole. */
static void write_one(volatile uint64_t *counter)
{
	struct sdei_record_call record = { .head = { .kind = *counter % 3 ? SDEI_SIGNAL : SDEI_CALL } };
	size_t size = kind_of(record.head.kind)->size;
	__u64 filled, time;
	void *place = ring_reserve(writer.ring, RING_BYTES, size, tick, &time, &filled);

	if (!place) {
		__atomic_fetch_add(&writer.refused, 1, __ATOMIC_RELAXED);
		return;
	}
	record.head.time_ns = ++*counter;
	record.head.arg = counter == &writer.in_handler ? ~record.head.time_ns : record.head.time_ns;
	record.args[2] = record.head.time_ns;
	record.head.vm = time;
	memcpy(place, &record, size);
	ring_commit(writer.ring);
}

static void interrupt_writer(int signal)
{
	write_one(&writer.in_handler);
}

static void *run_writer(void *unused)
{
	while (writer.in_thread < WRITTEN)
		write_one(&writer.in_thread);
	writer.over = true;
	return NULL;
}

static void check_one(const struct sdei_record *record, uint64_t seen[2], uint32_t *clock)
{
	bool handler = record->arg != record->time_ns;

	assert_true(record->vm > *clock);
	*clock = record->vm;
	assert_int_equal(record->arg, handler ? ~record->time_ns : record->time_ns);
	assert_int_equal(record->time_ns, ++seen[handler]);
	if (record->kind == SDEI_CALL)
		assert_int_equal(((const struct sdei_record_call *)record)->args[2], record->time_ns);
	else
		assert_int_equal(record->kind, SDEI_SIGNAL);
}

static void read_all(struct ring *ring, uint64_t seen[2], uint32_t *clock)
{
	const struct sdei_record *record;
	size_t size;

	while ((record = ring_peek(ring, &size))) {
		check_one(record, seen, clock);
		ring_take(ring);
		if (ring_is_worth_release(ring))
			ring_release(ring);
	}
	ring_release(ring);
}

static void test_interrupted_writers(void **state)
{
	struct sigaction action = { .sa_handler = interrupt_writer };
	uint64_t seen[2] = { 0 };
	uint32_t clock = 0;
	struct ring ring;
	pthread_t thread;

	writer.ring = calloc(1, RING_BYTES + SDEI_RING_EXTRA);
	ring_init(&ring, writer.ring, RING_BYTES);
	sigaction(SIGUSR1, &action, NULL);
	assert_int_equal(pthread_create(&thread, NULL, run_writer, NULL), 0);
	while (!writer.over) {
		pthread_kill(thread, SIGUSR1);
		read_all(&ring, seen, &clock);
		sched_yield();
	}
	pthread_join(thread, NULL);
	read_all(&ring, seen, &clock);
	assert_int_equal(seen[0], writer.in_thread);
	assert_int_equal(seen[1], writer.in_handler);
	assert_true(seen[1] > 0);
	assert_int_equal(writer.ring->reserved & SDEI_RING_WRITERS, 0);
	assert_int_equal(writer.ring->consumed, writer.ring->reserved >> SDEI_RING_SHIFT);
	free(writer.ring);
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
	bool reserved;
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
		attempt->reserved = reserve(cpu, &attempt->record);
		break;
	case RESERVED:
		if (attempt->reserved)
			ring_commit(cpu->shared);
		break;
	}
	attempt->step = (attempt->step + 1) % 4;
}

static uint64_t drain_in_order(struct lab *lab, uint64_t now_ns, bool all, uint64_t *newest_ns)
{
	const struct sdei_record *records[RUN];
	size_t sizes[RUN], run;
	uint64_t count = 0;

	streams_begin(lab->streams, now_ns, all);
	for (; (run = streams_next(lab->streams, records, sizes, RUN)); count += run)
		for (size_t i = 0; i < run; i++) {
			assert_true(records[i]->time_ns >= *newest_ns);
			*newest_ns = records[i]->time_ns;
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
		cmocka_unit_test(test_settled_goes_back),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_no_kind),
		cmocka_unit_test(test_default_sizes),
		cmocka_unit_test(test_interrupted_writers),
		cmocka_unit_test(test_without_a_ring),
		cmocka_unit_test(test_random_interleavings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
