/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a recording in a thread of its own, some thousand items ahead of who takes them: with a second CPU that is idle, decoding
 * takes none of the taker's time.
 */
#ifndef RECORDING_READAHEAD_H
#define RECORDING_READAHEAD_H

#include "recording/reader.h"

struct readahead;

/*
 * From where the reader stands. The reader is the thread's own until readahead_stop(). NULL: there is one CPU only, there can be no
 * thread, or no memory; then whoever wanted it reads by themselves.
 */
struct readahead *readahead_start(struct reader *r);

/* As reader_next_run(). */
bool readahead_next_run(struct readahead *a, struct reader_run *run);

/* What was read and not taken is skipped: the reader goes on behind it. NULL is fine. */
void readahead_stop(struct readahead *a);

#endif
