/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers as bytes and back: seven bits a byte, low ones first, the top bit says that more follow. Each number has
 * one form only. An error sticks: after it nothing is written any more, and everything that is read is 0.
 */
#ifndef UTIL_BYTES_H
#define UTIL_BYTES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes_out {
	unsigned char *bytes;	/* malloc'ed, its owner frees */
	size_t size, room;
	int err;		/* 0 or -ENOMEM */
};

struct bytes_in {
	const unsigned char *at, *end;
	int err;		/* 0, -EBADMSG or -ENOMEM */
};

void put_number(struct bytes_out *out, uint64_t number);
void put_raw(struct bytes_out *out, const void *bytes, size_t size);

uint64_t get_number(struct bytes_in *in);
uint64_t get_number_below(struct bytes_in *in, uint64_t limit);

/* How many follow, each of which takes at least so many bytes: no more than there can be. */
size_t get_count(struct bytes_in *in, size_t least);

/* The next size bytes, where they are; NULL: there are not so many. */
const void *get_raw(struct bytes_in *in, size_t size);

/* The first error stays. */
static inline void bytes_fail(struct bytes_in *in, int err)
{
	if (!in->err)
		in->err = err;
}

/* If it does not hold, what was read cannot be. */
static inline void bytes_need(struct bytes_in *in, bool holds)
{
	if (!holds)
		bytes_fail(in, -EBADMSG);
}

#endif
