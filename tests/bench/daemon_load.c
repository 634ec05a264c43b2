// SPDX-License-Identifier: GPL-2.0-only
/*
 * daemon_load SECONDS DIR: what sdeid takes with 4,096 vCPUs (512 VMs) at 1,000 records per second each, in time order, each
 * record another vCPU's and of another kind than the one before: the model alone, in batches; then fed as a drain of the rings
 * does, with a tick each second and the text file each 15 seconds in DIR; then with the flight recorder and its packets, too,
 * saved once. Records come from memory: BPF and rings are not in it. A line of JSON for each; times are CPU times but for those
 * in which nothing is drained (longest_ns), and until the flight recording was there (saved_ns).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session/feeder.h"
#include "daemon/exporter.h"
#include "session/flight_recorder.h"
#include "recording/packetizer.h"
#include "tests/random_bits.h"
#include "tests/bench/lib/clock.h"

#define VCPUS 4096U
#define VCPUS_OF_VM 8U
#define RATE 1000U			/* records of a vCPU in a second */
#define RECORDS (VCPUS * RATE)		/* in a second */
#define DRAINS 200U			/* in a second */
#define INTERVAL 15U			/* s, from one text file to the next */
#define SECOND_NS 1000000000ULL
#define BATCH 256
#define STEPS 5				/* records of an episode, see step() */

struct load {
	struct feeder *feeder;
	struct exporter *exporter;
	struct flight_recorder *recorder;	/* NULL, as pack: without */
	struct packetizer *pack;
	struct sdei_record *records;	/* of a second */
	uint64_t now_ns, seed;
	uint64_t feed_ns, tick_ns, write_ns;	/* CPU time */
	uint64_t longest_ns;		/* without a drain, by the clock */
	uint64_t saved_ns;		/* until the flight recording was there, by the clock */
	unsigned int writes;
};

static uint64_t cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* --- records */

/* A mask, a signal meanwhile, its dispatch and its end. */
static void step(struct sdei_record *r, unsigned int number)
{
	static const struct { uint8_t kind, state, outcome; int error; } steps[STEPS] = {
		{ SDEI_MASK, SDEI_MASKED, 0, 1 },
		{ SDEI_SIGNAL, SDEI_PENDING | SDEI_MASKED, SDEI_QUEUED, 0 },
		{ SDEI_UNMASK, SDEI_PENDING, 0, 0 },
		{ SDEI_DISPATCH, SDEI_RUNNING, 0, 0 },
		{ SDEI_COMPLETE, 0, SDEI_COMPLETED, 0 },
	};
	bool of_pe = steps[number].kind == SDEI_MASK || steps[number].kind == SDEI_UNMASK;

	r->kind = steps[number].kind;
	r->outcome = steps[number].outcome;
	r->error = steps[number].error;
	r->event = of_pe ? SDEI_NONE : 0;
	r->state = of_pe ? steps[number].state & SDEI_MASKED : steps[number].state | SDEI_REGISTERED | SDEI_ENABLED;
}

/* Each vCPU once in every RATE-th of the second, in an order that no prefetcher follows. */
static void fill(struct load *l)
{
	for (unsigned int round = 0; round < RATE; round++) {
		uint32_t first = random_below(&l->seed, VCPUS);

		for (uint32_t i = 0; i < VCPUS; i++) {
			uint32_t vcpu = (first + i) * 2654435761U % VCPUS;
			struct sdei_record *r = &l->records[round * VCPUS + i];

			*r = (struct sdei_record){ .vm = 1000 + vcpu / VCPUS_OF_VM, .vcpu = vcpu % VCPUS_OF_VM };
			step(r, (round + vcpu) % STEPS);
			r->time_ns = l->now_ns + (round * VCPUS + i) * (SECOND_NS / RECORDS) + random_below(&l->seed, SECOND_NS / RECORDS);
		}
	}
	l->now_ns += SECOND_NS;
}

/* --- the model */

static void feed_model(const struct load *l, struct model *m)
{
	const struct sdei_record *batch[BATCH];
	size_t sizes[BATCH];

	for (uint32_t i = 0; i < RECORDS; i += BATCH) {
		for (uint32_t k = 0; k < BATCH; k++) {
			batch[k] = &l->records[i + k];
			sizes[k] = sizeof(**batch);
		}
		model_feed_many(m, batch, sizes, BATCH);
	}
}

/* The first second makes everything there is; it does not count. */
static int run_model(struct sdei_record *records, unsigned int seconds)
{
	struct load l = { .records = records, .now_ns = SECOND_NS, .seed = 88172645463325252ULL };
	struct model *m = model_new(NULL);
	uint64_t took_ns = 0;

	for (unsigned int second = 0; second <= seconds; second++) {
		uint64_t start;

		fill(&l);
		start = cpu_ns();
		feed_model(&l, m);
		took_ns += second ? cpu_ns() - start : 0;
		model_tick(m, l.now_ns);
	}
	printf("{\"run\":\"model\",\"records\":%" PRIu64 ",\"feed_ns\":%" PRIu64 "}\n", (uint64_t)RECORDS * seconds, took_ns);
	model_free(m);
	return 0;
}

/* --- the daemon */

static void drain(struct load *l, const struct sdei_record *records, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		feeder_record(l->feeder, &records[i], sizeof(records[i]));
		if (l->pack)
			packetizer_record(l->pack, &records[i], sizeof(records[i]));
	}
	feeder_flush(l->feeder);
	if (l->pack && flight_recorder_wants_snapshot(l->recorder, packetizer_snapshot_size(l->pack)))
		packetizer_snapshot(l->pack, 0);
}

static void note_pause(struct load *l, uint64_t begin)
{
	uint64_t took = clock_ns(CLOCK_MONOTONIC) - begin;

	l->longest_ns = took > l->longest_ns ? took : l->longest_ns;
}

static void write_file(struct load *l)
{
	const struct status status = { .now_ns = l->now_ns, .wall_ns = (int64_t)l->now_ns };
	uint64_t start = cpu_ns(), begin = clock_ns(CLOCK_MONOTONIC);

	exporter_write(l->exporter, feeder_model(l->feeder), &status);
	note_pause(l, begin);
	exporter_wait(l->exporter);
	l->write_ns += cpu_ns() - start;
	l->writes++;
}

/* Two seconds after somebody asked for it. */
static void save_flight(struct load *l)
{
	struct recording_about about = { .uuid = { 1 }, .major = RECORDING_MAJOR };
	struct recording_status status = { .time_ns = l->now_ns + 2 * SECOND_NS };
	uint64_t begin;

	flight_recorder_signalled(l->recorder, l->now_ns);
	begin = clock_ns(CLOCK_MONOTONIC);
	flight_recorder_check(l->recorder, feeder_model(l->feeder), &about, &status, false);
	note_pause(l, begin);
	flight_recorder_wait(l->recorder);
	l->saved_ns = clock_ns(CLOCK_MONOTONIC) - begin;
}

static void run_second(struct load *l, bool writes)
{
	struct recording_about about = { .uuid = { 1 }, .major = RECORDING_MAJOR };
	struct recording_status status;
	uint64_t start;

	fill(l);
	start = cpu_ns();
	for (unsigned int i = 0; i < DRAINS; i++)
		drain(l, l->records + RECORDS / DRAINS * i, RECORDS / DRAINS);
	l->feed_ns += cpu_ns() - start;
	start = cpu_ns();
	status = (struct recording_status){ .time_ns = l->now_ns };
	if (l->pack)
		packetizer_status(l->pack, &status);
	model_tick(feeder_model(l->feeder), l->now_ns);
	if (l->recorder)
		flight_recorder_check(l->recorder, feeder_model(l->feeder), &about, &status, false);
	l->tick_ns += cpu_ns() - start;
	if (writes)
		write_file(l);
}

/* --- what it took */

static size_t event_bytes(const struct model_event *e)
{
	size_t bytes = sizeof(*e);

#define X(field, help) bytes += hist_memory(e->field);
	MODEL_EVENT_HISTS(X)
#undef X
	return bytes;
}

/* The most of any. */
static size_t most_event_bytes(const struct model *m)
{
	size_t count, most = 0;
	struct model_vm *const *vms = model_vms(m, &count);

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < vms[i]->vcpu_count; k++)
			for (size_t j = 0; j < vms[i]->vcpus[k]->event_count; j++) {
				size_t bytes = event_bytes(vms[i]->vcpus[k]->events[j]);

				most = bytes > most ? bytes : most;
			}
	return most;
}

static long resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (file && fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void tell(const struct load *l, const char *name, unsigned int seconds, long before_kib)
{
	const struct model_totals *totals = model_totals(feeder_model(l->feeder));

	printf("{\"run\":\"%s\",\"seconds\":%u,\"records\":%" PRIu64 ",\"feed_ns\":%" PRIu64 ",\"tick_ns\":%" PRIu64 ","
	       "\"write_ns\":%" PRIu64 ",\"interval_s\":%u,\"series\":%zu,\"longest_ns\":%" PRIu64 ",\"saved_ns\":%" PRIu64 ","
	       "\"resident_kib\":%ld,\"event_bytes\":%zu,\"misfits\":%" PRIu64 "}\n", name, seconds, (uint64_t)RECORDS * seconds,
	       l->feed_ns, l->tick_ns, l->write_ns / l->writes, INTERVAL, exporter_series(l->exporter), l->longest_ns, l->saved_ns,
	       resident_kib() - before_kib, most_event_bytes(feeder_model(l->feeder)), totals->misfits);
}

static int take_packet(void *ctx, const struct packet *packet)
{
	flight_recorder_take(((struct load *)ctx)->recorder, packet);
	return 0;
}

static char *no_name(void *ctx, uint32_t vm, char *uuid)
{
	return strdup("bench");
}

static bool open_outputs(struct load *l, const struct daemon_config *config)
{
	const struct packetizer_options options = { .uuid = { 1 }, .take = take_packet, .ctx = l, .name = no_name };

	l->feeder = feeder_new(false, NULL);
	l->exporter = exporter_open(config);
	if (config->flight) {
		const struct flight_recorder_options flight = config_flight(config);

		l->recorder = flight_recorder_open(&flight);
		l->pack = packetizer_new(&options);
	}
	if (!l->feeder || !l->exporter || (config->flight && (!l->recorder || !l->pack)))
		return false;
	feeder_set_names(l->feeder, no_name, NULL);
	return true;
}

/* The first second makes everything there is; it does not count. */
static int run(const char *name, const struct daemon_config *config, struct sdei_record *records, unsigned int seconds)
{
	struct load l = { .records = records, .now_ns = SECOND_NS, .seed = 88172645463325252ULL };
	long before_kib;
	int err = 1;

	fill(&l);	/* resident before anything is */
	before_kib = resident_kib();
	if (open_outputs(&l, config)) {
		run_second(&l, true);
		l.feed_ns = l.tick_ns = l.write_ns = l.longest_ns = l.writes = 0;
		for (unsigned int second = 1; second <= seconds; second++)
			run_second(&l, second % INTERVAL == 0 || second == seconds);
		if (l.recorder)
			save_flight(&l);
		tell(&l, name, seconds, before_kib);
		err = 0;
	}
	packetizer_free(l.pack);
	flight_recorder_close(l.recorder);
	exporter_close(l.exporter, true);
	feeder_free(l.feeder);
	return err;
}

/* Each in a process of its own, whose memory nobody has used before. */
static int run_apart(const char *name, const struct daemon_config *config, unsigned int seconds)
{
	pid_t child = fork();
	int status = 1;

	if (!child) {
		struct sdei_record *records = malloc(RECORDS * sizeof(*records));

		if (!records)
			_exit(1);
		if (name)
			status = run(name, config, records, seconds);
		else
			status = run_model(records, seconds);
		fflush(stdout);
		_exit(status);
	}
	return child < 0 || waitpid(child, &status, 0) < 0 ? 1 : status;
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	struct daemon_config config = { .textfile = argv[2], .max_series = SIZE_MAX };
	int err = !seconds || run_apart(NULL, NULL, seconds) || run_apart("metrics", &config, seconds);

	config.flight = config.textfile;
	config.flight_size = 16U << 20;
	config.flight_on.usr2 = true;
	return err || run_apart("flight", &config, seconds);
}
