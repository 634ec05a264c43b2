/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table behind codec.h: which events a recording consists of and how wide each field is. The format of
 * recordings is this table: rows are added, never changed.
 */
#ifndef RECORDING_LAYOUTS_H
#define RECORDING_LAYOUTS_H

#include "record/names.h"
#include "recording/recording.h"

/* A field of an item: where it stands in struct recording_item. */
struct field {
	const char *name;	/* in the metadata, with an underscore in front; NULL ends a list */
	uint16_t offset;
	uint8_t bytes;		/* 1, 2, 4, 8 */
	bool is_signed, is_hex, is_bool;
	uint8_t labels;		/* enum labels */
	uint64_t implied;	/* its value where a layout leaves it out */
};

#define FIELDS_MAX 12

/* An event: what all of its layouts have in common. */
struct event_class {
	const char *name;
	uint8_t item;			/* enum recording_item_kind */
	uint8_t record;			/* enum sdei_kind, if it is a record */
	const struct field *fields;	/* up to FIELDS_MAX */
	uint8_t ids[8];			/* its layouts, the ones to be tried first in front; 0 ends it */
};

struct layout {
	uint16_t id;
	const struct event_class *of;
	uint8_t bits[FIELDS_MAX];	/* of each field, in its order; 0: left out. 64: starts at a byte. A wide one has all, in their own widths */
	bool wide;			/* takes everything, and has the time of the item in front of the fields */
};

#define LAYOUT_SHORT_MAX 29	/* the largest id that short headers take; the two above lead to longer ones */
#define LAYOUT_NARROW_MAX 31	/* that medium ones take, and the largest of a narrow layout */
#define LAYOUT_MEDIUM 30
#define LAYOUT_LONG 31
#define LAYOUT_NAME_ID 64	/* a text stands behind its fields: the name */
#define LAYOUT_GUEST_ID 77	/* two: the name, the UUID */
#define LAYOUT_IDS 78

/* NULL: there is none of that id. */
const struct layout *layout_of(unsigned int id);

/* NULL: no such item. */
const struct event_class *event_class_of(const struct recording_item *item);

/* What is added to a stored function of fewer than 32 bits. */
#define LAYOUT_FUNCTION_BASE 0xC4000000U

#endif
