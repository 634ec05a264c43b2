/* SPDX-License-Identifier: GPL-2.0-only */
#include "codec.h"

#include <endian.h>
#include <string.h>

#include "../source/kinds.h"
#include "layouts.h"

#define SHORT_HEADER 3
#define SHORT_MASK ((1ULL << 19) - 1)
#define MEDIUM_HEADER 5
#define MEDIUM_MASK ((1ULL << 30) - 1)
#define LONG_HEADER 11
#define NARROW_MAX 48		/* bytes of the largest narrow layout, rounded up */

/* --- values of items */

static uint64_t field_value(const struct recording_item *item, const struct field *f)
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

static inline __attribute__((always_inline)) void set_field(struct recording_item *item, const struct field *f, uint64_t value)
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

/* What is stored in fewer than 32 bits is the low part. */
static uint64_t bias(const struct field *f, unsigned int bits)
{
	return f->labels == LABELS_FUNCTION && bits < 32 ? LAYOUT_FUNCTION_BASE : 0;
}

static bool fits(uint64_t value, const struct field *f, unsigned int bits)
{
	if (!bits)
		return value == f->implied;
	if (bits == 64)
		return true;
	if (f->is_signed)
		return ((int64_t)value >> (bits - 1)) == ((int64_t)value < 0 ? -1 : 0);
	return (value - bias(f, bits)) >> bits == 0;
}

/* --- bits */

static inline uint64_t load(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

static void store(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

/* The bytes there are zero where nothing was put yet. Up to 56 bits, or 64 that start at a byte. */
static void put_bits(uint8_t *out, unsigned int at, unsigned int bits, uint64_t value)
{
	uint8_t *byte = out + at / 8;

	if (bits < 64)
		value = (value & ((1ULL << bits) - 1)) << at % 8;
	store(byte, load(byte) | value);
}

static inline uint64_t get_bits(const uint8_t *in, unsigned int at, unsigned int bits, bool is_signed)
{
	uint64_t value = load(in + at / 8) >> at % 8;

	if (bits == 64)
		return value;
	value <<= 64 - bits;
	return is_signed ? (uint64_t)((int64_t)value >> (64 - bits)) : value >> (64 - bits);
}

/* --- layouts */

static unsigned int narrow_size(const struct layout *l)
{
	unsigned int bits = 0;

	for (unsigned int i = 0; l->of->fields[i].name; i++)
		bits += l->bits[i];
	return bits / 8;
}

static unsigned int wide_size(const struct layout *l)
{
	unsigned int bytes = sizeof(uint64_t);

	for (const struct field *f = l->of->fields; f->name; f++)
		bytes += f->bytes;
	return bytes;
}

static size_t put_narrow(uint8_t *out, const struct layout *l, const uint64_t values[])
{
	const struct field *fields = l->of->fields;
	unsigned int at = 0;

	memset(out, 0, NARROW_MAX);
	for (unsigned int i = 0; fields[i].name; i++) {
		if (l->bits[i])
			put_bits(out, at, l->bits[i], values[i]);
		at += l->bits[i];
	}
	return at / 8;
}

static size_t put_wide(uint8_t *out, const struct layout *l, const struct recording_item *item, const uint64_t values[])
{
	const struct field *fields = l->of->fields;
	uint8_t *to = out;

	store(to, item->time_ns);
	to += sizeof(uint64_t);
	for (unsigned int i = 0; fields[i].name; i++) {
		store(to, values[i]);	/* the bytes too many are overwritten, or beyond what counts */
		to += fields[i].bytes;
	}
	if (l->id == LAYOUT_NAME_ID) {
		size_t length = strnlen(item->name.text, RECORDING_NAME_MAX);

		memcpy(to, item->name.text, length);
		to[length] = '\0';
		to += length + 1;
	}
	return to - out;
}

static bool layout_takes(const struct layout *l, const uint64_t values[])
{
	const struct field *fields = l->of->fields;

	for (unsigned int i = 0; fields[i].name; i++)
		if (!fits(values[i], &fields[i], l->bits[i]))
			return false;
	return true;
}

/* A late item needs the room for its own time. */
static const struct layout *choose(const struct event_class *class, const uint64_t values[], bool late)
{
	const struct layout *l = NULL;

	for (unsigned int i = 0; class->ids[i]; i++) {
		l = layout_of(class->ids[i]);
		if (!l->wide && !late && layout_takes(l, values))
			break;
	}
	return l;
}

/* --- headers */

static size_t put_header(uint8_t *out, unsigned int id, uint64_t time_ns, uint64_t *clock_ns)
{
	uint64_t step = time_ns - *clock_ns;

	*clock_ns = time_ns;
	if (id <= LAYOUT_NARROW_MAX && step <= SHORT_MASK) {
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

/* The next time whose low bits are these. */
static uint64_t advance(uint64_t clock_ns, uint64_t low, uint64_t mask)
{
	return clock_ns + ((low - clock_ns) & mask);
}

static size_t get_header(const uint8_t *in, size_t size, unsigned int *id, uint64_t *clock_ns)
{
	uint8_t padded[sizeof(uint64_t)] = { 0 };
	uint64_t head;

	if (size < SHORT_HEADER)
		return 0;
	if (size < sizeof(head)) {
		memcpy(padded, in, size);
		head = load(padded);
	} else {
		head = load(in);
	}
	*id = head & 31;
	if (*id <= LAYOUT_NARROW_MAX) {
		*clock_ns = advance(*clock_ns, head >> 5, SHORT_MASK);
		return SHORT_HEADER;
	}
	if (*id == LAYOUT_MEDIUM) {
		*id = head >> 5 & 31;
		*clock_ns = advance(*clock_ns, head >> 10, MEDIUM_MASK);
		return size < MEDIUM_HEADER || *id > LAYOUT_NARROW_MAX ? 0 : MEDIUM_HEADER;
	}
	if (size < LONG_HEADER)
		return 0;
	*id = in[1] | in[2] << 8;
	*clock_ns = load(in + 3);
	return LONG_HEADER;
}

/* --- items */

size_t codec_put(uint8_t *out, const struct recording_item *item, uint64_t *clock_ns)
{
	const struct event_class *class = event_class_of(item);
	bool late = item->time_ns < *clock_ns;
	uint64_t values[FIELDS_MAX];
	const struct layout *l;
	size_t size;

	if (!class)
		return 0;
	for (unsigned int i = 0; class->fields[i].name; i++)
		values[i] = field_value(item, &class->fields[i]);
	l = choose(class, values, late);
	size = put_header(out, l->id, late ? *clock_ns : item->time_ns, clock_ns);
	return size + (l->wide ? put_wide(out + size, l, item, values) : put_narrow(out + size, l, values));
}

static void prepare(struct recording_item *item, const struct event_class *class)
{
	item->kind = class->item;
	if (class->item != ITEM_RECORD && class->item != ITEM_SNAPSHOT) {
		memset(&item->lost, 0, sizeof(item->lost));
		memset(&item->status, 0, sizeof(item->status));
		return;
	}
	memset(&item->record, 0, sizeof(item->record));
	item->record.head.kind = class->record;
	item->size = kind_of(class->record)->size;
}

static size_t get_narrow(const uint8_t *in, size_t size, const struct layout *l, struct recording_item *item)
{
	const struct field *fields = l->of->fields;
	uint8_t padded[NARROW_MAX + 8] = { 0 };
	unsigned int at = 0;

	if (size < NARROW_MAX) {
		if (size < narrow_size(l))
			return 0;
		memcpy(padded, in, size);
		in = padded;
	}
	for (unsigned int i = 0; fields[i].name; i++) {
		unsigned int bits = l->bits[i];

		if (bits)
			set_field(item, &fields[i], get_bits(in, at, bits, fields[i].is_signed) + bias(&fields[i], bits));
		else if (fields[i].implied)
			set_field(item, &fields[i], fields[i].implied);
		at += bits;
	}
	return at / 8;
}

static size_t get_text(const uint8_t *in, size_t size, struct recording_item *item)
{
	size_t length = strnlen((const char *)in, size);

	if (length == size || length > RECORDING_NAME_MAX)
		return 0;
	memcpy(item->name.text, in, length + 1);
	return length + 1;
}

static size_t get_wide(const uint8_t *in, size_t size, const struct layout *l, struct recording_item *item)
{
	unsigned int at = sizeof(uint64_t);
	size_t text = 0;

	if (size < wide_size(l))
		return 0;
	item->time_ns = load(in);
	for (const struct field *f = l->of->fields; f->name; f++) {
		uint64_t value = 0;

		memcpy(&value, in + at, f->bytes);
		set_field(item, f, le64toh(value));
		at += f->bytes;
	}
	if (l->id == LAYOUT_NAME_ID) {
		text = get_text(in + at, size - at, item);
		if (!text)
			return 0;
	}
	return at + text;
}

/* The time is in two places: the item's own, and that of its record or status. */
static void spread_time(struct recording_item *item)
{
	if (item->kind == ITEM_RECORD || item->kind == ITEM_SNAPSHOT)
		item->record.head.time_ns = item->time_ns;
	if (item->kind == ITEM_STATUS)
		item->status.time_ns = item->time_ns;
}

size_t codec_get(const uint8_t *in, size_t size, struct recording_item *item, uint64_t *clock_ns)
{
	uint64_t clock = *clock_ns;
	unsigned int id;
	size_t header = get_header(in, size, &id, &clock), body;
	const struct layout *l = header ? layout_of(id) : NULL;

	if (!l || clock < *clock_ns)
		return 0;
	prepare(item, l->of);
	item->time_ns = clock;
	body = l->wide ? get_wide(in + header, size - header, l, item) : get_narrow(in + header, size - header, l, item);
	if (!body || item->time_ns > clock)
		return 0;
	spread_time(item);
	*clock_ns = clock;
	return header + body;
}
