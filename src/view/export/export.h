/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records to files that other tools open: what was pending, which handlers ran, when the PE was masked, as slices
 * (model/slice.h), with what was dropped and found as instants. Memory depends on the VMs that live, not on how long.
 */
#ifndef VIEW_EXPORT_EXPORT_H
#define VIEW_EXPORT_EXPORT_H

#include <stdio.h>

#include "model/model.h"
#include "record/sink.h"

/*
 * perfetto: TracePackets with TrackEvents. A process per VM, below it a track per vCPU with instants, and below that
 * tracks for pending (one per event), handlers, mask, asynchronous page faults (from setup until told present; and those
 * that kept the vCPU in the host), and a counter of pending events. Slices on a track never overlap: a handler or a fault that
 * would gets a track of its own. Times are CLOCK_MONOTONIC, with snapshots of CLOCK_REALTIME.
 * chrome: the same as JSON of the trace event format, in us with three decimals.
 * csv: a line per slice, and per stage of a fault, with a header, RFC 4180.
 */
struct export_format;
extern const struct export_format export_perfetto, export_chrome, export_csv;

/* Whether people cannot read it. */
bool export_is_binary(const struct export_format *format);

struct export_options {
	const struct export_format *format;
	FILE *out;			/* no other thread's: it is not locked any more */
	uint64_t from_ns;		/* what ended before is not written; 0: all */
	int64_t wall_offset_ns;		/* CLOCK_REALTIME - CLOCK_MONOTONIC at the start */
	const char *host;		/* hostile */
	/* The name of a VM: a new string, NULL: no memory. */
	char *(*name)(void *ctx, uint32_t vm);
	void *ctx;
};

struct export;

/* Writes what comes first. NULL: no memory. */
struct export *export_new(const struct export_options *options);
void export_free(struct export *x);	/* NULL is fine */

/* The calls of export_sink(). */
void export_record(void *x, const struct sdei_record *record, size_t size);
void export_lost(void *x, const struct sdei_lost_key *key, uint64_t count);
struct record_sink export_sink(struct export *x);

/* Every second or so of the recording. */
void export_tick(struct export *x, uint64_t now_ns, int64_t wall_ns);

/* What is open is closed at now_ns, and marked. 0 or -ENOMEM: something is missing. Whether out could be written is for the caller to see. */
int export_end(struct export *x, uint64_t now_ns);

struct export_counters {
	uint64_t slices, instants;	/* written */
	uint64_t unknown;		/* slices left out because their start is not known, or too many overlap */
	uint64_t findings_unkept;	/* see model_totals */
};
void export_counters(const struct export *x, struct export_counters *counters);

#endif
