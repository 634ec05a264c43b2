// SPDX-License-Identifier: GPL-2.0-only
#include "tests/bench/lib/producer.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "source/live_private.h"
#include "source/pace.h"
#include "bench/cost.skel.h"
#include "tests/bench/lib/clock.h"
#include "sdei.skel.h"

/* As cost.bpf.c has it. */
struct fire {
	uint32_t count, vcpus, next, producer;
};

struct producer {
	struct live *live;
	struct cost_bpf *bpf;
	struct bpf_link *link;
	unsigned long *bare_taken;		/* of the kernel's ring: how far it has been read, */
	const unsigned long *bare_filled;	/* and written */
	uint32_t next[PRODUCERS];	/* whose turn it is */
};

int run_on(unsigned int cpu, int priority)
{
	const struct sched_param param = { .sched_priority = priority };
	cpu_set_t cpus;

	sched_setscheduler(0, SCHED_FIFO, &param);
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus) ? -errno : 0;
}

/* live_open() but for the programs: maps, rings and counters. */
static struct live *open_live(size_t ring_bytes)
{
	const struct live_options options = { .ring_bytes = ring_bytes };
	struct error error;
	struct live *live = calloc(1, sizeof(*live));
	int err = live ? probes_find(&live->probes) : -ENOMEM;

	if (err < 0) {
		fprintf(stderr, "cannot read the kernel's BTF: %s\n", strerror(-err));
		free(live);
		return NULL;
	}
	for (int i = 0; i < PROBE_COUNT; i++)
		probes_refuse(&live->probes, i, "a benchmark");
	live->period_ms = PACE_MOST_MS;
	if (live_load(live, &options, &error)) {
		fprintf(stderr, "%s\n", error.text);
		live_close(live);
		return NULL;
	}
	live->attached = true;	/* more comes until live_detach() */
	return live;
}

static int share_maps(struct cost_bpf *bpf, const struct live *live)
{
	struct { struct bpf_map *ours, *theirs; } maps[] = {
		{ bpf->maps.rings, live->bpf->maps.rings }, { bpf->maps.counters, live->bpf->maps.counters },
		{ bpf->maps.lost_0, live->bpf->maps.lost_0 }, { bpf->maps.lost_1, live->bpf->maps.lost_1 }, { bpf->maps.wakeups, live->bpf->maps.wakeups },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]) && !err; i++)
		err = bpf_map__reuse_fd(maps[i].ours, bpf_map__fd(maps[i].theirs));
	return err;
}

/* Only the programs of cost.bpf.c: those of the tracepoints that are not there cannot be loaded. */
static void choose_programs(struct cost_bpf *bpf)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, bpf->obj) {
		const char *section = bpf_program__section_name(program);

		bpf_program__set_autoload(program, !strcmp(section, "syscall") || !strcmp(section, "tp_btf/bpf_trigger_tp"));
	}
}

static int run(struct bpf_program *program, struct fire *fire)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = fire, .ctx_size_in = fire ? sizeof(*fire) : 0);

	return bpf_prog_test_run_opts(bpf_program__fd(program), &options);
}

static int map_bare(struct producer *p)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int fd = bpf_map__fd(p->bpf->maps.bare_ring);
	void *taken = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	void *filled = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, page);

	if (taken == MAP_FAILED || filled == MAP_FAILED)
		return -errno;
	p->bare_taken = taken;
	p->bare_filled = filled;
	return 0;
}

static int load(struct producer *p)
{
	const struct sdei_bpf__rodata *rodata = p->live->bpf->rodata;
	int err;

	p->bpf = cost_bpf__open();
	if (!p->bpf)
		return -errno;
	choose_programs(p->bpf);
	p->bpf->rodata->ring_bytes = rodata->ring_bytes;
	p->bpf->rodata->wakeup_bytes = rodata->wakeup_bytes;
	err = share_maps(p->bpf, p->live);
	if (!err)
		err = cost_bpf__load(p->bpf);
	if (!err)
		err = map_bare(p);
	if (!err)
		err = run(p->bpf->progs.prepare, NULL);
	if (err)
		return err;
	p->bpf->bss->tracing = true;
	p->live->object.reader_sleeps = &p->bpf->bss->reader_sleeps;
	return 0;
}

struct producer *producer_new(size_t ring_bytes)
{
	struct producer *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return NULL;
	p->live = open_live(ring_bytes);
	err = p->live ? load(p) : -ENOENT;
	if (!err)
		return p;
	if (p->live)
		fprintf(stderr, "the programs that measure cannot be loaded: %s (they need BTF of struct kvm_vcpu, the tracepoint "
			"bpf_test_run:bpf_trigger_tp and bpf_rdonly_cast())\n", strerror(-err));
	producer_free(p);
	return NULL;
}

void producer_free(struct producer *p)
{
	if (!p)
		return;
	bpf_link__destroy(p->link);
	cost_bpf__destroy(p->bpf);
	live_close(p->live);
	free(p);
}

struct live *producer_live(struct producer *p)
{
	return p->live;
}

int producer_attach(struct producer *p, const char *name)
{
	struct bpf_program *program = name ? bpf_object__find_program_by_name(p->bpf->obj, name) : NULL;

	bpf_link__destroy(p->link);
	p->link = NULL;
	if (!name)
		return 0;
	if (!program)
		return -ENOENT;
	p->link = bpf_program__attach(program);
	return p->link ? 0 : -errno;
}

static int64_t timed_run(struct bpf_program *program, struct fire *fire)
{
	uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	int err = run(program, fire);

	return err ? err : (int64_t)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - start);
}

int64_t producer_fire(struct producer *p, uint32_t count)
{
	struct fire fire = { .count = count };

	return timed_run(p->bpf->progs.fire, &fire);
}

int64_t producer_stream(struct producer *p, unsigned int number, uint32_t vcpus, uint32_t episodes)
{
	struct fire fire = { .count = episodes, .vcpus = vcpus, .next = p->next[number] % vcpus, .producer = number };
	int64_t took = timed_run(p->bpf->progs.fire_stream, &fire);

	p->next[number] = (fire.next + episodes) % vcpus;
	return took;
}

uint64_t producer_empty_bare(struct producer *p)
{
	unsigned long filled = __atomic_load_n(p->bare_filled, __ATOMIC_ACQUIRE);
	uint64_t count = (filled - *p->bare_taken) / (sizeof(struct sdei_record_call) + BPF_RINGBUF_HDR_SZ);

	__atomic_store_n(p->bare_taken, filled, __ATOMIC_RELEASE);
	return count;
}
