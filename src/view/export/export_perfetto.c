// SPDX-License-Identifier: GPL-2.0-only
/*
 * Perfetto's trace format: a protobuf Trace of TracePackets, all of one sequence. Fields and their numbers:
 * protos/perfetto/trace/{trace_packet,clock_snapshot,interned_data/interned_data}.proto and
 * protos/perfetto/trace/track_event/{track_event,track_descriptor,process_descriptor,counter_descriptor,debug_annotation}.proto
 * Names of slices and arguments are written once, in the first packet (those with the number of an event with that
 * event's first track), and are numbers from there on.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"
#include "view/export/export_inside.h"
#include "view/export/protobuf.h"

enum { TRACE_PACKET = 1 };
enum {
	PACKET_CLOCK_SNAPSHOT = 6, PACKET_TIMESTAMP = 8, PACKET_SEQUENCE_ID = 10, PACKET_TRACK_EVENT = 11,
	PACKET_INTERNED_DATA = 12, PACKET_SEQUENCE_FLAGS = 13, PACKET_CLOCK_ID = 58, PACKET_DEFAULTS = 59,
	PACKET_TRACK_DESCRIPTOR = 60,
};
enum { FLAG_STATE_CLEARED = 1, FLAG_NEEDS_STATE = 2 };
enum { SNAPSHOT_CLOCKS = 1, SNAPSHOT_PRIMARY = 2 };
enum { CLOCK_FIELD_ID = 1, CLOCK_FIELD_TIMESTAMP = 2 };
enum { REALTIME = 1, MONOTONIC = 3 };
enum { INTERNED_CATEGORIES = 1, INTERNED_EVENT_NAMES = 2, INTERNED_ARG_NAMES = 3 };
enum { INTERNED_ID = 1, INTERNED_NAME = 2 };
enum {
	DESCRIPTOR_UUID = 1, DESCRIPTOR_NAME = 2, DESCRIPTOR_PROCESS = 3, DESCRIPTOR_PARENT = 5, DESCRIPTOR_COUNTER = 8,
	DESCRIPTOR_CHILD_ORDERING = 11, DESCRIPTOR_RANK = 12,
};
enum { ORDERING_EXPLICIT = 3 };
enum { PROCESS_PID = 1, PROCESS_NAME = 6 };
enum { COUNTER_UNIT = 3 };
enum { UNIT_COUNT = 2 };
enum {
	EVENT_CATEGORY = 3, EVENT_ARGS = 4, EVENT_TYPE = 9, EVENT_NAME = 10, EVENT_TRACK = 11, EVENT_COUNTER = 30,
};
enum { TYPE_BEGIN = 1, TYPE_END = 2, TYPE_INSTANT = 3, TYPE_COUNTER = 4 };
enum { ARG_NAME = 1, ARG_BOOL = 2, ARG_UINT = 3, ARG_INT = 4, ARG_STRING = 6, ARG_POINTER = 7 };

#define SEQUENCE 1
#define CATEGORY 1

/* Numbers of names; those of instants come first, those of events last. */
enum {
	NAME_INSTANTS = 1,
	NAME_PENDING = NAME_INSTANTS + INSTANT_COUNT,
	NAME_MASK,
	NAME_INITIAL_MASK,
	NAME_FAULT,
	NAME_SYNC_FAULT,
	NAME_EVENTS		/* + number of the event's pending track */
};

/* The offset between the clocks that was written last; another snapshot is due when it has moved by more than this. */
#define STEP_NS 1000000

struct perfetto {
	struct protobuf packets;
	size_t packet;		/* the one that is open: see protobuf_begin() */
	int64_t wall_offset_ns;
	bool clock_told;
};

static struct perfetto *own(struct export *x)
{
	return export_state(x)->own;
}

/* --- packets, written when there is no room for another */

static void flush(struct export *x)
{
	struct protobuf *p = &own(x)->packets;

	fwrite_unlocked(p->bytes, 1, p->size, export_state(x)->out);
	p->size = 0;
}

static struct protobuf *packet_begin(struct export *x, unsigned int flags)
{
	struct protobuf *p = &own(x)->packets;

	if (PROTOBUF_ROOM - p->size < PROTOBUF_MAX)
		flush(x);
	own(x)->packet = protobuf_begin(p, TRACE_PACKET);
	protobuf_number(p, PACKET_SEQUENCE_ID, SEQUENCE);
	protobuf_number(p, PACKET_SEQUENCE_FLAGS, flags);
	return p;
}

static void packet_end(struct export *x)
{
	protobuf_close(&own(x)->packets, own(x)->packet);
}

/* --- the first packet */

static void put_interned(struct protobuf *p, unsigned int field, uint64_t id, const char *name)
{
	size_t at = protobuf_open(p, field);

	protobuf_number(p, INTERNED_ID, id);
	protobuf_text(p, INTERNED_NAME, name);
	protobuf_close(p, at);
}

static void put_names(struct protobuf *p)
{
	size_t at = protobuf_open(p, PACKET_INTERNED_DATA);

	put_interned(p, INTERNED_CATEGORIES, CATEGORY, "sdei");
	for (unsigned int name = 0; name < INSTANT_COUNT; name++)
		put_interned(p, INTERNED_EVENT_NAMES, NAME_INSTANTS + name, export_instant_name(name));
	put_interned(p, INTERNED_EVENT_NAMES, NAME_PENDING, "pending");
	put_interned(p, INTERNED_EVENT_NAMES, NAME_MASK, "masked");
	put_interned(p, INTERNED_EVENT_NAMES, NAME_INITIAL_MASK, "masked since creation or reset");
	put_interned(p, INTERNED_EVENT_NAMES, NAME_FAULT, export_fault_name(APF_STAGE_total));
	put_interned(p, INTERNED_EVENT_NAMES, NAME_SYNC_FAULT, export_fault_name(APF_STAGE_sync));
	for (unsigned int name = 0; name < ARG_NAME_COUNT; name++)
		put_interned(p, INTERNED_ARG_NAMES, 1 + name, export_arg_name(name));
	protobuf_close(p, at);
}

static void begin(struct export *x)
{
	struct protobuf *p = packet_begin(x, FLAG_STATE_CLEARED | FLAG_NEEDS_STATE);
	size_t at = protobuf_open(p, PACKET_DEFAULTS);

	protobuf_number(p, PACKET_CLOCK_ID, MONOTONIC);
	protobuf_close(p, at);
	put_names(p);
	packet_end(x);
}

/* --- clocks */

static void put_clock(struct protobuf *p, unsigned int id, uint64_t time_ns)
{
	size_t at = protobuf_open(p, SNAPSHOT_CLOCKS);

	protobuf_number(p, CLOCK_FIELD_ID, id);
	protobuf_number(p, CLOCK_FIELD_TIMESTAMP, time_ns);
	protobuf_close(p, at);
}

static void put_snapshot(struct export *x, uint64_t time_ns, uint64_t wall_ns)
{
	struct protobuf *p = packet_begin(x, FLAG_NEEDS_STATE);
	size_t at = protobuf_open(p, PACKET_CLOCK_SNAPSHOT);

	put_clock(p, MONOTONIC, time_ns);
	put_clock(p, REALTIME, wall_ns);
	protobuf_number(p, SNAPSHOT_PRIMARY, MONOTONIC);
	protobuf_close(p, at);
	packet_end(x);
}

/* A recording's wall clock may be anything; before 1970 it has no meaning here. */
static void write_clock(struct export *x, uint64_t time_ns, int64_t wall_ns)
{
	struct perfetto *f = own(x);
	int64_t offset_ns = (int64_t)((uint64_t)wall_ns - time_ns);
	uint64_t moved_ns = (uint64_t)offset_ns - (uint64_t)f->wall_offset_ns;

	if (wall_ns < 0 || (f->clock_told && moved_ns + STEP_NS <= 2 * STEP_NS))
		return;
	f->clock_told = true;
	f->wall_offset_ns = offset_ns;
	put_snapshot(x, time_ns, wall_ns);
}

/* Times need a clock before the first of them. */
static void tell_clock(struct export *x, uint64_t time_ns)
{
	write_clock(x, time_ns, (int64_t)(time_ns + (uint64_t)export_state(x)->options->wall_offset_ns));
	own(x)->clock_told = true;
}

/* --- tracks */

static void put_process(struct protobuf *p, const struct export_vm *vm, const char *name)
{
	size_t at = protobuf_open(p, DESCRIPTOR_PROCESS);

	protobuf_number(p, PROCESS_PID, export_pid(vm));
	protobuf_text(p, PROCESS_NAME, name);
	protobuf_close(p, at);
}

static void put_counter(struct protobuf *p)
{
	size_t at = protobuf_open(p, DESCRIPTOR_COUNTER);

	protobuf_number(p, COUNTER_UNIT, UNIT_COUNT);
	protobuf_close(p, at);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Where it stands among those of the same parent: handlers, pending ones, faults, mask, counter. */
static uint32_t rank_of(const struct export_track *track)
{
	switch (track->kind) {
	case TRACK_VCPU:
		return least(track->vcpu, INT32_MAX);
	case TRACK_HANDLERS:
		return 0;
	case TRACK_OTHER_HANDLERS:
		return 1;
	case TRACK_PENDING:
		return 2 + least(track->event, INT32_MAX - 1000);
	case TRACK_FAULTS:
		return INT32_MAX - 500 + least(track->event, 400);
	case TRACK_MASK:
		return INT32_MAX - 1;
	default:
		return INT32_MAX;
	}
}

static void put_descriptor(struct protobuf *p, const struct export_track *track)
{
	char name[EXPORT_NAME_MAX];
	size_t at = protobuf_open(p, PACKET_TRACK_DESCRIPTOR);

	export_track_name(track, name, sizeof(name));
	protobuf_number(p, DESCRIPTOR_UUID, track->number);
	if (track->parent)
		protobuf_number(p, DESCRIPTOR_PARENT, track->parent);
	if (track->kind == TRACK_VM)
		put_process(p, track->vm, name);
	else
		protobuf_text(p, DESCRIPTOR_NAME, name);
	if (track->kind == TRACK_PENDING_COUNT || track->kind == TRACK_LOST_COUNT)
		put_counter(p);
	if (track->kind == TRACK_VM || track->kind == TRACK_VCPU)
		protobuf_number(p, DESCRIPTOR_CHILD_ORDERING, ORDERING_EXPLICIT);
	if (track->parent)
		protobuf_number(p, DESCRIPTOR_RANK, rank_of(track));
	protobuf_close(p, at);
}

static void put_event_name(struct protobuf *p, const struct export_track *track)
{
	char name[24];
	size_t at = protobuf_open(p, PACKET_INTERNED_DATA);

	snprintf(name, sizeof(name), "event %" PRIu32, track->event);
	put_interned(p, INTERNED_EVENT_NAMES, NAME_EVENTS + track->number, name);
	protobuf_close(p, at);
}

static void write_track(struct export *x, const struct export_track *track)
{
	struct protobuf *p = packet_begin(x, FLAG_NEEDS_STATE);

	put_descriptor(p, track);
	if (track->kind == TRACK_PENDING)
		put_event_name(p, track);
	packet_end(x);
}

/* --- events: most of what is written, hence with room for all that they may have */

#define TEXT_MAX 256	/* bytes of a text; none is longer */
#define EVENT_FIELDS 10	/* besides arguments */
#define EVENT_MAX (EVENT_FIELDS * PROTOBUF_FIELD_MAX + ARG_NAME_COUNT * (3 * PROTOBUF_FIELD_MAX + TEXT_MAX))

_Static_assert(EVENT_MAX < 1 << 14, "its length takes two bytes");
_Static_assert(sizeof(((struct export_args *)0)->sentence) <= TEXT_MAX, "the longest text");

/* A packet with an event: where the two of them begin, where the next field goes. */
struct event {
	uint8_t *packet, *event, *at;
};

static struct event event_begin(struct export *x, uint64_t time_ns, unsigned int type, uint64_t track)
{
	struct perfetto *f = own(x);
	struct event e;

	if (!f->clock_told)
		tell_clock(x, time_ns);
	if (PROTOBUF_ROOM - f->packets.size < EVENT_MAX)
		flush(x);
	e.packet = protobuf_put_open(f->packets.bytes + f->packets.size, TRACE_PACKET);
	e.at = protobuf_put_number(e.packet, PACKET_SEQUENCE_ID, SEQUENCE);
	e.at = protobuf_put_number(e.at, PACKET_SEQUENCE_FLAGS, FLAG_NEEDS_STATE);
	e.at = protobuf_put_number(e.at, PACKET_TIMESTAMP, time_ns);
	e.event = protobuf_put_open(e.at, PACKET_TRACK_EVENT);
	e.at = protobuf_put_number(e.event, EVENT_TYPE, type);
	e.at = protobuf_put_number(e.at, EVENT_TRACK, track);
	return e;
}

static void event_end(struct export *x, const struct event *e)
{
	struct protobuf *p = &own(x)->packets;

	protobuf_put_close(e->event, e->at);
	protobuf_put_close(e->packet, e->at);
	p->size = e->at - p->bytes;
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
	size_t length = strnlen(text, TEXT_MAX);

	at = protobuf_put_value(protobuf_put_tag(at, ARG_STRING, PROTOBUF_BYTES), length);
	memcpy(at, text, length);
	return at + length;
}

static uint8_t *put_arg(uint8_t *at, const struct export_arg *arg)
{
	static const uint8_t fields[] = {
		[ARG_IS_NUMBER] = ARG_UINT, [ARG_IS_SIGNED] = ARG_INT, [ARG_IS_ADDRESS] = ARG_POINTER, [ARG_IS_BOOL] = ARG_BOOL,
	};
	uint8_t *opened = protobuf_put_open(at, EVENT_ARGS);

	at = protobuf_put_number(opened, ARG_NAME, 1 + arg->name);
	if (arg->type == ARG_IS_TEXT)
		at = put_text(at, arg->text);
	else
		at = protobuf_put_number(at, fields[arg->type], arg->number);
	protobuf_put_close(opened, at);
	return at;
}

static void put_named(struct event *e, uint64_t name, const struct export_args *args)
{
	uint8_t *at = protobuf_put_number(e->at, EVENT_CATEGORY, CATEGORY);

	at = protobuf_put_number(at, EVENT_NAME, name);
	for (unsigned int i = 0; i < args->count; i++)
		at = put_arg(at, &args->list[i]);
	e->at = at;
}

static uint64_t name_of_slice(const struct export_slice *drawn)
{
	switch (drawn->slice->kind) {
	case SLICE_PENDING:
		return NAME_PENDING;
	case SLICE_HANDLER:
		return NAME_EVENTS + drawn->event_track;
	default:
		return drawn->slice->initial ? NAME_INITIAL_MASK : NAME_MASK;
	}
}

/* Its begin; its end is to follow. */
static void put_begin(struct export *x, uint64_t time_ns, uint64_t track, uint64_t name, const struct export_args *args)
{
	struct event e = event_begin(x, time_ns, TYPE_BEGIN, track);

	put_named(&e, name, args);
	event_end(x, &e);
}

static void put_end(struct export *x, uint64_t time_ns, uint64_t track)
{
	struct event e = event_begin(x, time_ns, TYPE_END, track);

	event_end(x, &e);
}

static void put_slice(struct export *x, const struct export_slice *drawn)
{
	struct export_args args;

	export_args_slice(&args, drawn->slice, drawn->pc);
	put_begin(x, drawn->slice->from_ns, drawn->track, name_of_slice(drawn), &args);
	put_end(x, drawn->slice->to_ns, drawn->track);
}

static void put_fault(struct export *x, const struct export_fault *fault)
{
	const struct fault_slice *slice = fault->slice;
	struct export_args args;

	export_args_fault(&args, slice);
	put_begin(x, slice->from_ns, fault->track, slice->stage == APF_STAGE_sync ? NAME_SYNC_FAULT : NAME_FAULT, &args);
	put_end(x, slice->to_ns, fault->track);
}

static void put_instant(struct export *x, const struct export_track *track, uint64_t time_ns, unsigned int name,
			const struct export_args *args)
{
	struct event e = event_begin(x, time_ns, TYPE_INSTANT, track->number);

	put_named(&e, NAME_INSTANTS + name, args);
	event_end(x, &e);
}

static void put_count(struct export *x, const struct export_track *track, uint64_t time_ns, uint64_t count)
{
	struct event e = event_begin(x, time_ns, TYPE_COUNTER, track->number);

	e.at = protobuf_put_number(e.at, EVENT_COUNTER, count);
	event_end(x, &e);
}

/* Strings have to be UTF-8, and what looks harmless here is harmless there. */
static char *shown_name(const char *name)
{
	return escape_terminal(name ? name : "", true);
}

const struct export_format export_perfetto = {
	.binary = true,
	.own_size = sizeof(struct perfetto),
	.name = shown_name,
	.begin = begin,
	.slice = put_slice,
	.fault = put_fault,
	.track = write_track,
	.instant = put_instant,
	.count = put_count,
	.clock = write_clock,
	.end = flush,
};
