// SPDX-License-Identifier: GPL-2.0-only
#include "model/frames.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "util/array.h"
#include "util/idmap.h"

#define WORD_BITS 64
#define WORDS (FRAMES_PER_BLOCK / WORD_BITS)
#define BLOCK_LEAST 17	/* bytes that one takes at least: its number, which words follow, and one of them */

_Static_assert(WORDS == 64, "which words follow is a number of 64 bits");

struct block {
	uint64_t number;		/* of its first frame / FRAMES_PER_BLOCK */
	uint64_t words[WORDS];
};

/* When the newest fault of a frame is over; gfn 0: there is none. */
struct recent {
	uint64_t gfn, end_ns;
};

struct frames {
	struct idmap by_number;
	struct block **blocks;		/* in the order in which they came */
	size_t count, room;
	struct recent recent[FRAMES_RECENT];
};

static struct block *add_block(struct frames *set, uint64_t number)
{
	struct block *block;

	if (ARRAY_ROOM(set->blocks, set->room, set->count, 4))
		return NULL;
	block = calloc(1, sizeof(*block));
	if (!block || idmap_put(&set->by_number, number, block)) {
		free(block);
		return NULL;
	}
	block->number = number;
	set->blocks[set->count++] = block;
	return block;
}

static enum frames_found add(struct frames *set, uint64_t gfn)
{
	uint64_t number = gfn / FRAMES_PER_BLOCK, bit = 1ULL << gfn % WORD_BITS, *word;
	struct block *block = idmap_find(&set->by_number, number);

	if (!block && set->count == FRAMES_BLOCKS_MAX)
		return FRAMES_NO_ROOM;
	if (!block)
		block = add_block(set, number);
	if (!block)
		return FRAMES_NO_MEMORY;
	word = &block->words[gfn % FRAMES_PER_BLOCK / WORD_BITS];
	if (*word & bit)
		return FRAMES_KNOWN;
	*word |= bit;
	return FRAMES_NEW;
}

static struct recent *place_of(struct frames *set, uint64_t gfn)
{
	return &set->recent[gfn % FRAMES_RECENT];
}

enum frames_found frames_add(struct frames **set, uint64_t gfn, uint64_t begin_ns, uint64_t end_ns)
{
	enum frames_found found;
	struct recent *recent;
	bool is_over;

	if (!*set)
		*set = calloc(1, sizeof(**set));
	if (!*set)
		return FRAMES_NO_MEMORY;
	found = add(*set, gfn);
	recent = place_of(*set, gfn);
	is_over = recent->gfn != gfn || recent->end_ns <= begin_ns;
	if (is_over || end_ns > recent->end_ns)
		*recent = (struct recent){ gfn, end_ns };
	return found == FRAMES_KNOWN && !is_over ? FRAMES_WAITED : found;
}

void frames_end(struct frames *set, uint64_t gfn, uint64_t end_ns)
{
	struct recent *recent = set ? place_of(set, gfn) : NULL;

	if (recent && recent->gfn == gfn)
		recent->end_ns = end_ns;
}

void frames_free(struct frames *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++)
		free(set->blocks[i]);
	free(set->blocks);
	idmap_release(&set->by_number);
	free(set);
}

/* --- as bytes: each block with the words that are not 0 */

static void save_block(const struct block *block, struct bytes_out *out)
{
	uint64_t used = 0;

	for (unsigned int i = 0; i < WORDS; i++)
		used |= (uint64_t)!!block->words[i] << i;
	put_number(out, block->number);
	put_number(out, used);
	for (unsigned int i = 0; i < WORDS; i++) {
		if (block->words[i])
			put_number(out, block->words[i]);
	}
}

static void load_block(struct frames *set, struct bytes_in *in)
{
	uint64_t number = get_number_below(in, UINT64_MAX / FRAMES_PER_BLOCK + 1), used = get_number(in);
	struct block *block;

	bytes_need(in, used && !idmap_find(&set->by_number, number));
	if (in->err)
		return;
	block = add_block(set, number);
	if (!block) {
		bytes_fail(in, -ENOMEM);
		return;
	}
	for (unsigned int i = 0; i < WORDS; i++) {
		if (!(used >> i & 1))
			continue;
		block->words[i] = get_number(in);
		bytes_need(in, block->words[i]);
	}
}

/* The order is fixed here, which it is not in an initialiser. */
static void get_recent(struct recent *recent, struct bytes_in *in)
{
	recent->gfn = get_number(in);
	recent->end_ns = get_number(in);
}

void frames_save(const struct frames *set, struct bytes_out *out)
{
	size_t count = set ? set->count : 0;

	put_number(out, count);
	for (size_t i = 0; i < count; i++)
		save_block(set->blocks[i], out);
	for (size_t i = 0; count && i < FRAMES_RECENT; i++) {
		put_number(out, set->recent[i].gfn);
		put_number(out, set->recent[i].end_ns);
	}
}

struct frames *frames_load(struct bytes_in *in)
{
	size_t count = get_count(in, BLOCK_LEAST);
	struct frames *set;

	bytes_need(in, count <= FRAMES_BLOCKS_MAX);
	if (in->err || !count)
		return NULL;
	set = calloc(1, sizeof(*set));
	if (!set) {
		bytes_fail(in, -ENOMEM);
		return NULL;
	}
	for (size_t i = 0; i < count && !in->err; i++)
		load_block(set, in);
	for (size_t i = 0; i < FRAMES_RECENT; i++)
		get_recent(&set->recent[i], in);
	return set;
}
