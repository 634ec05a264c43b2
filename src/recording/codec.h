/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Items to bytes and back, and the metadata that says the same to CTF readers:
 * all three from one table of layouts.
 *
 * A layout is a CTF event class: an id, a name, and fields with their widths in bits. A kind of item has several
 * layouts of the same name and with the same fields: narrow ones, for what is nearly always the case, with ids below
 * 30, and a wide one that takes any value, with an id of 32 or more. The first that an item fits in is used.
 * In front of each event stands a header: 5 bits of id and the low 19 bits of the time (ns), enough for steps of half a
 * millisecond; or 30, 5 bits of id and 30 of time; or 31, 16 bits of id and the whole time. Events start at a byte.
 * Time never runs back in a stream: a late record gets the time of the one before in its header; the wide layouts
 * have the true one as a field.
 */
#ifndef RECORDING_CODEC_H
#define RECORDING_CODEC_H

#include "recording/recording.h"

#define CODEC_ITEM_MAX 512	/* bytes of the largest item */

/*
 * Appends item to out, which has room for CODEC_ITEM_MAX bytes. *clock_ns is the time of the item before, or of the
 * packet's begin, and is brought up to date. The bytes written.
 */
size_t codec_put(uint8_t *out, const struct recording_item *item, uint64_t *clock_ns);

/*
 * Takes one item from the size bytes at in. The bytes taken; 0: these bytes are no item (unknown id, cut off, a value
 * that cannot be). Any bytes are safe. A name lies in these bytes.
 */
size_t codec_get(const uint8_t *in, size_t size, struct recording_item *item, uint64_t *clock_ns);

/* Whether what stands there has a time that is before clock_ns, the reason why codec_get() refuses it. */
bool codec_runs_back(const uint8_t *in, size_t size, uint64_t clock_ns);

/* As codec_get(), for up to *count items, one behind the other; *count is how many there were. The bytes of all. */
size_t codec_get_run(const uint8_t *in, size_t size, struct recording_item items[], size_t *count, uint64_t *clock_ns);

/* The metadata: a new string, NULL: no memory. */
char *codec_metadata(const struct recording_about *about);

/*
 * What our own metadata says in its environment section. 0; -EINVAL: none of ours, *about is what could be read
 * (text may be cut off); -ENOTSUP: of another major version.
 */
int codec_about(const char *text, size_t size, struct recording_about *about);

#endif
