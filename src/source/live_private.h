/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the live source: live.c opens and closes, live_load.c loads, live_rings.c has the rings,
 * live_snapshot.c looks at what there is already, live_drain.c reads, live_losses.c reports what could not be read,
 * live_faults.c page faults that have no record of their own, or none yet.
 * live_leave.c ends without waiting for the kernel. live_client.c has what is needed of the SDEI client's programs instead of KVM's.
 */
#ifndef SOURCE_LIVE_PRIVATE_H
#define SOURCE_LIVE_PRIVATE_H

#include "util/background.h"
#include "source/vm_filter.h"
#include "source/losses.h"
#include "source/client_state.h"
#include "source/map_slice.h"
#include "source/probes.h"
#include "source/ring.h"
#include "source/snapshot.h"
#include "source/live.h"
#include "source/streams.h"

/* Of symbols that the client's programs need. */
enum client_address {
	CLIENT_CPU_MAP, CLIENT_BOOT_MODE, CLIENT_HANDLER_NMI, CLIENT_HANDLER_NORMAL, CLIENT_HANDLER_CRITICAL, CLIENT_ADDRESS_COUNT
};

/* What the objects of bpf/ have in common (bpf/emit.h), whichever is open. */
struct live_object {
	struct bpf_object *obj;
	struct bpf_map *rings, *wakeups, *counters, *lost[2];
	struct bpf_map *vms, *vcpus, *events, *denied;
	/* Set before the programs are loaded. */
	uint64_t *ring_bytes, *wakeup_bytes;
	bool *filter_vms, *filter_vcpus, *filter_events, *filter_denied;
	/* Read by the programs as they run. */
	bool *tracing, *reader_sleeps;
	uint32_t *lost_in;
};

#define CPU_LIST_SIZE 256
#define LIVE_CPU_PERIOD_MS 1000	/* how often CPUs are looked for that were added */

struct live {
	struct sdei_bpf *bpf;		/* the skeleton of the programs on KVM; */
	struct client_bpf *client_bpf;	/* of those on the SDEI client: there is one of the two */
	struct live_object object;	/* that one's */
	struct client_state *client_state;	/* makes states of the client's records; NULL: they have them */
	struct probes probes;
	struct bpf_link *links[PROBE_COUNT];
	struct source_probe shown[PROBE_COUNT];	/* those that can be expected of this kernel, and were asked for */
	size_t shown_count;
	bool attached;			/* and switched on: live_detach() ends that */
	uint64_t missed[PROBE_COUNT];	/* what live_missed() last found */
	bool has_sdei;			/* this kernel has tracepoints of SDEI, and they were asked for */
	bool only_gic;			/* interrupt controllers are all that was asked for */
	uint64_t addresses[CLIENT_ADDRESS_COUNT];	/* of the client's kernel; 0: not known */

	unsigned int cpus;		/* highest CPU number + 1 */
	size_t ring_bytes;
	struct ring *rings;		/* by CPU; a ring that was never mapped has no CPU */
	bool has_all_cpus;		/* none can come that is not there */
	char present[CPU_LIST_SIZE];	/* the kernel's list of CPUs that are there, as of */
	uint64_t present_due_ns;	/* PRESENT_PERIOD_NS before this */
	int ring_err;			/* -errno of a ring that a CPU which came later could not be given, or 0 */
	int ring_fd;			/* of one of the rings, that of ring_cpu; -1: none */
	unsigned int ring_cpu;
	unsigned long *woken;		/* how far wakeups are forgotten; the kernel's, as is the next one */
	const unsigned long *wakeups;	/* how far there were some */
	struct sdei_cpu *counts;	/* the kernel's, by CPU */
	struct snapshot snapshot;
	struct streams *streams;	/* of the CPUs, then the snapshot */

	struct vm_filter *vm_filter;		/* NULL: every VM is wanted */
	struct losses *losses[2];	/* one for each map */
	unsigned int lost_in;		/* which one the programs count in */
	bool retiring;			/* the other is being emptied: */
	struct background retired;	/* done: no program counts in it any more */
	struct map_slice lost;		/* of one of the maps: some keys, and what each CPU has of each */
	uint64_t losses_due_ns, missed_due_ns;
	uint64_t lost_reported;		/* to the sink, or about VMs that are not wanted */
	uint64_t unknown_reported;	/* part of lost_reported; */
	uint64_t kind_reported[SDEI_KIND_COUNT];	/* the rest of it, by kind */
	bool lost_closed;		/* the maps cannot be read: only kinds are known */
	uint64_t missed_reported, missed_alone_reported[SDEI_KIND_COUNT];
	uint64_t malformed;
	uint64_t start_ns;		/* nothing is older; */
	uint64_t end_ns;		/* nothing newer, once it is no more attached */
	struct sdei_vcpu_faults *faults;	/* of vCPUs: the kernel's; NULL: there are none */
	uint32_t faults_room;
	uint64_t quick_due_ns;		/* when to take the sums of quick ones */
	uint64_t waiting_due_ns;	/* when to look for those that are not over */
	uint64_t faults_reported;	/* records about both */
	uint64_t drained_ns;		/* when the last drain began */
	unsigned int period_ms;		/* from then to the next one, */
	bool asleep;			/* unless nothing has come: */
	uint64_t busy_ns;		/* when there last was something to do, */
	uint64_t busy_read;		/* and how many records had been read by then */
};

/* Gives a ring to each CPU that has come since the start, now and then; between two passes of the streams. */
void live_add_rings(struct live *live, uint64_t now);

/* Loads the programs of the probes that can be attached and sets up everything they write to. 0 or what is in *error. */
int live_load(struct live *live, const struct live_options *options, struct error *error);
void live_unload(struct live *live);

/* Copies the client's settings into its object, which is open, and sizes its own maps. 0 or -errno. */
int live_configure_client(struct live *live, const struct live_options *options);

/* Refuses the probes of the client that need addresses which this process may not see. */
void live_find_addresses(struct live *live);

/* Once the programs are attached: which handlers have one at their end. 0 or -errno. */
int live_fill_callbacks(struct live *live);

/* live_load()'s part that is about the rings: their size, and what they need, before and after the programs are loaded. */
int live_size_rings(struct live *live, size_t bytes, struct error *error);
int live_open_rings(struct live *live);
void live_close_rings(struct live *live);

/* 0 or -ENOMEM; once the programs are open. */
int live_prepare_losses(struct live *live);
void live_free_losses(struct live *live);

/*
 * Hands the sink what was lost since the last call, now and then, some of it at a time; at the end (final) all of it. 0 or
 * -errno.
 */
int live_report_losses(struct live *live, const struct record_sink *sink, uint64_t now, bool final);

/* What a drain does once in a period, and at the end: is it due now? */
bool live_take_turn(uint64_t *due_ns, uint64_t period_ns, uint64_t now, bool final);

/* Maps the vCPUs' page faults, once the programs are loaded. 0 or -errno. */
int live_prepare_faults(struct live *live);
void live_free_faults(struct live *live);

/* Hands the sink the sums of quick page faults, and a record for each page fault that is not over: now and then, and at the end. */
void live_report_faults(struct live *live, const struct record_sink *sink, uint64_t now, bool final);

/* Whether any vCPU is in a page fault at this moment, however short, or has a sum that was not reported. */
bool live_has_faults(const struct live *live);

/* Whether the sink knows all that is counted as lost. */
bool live_losses_are_reported(const struct live *live);

/* Once the programs are attached and switched on. If it cannot be taken, its probe says so. */
void live_take_snapshot(struct live *live);

/* The program of probe i; for its descriptor and to attach it. */
struct bpf_program *live_program(const struct live *live, int i);


/* Lets the attached programs send records, or not. */
void live_switch(struct live *live, bool on);

/* Waits until no program that had started is still running. */
void live_synchronize(struct live *live);

/*
 * How often program i was not run because it was interrupted by itself, up to live_detach(): losses that happen before
 * any code of ours.
 */
uint64_t live_missed(struct live *live, int i);

/* The same of all programs that send a kind. */
uint64_t live_missed_of(struct live *live, unsigned int kind);

#endif
