/* SPDX-License-Identifier: GPL-2.0-only */
/* The same NMIs as a KVM host and as its guest record them, with clocks whose offset is known: for tests of what joins the two. */
#ifndef TESTS_TWO_SIDES_H
#define TESTS_TWO_SIDES_H

#include "recording/recording.h"
#include "sides/side.h"

#define TWO_SIDES_VM 1201
#define TWO_SIDES_MOVED 1301	/* the VM that it is after a move */
#define TWO_SIDES_BEGIN_NS 50000000000000ULL	/* of the host's recording */
#define TWO_SIDES_EPISODES 211
#define TWO_SIDES_OFFSET_NS (-17434299123LL)
#define TWO_SIDES_ITEMS 65536

struct two_sides_scene {
	uint64_t seed;			/* of all that is random; 0: 1 */
	unsigned int episodes;		/* a signal, its dispatch, its handler with four calls; 0: TWO_SIDES_EPISODES */
	unsigned int vcpus;		/* 0: 2 */
	int64_t offset_ns;		/* host's clock less the guest's, at TWO_SIDES_BEGIN_NS; 0: TWO_SIDES_OFFSET_NS */
	double slope;			/* and what that changes by in a ns of the host's */
	unsigned int step_at;		/* before this episode the offset changes by step_ns; 0: never */
	int64_t step_ns;		/* above 0: the VM is stopped for so long; below: the host sleeps, while the guest's clock goes on */
	bool moves;			/* and goes on in another VM of the host */
	uint64_t period_ns;		/* episodes come so regularly, and each takes as long as the other; 0: they do not */
	bool alike;			/* each handler interrupts the same PC */
	bool no_calls;
	unsigned int guest_from, guest_to, host_from, host_to;	/* episodes that are recorded; to 0: all */
	unsigned int host_lacks;	/* every so many'th handler; 0: none */
	unsigned int guest_lacks;
	bool other_vm;			/* one more on the host */
	bool counter;			/* both read the machine's counter each second, and the host knows how far the guest's is behind */
	int64_t counter_off;		/* so many ticks more than is true */
	bool host_sleeps;		/* its clock stood still for a second between two looks at the counter */
};

struct two_sides {
	struct recording_item host[TWO_SIDES_ITEMS], guest[TWO_SIDES_ITEMS];	/* in order of time, with a status at both ends */
	size_t host_count, guest_count;
	unsigned int handlers;		/* that both have */
};

/* Fills sides, which are static somewhere. */
void two_sides_make(struct two_sides *sides, const struct two_sides_scene *scene);

/* Give a side what the host has recorded of them, or the guest. False: no memory. */
bool two_sides_fill_host(struct side *side, const struct two_sides *sides);
bool two_sides_fill_guest(struct side *side, const struct two_sides *sides);

/* The true offset at a time of the guest, of the episodes before the step or of those behind it. */
double two_sides_offset_ns(const struct two_sides_scene *scene, uint64_t guest_ns, bool behind_step);

#endif
