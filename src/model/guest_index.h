/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMs by what is known of their guests: each by its name, and by its UUID. It is made where a VM is looked for, at most once in a tick,
 * and dropped with the tick, as names may come late.
 */
#ifndef MODEL_GUEST_INDEX_H
#define MODEL_GUEST_INDEX_H

#include <stdbool.h>
#include <stddef.h>

struct model;

struct guest_word {
	const char *word;	/* the user's */
	size_t vm;		/* number in model_vms() */
};

/* All zero: there is none. */
struct guest_index {
	struct guest_word *words;	/* ascending, those that are equal by vm */
	size_t count, room;
	bool made;
};

/* Room for so many VMs, so that making it needs none: 0 or -ENOMEM. VMs come one by one. */
int guest_index_room(struct guest_index *index, size_t vms);

/* That of all VMs of the model; it has been made already: nothing. model_options.guest is set. */
void guest_index_make(struct model *m);

/* The first of *count VMs whose guest has that name or UUID; word NULL: none has. */
const struct guest_word *guest_index_find(const struct guest_index *index, const char *word, size_t *count);

void guest_index_drop(struct guest_index *index);
void guest_index_free(struct guest_index *index);

#endif
