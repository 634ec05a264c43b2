/* SPDX-License-Identifier: GPL-2.0-only */
/* A small recording, made item by item, for tests of what reads recordings. */
#ifndef TESTS_RECORDING_SCENE_H
#define TESTS_RECORDING_SCENE_H

#include "recording/recording.h"

#define RECORDED_NS_PER_MS 1000000ULL
#define RECORDED_BEGIN_NS (1000000 * RECORDED_NS_PER_MS)
#define RECORDED_WALL_OFFSET (1767225600LL * 1000 * 1000000)	/* 2026-01-01T00:00:00Z */
#define RECORDED_END_NS (RECORDED_BEGIN_NS + 30500 * RECORDED_NS_PER_MS)

/* Of a guest "web": steady events, a burst of drops after 7.3 s, a handler that hangs from 12.2 s to 16 s. */
const struct recording_item *recorded_items(size_t *count);

/* Items of any recording: how it is watched; a record, if a signal then one of the VMM. compare_items() sorts them by time. */
struct recording_item status_item(uint64_t time_ns, bool end);
struct recording_item record_item(struct sdei_record head);
int compare_items(const void *a, const void *b);

/* Writes any items, which are in time order, as a recording into a directory. */
void record_items(const char *directory, const struct recording_about *about, const struct recording_item *items, size_t count);

/* Takes the last byte of such a recording away. */
void cut_recording(const char *directory);

/* Writes those of the guest "web" into a new directory, whose name is returned. */
const char *recorded_directory(void);

#endif
