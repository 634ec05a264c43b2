// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trace event format of Chrome, as chrome://tracing, Perfetto and others read it. Slices are asynchronous
 * events: a track is an id, and its slices never overlap, so that readers which round times do not nest them wrongly.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "view/export/export_inside.h"
#include "util/json.h"

struct chrome {
	bool comma;
};

/* One event a line. */
static void open_event(struct export *x, struct json *j, const char *phase)
{
	struct export_state *state = export_state(x);
	struct chrome *f = state->own;

	json_start(j, state->out);
	line_text(&j->line, f->comma ? ",\n" : "\n");
	f->comma = true;
	json_open(j, NULL, '{');
	json_plain(j, "ph", phase);
}

static void put_ids(struct json *j, const struct export_vm *vm, uint64_t thread)
{
	json_u64(j, "pid", vm ? export_pid(vm) : 0);
	json_u64(j, "tid", thread);
}

/* us, and what is left in decimals: all of it is there. */
static void put_time(struct json *j, uint64_t time_ns)
{
	json_u64(j, "ts", time_ns / 1000);
	line_char(&j->line, '.');
	line_u64(&j->line, time_ns % 1000, 3, '0');
}

static void put_arg(struct json *j, const struct export_arg *arg)
{
	const char *key = export_arg_name(arg->name);

	switch (arg->type) {
	case ARG_IS_NUMBER:
		json_u64(j, key, arg->number);
		break;
	case ARG_IS_SIGNED:
		json_i64(j, key, (int64_t)arg->number);
		break;
	case ARG_IS_ADDRESS:
		json_address(j, key, arg->number);
		break;
	case ARG_IS_BOOL:
		json_bool(j, key, arg->number);
		break;
	case ARG_IS_TEXT:
		json_plain(j, key, arg->text);
		break;
	}
}

static void put_args(struct json *j, const struct export_args *args)
{
	json_open(j, "args", '{');
	for (unsigned int i = 0; i < args->count; i++)
		put_arg(j, &args->list[i]);
	json_close(j, '}');
}

static void begin(struct export *x)
{
	const struct export_state *state = export_state(x);
	struct json j;

	json_start(&j, state->out);
	json_open(&j, NULL, '{');
	json_plain(&j, "displayTimeUnit", "ns");
	json_open(&j, "otherData", '{');
	json_text(&j, "host", state->options->host ? state->options->host : "");
	json_plain(&j, "clock", "CLOCK_MONOTONIC");
	json_i64(&j, "wall_offset_ns", state->options->wall_offset_ns);
	json_close(&j, '}');
	json_open(&j, "traceEvents", '[');
	json_flush(&j);
}

static void end(struct export *x)
{
	fputs("\n]}\n", export_state(x)->out);
}

/* --- processes and threads; other tracks are named by their first event */

static void write_name(struct export *x, const struct export_track *track, const char *what, uint64_t thread)
{
	struct json j;
	char text[64];

	open_event(x, &j, "M");
	json_plain(&j, "name", what);
	put_ids(&j, track->vm, thread);
	json_open(&j, "args", '{');
	if (track->kind == TRACK_VM) {
		snprintf(text, sizeof(text), "VM %" PRIu32 "%s", track->vm->pid, track->vm->name ? " " : "");
		json_key(&j, "name");
		/* shown is a JSON string already: its quote is left out. */
		line_char(&j.line, '"');
		line_text(&j.line, text);
		line_text(&j.line, track->vm->shown + 1);
	} else {
		export_track_name(track, text, sizeof(text));
		json_plain(&j, "name", text);
	}
	json_close(&j, '}');
	json_close(&j, '}');
}

static void write_track(struct export *x, const struct export_track *track)
{
	if (track->kind == TRACK_VM)
		write_name(x, track, "process_name", 0);
	else if (track->kind == TRACK_VCPU || track->kind == TRACK_FINDINGS)
		write_name(x, track, "thread_name", track->number);
}

/* --- events */

/* Readers show these tracks side by side, of all vCPUs. */
static void name_slice(const struct slice *slice, char *buf, size_t size)
{
	if (slice->kind == SLICE_PENDING)
		snprintf(buf, size, "vCPU %" PRIu32 " event %" PRIu32 " pending", slice->vcpu->id, slice->event->event);
	else
		snprintf(buf, size, "vCPU %" PRIu32 " %s", slice->vcpu->id, slice_kind_name(slice->kind));
}

/* What distinguishes asynchronous events. */
struct async {
	const struct export_vm *vm;
	uint64_t thread, track;
	const char *name;
};

static void open_async(struct export *x, struct json *j, const char *phase, const struct async *async, uint64_t time_ns)
{
	open_event(x, j, phase);
	json_plain(j, "cat", "sdei");
	json_plain(j, "name", async->name);
	json_address(j, "id", async->track);
	put_ids(j, async->vm, async->thread);
	put_time(j, time_ns);
}

static void put_async(struct export *x, const struct async *async, uint64_t from_ns, uint64_t to_ns, const struct export_args *args)
{
	struct json j;

	open_async(x, &j, "b", async, from_ns);
	put_args(&j, args);
	json_close(&j, '}');
	open_async(x, &j, "e", async, to_ns);
	json_close(&j, '}');
}

static void put_slice(struct export *x, const struct export_slice *drawn)
{
	struct export_args args;
	char name[64];

	name_slice(drawn->slice, name, sizeof(name));
	export_args_slice(&args, drawn->slice, drawn->pc);
	put_async(x, &(struct async){ drawn->vm, drawn->vcpu_track, drawn->track, name }, drawn->slice->from_ns,
		  drawn->slice->to_ns, &args);
}

static void put_fault(struct export *x, const struct export_fault *fault)
{
	const struct fault_slice *slice = fault->slice;
	struct export_args args;
	char name[64];

	snprintf(name, sizeof(name), "vCPU %" PRIu32 " %s", slice->vcpu->id, export_fault_name(slice->stage));
	export_args_fault(&args, slice);
	put_async(x, &(struct async){ fault->vm, fault->vcpu_track, fault->track, name }, slice->from_ns, slice->to_ns, &args);
}

static void put_instant(struct export *x, const struct export_track *track, uint64_t time_ns, unsigned int name,
			const struct export_args *args)
{
	struct json j;

	open_event(x, &j, "i");
	json_plain(&j, "s", "t");
	json_plain(&j, "cat", "sdei");
	json_plain(&j, "name", export_instant_name(name));
	put_ids(&j, track->vm, track->number);
	put_time(&j, time_ns);
	put_args(&j, args);
	json_close(&j, '}');
}

static void put_count(struct export *x, const struct export_track *track, uint64_t time_ns, uint64_t count)
{
	char text[64], name[96];
	struct json j;

	open_event(x, &j, "C");
	export_track_name(track, text, sizeof(text));
	if (track->vm)
		snprintf(name, sizeof(name), "vCPU %" PRIu32 " %s", track->vcpu, text);
	json_plain(&j, "name", track->vm ? name : text);
	put_ids(&j, track->vm, 0);
	put_time(&j, time_ns);
	json_open(&j, "args", '{');
	json_u64(&j, "count", count);
	json_close(&j, '}');
	json_close(&j, '}');
}

static char *json_name(const char *name)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	escape_json(out, name ? name : "");
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

const struct export_format export_chrome = {
	.own_size = sizeof(struct chrome),
	.name = json_name,
	.begin = begin,
	.slice = put_slice,
	.fault = put_fault,
	.track = write_track,
	.instant = put_instant,
	.count = put_count,
	.end = end,
};
