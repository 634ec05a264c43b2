/* SPDX-License-Identifier: GPL-2.0-only */
/* A small recording, made item by item, for tests of what reads recordings. */
#ifndef TESTS_RECORDING_SCENE_H
#define TESTS_RECORDING_SCENE_H

#include "src/trace/recording.h"

#define RECORDED_NS_PER_MS 1000000ULL
#define RECORDED_BEGIN_NS (1000000 * RECORDED_NS_PER_MS)
#define RECORDED_END_NS (RECORDED_BEGIN_NS + 30500 * RECORDED_NS_PER_MS)

/* Of a guest "web": steady events, a burst of drops after 7.3 s, a handler that hangs from 12.2 s to 16 s. */
const struct recording_item *recorded_items(size_t *count);

/* Writes them into a new directory, whose name is returned. */
const char *recorded_directory(void);
void remove_recorded(const char *directory);

#endif
