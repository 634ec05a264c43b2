// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include "view/export/export_inside.h"
#include "util/array.h"

/* A VM that has been gone for so long is forgotten. */
#define FORGET_NS 10000000000ULL

/* Tracks of faults below a vCPU: there are 64 asynchronous ones at most, and one that keeps it in the host. */
#define LANES_MAX 65

struct export_event {
	uint32_t event;
	uint64_t number;		/* of its pending track, 0: not written yet */
	uint64_t other_handlers;	/* likewise */
	uint64_t pc;			/* where its handler interrupted */
};

struct export_lane {
	uint64_t number;		/* its track */
	uint64_t end_ns;		/* taken until then */
};

/* Hangs at its VM; the user of the model's. */
struct export_vcpu {
	struct export_vcpu *next;
	const struct model_vcpu *vcpu;
	uint64_t number, handlers, mask, pending;	/* tracks; 0: not written yet */
	uint64_t handlers_end_ns;	/* the handlers' track is taken until then */
	struct export_event *events;	/* by number */
	size_t event_count;
	struct export_lane *lanes;	/* NULL, or LANES_MAX */
};

/* A finding that was written, once. */
struct written_finding {
	enum model_finding_code code;
	uint32_t vm, instance, vcpu, event;
	uint64_t first_ns;
};

struct export {
	struct export_state state;
	struct export_options options;
	const struct export_format *format;
	struct model *model;
	struct slicer *slicer;
	uint64_t next_track;
	uint64_t lost_track, findings_track;	/* 0: not written yet */
	uint64_t newest_ns;
	struct written_finding *written;		/* FINDINGS_MAX */
	size_t written_count;
	struct export_counters counters;
	uint64_t crowded;		/* faults without a track */
	bool no_memory;
};

_Static_assert(offsetof(struct export, state) == 0, "see export_state()");

bool export_is_binary(const struct export_format *format)
{
	return format->binary;
}

/* --- tracks */

static const char *kind_text(const struct export_track *t)
{
	switch (t->kind) {
	case TRACK_PENDING:
		return "pending";
	case TRACK_OTHER_HANDLERS:
		return "handler, overlapping";
	case TRACK_HANDLERS:
		return "handlers";
	case TRACK_MASK:
		return "PE mask";
	case TRACK_FAULTS:
		return "page faults";
	case TRACK_PENDING_COUNT:
		return "events pending";
	case TRACK_LOST_COUNT:
		return "records lost";
	default:
		return "findings of VMs that are gone";
	}
}

static void vm_text(const struct export_vm *vm, char *buf, size_t size)
{
	int length = snprintf(buf, size, "VM %" PRIu32, vm->pid);

	if (vm->name)
		length += snprintf(buf + length, size - length, " %s", vm->shown);
	if (vm->instance && (size_t)length < size)
		snprintf(buf + length, size - length, " (%" PRIu32 ")", vm->instance + 1);
}

/* Linux has no pids from 2^22 on: those above are free for VMs whose pid another one has, or that cannot be one. */
uint32_t export_pid(const struct export_vm *vm)
{
	return vm->instance || vm->pid >= 1U << 30 ? (1U << 30) + vm->number : vm->pid;
}

void export_track_name(const struct export_track *track, char *buf, size_t size)
{
	if (track->kind == TRACK_VM)
		vm_text(track->vm, buf, size);
	else if (track->kind == TRACK_VCPU)
		snprintf(buf, size, "vCPU %" PRIu32, track->vcpu);
	else if (track->kind == TRACK_PENDING || track->kind == TRACK_OTHER_HANDLERS)
		snprintf(buf, size, "event %" PRIu32 " %s", track->event, kind_text(track));
	else if (track->kind == TRACK_FAULTS && track->event)
		snprintf(buf, size, "%s, overlapping %" PRIu32, kind_text(track), track->event);
	else
		snprintf(buf, size, "%s", kind_text(track));
}

/* Announces a new track, its number given. */
static uint64_t new_track(struct export *x, struct export_track track)
{
	track.number = x->next_track++;
	x->format->track(x, &track);
	return track.number;
}

static uint64_t vm_track(struct export *x, struct export_vm *vm)
{
	if (vm->number)
		return vm->number;
	vm->number = x->next_track;	/* export_pid() may need it to announce the track */
	return new_track(x, (struct export_track){ .kind = TRACK_VM, .vm = vm });
}

/* A track below that of the vCPU; event SDEI_NONE: of none. */
static uint64_t below(struct export *x, const struct export_vm *vm, const struct export_vcpu *v, unsigned int kind, uint32_t event)
{
	return new_track(x, (struct export_track){
		.kind = kind, .parent = v->number, .vm = vm, .vcpu = v->vcpu->id, .event = event,
	});
}

/* The number of a track below the vCPU's, which is written when it is needed first. */
static uint64_t need(struct export *x, const struct export_vm *vm, const struct export_vcpu *v, uint64_t *track, unsigned int kind,
		     uint32_t event)
{
	if (!*track)
		*track = below(x, vm, v, kind, event);
	return *track;
}

/* --- VMs, vCPUs, events */

static void vm_free(void *user)
{
	struct export_vm *vm = user;
	struct export_vcpu *v = vm ? vm->vcpus : NULL;

	while (v) {
		struct export_vcpu *next = v->next;

		free(v->events);
		free(v->lanes);
		free(v);
		v = next;
	}
	if (vm) {
		free(vm->name);
		free(vm->shown);
	}
	free(vm);
}

/* guest_name() and recordings say "-" when they do not know. */
static bool is_named(const char *name)
{
	return name[0] && strcmp(name, "-") != 0;
}

static struct model_guest vm_guest(const void *user)
{
	return (struct model_guest){ .name = ((const struct export_vm *)user)->name };
}

static int name_vm(struct export *x, struct export_vm *vm)
{
	vm->name = x->options.name(x->options.ctx, vm->pid);
	if (!vm->name)
		return -ENOMEM;
	if (!is_named(vm->name)) {
		free(vm->name);
		vm->name = NULL;
	}
	vm->shown = x->format->name(vm->name);
	return vm->shown ? 0 : -ENOMEM;
}

/* The name is asked for at first sight: the pid may be another VM's later. */
static struct export_vm *vm_new(struct export *x, const struct model_vm *of)
{
	struct export_vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return NULL;
	vm->pid = of->pid;
	vm->instance = of->instance;
	if (name_vm(x, vm)) {
		vm_free(vm);
		return NULL;
	}
	return vm;
}

static struct export_vm *vm_of(struct export *x, const struct model_vcpu *vcpu)
{
	struct model_vm *vm = vcpu->vm;

	if (!vm->user)
		vm->user = vm_new(x, vm);
	return vm->user;
}

static struct export_vcpu *vcpu_new(struct export *x, struct export_vm *vm, const struct model_vcpu *vcpu)
{
	struct export_vcpu *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	((struct model_vcpu *)vcpu)->user = v;	/* of the model's own nothing changes */
	v->vcpu = vcpu;
	v->next = vm->vcpus;
	vm->vcpus = v;
	v->number = new_track(x, (struct export_track){
		.kind = TRACK_VCPU, .parent = vm_track(x, vm), .vm = vm, .vcpu = vcpu->id, .event = SDEI_NONE,
	});
	return v;
}

static struct export_vcpu *vcpu_of(struct export *x, struct export_vm *vm, const struct model_vcpu *vcpu)
{
	return vcpu->user ? vcpu->user : vcpu_new(x, vm, vcpu);
}

static size_t lower_bound(const struct export_vcpu *v, uint32_t event)
{
	return ARRAY_LOWER_BOUND(v->event_count, i, v->events[i].event < event);
}

/* Valid until the next call. NULL: no memory. */
static struct export_event *event_of(struct export_vcpu *v, uint32_t event)
{
	size_t at = lower_bound(v, event);
	struct export_event *events;

	if (at < v->event_count && v->events[at].event == event)
		return &v->events[at];
	if (ARRAY_ROOM_BY_COUNT(v->events, v->event_count))
		return NULL;
	events = v->events;
	memmove(events + at + 1, events + at, (v->event_count - at) * sizeof(*events));
	events[at] = (struct export_event){ .event = event };
	v->event_count++;
	return &events[at];
}

/* --- slices */

/* Handlers end in order of time, so what begins before the last one ended overlaps it. */
static uint64_t handler_track(struct export *x, const struct export_vm *vm, struct export_vcpu *v, struct export_event *e,
			      const struct slice *slice)
{
	if (slice->from_ns < v->handlers_end_ns)
		return need(x, vm, v, &e->other_handlers, TRACK_OTHER_HANDLERS, e->event);
	v->handlers_end_ns = slice->to_ns;
	return need(x, vm, v, &v->handlers, TRACK_HANDLERS, SDEI_NONE);
}

static bool find_tracks(struct export *x, struct export_slice *drawn)
{
	const struct slice *slice = drawn->slice;
	struct export_vcpu *v = vcpu_of(x, (struct export_vm *)drawn->vm, slice->vcpu);
	struct export_event *e = v && slice->event ? event_of(v, slice->event->event) : NULL;

	if (!v || (slice->event && !e))
		return false;
	drawn->vcpu_track = v->number;
	if (!e) {
		drawn->track = need(x, drawn->vm, v, &v->mask, TRACK_MASK, SDEI_NONE);
		return true;
	}
	drawn->event_track = need(x, drawn->vm, v, &e->number, TRACK_PENDING, e->event);
	drawn->pc = slice->kind == SLICE_HANDLER ? e->pc : 0;
	drawn->track = slice->kind == SLICE_HANDLER ? handler_track(x, drawn->vm, v, e, slice) : drawn->event_track;
	return true;
}

static void take_slice(void *ctx, const struct slice *slice)
{
	struct export *x = ctx;
	struct export_slice drawn = { .slice = slice };

	if (slice->to_ns < x->options.from_ns)
		return;
	drawn.vm = vm_of(x, slice->vcpu);
	if (!drawn.vm || (x->format->track && !find_tracks(x, &drawn))) {
		x->no_memory = true;
		return;
	}
	x->counters.slices++;
	x->format->slice(x, &drawn);
}

/* --- page faults */

/*
 * Faults end in order of time: a track is free if the last one on it ended before this one began. Of those the one that
 * was taken longest: so there are never more tracks than faults at a time. NULL: none is free.
 */
static struct export_lane *free_lane(struct export_lane *lanes, uint64_t from_ns)
{
	struct export_lane *best = NULL;

	for (size_t i = 0; i < LANES_MAX; i++) {
		if (lanes[i].end_ns <= from_ns && (!best || lanes[i].end_ns > best->end_ns))
			best = &lanes[i];
	}
	return best;
}

/* NULL: too many at a time, or no memory. */
static struct export_lane *lane_of(struct export *x, const struct export_vm *vm, struct export_vcpu *v,
				   const struct fault_slice *slice)
{
	struct export_lane *lane;

	if (!v->lanes)
		v->lanes = calloc(LANES_MAX, sizeof(*v->lanes));
	if (!v->lanes) {
		x->no_memory = true;
		return NULL;
	}
	lane = free_lane(v->lanes, slice->from_ns);
	if (!lane) {
		x->crowded++;
		return NULL;
	}
	if (!lane->number)
		lane->number = below(x, vm, v, TRACK_FAULTS, lane - v->lanes);
	lane->end_ns = slice->to_ns;
	return lane;
}

static bool find_lane(struct export *x, struct export_fault *fault)
{
	struct export_vcpu *v = vcpu_of(x, (struct export_vm *)fault->vm, fault->slice->vcpu);
	struct export_lane *lane = v ? lane_of(x, fault->vm, v, fault->slice) : NULL;

	x->no_memory |= !v;
	if (!lane)
		return false;
	fault->vcpu_track = v->number;
	fault->track = lane->number;
	return true;
}

static void take_fault(void *ctx, const struct fault_slice *slice)
{
	struct export *x = ctx;
	struct export_fault fault = { .slice = slice };

	if (slice->to_ns < x->options.from_ns)
		return;
	if (x->format->track && slice->stage != APF_STAGE_total && slice->stage != APF_STAGE_sync)
		return;
	fault.vm = vm_of(x, slice->vcpu);
	if (!fault.vm) {
		x->no_memory = true;
		return;
	}
	if (x->format->track && !find_lane(x, &fault))
		return;
	x->counters.slices++;
	x->format->fault(x, &fault);
}

/* --- counters */

static void take_pending(void *ctx, const struct model_vcpu *vcpu, uint64_t time_ns, uint32_t count)
{
	struct export *x = ctx;
	struct export_vm *vm;
	struct export_vcpu *v;

	if (time_ns < x->options.from_ns)
		return;
	vm = vm_of(x, vcpu);
	v = vm ? vcpu_of(x, vm, vcpu) : NULL;
	if (!v) {
		x->no_memory = true;
		return;
	}
	need(x, vm, v, &v->pending, TRACK_PENDING_COUNT, SDEI_NONE);
	x->format->count(x, &(struct export_track){
		.kind = TRACK_PENDING_COUNT, .number = v->pending, .parent = v->number, .vm = vm, .vcpu = vcpu->id, .event = SDEI_NONE,
	}, time_ns, count);
}

static void take_lost(struct export *x)
{
	struct export_track track = { .kind = TRACK_LOST_COUNT, .vcpu = SDEI_NONE, .event = SDEI_NONE };

	if (!x->format->count || x->newest_ns < x->options.from_ns)
		return;
	if (!x->lost_track)
		x->lost_track = new_track(x, track);
	track.number = x->lost_track;
	x->format->count(x, &track, x->newest_ns, model_totals(x->model)->lost);
}

/* --- instants */

static void instant(struct export *x, struct export_vm *vm, const struct export_vcpu *v, uint64_t time_ns, unsigned int name,
		    const struct export_args *args)
{
	const struct export_track track = {
		.kind = TRACK_VCPU, .number = v->number, .parent = vm->number, .vm = vm, .vcpu = v->vcpu->id, .event = SDEI_NONE,
	};

	x->counters.instants++;
	x->format->instant(x, &track, time_ns, name, args);
}

static void take_instant(struct export *x, const struct model_vcpu *vcpu, const struct sdei_record *r, unsigned int name)
{
	struct export_vm *vm = vm_of(x, vcpu);
	struct export_vcpu *v = vm ? vcpu_of(x, vm, vcpu) : NULL;
	struct export_args args;

	if (!v) {
		x->no_memory = true;
		return;
	}
	export_args_instant(&args, r);
	instant(x, vm, v, r->time_ns, name, &args);
}

static void take_pc(struct export *x, const struct model_vcpu *vcpu, const struct sdei_record *r)
{
	struct export_vm *vm = vm_of(x, vcpu);
	struct export_vcpu *v = vm ? vcpu_of(x, vm, vcpu) : NULL;
	struct export_event *e = v ? event_of(v, r->event) : NULL;

	if (e)
		e->pc = r->pc;
	else
		x->no_memory = true;
}

static bool is_gone(const struct export *x, const struct model_finding *f)
{
	const struct model_vm *vm = model_vm(x->model, f->vm);

	return !vm || vm->instance != f->instance;
}

static bool is_written(const struct export *x, const struct model_finding *f)
{
	for (size_t i = 0; i < x->written_count; i++) {
		const struct written_finding *t = &x->written[i];

		if (t->first_ns == f->first_ns && t->code == f->code && t->vm == f->vm && t->instance == f->instance &&
		    t->vcpu == f->vcpu && t->event == f->event)
			return true;
	}
	return false;
}

static const struct model_vm *vm_of_finding(const struct export *x, const struct model_finding *f)
{
	size_t count;
	struct model_vm *const *vms = model_vms(x->model, &count);

	while (count--) {
		if (vms[count]->pid == f->vm && vms[count]->instance == f->instance)
			return vms[count];
	}
	return NULL;
}

/* Its vCPU may have been forgotten since. */
static void write_finding(struct export *x, const struct model_finding *f)
{
	const struct model_vm *of = vm_of_finding(x, f);
	const struct model_vcpu *vcpu = of ? model_vcpu(of, f->vcpu) : NULL;
	struct export_vm *vm = vcpu ? vm_of(x, vcpu) : NULL;
	struct export_vcpu *v = vm ? vcpu_of(x, vm, vcpu) : NULL;
	struct export_track track = { .kind = TRACK_FINDINGS, .vcpu = f->vcpu, .event = f->event };
	struct export_args args;

	export_args_finding(&args, f);
	if (v) {
		instant(x, vm, v, f->first_ns, INSTANT_FINDINGS + f->code, &args);
		return;
	}
	if (!x->findings_track)
		x->findings_track = new_track(x, track);
	track.number = x->findings_track;
	x->counters.instants++;
	x->format->instant(x, &track, f->first_ns, INSTANT_FINDINGS + f->code, &args);
}

/* gone: only those that nothing can be added to. */
static void write_findings(struct export *x, bool gone)
{
	size_t count;
	const struct model_finding *f = model_findings(x->model, &count);

	for (; x->format->instant && count; count--, f++) {
		if (f->last_ns < x->options.from_ns || (gone && !is_gone(x, f)) || is_written(x, f) || x->written_count == FINDINGS_MAX)
			continue;
		x->written[x->written_count++] = (struct written_finding){
			.code = f->code, .vm = f->vm, .instance = f->instance, .vcpu = f->vcpu, .event = f->event, .first_ns = f->first_ns,
		};
		write_finding(x, f);
	}
}

/* --- records in */

static void look_at(struct export *x, const struct sdei_record *r)
{
	const struct model_vcpu *vcpu = slicer_vcpu(x->slicer, r->vm, r->vcpu);
	int name = export_instant_of(r);

	if (!vcpu)
		return;
	if (name >= 0 && r->time_ns >= x->options.from_ns)
		take_instant(x, vcpu, r, name);
	if (r->kind == SDEI_DISPATCH)
		take_pc(x, vcpu, r);
}

void export_record(void *ctx, const struct sdei_record *r, size_t size)
{
	struct export *x = ctx;
	int err = slicer_feed(x->slicer, r, size);

	if (err == -EINVAL)
		return;		/* counted by the model */
	x->no_memory |= err == -ENOMEM;
	if (r->time_ns > x->newest_ns)
		x->newest_ns = r->time_ns;
	if (x->format->track && (r->kind == SDEI_DISPATCH || export_instant_of(r) >= 0))
		look_at(x, r);
}

void export_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct export *x = ctx;

	x->no_memory |= slicer_feed_lost(x->slicer, key, count) == -ENOMEM;
	take_lost(x);
}

struct record_sink export_sink(struct export *x)
{
	return (struct record_sink){ .record = export_record, .lost = export_lost, .ctx = x };
}

static bool has_forgettable(const struct export *x, uint64_t before_ns)
{
	size_t count;
	struct model_vm *const *vms = model_vms(x->model, &count);

	while (count--) {
		if (vms[count]->gone && vms[count]->gone_ns < before_ns)
			return true;
	}
	return false;
}

void export_tick(struct export *x, uint64_t now_ns, int64_t wall_ns)
{
	uint64_t before_ns = now_ns > FORGET_NS ? now_ns - FORGET_NS : 0;

	slicer_tick(x->slicer, now_ns);
	if (now_ns > x->newest_ns)
		x->newest_ns = now_ns;
	if (x->format->clock && now_ns >= x->options.from_ns)
		x->format->clock(x, now_ns, wall_ns);
	if (!has_forgettable(x, before_ns))
		return;
	write_findings(x, true);
	slicer_expire(x->slicer, before_ns);
}

/* --- begin and end */

static bool make_parts(struct export *x)
{
	const struct slicer_calls calls = {
		.slice = take_slice, .fault = take_fault, .pending = x->format->count ? take_pending : NULL, .ctx = x,
	};

	x->model = model_new(&(struct model_options){ .free_user = vm_free, .guest = vm_guest });
	x->slicer = x->model ? slicer_new(x->model, &calls) : NULL;
	x->written = calloc(FINDINGS_MAX, sizeof(*x->written));
	return x->slicer && x->written;
}

struct export *export_new(const struct export_options *options)
{
	struct export *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->options = *options;
	x->format = options->format;
	x->next_track = 1;
	x->state.out = options->out;
	x->state.options = &x->options;
	x->state.own = calloc(1, x->format->own_size + 1);
	if (!x->state.own || !make_parts(x)) {
		export_free(x);
		return NULL;
	}
	__fsetlocking(options->out, FSETLOCKING_BYCALLER);
	x->format->begin(x);
	return x;
}

void export_free(struct export *x)
{
	if (!x)
		return;
	slicer_free(x->slicer);
	model_free(x->model);
	free(x->written);
	free(x->state.own);
	free(x);
}

int export_end(struct export *x, uint64_t now_ns)
{
	if (x->newest_ns > now_ns)
		now_ns = x->newest_ns;
	x->no_memory |= slicer_end(x->slicer, now_ns) != 0;
	model_settle(x->model, now_ns);
	write_findings(x, false);
	if (x->format->end)
		x->format->end(x);
	return x->no_memory || model_totals(x->model)->no_memory ? -ENOMEM : 0;
}

void export_counters(const struct export *x, struct export_counters *counters)
{
	*counters = x->counters;
	counters->unknown = slicer_unknown(x->slicer) + x->crowded;
	counters->findings_unkept = model_totals(x->model)->findings_unkept;
}
