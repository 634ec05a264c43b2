/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes to items. Reading is all that a report of a long recording does, so narrow layouts are not looked up: for each id,
 * get_narrow() is compiled with that row of the table as a constant, which leaves some loads, shifts and stores.
 */
#include "record/kinds.h"
#include "recording/codec_inside.h"
#include "recording/layouts_table.h"

#define likely(x) __builtin_expect(!!(x), 1)

/* --- fields */

static always_inline void set_field(struct recording_item *item, const struct field *f, uint64_t value)
{
	uint8_t *at = (uint8_t *)item + f->offset;

	if (f->is_bool)
		value = !!value;
	switch (f->bytes) {
	case 1:
		*at = value;
		break;
	case 2:
		*(uint16_t *)at = value;
		break;
	case 4:
		*(uint32_t *)at = value;
		break;
	default:
		memcpy(at, &value, sizeof(value));
	}
}

static always_inline uint64_t get_bits(const uint8_t *in, unsigned int at, unsigned int bits, bool is_signed)
{
	uint64_t value = load(in + at / 8) >> at % 8;

	if (bits == 64)
		return value;
	value <<= 64 - bits;
	return is_signed ? (uint64_t)((int64_t)value >> (64 - bits)) : value >> (64 - bits);
}

/* --- headers */

/* The next time whose low bits are these. */
static always_inline uint64_t advance(uint64_t clock_ns, uint64_t low, uint64_t mask)
{
	return clock_ns + ((low - clock_ns) & mask);
}

static size_t get_long_header(const uint8_t *in, size_t size, uint64_t head, unsigned int *id, uint64_t *clock_ns)
{
	if (*id == LAYOUT_MEDIUM) {
		*id = head >> 5 & 31;
		*clock_ns = advance(*clock_ns, head >> 10, MEDIUM_MASK);
		return size < MEDIUM_HEADER ? 0 : MEDIUM_HEADER;
	}
	if (size < LONG_HEADER)
		return 0;
	*id = in[1] | in[2] << 8;
	*clock_ns = load(in + 3);
	return LONG_HEADER;
}

static always_inline size_t get_header(const uint8_t *in, size_t size, unsigned int *id, uint64_t *clock_ns)
{
	uint64_t head = load(in);

	if (size < SHORT_HEADER)
		return 0;
	*id = head & 31;
	if (likely(*id <= LAYOUT_SHORT_MAX)) {
		*clock_ns = advance(*clock_ns, head >> 5, SHORT_MASK);
		return SHORT_HEADER;
	}
	return get_long_header(in, size, head, id, clock_ns);
}

/* --- narrow layouts */

static always_inline bool is_record(const struct event_class *class)
{
	return class->item == ITEM_RECORD || class->item == ITEM_SNAPSHOT;
}

/* Takes field number i, if there is one, at bit *at. */
static always_inline void get_field(const uint8_t *in, const struct layout *l, unsigned int i, unsigned int *at,
				    struct recording_item *item)
{
	const struct field *f = &l->of->fields[i];
	unsigned int bits = l->bits[i];

	if (bits)
		set_field(item, f, get_bits(in, *at, bits, f->is_signed) + bias(f, bits));
	else if (f->implied)
		set_field(item, f, f->implied);
	*at += bits;
}

static always_inline unsigned int narrow_size(const struct layout *l)
{
	unsigned int bits = 0;

#define X(i) bits += l->bits[i];
	FIELD_NUMBERS(X)
#undef X
	return bits / 8;
}

static always_inline size_t get_narrow(const uint8_t *restrict in, size_t size, const struct layout *l,
				       struct recording_item *restrict item)
{
	unsigned int at = 0, count = count_fields(l->of->fields), bytes = narrow_size(l);

	if (size < bytes)
		return 0;
	item->kind = l->of->item;
	memset(&item->record, 0, sizeof(item->record));
	item->record.head.kind = l->of->record;
	item->size = KIND_SIZE(l->of->record);
	item->record.head.time_ns = item->time_ns;
#define X(i) if (HAS_FIELD(i)) get_field(in, l, i, &at, item);
	FIELD_NUMBERS(X)
#undef X
	return bytes;
}

/* --- wide layouts */

static void prepare(struct recording_item *item, const struct event_class *class)
{
	item->kind = class->item;
	if (!is_record(class)) {
		memset(&item->lost, 0, sizeof(item->lost));
		memset(&item->status, 0, sizeof(item->status));
		return;
	}
	memset(&item->record, 0, sizeof(item->record));
	item->record.head.kind = class->record;
	item->size = KIND_SIZE(class->record);
}

static unsigned int wide_size(const struct layout *l)
{
	unsigned int bytes = sizeof(uint64_t);

	for (const struct field *f = l->of->fields; f->name; f++)
		bytes += f->bytes;
	return bytes;
}

/* Bytes of the text at in, its end included; 0: there is none. */
static size_t text_size(const uint8_t *in, size_t size, size_t most)
{
	size_t length = strnlen((const char *)in, size);

	return length == size || length > most ? 0 : length + 1;
}

/* 0: the texts do not fit. */
static size_t get_texts(const uint8_t *in, size_t size, bool has_uuid, struct recording_item *item)
{
	size_t own = text_size(in, size, RECORDING_NAME_MAX), behind;

	item->name.text = (const char *)in;
	item->name.uuid[0] = '\0';
	if (!own || !has_uuid)
		return own;
	behind = text_size(in + own, size - own, sizeof(item->name.uuid) - 1);
	memcpy(item->name.uuid, in + own, behind);
	return behind ? own + behind : 0;
}

/* The time is in two places: the item's own, and that of its record or status. */
static void spread_time(struct recording_item *item)
{
	if (item->kind == ITEM_RECORD || item->kind == ITEM_SNAPSHOT)
		item->record.head.time_ns = item->time_ns;
	if (item->kind == ITEM_STATUS)
		item->status.time_ns = item->time_ns;
}

static size_t get_wide(const uint8_t *in, size_t size, const struct layout *l, struct recording_item *item)
{
	unsigned int at = sizeof(uint64_t);
	size_t text = 0;

	prepare(item, l->of);
	if (size < wide_size(l) || load(in) > item->time_ns)
		return 0;
	item->time_ns = load(in);
	for (const struct field *f = l->of->fields; f->name; f++) {
		uint64_t value = 0;

		memcpy(&value, in + at, f->bytes);
		set_field(item, f, le64toh(value));
		at += f->bytes;
	}
	if (l->of->item == ITEM_NAME) {
		text = get_texts(in + at, size - at, l->id == LAYOUT_GUEST_ID, item);
		if (!text)
			return 0;
	}
	spread_time(item);
	return at + text;
}

/* --- items */

/* Not to burden get() with what few items need. */
static __attribute__((noinline)) size_t get_other(const uint8_t *in, size_t size, unsigned int id, struct recording_item *item)
{
	const struct layout *l = layout_of(id);

	return l && l->wide ? get_wide(in, size, l, item) : 0;
}

#define NARROW_CASE(id)	\
	case id:	\
		return get_narrow(in, size, &table[id], item);

static always_inline size_t get_body(const uint8_t *in, size_t size, unsigned int id, struct recording_item *item)
{
	switch (id) {
	LAYOUTS_NARROW(NARROW_CASE)
	default:
		return get_other(in, size, id, item);
	}
}

/* So many bytes at in may be loaded from, whatever size says. */
#define LOADED (LONG_HEADER + NARROW_MAX + sizeof(uint64_t))

static always_inline size_t get(const uint8_t *in, size_t size, struct recording_item *item, uint64_t *clock_ns)
{
	uint64_t clock = *clock_ns;
	unsigned int id;
	size_t header = get_header(in, size, &id, &clock), body;

	if (!header || clock < *clock_ns)
		return 0;
	item->time_ns = clock;
	body = get_body(in + header, size - header, id, item);
	if (!body)
		return 0;
	*clock_ns = clock;
	return header + body;
}

/* Near the end of a packet. */
static __attribute__((noinline)) size_t get_at_end(const uint8_t *in, size_t size, struct recording_item *item, uint64_t *clock_ns)
{
	uint8_t padded[2 * LOADED] = { 0 };
	size_t taken;

	memcpy(padded, in, size);
	taken = get(padded, size, item, clock_ns);
	if (taken && item->kind == ITEM_NAME)
		item->name.text = (const char *)in + (item->name.text - (const char *)padded);
	return taken;
}

size_t codec_get_run(const uint8_t *in, size_t size, struct recording_item items[], size_t *count, uint64_t *clock_ns)
{
	size_t room = *count, got = 0, at = 0, taken = 1;
	uint64_t clock = *clock_ns;

	for (; got < room && size - at >= LOADED && taken; at += taken) {
		taken = get(in + at, size - at, &items[got], &clock);
		got += !!taken;
	}
	for (; got < room && size > at && taken; at += taken) {
		taken = get_at_end(in + at, size - at, &items[got], &clock);
		got += !!taken;
	}
	*count = got;
	*clock_ns = clock;
	return at;
}

bool codec_runs_back(const uint8_t *in, size_t size, uint64_t clock_ns)
{
	uint8_t padded[LONG_HEADER + sizeof(uint64_t)] = { 0 };
	uint64_t clock = clock_ns;
	unsigned int id;

	memcpy(padded, in, size < LONG_HEADER ? size : LONG_HEADER);
	return get_header(padded, size, &id, &clock) && clock < clock_ns;
}

size_t codec_get(const uint8_t *in, size_t size, struct recording_item *item, uint64_t *clock_ns)
{
	size_t count = 1;

	return codec_get_run(in, size, item, &count, clock_ns);
}
