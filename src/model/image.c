// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an image holds, in this order: a head; what is the model's; each VM, with its vCPUs, with their events;
 * findings and suspicions, by owner; a CRC. All but the head and the CRC are numbers as in bytes.h. What follows from the rest
 * is not in it: maps, slots of findings, numbers of what lives. What cannot make a difference any more is not either.
 *
 * A new field goes into the list of its struct below. What is no plain number has a line of its own in the
 * pair of put_ and get_ of that struct.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "util/bytes.h"
#include "model/frames.h"
#include "model/image.h"
#include "model/inside.h"

static const char magic[8] = "SDEIMODL";

/* Little-endian, 4 bytes each: the version behind the magic, the CRC of all before it. */
#define VERSION_AT sizeof(magic)
#define HEAD_SIZE (VERSION_AT + 4)
#define CRC_SIZE 4

/* The fewest bytes that one can take: a bound of how many there may be. */
#define VM_LEAST 21
#define VCPU_LEAST 37
#define EVENT_LEAST 67
#define FINDING_LEAST 17
#define SENDER_LEAST 8

/* --- the plain fields of each struct. Another size: is there a new field? */

#define MODEL_NUMBERS(X) \
	X(limits.handler_ns) X(limits.pending_ns) X(limits.nmi_ns) X(limits.mask_ns) X(limits.drops) X(limits.drops_ns) X(limits.refused) \
	X(limits.refused_ns) X(limits.page_ns) X(limits.ack_ns) X(limits.fallbacks) X(limits.fallbacks_ns) X(newest_ns) X(trust_ns) X(gic_trust_ns) X(ever_lost) X(keep_intervals) X(keep_recent) X(ever_apf) X(mark_records) \
	X(totals.records) X(totals.interval_records) X(totals.interval_ns) X(totals.start_ns) X(totals.now_ns) X(totals.lost) \
	X(totals.unknown) X(totals.no_memory) X(totals.crowded) X(totals.late) X(totals.misfits) X(totals.findings_unkept) X(totals.apf) X(totals.inexact)
_Static_assert(offsetof(struct model, fits) == 1160, "see above");
_Static_assert(sizeof(struct model_totals) == 640, "see above");
_Static_assert(sizeof(struct finding_limits) == 96, "see above");

/* Of restore_found there are metrics only, which are written where the model is. */
#define VM_NUMBERS(X) X(instance) X(gone) X(gone_ns) X(restored_ns) X(from_pid) X(from_instance) X(restoring) X(sought) \
	X(stood_ns) X(stops) X(counter) X(begin_counter) X(source_counter) X(counter_hz) X(begin_hz) X(source_hz) X(counter_vcpu)
_Static_assert(sizeof(struct model_vm) == 232, "see above");

#define VCPU_NUMBERS(X) \
	X(gone) X(mask_known) X(masked) X(initial) X(inexact) X(doomed) X(power_known) X(off) X(suspended) X(last_ns) X(first_seen_ns) X(masked_since_ns) \
	X(masked_ns) X(masked_from_ns) X(place) X(free_ns) X(handlers_ns) X(trust_ns) X(interval_masked_ns) X(mask_calls) \
	X(unmask_calls) X(lost) X(gone_ns) X(masked_told_ns) X(mark_masked_ns) X(mark_last_ns) X(place_ns) \
	X(begun) X(outside_ns) X(ran_ns) X(source_ns) X(first_ns) X(idle)
_Static_assert(sizeof(struct model_vcpu) == 448, "see above");

#define EVENT_NUMBERS(X) \
	X(state) X(inexact) X(seen) X(born) X(uncertain) X(sketched) X(split) X(blameless) X(stopped) X(pending_since_ns) \
	X(running_since_ns) X(running_signal_ns) X(last_ns) X(phase_ns) X(episode_count) X(carried_pending) X(carried_running) X(unsignalled) \
	X(lost) X(misfits) X(ep_addr) X(ep_arg) X(missed_ends) X(missed_restores) X(drops_from_ns) X(drops) X(registered_ns) \
	X(sender) X(running_sender) X(role) X(begin_state) X(end_state) X(stood_ns)
_Static_assert(sizeof(struct model_event) == 640, "see above");

#define OPEN_NUMBERS(X) X(until_ns) X(last)
_Static_assert(sizeof(struct event_open) == 136, "see above");

#define LATE_NUMBERS(X) X(latency_ns) X(stood_ns) X(signal_ns) X(dispatch_ns) X(signals) X(blocked_by)
_Static_assert(sizeof(struct model_late) == 96, "see above");

#define RECORD_NUMBERS(X) \
	X(head.time_ns) X(head.vm) X(head.vcpu) X(head.event) X(head.kind) X(head.state) X(head.outcome) X(head.origin) X(head.pc) \
	X(function) X(group) X(attr)
_Static_assert(sizeof(struct record_brief) == 48, "see above");

#define FINDING_NUMBERS(X) \
	X(code) X(vm) X(instance) X(vcpu) X(event) X(first_ns) X(last_ns) X(count) X(open) X(value) X(state_before) X(has_record) \
	X(rule) X(function) X(result) X(most) X(before_ns) X(gfn) X(sender) X(state_after)
_Static_assert(sizeof(struct model_finding) == 160, "see above");

#define SENDER_NUMBERS(X) X(sender) X(signals) X(dispatched) X(unanswered) X(worst_ns) X(worst_at_ns) X(last_ns)
_Static_assert(sizeof(struct model_sender) == 64, "see above");

_Static_assert(sizeof(struct vcpu_power) == 8 * (PSCI_CALL_COUNT * PSCI_CLASS_COUNT + 2), "see put_power()");

#define APF_NUMBERS(X) \
	X(shown.most_in_flight) X(shown.carried) X(shown.lost) X(shown.inexact) X(shown.quick_ns) X(shown.interval_blocked_ns) X(mark_blocked_ns) X(shown.warmup.start_ns) \
	X(shown.warmup.end_ns) X(shown.warmup.faults) X(shown.warmup.blocked_ns) X(shown.warmup.over) X(last_ns) X(last_gfn) X(signal_ns) X(dispatch.id) \
	X(dispatch.since_ns) X(handler.id) X(handler.since_ns) X(ack.id) X(ack.since_ns) X(quiet) \
	X(acks) X(ackless) X(unacked_ns) X(doubt_ns) X(fallbacks_from_ns) X(fallbacks) X(waiting.since_ns) X(waiting.gfn) X(waiting.late) X(quick_until_ns)
_Static_assert(sizeof(struct model_apf) == 1168, "see above");
_Static_assert(sizeof(struct vcpu_apf) == 1496, "see above");

#define FAULT_NUMBERS(X) X(id) X(token) X(gfn) X(setup_ns) X(cause)
_Static_assert(sizeof(struct apf_fault) == 120, "see above");

#define OPEN_FAULT_NUMBERS(X) X(working_ns) X(ready_ns) X(told) X(unseen) X(late)
_Static_assert(sizeof(struct apf_open) == 144, "see above");

#define REFUSED_NUMBERS(X) X(from_ns) X(count) X(all)
#define REFUSAL_NUMBERS(X) X(count) X(result)
_Static_assert(sizeof(struct vcpu_refused) == 24 + REFUSED_CALLS * MODEL_RESULT_CLASSES * 16, "see above");

_Static_assert(sizeof(struct vcpu_recent) == 8 + MODEL_RECENT * sizeof(struct record_brief), "see above");
_Static_assert(sizeof(struct event_intervals) == 2 * HIST_KINDS * sizeof(struct hist *), "see above");

/* What another build may know more or less of, and the fields would be others. */
static const uint64_t shape[] = {
	sizeof(struct model_counts) / sizeof(uint64_t), REJECT_COUNT, HIST_KINDS, HIST_POWERS, BLAME_COUNT, FINDING_COUNT, FINDING_GIC, RULE_COUNT,
	FINDINGS_MAX, SUSPICIONS_MAX, MODEL_EVENTS_MAX, MODEL_VCPUS_MAX, SDEI_RECORD_ABI, SDEI_KIND_COUNT, SDEI_CALL_COUNT, MODEL_RESULT_CLASSES, MODEL_RECENT,
	MODEL_LATE_COUNT, BLOCKERS, sizeof(struct apf_counts) / sizeof(uint64_t), APF_STAGE_COUNT, APF_FALLBACKS, APF_CAUSES,
	APF_SLOW_COUNT, APF_OPEN_MAX, MODEL_SENDERS_MAX, PSCI_CALL_COUNT, PSCI_CLASS_COUNT,
};

/* --- numbers */

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

/* Of any integer type, bit-fields and bool too; what does not fit it cannot have been written. */
#define GET(in, place)						\
	do {							\
		uint64_t got = get_number(in);			\
								\
		(place) = got;					\
		bytes_need(in, (uint64_t)(place) == got);	\
	} while (0)

static void put_numbers(struct bytes_out *out, const uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_number(out, numbers[i]);
}

static void get_numbers(struct bytes_in *in, uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		numbers[i] = get_number(in);
}

static void put_counts(struct bytes_out *out, const struct model_counts *counts)
{
#define X(field, help) put_number(out, counts->field);
	MODEL_COUNTS(X)
#undef X
}

static void get_counts(struct bytes_in *in, struct model_counts *counts)
{
#define X(field, help) counts->field = get_number(in);
	MODEL_COUNTS(X)
#undef X
}

/* NULL, with the error set, if there is none. */
static void *make(struct bytes_in *in, size_t size)
{
	void *made = in->err ? NULL : calloc(1, size);

	if (!made)
		bytes_fail(in, -ENOMEM);
	return made;
}

/* --- records */

static void put_record(struct bytes_out *out, const struct record_brief *r)
{
#define X(field) put_number(out, r->field);
	RECORD_NUMBERS(X)
#undef X
}

static void get_record(struct bytes_in *in, struct record_brief *r)
{
#define X(field) GET(in, r->field);
	RECORD_NUMBERS(X)
#undef X
}

static void need_sound(struct bytes_in *in, const struct record_brief *r)
{
	bytes_need(in, is_kind(r->head.kind) && has_needed_event(r->head.kind, r->head.event));
	bytes_need(in, r->head.kind == SDEI_CALL || r->head.kind == SDEI_SMCCC || !r->function);
	bytes_need(in, r->head.kind == SDEI_GIC || !(r->group || r->attr));
}

/* Oldest first; where the ring begins does not matter. */
static void put_recent(struct bytes_out *out, const struct model_vcpu *v)
{
	struct record_brief records[MODEL_RECENT];
	size_t count = model_recent(v, records);

	put_number(out, count);
	for (size_t i = 0; i < count; i++)
		put_record(out, &records[i]);
}

static void get_recent(struct bytes_in *in, struct model_vcpu *v)
{
	uint64_t count = get_number_below(in, MODEL_RECENT + 1);

	v->records = count ? make(in, sizeof(*v->records)) : NULL;
	for (uint64_t i = 0; v->records && i < count; i++) {
		get_record(in, &v->records->records[i]);
		need_sound(in, &v->records->records[i]);
	}
	if (v->records)
		v->records->count = count;
}

/* --- calls: those that were made */

static void put_calls(struct bytes_out *out, const struct model_vcpu *v)
{
	size_t used = 0, next = 0;

	for (call_kind_t kind = 0; v->calls && kind < CALLS_MAX; kind++)
		used += !!call_get(v->calls, kind);
	put_number(out, used);
	for (call_kind_t kind = 0; used; kind++) {
		uint64_t count = call_get(v->calls, kind);

		if (!count)
			continue;
		put_number(out, kind - next);
		put_number(out, count);
		next = kind + 1;
		used--;
	}
}

static void get_calls(struct bytes_in *in, struct model_vcpu *v)
{
	uint64_t used = get_number_below(in, CALLS_MAX + 1), next = 0;

	for (; used; used--) {
		uint64_t kind = next + get_number_below(in, CALLS_MAX - next), count = get_number(in);

		bytes_need(in, count);
		if (in->err)
			return;
		if (call_add(v, kind, count))
			bytes_fail(in, -ENOMEM);
		next = kind + 1;
	}
}

/* How long they took, of those functions of which that is known. */
static void put_call_times(struct bytes_out *out, const struct model_vcpu *v)
{
	size_t known = 0;

	for (unsigned int i = 0; i < SDEI_CALL_COUNT; i++)
		known += !!model_call_time(v, SDEI_FN_FIRST + i);
	put_number(out, known);
	for (unsigned int i = 0; i < SDEI_CALL_COUNT; i++) {
		const struct hist *time = model_call_time(v, SDEI_FN_FIRST + i);

		if (!time)
			continue;
		put_number(out, i);
		hist_save(time, out);
	}
}

static void get_call_times(struct bytes_in *in, struct model_vcpu *v)
{
	uint64_t known = get_number_below(in, SDEI_CALL_COUNT + 1);

	bytes_need(in, !known || v->calls);
	for (; known && !in->err; known--) {
		struct hist **time = call_time_slot(v, get_number_below(in, SDEI_CALL_COUNT));

		if (!time) {
			bytes_fail(in, -ENOMEM);
			return;
		}
		bytes_need(in, !*time);
		if (!in->err)
			*time = hist_load(in);
	}
}

static void put_refused(struct bytes_out *out, const struct vcpu_refused *refused)
{
	put_number(out, !!refused);
	if (!refused)
		return;
#define X(field) put_number(out, refused->field);
	REFUSED_NUMBERS(X)
#undef X
	for (unsigned int i = 0; i < REFUSED_CALLS * MODEL_RESULT_CLASSES; i++) {
		const struct refusal *r = &refused->calls[i / MODEL_RESULT_CLASSES][i % MODEL_RESULT_CLASSES];

#define X(field) put_number(out, (uint64_t)r->field);
		REFUSAL_NUMBERS(X)
#undef X
	}
}

static struct vcpu_refused *get_refused(struct bytes_in *in)
{
	struct vcpu_refused *refused = get_number_below(in, 2) ? make(in, sizeof(*refused)) : NULL;

	if (!refused)
		return NULL;
#define X(field) GET(in, refused->field);
	REFUSED_NUMBERS(X)
#undef X
	for (unsigned int i = 0; i < REFUSED_CALLS * MODEL_RESULT_CLASSES; i++) {
		struct refusal *r = &refused->calls[i / MODEL_RESULT_CLASSES][i % MODEL_RESULT_CLASSES];

#define X(field) GET(in, r->field);
		REFUSAL_NUMBERS(X)
#undef X
	}
	return refused;
}

/* --- PSCI */

static void put_power(struct bytes_out *out, const struct vcpu_power *power)
{
	put_number(out, !!power);
	if (!power)
		return;
	put_number(out, power->time_ns);
	put_number(out, power->since_ns);
	for (unsigned int i = 0; i < PSCI_CALL_COUNT; i++)
		put_numbers(out, power->calls.count[i], PSCI_CLASS_COUNT);
}

static struct vcpu_power *get_power(struct bytes_in *in)
{
	struct vcpu_power *power = get_number_below(in, 2) ? make(in, sizeof(*power)) : NULL;

	if (!power)
		return NULL;
	power->time_ns = get_number(in);
	power->since_ns = get_number(in);
	for (unsigned int i = 0; i < PSCI_CALL_COUNT; i++)
		get_numbers(in, power->calls.count[i], PSCI_CLASS_COUNT);
	return power;
}

/* --- senders */

static void put_senders(struct bytes_out *out, const struct model_vcpu *v)
{
	size_t count;
	const struct model_sender *senders = model_senders(v, &count);

	put_number(out, count);
	for (size_t i = 0; i < count; i++) {
#define X(field) put_number(out, senders[i].field);
		SENDER_NUMBERS(X)
#undef X
		hist_save(senders[i].latency, out);
	}
}

static void get_sender(struct bytes_in *in, struct model_vcpu *v, uint64_t *least)
{
	struct model_sender sender = { 0 }, *made;
	int err = 0;

#define X(field) GET(in, sender.field);
	SENDER_NUMBERS(X)
#undef X
	bytes_need(in, sender.sender >= *least && sender.sender != SDEI_NONE);
	sender.latency = hist_load(in);
	made = in->err ? NULL : senders_get(v, sender.sender, &err);
	if (made) {
		*made = sender;
	} else {
		hist_free(sender.latency);
		bytes_fail(in, err);
	}
	*least = sender.sender + 1ULL;
}

static void get_senders(struct bytes_in *in, struct model_vcpu *v)
{
	size_t count = get_count(in, SENDER_LEAST);
	uint64_t least = 0;

	bytes_need(in, count <= MODEL_SENDERS_MAX);
	for (size_t i = 0; i < count && !in->err; i++)
		get_sender(in, v, &least);
}

/* --- blame */

static void put_open(struct bytes_out *out, const struct event_open *open)
{
	put_numbers(out, open->blame.ns, BLAME_COUNT);
#define X(field) put_number(out, open->field);
	OPEN_NUMBERS(X)
#undef X
	for (unsigned int i = 0; i < BLOCKERS; i++) {
		put_number(out, open->blockers[i].event);
		put_number(out, open->blockers[i].ns);
	}
}

static struct event_open *get_open(struct bytes_in *in)
{
	struct event_open *open = make(in, sizeof(*open));

	if (!open)
		return NULL;
	get_numbers(in, open->blame.ns, BLAME_COUNT);
#define X(field) GET(in, open->field);
	OPEN_NUMBERS(X)
#undef X
	bytes_need(in, open->last < BLAME_COUNT);
	for (unsigned int i = 0; i < BLOCKERS; i++) {
		GET(in, open->blockers[i].event);
		GET(in, open->blockers[i].ns);
	}
	return open;
}

static void put_late(struct bytes_out *out, const struct model_event *e)
{
	put_number(out, e->late_count);
	for (unsigned int i = 0; i < e->late_count; i++) {
#define X(field) put_number(out, e->late[i].field);
		LATE_NUMBERS(X)
#undef X
		put_numbers(out, e->late[i].blame.ns, BLAME_COUNT);
	}
}

static void get_late(struct bytes_in *in, struct model_event *e)
{
	unsigned int count = get_number_below(in, MODEL_LATE_COUNT + 1);

	e->late = count ? make(in, MODEL_LATE_COUNT * sizeof(*e->late)) : NULL;
	if (!e->late)
		return;
	for (unsigned int i = 0; i < count; i++) {
#define X(field) GET(in, e->late[i].field);
		LATE_NUMBERS(X)
#undef X
		get_numbers(in, e->late[i].blame.ns, BLAME_COUNT);
		bytes_need(in, !i || e->late[i].latency_ns <= e->late[i - 1].latency_ns);
	}
	e->late_count = count;
	if (count == MODEL_LATE_COUNT)
		e->late_above_ns = e->late[count - 1].latency_ns;
}

/* --- intervals: the histograms of this one, and of the last one. now NULL: there are none yet */

static void put_turns(struct bytes_out *out, struct hist *const *now, struct hist *const *last, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		hist_save(now ? now[i] : NULL, out);
		hist_save(now ? last[i] : NULL, out);
	}
}

static void get_turns(struct bytes_in *in, struct hist **now, struct hist **last, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		now[i] = hist_load(in);
		last[i] = hist_load(in);
	}
}

/* --- asynchronous page faults */

static void put_apf_counts(struct bytes_out *out, const struct apf_counts *counts)
{
#define X(name, help) put_number(out, counts->name);
	APF_COUNTS(X)
#undef X
}

static void get_apf_counts(struct bytes_in *in, struct apf_counts *counts)
{
#define X(name, help) counts->name = get_number(in);
	APF_COUNTS(X)
#undef X
}

/* APF_UNKNOWN, of which there are many, is the smallest number. */
static void put_fault(struct bytes_out *out, const struct apf_fault *fault)
{
#define X(field) put_number(out, fault->field);
	FAULT_NUMBERS(X)
#undef X
	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++)
		put_number(out, fault->stage[i] + 1);
}

static void get_fault(struct bytes_in *in, const struct model_vcpu *v, struct apf_fault *fault)
{
#define X(field) GET(in, fault->field);
	FAULT_NUMBERS(X)
#undef X
	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++)
		fault->stage[i] = get_number(in) - 1;
	fault->vcpu = v->id;
}

static void put_open_faults(struct bytes_out *out, const struct vcpu_apf *a)
{
	put_number(out, a->shown.in_flight);
	for (uint64_t i = 0; i < a->shown.in_flight; i++) {
		put_fault(out, &a->open[i].fault);
#define X(field) put_number(out, a->open[i].field);
		OPEN_FAULT_NUMBERS(X)
#undef X
	}
}

static void get_open_faults(struct bytes_in *in, const struct model_vcpu *v, struct vcpu_apf *a)
{
	uint64_t count = get_number_below(in, APF_OPEN_MAX + 1);

	a->open = count ? make(in, count * sizeof(*a->open)) : NULL;
	a->room = a->open ? count : 0;
	for (uint64_t i = 0; i < a->room; i++) {
		get_fault(in, v, &a->open[i].fault);
#define X(field) GET(in, a->open[i].field);
		OPEN_FAULT_NUMBERS(X)
#undef X
		bytes_need(in, a->open[i].fault.id && a->open[i].told <= APF_UNTOLD);
		for (uint64_t k = 0; k < i; k++)
			bytes_need(in, a->open[k].fault.id != a->open[i].fault.id);
	}
	apf_set_in_flight(a, a->room);
}

static void put_slow(struct bytes_out *out, const struct model_apf *shown)
{
	put_number(out, shown->slow_count);
	for (unsigned int i = 0; i < shown->slow_count; i++)
		put_fault(out, &shown->slow[i]);
}

static void get_slow(struct bytes_in *in, const struct model_vcpu *v, struct model_apf *shown)
{
	shown->slow_count = get_number_below(in, APF_SLOW_COUNT + 1);
	for (unsigned int i = 0; i < shown->slow_count; i++) {
		get_fault(in, v, &shown->slow[i]);
		bytes_need(in, apf_fault_ns(&shown->slow[i]) != APF_UNKNOWN);
		bytes_need(in, !i || apf_fault_ns(&shown->slow[i]) <= apf_fault_ns(&shown->slow[i - 1]));
	}
}

static void put_apf(struct bytes_out *out, const struct vcpu_apf *a)
{
	put_number(out, !!a);
	if (!a)
		return;
#define X(field) put_number(out, a->field);
	APF_NUMBERS(X)
#undef X
	put_apf_counts(out, &a->shown.count);
	put_apf_counts(out, &a->shown.interval);
	put_apf_counts(out, &a->mark);
	put_numbers(out, a->shown.fallbacks, APF_FALLBACKS);
	for (unsigned int i = 0; i < APF_CAUSES; i++) {
		put_number(out, a->shown.causes[i].count);
		put_number(out, a->shown.causes[i].ns);
	}
	put_open_faults(out, a);
	put_slow(out, &a->shown);
	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++)
		hist_save(a->shown.stage[i], out);
	hist_save(a->shown.depth, out);
	put_number(out, !!a->intervals);
	if (a->intervals)
		put_turns(out, a->intervals->now, a->intervals->last, APF_STAGE_COUNT);
}

static void get_apf_hists(struct bytes_in *in, const struct model *m, struct vcpu_apf *a)
{
	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++)
		a->shown.stage[i] = hist_load(in);
	a->shown.depth = hist_load(in);
	a->intervals = get_number_below(in, 2) ? make(in, sizeof(*a->intervals)) : NULL;
	bytes_need(in, m->keep_intervals || !a->intervals);
	if (a->intervals)
		get_turns(in, a->intervals->now, a->intervals->last, APF_STAGE_COUNT);
}

static void get_apf(struct bytes_in *in, const struct model *m, struct model_vcpu *v)
{
	struct vcpu_apf *a = get_number_below(in, 2) ? make(in, sizeof(*a)) : NULL;

	v->apf = a;
	if (!a)
		return;
#define X(field) GET(in, a->field);
	APF_NUMBERS(X)
#undef X
	bytes_need(in, a->quiet <= APF_UNTOLD);
	get_apf_counts(in, &a->shown.count);
	get_apf_counts(in, &a->shown.interval);
	get_apf_counts(in, &a->mark);
	get_numbers(in, a->shown.fallbacks, APF_FALLBACKS);
	for (unsigned int i = 0; i < APF_CAUSES; i++) {
		a->shown.causes[i].count = get_number(in);
		a->shown.causes[i].ns = get_number(in);
	}
	get_open_faults(in, v, a);
	get_slow(in, v, &a->shown);
	get_apf_hists(in, m, a);
	bytes_need(in, m->ever_apf);
}

/* --- events */

static void put_intervals(struct bytes_out *out, const struct event_intervals *intervals)
{
	put_turns(out, intervals ? intervals->now : NULL, intervals ? intervals->last : NULL, HIST_KINDS);
}

/* Made even if all are empty: the next record would. */
static void get_intervals(struct bytes_in *in, struct model_event *e)
{
	e->intervals = make(in, sizeof(*e->intervals));
	if (e->intervals)
		get_turns(in, e->intervals->now, e->intervals->last, HIST_KINDS);
}

static void put_event(struct bytes_out *out, const struct model *m, const struct model_event *e)
{
	put_number(out, e->event);
#define X(field) put_number(out, (uint64_t)e->field);
	EVENT_NUMBERS(X)
#undef X
	put_number(out, e->vcpu->running == e);
	put_counts(out, &e->count);
	put_counts(out, &e->interval);
	put_counts(out, &e->mark);
	put_numbers(out, e->rejected, REJECT_COUNT);
	put_number(out, finding_unkept(e->finding));
	put_numbers(out, e->blame.ns, BLAME_COUNT);
	put_late(out, e);
	if (e->split)
		put_open(out, e->open);
#define X(field, help) hist_save(e->field, out);
	MODEL_EVENT_HISTS(X)
#undef X
	if (m->keep_intervals)
		put_intervals(out, e->intervals);
}

static void get_unkept(struct bytes_in *in, uint16_t slots[FINDING_GIC], bool is_event)
{
	bytes_need(in, finding_set_unkept(slots, is_event, get_number_below(in, 1U << FINDING_GIC)));
}

static void get_running(struct bytes_in *in, struct model_event *e)
{
	if (!get_number_below(in, 2))
		return;
	bytes_need(in, !e->vcpu->running);
	e->vcpu->running = e;
}

static void get_fields_of_event(struct bytes_in *in, const struct model *m, struct model_event *e)
{
#define X(field) GET(in, e->field);
	EVENT_NUMBERS(X)
#undef X
	get_running(in, e);
	get_counts(in, &e->count);
	get_counts(in, &e->interval);
	get_counts(in, &e->mark);
	get_numbers(in, e->rejected, REJECT_COUNT);
	get_unkept(in, e->finding, true);
	get_numbers(in, e->blame.ns, BLAME_COUNT);
	get_late(in, e);
	e->open = e->split ? get_open(in) : NULL;
#define X(field, help) e->field = hist_load(in);
	MODEL_EVENT_HISTS(X)
#undef X
	if (m->keep_intervals)
		get_intervals(in, e);
}

/* least: its number is not below. That behind it, for the next one. */
static uint64_t get_event(struct bytes_in *in, const struct model *m, struct model_vcpu *v, uint64_t least)
{
	uint64_t number = get_number_below(in, SDEI_NONE);
	struct model_event *e;

	bytes_need(in, number >= least);
	e = in->err ? NULL : event_get(v, number);
	if (!e) {
		bytes_fail(in, -ENOMEM);
		return 0;
	}
	get_fields_of_event(in, m, e);
	bytes_need(in, !(e->state & SDEI_MASKED) && (e->pending_since_ns || !(e->split || e->blameless)));
	v->episodes += !!e->pending_since_ns;
	return number + 1;
}

/* --- vCPUs */

static void put_vcpu(struct bytes_out *out, const struct model *m, const struct model_vcpu *v)
{
	put_number(out, v->id);
	put_number(out, life_find(m, v->vm->pid, v->id) == v);
#define X(field) put_number(out, v->field);
	VCPU_NUMBERS(X)
#undef X
	put_numbers(out, v->found, FINDING_GIC);
	put_number(out, finding_unkept(v->finding));
	hist_save(v->mask, out);
	hist_save(v->initial_mask, out);
	put_calls(out, v);
	put_call_times(out, v);
	put_refused(out, v->refused);
	put_power(out, v->power);
	put_senders(out, v);
	put_recent(out, v);
	put_apf(out, v->apf);
	put_number(out, v->event_count);
	for (size_t i = 0; i < v->event_count; i++)
		put_event(out, m, v->events[i]);
}

static void check_vcpu(struct bytes_in *in, const struct model *m, const struct model_vcpu *v)
{
	bytes_need(in, v->mask_known || !v->masked);
	bytes_need(in, v->masked || !(v->initial || v->masked_since_ns || v->masked_from_ns));
	bytes_need(in, v->gone ? !v->doomed : !v->gone_ns && !v->vm->gone);
	bytes_need(in, v->place <= SDEI_DESCHEDULED);
	bytes_need(in, m->keep_recent || !v->records);
	bytes_need(in, !v->off || (v->power && v->power_known && !v->gone));
	bytes_need(in, !v->suspended || v->off);
	bytes_need(in, !v->idle || v->masked);
}

static void get_fields_of_vcpu(struct bytes_in *in, const struct model *m, struct model_vcpu *v)
{
	uint64_t next = 0;
	size_t count;

#define X(field) GET(in, v->field);
	VCPU_NUMBERS(X)
#undef X
	get_numbers(in, v->found, FINDING_GIC);
	get_unkept(in, v->finding, false);
	v->mask = hist_load(in);
	v->initial_mask = hist_load(in);
	get_calls(in, v);
	get_call_times(in, v);
	v->refused = get_refused(in);
	v->power = get_power(in);
	get_senders(in, v);
	get_recent(in, v);
	get_apf(in, m, v);
	check_vcpu(in, m, v);
	count = get_count(in, EVENT_LEAST);
	bytes_need(in, count <= MODEL_EVENTS_MAX);
	for (size_t i = 0; i < count && !in->err; i++)
		next = get_event(in, m, v, next);
}

/*
 * By a name the newest is found, or none, if that was expired before the older ones. So nothing is found by it
 * before the newest is read. Of the newest VM all vCPUs are found.
 */
static uint64_t get_vcpu(struct bytes_in *in, struct model *m, struct model_vm *vm, uint64_t least)
{
	uint64_t id = get_number_below(in, 1ULL << 32);
	bool is_found = get_number_below(in, 2);
	struct model_vcpu *v;

	bytes_need(in, id >= least && !life_find(m, vm->pid, id));
	v = in->err ? NULL : life_make_vcpu(m, vm, id);
	if (!v) {
		bytes_fail(in, -ENOMEM);
		return 0;
	}
	if (!is_found) {
		idmap_remove(&m->vcpus, vcpu_key(vm->pid, id), v);
		bytes_need(in, idmap_find(&m->by_pid, vm->pid) != vm);
	}
	get_fields_of_vcpu(in, m, v);
	if (!v->gone)
		life_set_living(m, v);
	return id + 1;
}

/* --- VMs */

static void put_text(struct bytes_out *out, const char *text)
{
	size_t size = text ? strnlen(text, IMAGE_NAME_MAX) : 0;

	put_number(out, text ? size + 1 : 0);
	if (text)
		put_raw(out, text, size);
}

/* False: there is none, text is empty. */
static bool get_text(struct bytes_in *in, char text[IMAGE_NAME_MAX + 1])
{
	size_t size = get_number_below(in, IMAGE_NAME_MAX + 2);
	const char *bytes = size ? get_raw(in, size - 1) : NULL;

	memset(text, 0, IMAGE_NAME_MAX + 1);
	if (!bytes)
		return false;
	memcpy(text, bytes, size - 1);
	bytes_need(in, strlen(text) == size - 1);
	return true;
}

static void put_name(struct bytes_out *out, const struct model_vm *vm, const struct image_names *names)
{
	put_text(out, vm->user && names && names->text ? names->text(vm->user) : NULL);
	put_text(out, vm->user && names && names->uuid ? names->uuid(vm->user) : NULL);
}

static void get_name(struct bytes_in *in, struct model_vm *vm, const struct image_names *names)
{
	char text[IMAGE_NAME_MAX + 1], uuid[IMAGE_NAME_MAX + 1];
	bool is_named = get_text(in, text);

	get_text(in, uuid);
	if (in->err || !is_named || !names || !names->user)
		return;
	vm->user = names->user(names->ctx, text, uuid);
	if (!vm->user)
		bytes_fail(in, -ENOMEM);
}

static void put_vm(struct bytes_out *out, const struct model *m, const struct model_vm *vm, const struct image_names *names)
{
	put_number(out, vm->pid);
	put_number(out, idmap_find(&m->by_pid, vm->pid) == vm);
#define X(field) put_number(out, vm->field);
	VM_NUMBERS(X)
#undef X
	put_name(out, vm, names);
	frames_save(vm->frames, out);
	put_number(out, vm->vcpu_count);
	for (size_t i = 0; i < vm->vcpu_count; i++)
		put_vcpu(out, m, vm->vcpus[i]);
}

static void get_fields_of_vm(struct bytes_in *in, struct model *m, struct model_vm *vm, const struct image_names *names)
{
	uint64_t next = 0;
	size_t count;

#define X(field) GET(in, vm->field);
	VM_NUMBERS(X)
#undef X
	get_name(in, vm, names);
	vm->frames = frames_load(in);
	count = get_count(in, VCPU_LEAST);
	bytes_need(in, count <= MODEL_VCPUS_MAX);
	for (size_t i = 0; i < count && !in->err; i++)
		next = get_vcpu(in, m, vm, next);
	bytes_need(in, vm->gone || (!vm->gone_ns && (vm->living || !vm->vcpu_count)));
	m->totals.vms += !vm->gone;
}

/* Found by its pid as a vCPU is by its name. One that lives is the newest. */
static void get_vm(struct bytes_in *in, struct model *m, const struct image_names *names)
{
	uint64_t pid = get_number_below(in, 1ULL << 32);
	bool is_found = get_number_below(in, 2);
	struct model_vm *vm;

	bytes_need(in, !idmap_find(&m->by_pid, pid));
	vm = in->err ? NULL : life_make_vm(m, pid);
	if (!vm) {
		bytes_fail(in, -ENOMEM);
		return;
	}
	if (!is_found)
		idmap_remove(&m->by_pid, pid, vm);
	get_fields_of_vm(in, m, vm, names);
	bytes_need(in, is_found || vm->gone);
}

/* --- findings: behind the fields the place of the VM of its owner, from 1 on; 0: it is not there any more */

static size_t place_of(const struct model *m, const struct model_vm *vm)
{
	size_t at = 0;

	while (m->vms[at] != vm)
		at++;
	return at;
}

static void put_finding(struct bytes_out *out, const struct model *m, const struct finding_owner *owner,
			const struct model_finding *finding)
{
#define X(field) put_number(out, (uint64_t)finding->field);
	FINDING_NUMBERS(X)
#undef X
	if (finding->has_record)
		put_record(out, &finding->record);
	put_number(out, owner->vcpu ? place_of(m, owner->vcpu->vm) + 1 : 0);
}

/* What is suspected of VMs is not known where the image is read: nothing more comes of it there. */
static size_t count_of_vcpus(const struct findings *f)
{
	size_t count = 0;

	for (size_t i = 0; i < f->suspicion_count; i++)
		count += !!f->suspicions[i].owner.vcpu;
	return count;
}

static void put_findings(struct bytes_out *out, const struct model *m)
{
	const struct findings *f = &m->findings;

	put_number(out, f->count);
	for (size_t i = 0; i < f->count; i++)
		put_finding(out, m, &f->owners[i], &f->list[i]);
	put_number(out, count_of_vcpus(f));
	for (size_t i = 0; i < f->suspicion_count; i++)
		if (f->suspicions[i].owner.vcpu)
			put_finding(out, m, &f->suspicions[i].owner, &f->suspicions[i].finding);
}

static struct finding_owner get_owner(struct bytes_in *in, const struct model *m, const struct model_finding *finding)
{
	struct finding_owner owner = { NULL };
	uint64_t place = get_number_below(in, m->vm_count + 1);
	const struct model_vm *vm = place ? m->vms[place - 1] : NULL;

	if (!vm)
		return owner;
	bytes_need(in, vm->pid == finding->vm && vm->instance == finding->instance);
	owner.vcpu = model_vcpu(vm, finding->vcpu);
	owner.event = owner.vcpu && finding->event != SDEI_NONE ? model_event(owner.vcpu, finding->event) : NULL;
	bytes_need(in, owner.vcpu && (owner.event || finding->event == SDEI_NONE));
	return owner;
}

static void get_finding(struct bytes_in *in, struct model_finding *finding)
{
	memset(finding, 0, sizeof(*finding));
#define X(field) GET(in, finding->field);
	FINDING_NUMBERS(X)
#undef X
	bytes_need(in, finding->code < FINDING_COUNT && finding->rule < RULE_COUNT);
	if (!finding->has_record)
		return;
	get_record(in, &finding->record);
	need_sound(in, &finding->record);
}

static void get_findings(struct bytes_in *in, struct model *m,
			 bool (*put_back)(struct model *, struct finding_owner, const struct model_finding *))
{
	size_t count = get_count(in, FINDING_LEAST);

	for (size_t i = 0; i < count && !in->err; i++) {
		struct model_finding finding;
		struct finding_owner owner;

		get_finding(in, &finding);
		owner = get_owner(in, m, &finding);
		bytes_need(in, !in->err && put_back(m, owner, &finding));
	}
}

/* --- the model */

static void put_model(struct bytes_out *out, const struct model *m, const struct image_names *names)
{
	put_numbers(out, shape, COUNT_OF(shape));
#define X(field) put_number(out, m->field);
	MODEL_NUMBERS(X)
#undef X
	put_counts(out, &m->totals.count);
	put_counts(out, &m->totals.interval);
	put_counts(out, &m->mark);
	put_numbers(out, m->totals.lost_by, SDEI_KIND_COUNT);
	put_numbers(out, m->totals.found, FINDING_COUNT);
	put_number(out, m->vm_count);
	for (size_t i = 0; i < m->vm_count; i++)
		put_vm(out, m, m->vms[i], names);
	put_findings(out, m);
}

static void check_shape(struct bytes_in *in)
{
	for (size_t i = 0; i < COUNT_OF(shape); i++) {
		if (get_number(in) != shape[i])
			bytes_fail(in, -EPROTONOSUPPORT);
	}
}

/* No limit is 0: that would mean the default. */
static void check_limits(struct bytes_in *in, const struct finding_limits *limits)
{
	struct finding_limits filled = *limits;

	limits_fill(&filled);
	bytes_need(in, !memcmp(&filled, limits, sizeof(filled)));
}

static void get_model(struct bytes_in *in, struct model *m, const struct image_names *names)
{
	size_t count;

	check_shape(in);
#define X(field) GET(in, m->field);
	MODEL_NUMBERS(X)
#undef X
	check_limits(in, &m->limits);
	get_counts(in, &m->totals.count);
	get_counts(in, &m->totals.interval);
	get_counts(in, &m->mark);
	get_numbers(in, m->totals.lost_by, SDEI_KIND_COUNT);
	get_numbers(in, m->totals.found, FINDING_COUNT);
	count = get_count(in, VM_LEAST);
	for (size_t i = 0; i < count && !in->err; i++)
		get_vm(in, m, names);
	get_findings(in, m, finding_put_back);
	get_findings(in, m, finding_put_back_suspicion);
	bytes_need(in, in->at == in->end);
}

/* --- the frame */

static void put_fixed(struct bytes_out *out, uint32_t number)
{
	const unsigned char bytes[] = { number & 0xff, number >> 8 & 0xff, number >> 16 & 0xff, number >> 24 };

	put_raw(out, bytes, sizeof(bytes));
}

static uint32_t fixed_at(const unsigned char *bytes)
{
	return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

int image_save(const struct model *m, const struct image_names *names, unsigned char **bytes, size_t *size)
{
	struct bytes_out out = { .bytes = *bytes, .size = *size, .room = *size };

	put_raw(&out, magic, sizeof(magic));
	put_fixed(&out, IMAGE_VERSION);
	put_model(&out, m, names);
	if (!out.err)
		put_fixed(&out, crc32_z(0, out.bytes + *size, out.size - *size));
	*bytes = out.bytes;
	if (!out.err)
		*size = out.size;
	return out.err;
}

static int check_frame(const unsigned char *bytes, size_t size)
{
	if (size < HEAD_SIZE + CRC_SIZE || memcmp(bytes, magic, sizeof(magic)))
		return -EBADMSG;
	if (fixed_at(bytes + VERSION_AT) != IMAGE_VERSION)
		return -EPROTONOSUPPORT;
	return crc32_z(0, bytes, size - CRC_SIZE) == fixed_at(bytes + size - CRC_SIZE) ? 0 : -EBADMSG;
}

struct model *image_load(const void *bytes, size_t size, const struct model_options *options, const struct image_names *names,
			 int *err)
{
	struct bytes_in in = { .err = check_frame(bytes, size) };
	struct model *m = in.err ? NULL : model_new(options);

	if (m) {
		in.at = (const unsigned char *)bytes + HEAD_SIZE;
		in.end = (const unsigned char *)bytes + size - CRC_SIZE;
		get_model(&in, m, names);
	} else {
		bytes_fail(&in, -ENOMEM);
	}
	*err = in.err;
	if (!in.err)
		return m;
	model_free(m);
	return NULL;
}
