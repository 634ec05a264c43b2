/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Items to bytes. As in codec_get.c, put_narrow() is compiled for each narrow layout with that row of the table as a
 * constant: a recorder, or a daemon with its flight recorder, does little else.
 */
#include "recording/codec_inside.h"
#include "recording/layouts_table.h"

/* --- values of items */

static always_inline uint64_t field_value(const struct recording_item *item, const struct field *f)
{
	const uint8_t *at = (const uint8_t *)item + f->offset;
	uint64_t value = 0;

	switch (f->bytes) {
	case 1:
		return f->is_signed ? (uint64_t)*(const int8_t *)at : *at;
	case 2:
		return *(const uint16_t *)at;
	case 4:
		return f->is_signed ? (uint64_t)*(const int32_t *)at : *(const uint32_t *)at;
	default:
		memcpy(&value, at, sizeof(value));
		return value;
	}
}

static always_inline bool fits(uint64_t value, const struct field *f, unsigned int bits)
{
	if (!bits)
		return value == f->implied;
	if (bits == 64)
		return true;
	if (f->is_signed)
		return ((int64_t)value >> (bits - 1)) == ((int64_t)value < 0 ? -1 : 0);
	return (value - bias(f, bits)) >> bits == 0;
}

static void store(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

/* --- headers */

static size_t put_header(uint8_t *out, unsigned int id, uint64_t time_ns, uint64_t *clock_ns)
{
	uint64_t step = time_ns - *clock_ns;

	*clock_ns = time_ns;
	if (id <= LAYOUT_SHORT_MAX && step <= SHORT_MASK) {
		store(out, id | (time_ns & SHORT_MASK) << 5);
		return SHORT_HEADER;
	}
	if (id <= LAYOUT_NARROW_MAX && step <= MEDIUM_MASK) {
		store(out, LAYOUT_MEDIUM | id << 5 | (time_ns & MEDIUM_MASK) << 10);
		return MEDIUM_HEADER;
	}
	out[0] = LAYOUT_LONG;
	out[1] = id;
	out[2] = id >> 8;
	store(out + 3, time_ns);
	return LONG_HEADER;
}

/* --- narrow layouts */

static always_inline bool takes(const struct recording_item *item, const struct layout *l)
{
	unsigned int count = count_fields(l->of->fields);
	bool yes = true;

#define X(i) if (HAS_FIELD(i)) yes &= fits(field_value(item, &l->of->fields[i]), &l->of->fields[i], l->bits[i]);
	FIELD_NUMBERS(X)
#undef X
	return yes;
}

/* Puts field number i, if there is one, at bit *at. */
static always_inline void put_field(uint64_t words[], const struct layout *l, unsigned int i, unsigned int *at,
				    const struct recording_item *item)
{
	unsigned int bits = l->bits[i], in = *at % 64;
	uint64_t value = field_value(item, &l->of->fields[i]);

	*at += bits;
	if (!bits)
		return;
	if (bits < 64)
		value &= (1ULL << bits) - 1;
	words[(*at - bits) / 64] |= value << in;
	if (in + bits > 64)
		words[(*at - bits) / 64 + 1] |= value >> (64 - in);
}

/* Nothing, and 0, if the item does not fit. */
static always_inline size_t put_narrow(uint8_t *out, const struct layout *l, const struct recording_item *item, uint64_t *clock_ns)
{
	uint64_t words[NARROW_MAX / sizeof(uint64_t)] = { 0 };
	unsigned int at = 0, count = count_fields(l->of->fields);
	size_t header;

	if (!takes(item, l))
		return 0;
	header = put_header(out, l->id, item->time_ns, clock_ns);
#define X(i) if (HAS_FIELD(i)) put_field(words, l, i, &at, item);
	FIELD_NUMBERS(X)
#undef X
#define X(i) if (at > 64 * (i)) store(out + header + sizeof(uint64_t) * (i), words[i]);
	X(0) X(1) X(2) X(3) X(4) X(5)
#undef X
	return header + at / 8;
}

#define NARROW_CASE(id)	\
	case id:	\
		return put_narrow(out, &table[id], item, clock_ns);

/* 0 if this layout is a wide one, too. */
static size_t put_as(uint8_t *out, unsigned int id, const struct recording_item *item, uint64_t *clock_ns)
{
	switch (id) {
	LAYOUTS_NARROW(NARROW_CASE)
	default:
		return 0;
	}
}

/* --- wide layouts */

static uint8_t *put_text(uint8_t *to, const char *text, size_t most)
{
	size_t length = strnlen(text, most);

	memcpy(to, text, length);
	to[length] = '\0';
	return to + length + 1;
}

static size_t put_wide(uint8_t *out, const struct layout *l, const struct recording_item *item)
{
	const struct field *fields = l->of->fields;
	uint8_t *to = out;

	store(to, item->time_ns);
	to += sizeof(uint64_t);
	for (unsigned int i = 0; fields[i].name; i++) {
		store(to, field_value(item, &fields[i]));	/* the bytes too many are overwritten, or beyond what counts */
		to += fields[i].bytes;
	}
	if (l->of->item == ITEM_NAME)
		to = put_text(to, item->name.text, RECORDING_NAME_MAX);
	if (l->id == LAYOUT_GUEST_ID)
		to = put_text(to, item->name.uuid, RECORDING_UUID_SIZE - 1);
	return to - out;
}

/* The last of its layouts. A late item needs the room for its own time. */
static size_t put_other(uint8_t *out, const struct event_class *class, const struct recording_item *item, uint64_t *clock_ns)
{
	const struct layout *l = layout_of(class->ids[0]);
	size_t header;

	for (unsigned int i = 1; !l->wide; i++)
		l = layout_of(class->ids[i]);
	header = put_header(out, l->id, item->time_ns < *clock_ns ? *clock_ns : item->time_ns, clock_ns);
	return header + put_wide(out + header, l, item);
}

/* --- items */

size_t codec_put(uint8_t *out, const struct recording_item *item, uint64_t *clock_ns)
{
	const struct event_class *class = event_class_of(item);
	size_t size = 0;

	if (!class)
		return 0;
	if (item->time_ns >= *clock_ns)
		for (unsigned int i = 0; class->ids[i] && !size; i++)
			size = put_as(out, class->ids[i], item, clock_ns);
	return size ? size : put_other(out, class, item, clock_ns);
}
