// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast events can come with nothing lost, and what the reader takes: one or two CPUs fire a tracepoint with the programs
 * of sdei.bpf.c on it, at a rate or as fast as they can, while a thread on another CPU drains the rings as sdeitop does. Where the
 * records go, a model or a recording, is told by the first argument: "model", or a directory to be made. A second one is the
 * size of the rings, if not the default.
 *
 * Each line of standard input is VCPUS PRODUCERS EVENTS-PER-SECOND SECONDS, the rate being that of each producer, 0: as fast
 * as it can; the answer is a line of JSON. Times are CPU times but for wall_ns; delay: from a record's time until what it was
 * drained with had been taken, for the oldest one of each drain.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/feeder.h"
#include "util/loop.h"
#include "model/hist.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/producer.h"
#include "tests/bench/lib/recorder.h"


#define READER_CPU 1
#define BATCH_NS 300000		/* so long, or longer, a producer fires before it looks at the time */
#define SLEEP_LEAST_NS 100000
#define FASTEST 8000000		/* only to size a batch */
#define WARM_EPISODES 5000	/* fit into a ring */
#define WARM_ROUNDS 8		/* until most buckets of the histograms are there, too */
#define SECOND_NS 1000000000ULL

struct reader {
	struct producer *producer;
	struct loop *loop;
	int timer, period_ms;
	struct record_sink sink;
	struct feeder *feeder;		/* or else: */
	struct bench_recorder *recorder;
	uint64_t first_ns, last_ns;	/* of the records of this drain */
	uint64_t records, cpu_ns;
	struct hist *delay;
	pthread_barrier_t ready;	/* before that no producer may take the CPU that it starts on */
	bool stop;
};

struct firing {
	struct producer *producer;
	unsigned int number, vcpus;
	uint64_t rate, until_ns;
	uint64_t events, cpu_ns;
	int err;
};

static char *stub_name(void *ctx, uint32_t vm, char *uuid)
{
	return strdup("a-guest");
}

/* --- the reader */

static void take_record(void *ctx, const struct sdei_record *record, size_t size)
{
	struct reader *r = ctx;

	if (!r->first_ns)
		r->first_ns = record->time_ns;
	r->last_ns = record->time_ns;
	r->records++;
	if (r->recorder)
		packetizer_record(r->recorder->pack, record, size);
	else
		feeder_record(r->feeder, record, size);
}

static void take_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct reader *r = ctx;

	if (r->recorder)
		packetizer_lost(r->recorder->pack, key, count);
	else
		feeder_lost(r->feeder, key, count);
}

static int drain(struct reader *r, bool final)
{
	int64_t count;

	r->first_ns = 0;
	count = live_drain(producer_live(r->producer), &r->sink, final);
	if (r->feeder)
		feeder_flush(r->feeder);
	if (r->first_ns && r->recorder)
		bench_recorder_drained(r->recorder, r->last_ns);
	if (r->first_ns)
		hist_add(r->delay, clock_ns(CLOCK_MONOTONIC) - r->first_ns, NULL);
	return count < 0 ? count : 0;
}

static int take_turn(void *ctx)
{
	struct reader *r = ctx;
	int err;

	if (__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE))
		loop_stop(r->loop);
	err = drain(r, false);
	if (err || live_period_ms(producer_live(r->producer)) == r->period_ms)
		return err;
	r->period_ms = live_period_ms(producer_live(r->producer));
	return loop_set_timer(r->loop, r->timer, r->period_ms);
}

static void *read_all(void *ctx)
{
	struct reader *r = ctx;
	uint64_t start;

	run_on(READER_CPU, READER_PRIORITY);
	pthread_barrier_wait(&r->ready);
	start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	loop_run(r->loop);
	drain(r, true);
	r->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	return NULL;
}

static int open_reader(struct reader *r, struct producer *p, struct bench_recorder *recorder)
{
	int err;

	*r = (struct reader){
		.producer = p, .recorder = recorder, .delay = hist_new(), .loop = loop_new(),
		.sink = { .record = take_record, .lost = take_lost, .ctx = r },
	};
	r->feeder = recorder ? NULL : feeder_new(false, NULL);
	if (!r->delay || !r->loop || (!recorder && !r->feeder))
		return -ENOMEM;
	if (r->feeder)
		feeder_set_names(r->feeder, stub_name, NULL);
	err = loop_add_fd(r->loop, live_fd(producer_live(p)), take_turn, r);
	r->period_ms = live_period_ms(producer_live(p));
	if (!err)
		err = r->timer = loop_add_timer(r->loop, r->period_ms, take_turn, r);
	return err < 0 ? err : 0;
}

static void close_reader(struct reader *r)
{
	loop_free(r->loop);
	feeder_free(r->feeder);
	hist_free(r->delay);
}

/* --- the producers */

static uint32_t batch_of(uint64_t rate)
{
	uint64_t episodes = (rate ? rate : FASTEST) * BATCH_NS / SECOND_NS / EPISODE;

	return episodes ? episodes : 1;
}

static void wait_until(uint64_t time_ns)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct timespec pause = { 0 };

	if (now >= time_ns || time_ns - now < SLEEP_LEAST_NS)
		return;
	pause.tv_sec = (time_ns - now) / SECOND_NS;
	pause.tv_nsec = (time_ns - now) % SECOND_NS;
	nanosleep(&pause, NULL);
}

static void *fire_all(void *ctx)
{
	struct firing *f = ctx;
	uint32_t batch = batch_of(f->rate);
	uint64_t due = clock_ns(CLOCK_MONOTONIC), now = due;

	f->err = run_on(f->number, PRODUCER_PRIORITY);
	while (!f->err && now < f->until_ns) {
		int64_t took = producer_stream(f->producer, f->number, f->vcpus, batch);

		f->err = took < 0 ? took : 0;
		f->events += batch * EPISODE;
		f->cpu_ns += took;
		if (f->rate) {
			due += batch * EPISODE * SECOND_NS / f->rate;
			wait_until(due);
			while (clock_ns(CLOCK_MONOTONIC) < due)
				;
		}
		now = clock_ns(CLOCK_MONOTONIC);
	}
	return NULL;
}

/* Creates what a vCPU has in the model, so that it is not part of the figures. */
static int warm_up(struct reader *r, unsigned int producers, uint32_t vcpus)
{
	int err = 0;

	for (unsigned int p = 0; p < producers; p++) {
		for (uint32_t left = vcpus * WARM_ROUNDS, some; left && !err; left -= some) {
			int64_t took;

			some = left < WARM_EPISODES ? left : WARM_EPISODES;
			took = producer_stream(r->producer, p, vcpus, some);
			err = took < 0 ? took : drain(r, true);
		}
	}
	hist_clear(r->delay);
	r->records = 0;
	return err;
}

/* --- one line of input */

struct order {
	unsigned int vcpus, producers;
	uint64_t rate;
	double seconds;
};

static uint64_t lost_total(struct live *live)
{
	struct record_counters counters;
	uint64_t lost = 0;

	live_counters(live, &counters);
	for (int kind = 1; kind < SDEI_KIND_COUNT; kind++)
		lost += counters.lost[kind];
	return lost;
}

/* *wall_ns: until the producers were done; the reader ends a period later. */
static int fire_and_read(struct reader *r, const struct order *order, struct firing *firing, uint64_t *wall_ns)
{
	pthread_t reading, threads[PRODUCERS];
	uint64_t start, until;

	pthread_barrier_init(&r->ready, NULL, 2);
	if (pthread_create(&reading, NULL, read_all, r))
		return -EAGAIN;
	pthread_barrier_wait(&r->ready);
	start = clock_ns(CLOCK_MONOTONIC);
	until = start + order->seconds * SECOND_NS;
	for (unsigned int i = 0; i < order->producers; i++) {
		firing[i] = (struct firing){
			.producer = r->producer, .number = i, .vcpus = order->vcpus, .rate = order->rate, .until_ns = until,
		};
		if (pthread_create(&threads[i], NULL, fire_all, &firing[i]))
			return -EAGAIN;
	}
	for (unsigned int i = 0; i < order->producers; i++)
		pthread_join(threads[i], NULL);
	*wall_ns = clock_ns(CLOCK_MONOTONIC) - start;
	__atomic_store_n(&r->stop, true, __ATOMIC_RELEASE);
	pthread_join(reading, NULL);
	return firing[0].err;
}

static int measure(struct reader *r, const struct order *order)
{
	struct firing firing[PRODUCERS] = { 0 };
	uint64_t lost, wall = 1;
	int err = warm_up(r, order->producers, order->vcpus);

	if (err)
		return err;
	lost = lost_total(producer_live(r->producer));
	err = fire_and_read(r, order, firing, &wall);
	lost = lost_total(producer_live(r->producer)) - lost;
	printf("{\"events\":%llu,\"records\":%llu,\"lost\":%llu,\"wall_ns\":%llu,\"producer_ns\":%llu,\"reader_ns\":%llu,"
	       "\"delay_p50_ns\":%llu,\"delay_max_ns\":%llu}\n", (unsigned long long)firing[0].events + firing[1].events,
	       (unsigned long long)r->records, (unsigned long long)lost, (unsigned long long)wall,
	       (unsigned long long)firing[0].cpu_ns + firing[1].cpu_ns, (unsigned long long)r->cpu_ns,
	       (unsigned long long)hist_quantile(r->delay, 0.5), (unsigned long long)hist_max(r->delay));
	fflush(stdout);
	return err;
}

static int obey(struct producer *p, struct bench_recorder *recorder, const char *line)
{
	struct order order;
	struct reader r;
	int err;

	if (sscanf(line, "%u %u %lu %lf", &order.vcpus, &order.producers, &order.rate, &order.seconds) != 4 ||
	    !order.vcpus || !order.producers || order.producers > PRODUCERS)
		return -EINVAL;
	err = open_reader(&r, p, recorder);
	if (!err)
		err = measure(&r, &order);
	close_reader(&r);
	return err;
}

int main(int argc, char **argv)
{
	struct producer *p = argc > 1 ? producer_new(argc > 2 ? strtoul(argv[2], NULL, 0) : 0) : NULL;
	bool recording = p && strcmp(argv[1], "model");
	int err = p ? producer_attach(p, "stream") : -EINVAL;
	struct bench_recorder recorder;
	char line[64];

	if (recording)
		bench_recorder_open(&recorder, argv[1]);
	if (recording)
		bench_recorder_status(&recorder, clock_ns(CLOCK_MONOTONIC), false);
	while (!err && fgets(line, sizeof(line), stdin)) {
		err = obey(p, recording ? &recorder : NULL, line);
		if (err)
			fprintf(stderr, "%s: %s\n", line, strerror(-err));
	}
	if (recording)
		bench_recorder_close(&recorder);
	producer_free(p);
	return err ? 1 : 0;
}
