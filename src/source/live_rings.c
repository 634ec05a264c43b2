// SPDX-License-Identifier: GPL-2.0-only
/* One ring for each CPU, what it counts, and the map of wakeups. */
#include "source/live_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "util/clock.h"

#define CPUS "/sys/devices/system/cpu"
#define PRESENT_PERIOD_NS (LIVE_CPU_PERIOD_MS * NS_PER_MS)

/* One of the kernel's lists of CPUs; "" where there is none. */
static void read_list(const char *path, char text[CPU_LIST_SIZE])
{
	FILE *file = fopen(path, "re");

	text[0] = '\0';
	if (!file)
		return;
	if (!fgets(text, CPU_LIST_SIZE, file))
		text[0] = '\0';
	fclose(file);
}

/* CPU numbers can have gaps, so that their count is not the highest one. */
static int highest_cpu(void)
{
	char text[CPU_LIST_SIZE];
	char *last;

	read_list(CPUS "/possible", text);
	last = text + strlen(text);
	while (last > text && !strchr(",-", last[-1]))
		last--;
	return *last ? atoi(last) : libbpf_num_possible_cpus() - 1;
}

/* Possible CPUs can be many more than there are. */
static bool is_present(unsigned int cpu)
{
	char path[64];

	snprintf(path, sizeof(path), CPUS "/cpu%u", cpu);
	return !access(path, F_OK) || access(CPUS, F_OK);
}

static unsigned int count_present(unsigned int cpus)
{
	unsigned int count = 0;

	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		count += is_present(cpu);
	return count;
}

int live_size_rings(struct live *live, size_t bytes, struct error *error)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int cpus = highest_cpu() + 1, possible = libbpf_num_possible_cpus();
	unsigned int present;

	if (cpus <= 0 || possible <= 0)
		return error_set(error, -EINVAL, "cannot tell which CPUs there are");
	live->cpus = cpus;
	present = count_present(cpus);
	live->has_all_cpus = present == (unsigned int)possible;
	live->ring_bytes = bytes ? bytes : ring_default_bytes(present);
	if (live->ring_bytes >= page && !(live->ring_bytes & (live->ring_bytes - 1)))
		return 0;
	return error_set(error, -EINVAL, "a ring of %zu bytes is not possible: it must be a power of two of at least %zu",
			 bytes, page);
}

/*
 * A ring lives as long as it is mapped, and one descriptor is all that is needed later: hosts have more CPUs than a process may
 * have files.
 */
static void keep_one(struct live *live, __u32 cpu, int fd)
{
	if (live->ring_fd >= 0)
		close(fd);
	else {
		live->ring_fd = fd;
		live->ring_cpu = cpu;
	}
}

static int add_ring(struct live *live, __u32 cpu)
{
	char name[16];
	int fd, err;

	snprintf(name, sizeof(name), "sdei_ring_%u", cpu % 100000);
	fd = ring_create(name, live->ring_bytes);
	if (fd < 0)
		return fd;
	err = ring_map(&live->rings[cpu], fd, live->ring_bytes);
	if (!err) {
		streams_set(live->streams, cpu, &live->rings[cpu], &live->counts[cpu]);
		err = bpf_map_update_elem(bpf_map__fd(live->object.rings), &cpu, &fd, BPF_ANY);
	}
	keep_one(live, cpu, fd);
	return err;
}

/* A page with the reader's position, which it writes, and one with the writers', as kernel/bpf/ringbuf.c has them. */
static int map_wakeups(struct live *live)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int fd = bpf_map__fd(live->object.wakeups);
	void *map = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	live->woken = map;
	map = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, page);
	if (map == MAP_FAILED)
		return -errno;
	live->wakeups = map;
	return 0;
}

static int map_counters(struct live *live)
{
	void *counts = mmap(NULL, live->cpus * sizeof(struct sdei_cpu), PROT_READ, MAP_SHARED,
			    bpf_map__fd(live->object.counters), 0);

	if (counts == MAP_FAILED)
		return -errno;
	live->counts = counts;
	return 0;
}

static int allocate(struct live *live)
{
	live->rings = calloc(live->cpus, sizeof(live->rings[0]));
	live->streams = streams_new(live->cpus + 1);
	return live->rings && live->streams ? 0 : -ENOMEM;
}

int live_open_rings(struct live *live)
{
	int err;

	err = allocate(live);
	if (!err)
		err = map_counters(live);
	if (!err)
		err = map_wakeups(live);
	if (err)
		return err;
	streams_set(live->streams, live->cpus, NULL, &live->snapshot.counts);
	read_list(CPUS "/present", live->present);
	for (unsigned int cpu = 0; cpu < live->cpus && !err; cpu++) {
		streams_set(live->streams, cpu, NULL, &live->counts[cpu]);
		if (is_present(cpu))
			err = add_ring(live, cpu);
	}
	return err;
}

/* Until then what is recorded on such a CPU is lost, and counted. */
void live_add_rings(struct live *live, uint64_t now)
{
	char present[CPU_LIST_SIZE];
	int err;

	if (now < live->present_due_ns)
		return;
	live->present_due_ns = now + PRESENT_PERIOD_NS;
	read_list(CPUS "/present", present);
	if (strcmp(present, live->present) == 0)
		return;
	memcpy(live->present, present, sizeof(present));
	for (unsigned int cpu = 0; cpu < live->cpus; cpu++) {
		if (live->rings[cpu].shared || !is_present(cpu))
			continue;
		err = add_ring(live, cpu);
		if (err)
			live->ring_err = err;
	}
}

int live_ring_error(const struct live *live)
{
	return live->ring_err;
}

void live_close_rings(struct live *live)
{
	for (unsigned int cpu = 0; live->rings && cpu < live->cpus; cpu++)
		ring_unmap(&live->rings[cpu]);
	free(live->rings);
	if (live->ring_fd >= 0)
		close(live->ring_fd);
	if (live->woken)
		munmap(live->woken, sysconf(_SC_PAGESIZE));
	if (live->wakeups)
		munmap((void *)live->wakeups, sysconf(_SC_PAGESIZE));
	if (live->counts)
		munmap(live->counts, live->cpus * sizeof(struct sdei_cpu));
	streams_free(live->streams);
	snapshot_clear(&live->snapshot);
}

/* The kernel waits for all running programs when a map of maps changes: it promises that the old value is out of use. */
void live_synchronize(struct live *live)
{
	__u32 cpu = live->ring_cpu;

	if (live->ring_fd >= 0)
		bpf_map_update_elem(bpf_map__fd(live->object.rings), &cpu, &live->ring_fd, BPF_ANY);
}
