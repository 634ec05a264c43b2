// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which VMs have series, and what label vm calls them: NAME:UUID's first digits, as long as no other VM has that label; else with
 * "#2" or the lowest number that is free. A VM keeps its number as long as it lives. Of those that are gone, one has series until
 * a VM with the same label comes: the same VM, started again.
 *
 * Labels are compared by a hash. A guest that makes two of them collide gets a number that it does not need.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "session/vm_names.h"
#include "view/metrics/metrics_inside.h"

#define UUID_DIGITS 8	/* the first group: with the name in front it is enough */

/* A label that a VM has. */
struct label_slot {
	uint64_t hash;		/* 0: free */
	uint32_t next;		/* the lowest number behind it that may be free */
};

static uint64_t hash_bytes(uint64_t hash, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3;
	return hash;
}

/* Of the label without its number. It is never 0, which is a free slot. */
static uint64_t hash_label(const char *bytes, size_t size)
{
	return hash_bytes(0xcbf29ce484222325, bytes, size) | 1;
}

static uint64_t hash_numbered(uint64_t hash, uint32_t number)
{
	char text[16];

	if (number < 2)
		return hash;
	return hash_bytes(hash, text, (size_t)snprintf(text, sizeof(text), "#%u", number)) | 1;
}

/* --- the labels that are taken */

/* The slot that has hash, or the free one where it belongs. */
static struct label_slot *slot_of(const struct metrics_vms *x, uint64_t hash)
{
	size_t mask = x->slot_count - 1, at = (hash ^ hash >> 32) & mask;

	while (x->slots[at].hash && x->slots[at].hash != hash)
		at = (at + 1) & mask;
	return &x->slots[at];
}

static bool take(struct metrics_vms *x, uint64_t base, uint32_t number)
{
	uint64_t hash = hash_numbered(base, number);
	struct label_slot *slot = slot_of(x, hash);

	if (slot->hash)
		return false;
	*slot = (struct label_slot){ .hash = hash, .next = 2 };
	return true;
}

static uint32_t take_lowest(struct metrics_vms *x, uint64_t base)
{
	struct label_slot *first = slot_of(x, base);
	uint32_t number = first->next;

	if (take(x, base, 1))
		return 1;
	while (!take(x, base, number))
		number++;
	first->next = number + 1;
	return number;
}

/* --- one rendering after the other */

static int make_room(struct metrics_vms *x, size_t count)
{
	size_t slots = x->slot_count ? x->slot_count : 16;
	struct metrics_named *named;

	if (count > x->room) {
		named = realloc(x->named, 2 * count * sizeof(*named));
		if (!named)
			return -ENOMEM;
		x->named = named;
		x->room = 2 * count;
	}
	while (slots < 2 * count)
		slots *= 2;
	if (slots > x->slot_count) {
		free(x->slots);
		x->slot_count = 0;
		x->slots = malloc(slots * sizeof(*x->slots));
		if (!x->slots)
			return -ENOMEM;
		x->slot_count = slots;
	}
	memset(x->slots, 0, x->slot_count * sizeof(*x->slots));
	return 0;
}

static void put_base(struct buf *t, const struct vm_name *name)
{
	metrics_put_label(t, name->raw, METRICS_NAME_MAX);
	if (!*name->uuid || strcasecmp(name->raw, name->uuid) == 0)
		return;
	buf_puts(t, ":");
	buf_put(t, name->uuid, UUID_DIGITS);
}

/* Where that VM was the time before, from at on: both are in order of first sight. x->count: it is new. */
static size_t find(const struct metrics_vms *x, size_t at, const struct model_vm *vm)
{
	while (at < x->count && (x->named[at].pid != vm->pid || x->named[at].instance != vm->instance))
		at++;
	return at;
}

/*
 * Puts the VMs of now in the place of those of the time before, with the numbers that they had: 0, new or called otherwise.
 * A VM is never before where it was, so what is written was read.
 */
static void renew(struct metrics_vms *x, struct model_vm *const *vms, size_t count)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		size_t start = x->text.size, found = find(x, at, vms[i]);
		struct metrics_named now = { .pid = vms[i]->pid, .instance = vms[i]->instance, .base = { start, 0 } };

		put_base(&x->text, name_of(vms[i]));
		now.base.size = x->text.size - start;
		now.hash = hash_label(x->text.bytes + start, now.base.size);
		if (found < x->count && x->named[found].hash == now.hash) {
			now.number = x->named[found].number;
			now.left_out = x->named[found].left_out;
		}
		if (found < x->count)
			at = found + 1;
		x->named[i] = now;
	}
}

/* Keeps the label that it had, if it had one and no other VM has it now. */
static void keep(struct metrics_vms *x, struct metrics_named *vm)
{
	if (vm->number && !take(x, vm->hash, vm->number))
		vm->number = 0;
}

/* Once left out, a VM that is gone does not come back: others have read of its end. */
static void keep_gone(struct metrics_vms *x, struct metrics_named *vm)
{
	if (!vm->number)
		vm->number = 1;
	vm->left_out = vm->left_out || !take(x, vm->hash, vm->number);
}

/* Who lives and has a label, who lives and has none, who is gone, the latest first. */
static void number(struct metrics_vms *x, struct model_vm *const *vms, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!vms[i]->gone)
			keep(x, &x->named[i]);
	for (size_t i = 0; i < count; i++)
		if (!vms[i]->gone && !x->named[i].number)
			x->named[i].number = take_lowest(x, x->named[i].hash);
	for (size_t i = count; i-- > 0; )
		if (vms[i]->gone)
			keep_gone(x, &x->named[i]);
}

int metrics_vms_update(struct metrics_vms *x, struct model_vm *const *vms, size_t count)
{
	if (make_room(x, count))
		return -ENOMEM;
	x->text.size = 0;
	x->text.failed = false;
	renew(x, vms, count);
	x->count = count;
	if (x->text.failed)
		return -ENOMEM;
	number(x, vms, count);
	return 0;
}

void metrics_put_vm(struct buf *t, const struct metrics_vms *x, size_t i)
{
	const struct metrics_named *vm = &x->named[i];

	buf_put(t, x->text.bytes + vm->base.at, vm->base.size);
	if (vm->number < 2)
		return;
	buf_puts(t, "#");
	buf_put_u64(t, vm->number);
}

void metrics_vms_free(struct metrics_vms *x)
{
	free(x->named);
	free(x->slots);
	free(x->text.bytes);
}
