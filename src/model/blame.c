// SPDX-License-Identifier: GPL-2.0-only
/*
 * An episode's time is split whenever what it waits for changes: then the part
 * until now is settled. As long as nothing has changed there is nothing to
 * store: the time since pending_since_ns is what holds now. Most episodes end so.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/inside.h"

const char *model_blame_name(unsigned int part)
{
	static const char *const names[] = {
#define X(field, help) #field,
		MODEL_BLAMES(X)
#undef X
	};

	return part < BLAME_COUNT ? names[part] : NULL;
}

uint64_t model_blame_total(const struct model_blame *blame)
{
	uint64_t total = 0;

	for (unsigned int part = 0; part < BLAME_COUNT; part++)
		total += blame->ns[part];
	return total;
}

unsigned int model_blame_main(const struct model_blame *blame)
{
	unsigned int most = 0;

	for (unsigned int part = 1; part < BLAME_COUNT; part++) {
		if (blame->ns[part] > blame->ns[most])
			most = part;
	}
	return most;
}

/* --- splitting */

/* What e waits for at this moment. */
static unsigned int part_of(const struct model_vcpu *v, const struct model_event *e)
{
	static const uint8_t by_place[] = {
		[0] = BLAME_entry,
		[SDEI_IN_GUEST] = BLAME_in_guest,
		[SDEI_IN_HOST] = BLAME_in_host,
		[SDEI_DESCHEDULED] = BLAME_descheduled,
	};

	if (v->masked)
		return BLAME_masked;
	if (!(e->state & SDEI_ENABLED))
		return BLAME_disabled;
	return v->running ? BLAME_blocked : by_place[v->place];
}

static void add_blocker(struct event_open *open, uint32_t event, uint64_t ns)
{
	unsigned int least = 0;

	for (unsigned int i = 0; i < BLOCKERS; i++) {
		if (open->blockers[i].ns && open->blockers[i].event == event) {
			open->blockers[i].ns += ns;
			return;
		}
		if (open->blockers[i].ns < open->blockers[least].ns)
			least = i;
	}
	open->blockers[least].event = event;
	open->blockers[least].ns = ns;
}

static uint32_t main_blocker(const struct event_open *open)
{
	unsigned int most = 0;

	for (unsigned int i = 1; i < BLOCKERS; i++) {
		if (open->blockers[i].ns > open->blockers[most].ns)
			most = i;
	}
	return open->blockers[most].ns ? open->blockers[most].event : SDEI_NONE;
}

/* What holds now is blamed for the time until time_ns. */
static void extend(struct event_open *open, const struct model_event *e, uint64_t time_ns)
{
	unsigned int part = part_of(e->vcpu, e);
	uint64_t ns = time_ns - open->until_ns;

	if (time_ns <= open->until_ns)
		return;
	open->blame.ns[part] += ns;
	open->last = part;
	open->until_ns = time_ns;
	if (part == BLAME_blocked)
		add_blocker(open, e->vcpu->running->event, ns);
}

/* PLACE is not ordered with the rest by a lock, so that more may be settled than the episode lasted. */
static void give_back(struct event_open *open, uint64_t time_ns)
{
	uint64_t excess = open->until_ns > time_ns ? open->until_ns - time_ns : 0;

	for (unsigned int i = 0; excess && i < BLAME_COUNT; i++) {
		uint64_t *ns = &open->blame.ns[(open->last + BLAME_COUNT - i) % BLAME_COUNT];
		uint64_t less = *ns < excess ? *ns : excess;

		*ns -= less;
		excess -= less;
	}
}

/* From the unsplit episode. */
static void begin(struct event_open *open, const struct model_event *e)
{
	memset(open, 0, sizeof(*open));
	open->until_ns = e->pending_since_ns;
}

static int settle(struct model_event *e, uint64_t time_ns)
{
	if (e->blameless)
		return 0;
	if (!e->open)
		e->open = malloc(sizeof(*e->open));
	if (!e->open) {
		e->blameless = true;
		return -ENOMEM;
	}
	if (!e->split)
		begin(e->open, e);
	e->split = true;
	extend(e->open, e, time_ns);
	return 0;
}

static int settle_all(struct model_vcpu *v, uint64_t time_ns)
{
	int err = 0;

	for (size_t i = 0, left = v->episodes; left; i++) {
		if (!v->events[i]->pending_since_ns)
			continue;
		left--;
		if (settle(v->events[i], time_ns))
			err = -ENOMEM;
	}
	return err;
}

int blame_before(struct model *m, struct model_vcpu *v, struct model_event *e, const struct sdei_record *r)
{
	for (size_t i = 0; !v->masked && !v->running && i < v->event_count; i++) {
		struct model_event *other = v->events[i];

		/* What r says about e itself is looked at with e, unless r masks the PE, too: then e waits no more. */
		if ((other != e || r->state & SDEI_MASKED) && other->pending_since_ns)
			limits_waited(m, other, r);
	}
	return settle_all(v, r->time_ns);
}

int blame_place(struct model *m, struct model_vcpu *v, const struct sdei_record *r)
{
	bool known = r->origin >= SDEI_IN_GUEST && r->origin <= SDEI_DESCHEDULED;
	int err = 0;

	if (r->time_ns < v->place_ns) {
		m->totals.late++;
		return 0;
	}
	if (v->episodes && v->place != r->origin)
		err = settle_all(v, r->time_ns);
	v->place = known ? r->origin : 0;
	v->place_ns = r->time_ns;
	return err;
}

/* --- the worst */

static int keep_late(struct model_event *e, const struct model_late *late)
{
	unsigned int at;

	if (!e->late)
		e->late = malloc(MODEL_LATE_COUNT * sizeof(*e->late));
	if (!e->late)
		return -ENOMEM;
	at = e->late_count < MODEL_LATE_COUNT ? e->late_count++ : MODEL_LATE_COUNT - 1;
	for (; at && e->late[at - 1].latency_ns < late->latency_ns; at--)
		e->late[at] = e->late[at - 1];
	e->late[at] = *late;
	if (e->late_count == MODEL_LATE_COUNT)
		e->late_above_ns = e->late[MODEL_LATE_COUNT - 1].latency_ns;
	return 0;
}

/* While there is room late_above_ns is 0. */
static bool is_late_one(const struct model_event *e, uint64_t latency_ns)
{
	return latency_ns > e->late_above_ns || (!e->late_above_ns && e->late_count < MODEL_LATE_COUNT);
}

static struct model_late describe(const struct model_event *e, const struct event_open *open, uint64_t time_ns)
{
	return (struct model_late){
		.latency_ns = time_ns - e->pending_since_ns,
		.signal_ns = e->pending_since_ns - e->stood_ns,
		.stood_ns = e->stood_ns,
		.dispatch_ns = time_ns,
		.signals = e->episode_count,
		.blocked_by = open->blame.ns[BLAME_blocked] ? main_blocker(open) : SDEI_NONE,
		.blame = open->blame,
	};
}

int blame_dispatch(struct model_event *e, const struct sdei_record *r)
{
	uint64_t latency_ns = r->time_ns - e->pending_since_ns;
	struct event_open unsplit, *open = &unsplit;
	struct model_late late;

	if (unlikely(e->blameless))
		return 0;	/* said already */
	if (likely(!e->split) && !is_late_one(e, latency_ns)) {
		e->blame.ns[part_of(e->vcpu, e)] += latency_ns;
		return 0;
	}
	if (e->split)
		open = e->open;	/* of no use after this */
	else
		begin(open, e);
	extend(open, e, r->time_ns);
	give_back(open, r->time_ns);
	for (unsigned int part = 0; part < BLAME_COUNT; part++)
		e->blame.ns[part] += open->blame.ns[part];
	if (!is_late_one(e, latency_ns))
		return 0;
	late = describe(e, open, r->time_ns);
	return keep_late(e, &late);
}

void blame_reset(struct model_event *e)
{
	free(e->late);
	e->late = NULL;
	e->late_count = 0;
	e->late_above_ns = 0;
	memset(&e->blame, 0, sizeof(e->blame));
}

/* --- views */

const struct model_blame *model_event_blame(const struct model_event *e)
{
	return &e->blame;
}

const struct model_late *model_event_late(const struct model_event *e, size_t *count)
{
	*count = e->late_count;
	return e->late_count ? e->late : NULL;
}

static void add(struct model_blame *sum, const struct model_blame *blame)
{
	for (unsigned int part = 0; part < BLAME_COUNT; part++)
		sum->ns[part] += blame->ns[part];
}

static void add_vcpu(struct model_blame *sum, const struct model_vcpu *vcpu)
{
	for (size_t i = 0; i < vcpu->event_count; i++)
		add(sum, &vcpu->events[i]->blame);
}

void model_vcpu_blame(const struct model_vcpu *vcpu, struct model_blame *sum)
{
	memset(sum, 0, sizeof(*sum));
	add_vcpu(sum, vcpu);
}

void model_vm_blame(const struct model_vm *vm, struct model_blame *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < vm->vcpu_count; i++)
		add_vcpu(sum, vm->vcpus[i]);
}

bool model_event_open(const struct model_event *e, uint64_t now_ns, struct model_late *late)
{
	struct event_open open;

	if (!e->pending_since_ns || e->blameless || now_ns < e->pending_since_ns)
		return false;
	if (e->split)
		open = *e->open;
	else
		begin(&open, e);
	extend(&open, e, now_ns);
	give_back(&open, now_ns);
	*late = describe(e, &open, now_ns);
	return true;
}
