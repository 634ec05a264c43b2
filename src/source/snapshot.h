/* SPDX-License-Identifier: GPL-2.0-only */
/* The records of the snapshot as one more stream: a ring in our own memory that is full from the start. */
#ifndef SOURCE_SNAPSHOT_H
#define SOURCE_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/cpu.h"
#include "source/ring.h"

struct snapshot {
	struct ring ring;
	struct sdei_ring *content;
	struct sdei_cpu counts;		/* attempted is what is in the ring */
};

/*
 * Fills s, which is all zero, with records that stand one behind the other, in order of time. 0, -ENOMEM, or -EPROTO: not
 * whole records of known kinds. ring and counts keep their addresses.
 */
int snapshot_fill(struct snapshot *s, const void *records, size_t size);
void snapshot_clear(struct snapshot *s);

#endif
