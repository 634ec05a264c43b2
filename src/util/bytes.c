// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "util/bytes.h"

#define NUMBER_MAX 10	/* bytes */

static bool has_room(struct bytes_out *out, size_t size)
{
	unsigned char *bytes;
	size_t room;

	if (out->err || out->room - out->size >= size)
		return !out->err;
	room = out->size + (out->size > size ? out->size : size) + 4096;
	bytes = realloc(out->bytes, room);
	if (!bytes) {
		out->err = -ENOMEM;
		return false;
	}
	out->bytes = bytes;
	out->room = room;
	return true;
}

void put_number(struct bytes_out *out, uint64_t number)
{
	if (!has_room(out, NUMBER_MAX))
		return;
	for (; number >= 0x80; number >>= 7)
		out->bytes[out->size++] = (unsigned char)(number | 0x80);
	out->bytes[out->size++] = (unsigned char)number;
}

void put_raw(struct bytes_out *out, const void *bytes, size_t size)
{
	if (!has_room(out, size))
		return;
	memcpy(out->bytes + out->size, bytes, size);
	out->size += size;
}

uint64_t get_number(struct bytes_in *in)
{
	const unsigned char *at = in->at;
	unsigned int shift = 0;
	uint64_t number = 0;

	if (in->err)
		return 0;
	for (; at < in->end && *at & 0x80 && shift < 63; shift += 7)
		number |= (uint64_t)(*at++ & 0x7f) << shift;
	/* The tenth byte has one bit; a last byte of 0 would be one too many. */
	if (at == in->end || (shift == 63 && *at > 1) || (shift && !*at)) {
		bytes_fail(in, -EBADMSG);
		return 0;
	}
	number |= (uint64_t)*at++ << shift;
	in->at = at;
	return number;
}

uint64_t get_number_below(struct bytes_in *in, uint64_t limit)
{
	uint64_t number = get_number(in);

	bytes_need(in, number < limit);
	return in->err ? 0 : number;
}

size_t get_count(struct bytes_in *in, size_t least)
{
	return get_number_below(in, (size_t)(in->end - in->at) / least + 1);
}

const void *get_raw(struct bytes_in *in, size_t size)
{
	const unsigned char *at = in->at;

	bytes_need(in, (size_t)(in->end - at) >= size);
	if (in->err)
		return NULL;
	in->at += size;
	return at;
}
