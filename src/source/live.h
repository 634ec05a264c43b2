/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of this host's kernel, from BPF programs, in the order of time. Who takes them (record/sink.h) never sees BPF.
 */
#ifndef SOURCE_LIVE_H
#define SOURCE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/counters.h"
#include "record/sink.h"
#include "util/error.h"

/* What is wanted. Empty lists mean all. Copied by live_open(). */
struct source_filter {
	const uint32_t *vms, *vcpus, *events;
	size_t vm_count, vcpu_count, event_count;
	/* Decides by name whether a VM that was just seen is wanted; NULL: all are. Asked once for each VM. */
	bool (*want_vm)(void *ctx, uint32_t vm);
	void *ctx;
};

/* State of one probe, for the header (k/n) and doctor. */
struct source_probe {
	const char *name;	/* kvm_sdei_signal */
	bool attached;		/* the snapshot: taken */
	const char *why_not;	/* NULL when attached */
	bool denied;		/* why_not is a lack of privilege */
	const char *gives;	/* the figures that are missing without it */
};

struct live_options {
	struct source_filter filter;
	size_t ring_bytes;	/* per CPU, a power of two and of the page size; 0: see ring_default_bytes() */
	bool no_calls;		/* leave kvm_sdei_call out, and the calls of kind SMCCC */
	bool no_apf;		/* leave page faults out */
	bool just_look;		/* what there is now is enough: where KVM has no SDEI, nothing is attached */
	bool client;		/* the SDEI client of this machine instead of KVM: see source/client_state.h */
	bool gic;		/* also how VMMs save and restore interrupt controllers: records of kind GIC; -ENOENT if this kernel has none */
	bool only_gic;		/* nothing but that */
	bool sched;		/* also follow the threads of vCPUs that have an event pending: records of kind PLACE */
	bool lets_go;		/* its end waits until the kernel has let go of all that was attached: see live_leave() */
	bool verbose;		/* libbpf's own messages to stderr */
};

struct live;

/* Whether this kernel has something to attach to (live_options.client) and lets this process load the programs for it. 0, or what is in *error, as of live_open(). */
int live_check(bool client, struct error *error);

/*
 * Loads, attaches and takes the snapshot: what there was at this time comes as records of kind STATE and POWER, in its place in
 * the order of time. Of the client there is no snapshot. NULL on failure, with *error: -ENOENT this kernel has no kvm_sdei_* tracepoints
 * (or no BTF: exit 4), -EPERM not privileged, else -errno.
 */
struct live *live_open(const struct live_options *options, struct error *error);
void live_close(struct live *live);

/* live_close() by a program that ends at once: it does not wait until the kernel has let go of all that was attached, which takes up to a second. */
void live_leave(struct live *live);

/* Else this kernel has no tracepoints of SDEI: page faults, and on arm64 calls of guests, are all that there is. */
bool live_has_sdei(const struct live *live);

/* What these are, in words: "page faults", or with calls, or calls alone. */
const char *live_gives(const struct live *live);

/*
 * Epoll-able descriptor that becomes readable at the watermark of any ring, when a vCPU is created, and with the first record
 * after a second without one.
 */
int live_fd(const struct live *live);

/*
 * Milliseconds after which live_drain() should be called again; each drain may change it. Short while records come fast, else
 * long (pace.h). A burst is not lost meanwhile: live_fd() becomes readable. 0: not before that, as nothing has come for a second
 * (on a host to which CPUs can be added it is a second then).
 */
int live_period_ms(const struct live *live);

/*
 * Delivers, in time order, every record whose place in that order is settled, then what was newly lost.
 * final: everything that is left (after detaching). The number of records, or -errno.
 */
int64_t live_drain(struct live *live, const struct record_sink *sink, bool final);

/* Nothing new comes from now on; what is in the rings can still be drained. The kernel lets go of the probes in live_close(). */
void live_detach(struct live *live);

/* What was asked for: the tracepoints, the snapshot, and those that follow threads. All but the first are optional. */
const struct source_probe *live_probes(const struct live *live, size_t *count);

/* What live_probes() calls the snapshot. */
#define SOURCE_SNAPSHOT "kvm_sdei_snapshot"

/* Why a CPU that came after the start has no ring, so that its records are lost: -errno, which stays; 0: there is no such CPU. */
int live_ring_error(const struct live *live);

int live_counters(struct live *live, struct record_counters *counters);

#endif
