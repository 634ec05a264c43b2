/* SPDX-License-Identifier: GPL-2.0-only */
/* What `sdeitop record` does with records, without the rest of the program: packs them, writes them, adds snapshots. */
#ifndef BENCH_RECORDER_H
#define BENCH_RECORDER_H

#include "recording/packetizer.h"
#include "recording/writer.h"

struct bench_recorder {
	struct packetizer *pack;
	struct writer *store;
	uint64_t snapshot_at, status_due_ns;
};

/* Into a directory that is to be made; a failure is told and ends the program. */
void bench_recorder_open(struct bench_recorder *r, const char *directory);

/* After each drain, or what stands for one; time_ns: that of the last record. Adds a status each second. */
void bench_recorder_drained(struct bench_recorder *r, uint64_t time_ns);

/* The status that has to be the first and the last. */
void bench_recorder_status(struct bench_recorder *r, uint64_t time_ns, bool end);

/* 0, or -1 if something was not recorded; closes in any case. */
int bench_recorder_close(struct bench_recorder *r);

#endif
