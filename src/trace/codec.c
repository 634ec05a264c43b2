/* SPDX-License-Identifier: GPL-2.0-only */
#include "codec_inside.h"

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

/* --- layouts */

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
