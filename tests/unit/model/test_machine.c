// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model against an independent machine that does random legal things
 * (sdei_machine.h): from the start, attached in the middle, with records lost
 * and told of sooner or later, with records out of order, and with rubbish.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"
#include "model/power.h"
#include "tests/unit/lib/sdei_machine.h"

#define VCPUS 5
#define HELD 64
#define SECOND 1000000000ULL

/* What lies between the machine and the model. */
struct path {
	struct machine *machine;
	struct model *m;
	struct machine_vcpu base[VCPUS];	/* the machine's figures when the model began to look */
	uint64_t from;				/* when that was */
	bool attached, strict;			/* strict: conservation is checked after every record */
	unsigned int lose, hold;		/* permille of the records */
	uint64_t report_ns;			/* how long a loss may go untold; 0: told at once */
	uint64_t next_report;
	struct { struct sdei_lost_key key; uint64_t count; } reports[4096];
	size_t report_count;
	union { struct sdei_record head; struct sdei_record_call largest; } held[HELD];
	size_t held_size[HELD];
	unsigned int held_count;
	uint64_t newest[VCPUS], late, lost, seed;
};

static uint64_t chance(struct path *p, uint64_t below)
{
	p->seed = p->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (p->seed >> 33) % below;
}

/* --- the way of a record */

static void check_accounted(const struct model_event *e)
{
	if (model_unaccounted(e) || model_unaccounted_handlers(e))
		fail_msg("event %u of vCPU %u: %ld signals, %ld handlers unaccounted", e->event, e->vcpu->id,
			 model_unaccounted(e), model_unaccounted_handlers(e));
}

/* The event that a record was about, right after it. */
static void check_newest(const struct path *p, const struct sdei_record *r)
{
	size_t count;
	struct model_vm *const *vms = model_vms(p->m, &count);
	const struct model_vcpu *v = NULL;

	while (!v && count)
		v = model_vcpu(vms[--count], r->vcpu);
	assert_non_null(v);
	if (r->event != SDEI_NONE)
		check_accounted(model_event(v, r->event));
}

static void deliver(struct path *p, const struct sdei_record *r, size_t size)
{
	if (r->time_ns < p->newest[r->vcpu])
		p->late++;
	else
		p->newest[r->vcpu] = r->time_ns;
	assert_int_equal(model_feed(p->m, r, size), 0);
	if (p->strict)
		check_newest(p, r);
}

static void report(struct path *p)
{
	for (; p->report_count; p->report_count--) {
		const struct sdei_lost_key *key = &p->reports[p->report_count - 1].key;

		assert_int_equal(model_feed_lost(p->m, key, p->reports[p->report_count - 1].count), 0);
	}
}

static void lose(struct path *p, const struct sdei_record *r)
{
	struct sdei_lost_key key = {
		.vm = r->vm, .vcpu = r->vcpu, .event = r->event, .kind = r->kind, .outcome = r->outcome, .origin = r->origin,
	};
	size_t i = 0;

	if (r->kind == SDEI_SIGNAL || r->kind == SDEI_CANCEL || r->kind == SDEI_MASK || r->kind == SDEI_UNREGISTER)
		key.error = r->error;
	if (r->kind == SDEI_CALL) {
		key.error = r->result < 0 ? r->result : 0;
		key.function = ((const struct sdei_record_call *)r)->function;
	}
	p->lost++;
	while (i < p->report_count && memcmp(&p->reports[i].key, &key, sizeof(key)))
		i++;
	assert_true(i < 4096);
	if (i == p->report_count) {
		p->reports[p->report_count++].key = key;
		p->reports[i].count = 0;
	}
	p->reports[i].count++;
	if (!p->report_ns)
		report(p);
}

/* The oldest ones held back come out, in order. */
static void release(struct path *p, unsigned int keep)
{
	while (p->held_count > keep) {
		deliver(p, &p->held[0].head, p->held_size[0]);
		p->held_count--;
		memmove(&p->held[0], &p->held[1], p->held_count * sizeof(p->held[0]));
		memmove(&p->held_size[0], &p->held_size[1], p->held_count * sizeof(p->held_size[0]));
	}
}

static void take(void *ctx, const struct sdei_record *r, size_t size)
{
	struct path *p = ctx;

	if (!p->attached)
		return;
	if (p->report_ns && r->time_ns >= p->next_report) {
		report(p);
		p->next_report = r->time_ns + p->report_ns;
	}
	if (chance(p, 1000) < p->lose) {
		lose(p, r);
		return;
	}
	if (p->held_count < HELD && chance(p, 1000) < p->hold) {
		memcpy(&p->held[p->held_count], r, size);
		p->held_size[p->held_count++] = size;
		return;
	}
	deliver(p, r, size);
	if (p->held_count)
		release(p, chance(p, p->held_count + 1));
}

/* Not attached: attach() does. */
/* The machine drops and is refused as it likes: no findings of that. */
static const struct model_options options = { .limits = { .drops = UINT32_MAX, .refused = UINT32_MAX } };

static struct path *path_new(uint64_t seed)
{
	struct path *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->seed = seed;
	p->m = model_new(&options);
	assert_non_null(p->m);
	return p;
}

/* From the very start, or after that many steps. */
static void attach(struct path *p, unsigned int steps)
{
	p->attached = !steps;
	p->machine = machine_new(VCPUS, p->seed + 1, take, p);
	while (steps--)
		machine_step(p->machine);
	if (p->attached)
		return;
	p->attached = true;
	p->from = p->machine->time;
	memcpy(p->base, p->machine->vcpus, sizeof(p->base));
}

static void run(struct path *p, unsigned int steps)
{
	while (steps--)
		machine_step(p->machine);
	release(p, 0);
	report(p);
}

static void path_free(struct path *p)
{
	machine_free(p->machine);
	model_free(p->m);
	free(p);
}

/* --- comparing */

/*
 * In a real VM all vCPUs end together. The machine's do not, so the model, if it
 * knows of one only, takes the VM for gone and begins another instance with the
 * next: figures are summed over these.
 */
static const struct model_vcpu *vcpu_in(const struct path *p, size_t instance, unsigned int id)
{
	size_t count;
	struct model_vm *const *vms = model_vms(p->m, &count);

	return instance < count ? model_vcpu(vms[instance], id) : NULL;
}

static size_t instances(const struct path *p)
{
	size_t count;

	model_vms(p->m, &count);
	return count;
}

/* Where there is one instance. */
static const struct model_vcpu *vcpu_at(const struct path *p, unsigned int id)
{
	const struct model_vcpu *v = vcpu_in(p, 0, id);

	assert_int_equal(instances(p), 1);
	assert_non_null(v);
	return v;
}

struct sums {
	struct model_counts count;
	uint64_t rejected[REJECT_COUNT];
	uint64_t mask_calls, unmask_calls, calls[MACHINE_CALLS][MACHINE_RESULTS];
};

static void add_event(struct sums *s, const struct model_event *e)
{
	if (!e)
		return;
#define X(field, help) s->count.field += e->count.field;
	MODEL_COUNTS(X)
#undef X
	for (unsigned int i = 0; i < REJECT_COUNT; i++)
		s->rejected[i] += e->rejected[i];
	check_accounted(e);
}

static void check_counts(const struct path *p, unsigned int vcpu, unsigned int event)
{
	const struct machine_event *now = &p->machine->vcpus[vcpu].events[event], *base = &p->base[vcpu].events[event];
	struct sums s = { 0 };

	for (size_t i = 0; i < instances(p); i++) {
		const struct model_vcpu *v = vcpu_in(p, i, vcpu);

		add_event(&s, v ? model_event(v, event) : NULL);
	}
#define X(field, help) assert_int_equal(s.count.field, now->count.field - base->count.field);
	MODEL_COUNTS(X)
#undef X
	for (unsigned int i = 0; i < REJECT_COUNT; i++)
		assert_int_equal(s.rejected[i], now->rejected[i] - base->rejected[i]);
}

static void add_calls(struct sums *s, const struct model_vcpu *v)
{
	s->mask_calls += v->mask_calls;
	s->unmask_calls += v->unmask_calls;
	for (uint32_t i = 0; i < MACHINE_CALLS; i++) {
		for (unsigned int class = 0; class < MACHINE_RESULTS; class++)
			s->calls[i][class] += model_call_count(v, SDEI_FN_FIRST + i, class);
	}
}

static void check_calls(const struct path *p, unsigned int vcpu)
{
	const struct machine_vcpu *now = &p->machine->vcpus[vcpu], *base = &p->base[vcpu];
	struct sums s = { 0 };

	for (size_t i = 0; i < instances(p); i++) {
		if (vcpu_in(p, i, vcpu))
			add_calls(&s, vcpu_in(p, i, vcpu));
	}
	assert_int_equal(s.mask_calls, now->mask_calls - base->mask_calls);
	assert_int_equal(s.unmask_calls, now->unmask_calls - base->unmask_calls);
	for (unsigned int i = 0; i < MACHINE_CALLS; i++) {
		for (unsigned int class = 0; class < MACHINE_RESULTS; class++)
			assert_int_equal(s.calls[i][class], now->calls[i][class] - base->calls[i][class]);
	}
}

/* The parts of every latency sum to it, whatever was lost or late, and the machine does nothing that is illegal. */
static void check_blame_and_findings(const struct path *p)
{
	size_t found;

	for (size_t i = 0; i < VCPUS * MACHINE_EVENTS * instances(p); i++) {
		const struct model_vcpu *v = vcpu_in(p, i / MACHINE_EVENTS / VCPUS, i / MACHINE_EVENTS % VCPUS);
		const struct model_event *e = v ? model_event(v, i % MACHINE_EVENTS) : NULL;
		size_t count = 0;
		const struct model_late *late = e ? model_event_late(e, &count) : NULL;

		if (e)
			assert_int_equal(model_blame_total(model_event_blame(e)), hist_sum(e->dispatch));
		for (size_t k = 0; k < count; k++) {
			assert_int_equal(model_blame_total(&late[k].blame), late[k].latency_ns);
			assert_int_equal(late[k].dispatch_ns - late[k].signal_ns, late[k].latency_ns);
			assert_true(!k || late[k].latency_ns <= late[k - 1].latency_ns);
			assert_int_equal(late[k].blocked_by == SDEI_NONE, late[k].blame.ns[BLAME_blocked] == 0);
		}
		if (count)
			assert_int_equal(late[0].latency_ns, hist_max(e->dispatch));
	}
	model_settle(p->m, p->machine->time);
	for (const struct model_finding *f = model_findings(p->m, &found); found; found--) {
		char text[200];

		finding_describe(f, text, sizeof(text));
		fail_msg("%s: %s", finding_code_name(f->code), text);
	}
}

static void check_all_counts(const struct path *p)
{
	check_blame_and_findings(p);
	for (unsigned int i = 0; i < VCPUS; i++) {
		check_calls(p, i);
		for (unsigned int k = 0; k < MACHINE_EVENTS; k++)
			check_counts(p, i, k);
	}
}

/* Those that began since the model looks. */
static struct hist *true_hist(const struct path *p, const struct spans *spans)
{
	struct hist *h = hist_new();

	for (size_t i = 0; i < spans->count; i++) {
		if (spans->span[i].from >= p->from)
			assert_int_equal(hist_add(h, spans->span[i].value, NULL), 0);
	}
	return h;
}

typedef void check_one(const struct hist *h, const struct hist *truth);

static void check_hist(const struct hist *h, const struct hist *truth)
{
	struct hist_bucket a, b;
	unsigned int i = 0, k = 0;

	assert_int_equal(hist_count(h), hist_count(truth));
	assert_int_equal(hist_sum(h), hist_sum(truth));
	assert_int_equal(hist_min(h), hist_min(truth));
	assert_int_equal(hist_max(h), hist_max(truth));
	while (hist_next(truth, &i, &a)) {
		assert_true(hist_next(h, &k, &b));
		assert_memory_equal(&a, &b, sizeof(a));
	}
}

/* No sample that is not a true one. */
static void check_hist_within(const struct hist *h, const struct hist *truth)
{
	struct hist_bucket a = { 0 }, b;
	unsigned int i = 0, k = 0;

	assert_true(hist_count(h) <= hist_count(truth));
	assert_true(hist_sum(h) <= hist_sum(truth));
	assert_true(hist_max(h) <= hist_max(truth));
	while (hist_next(h, &k, &b)) {
		while (a.max_ns < b.max_ns || !a.count)
			assert_true(hist_next(truth, &i, &a));
		assert_int_equal(a.max_ns, b.max_ns);
		assert_true(b.count <= a.count);
	}
}

enum { SPAN_MASK = SPAN_KINDS, SPAN_INITIAL_MASK };

static const struct hist *hist_in(const struct model_vcpu *v, unsigned int event, unsigned int kind)
{
	const struct model_event *e = v ? model_event(v, event) : NULL;
	unsigned int i = 0;

	if (v && kind == SPAN_MASK)
		return v->mask;
	if (v && kind == SPAN_INITIAL_MASK)
		return v->initial_mask;
#define X(field, help)			\
	if (e && i++ == kind)		\
		return e->field;
	MODEL_EVENT_HISTS(X)
#undef X
	return NULL;
}

static void check_spans(const struct path *p, unsigned int vcpu, unsigned int event, unsigned int kind, check_one *check)
{
	const struct machine_vcpu *t = &p->machine->vcpus[vcpu];
	const struct spans *spans = kind == SPAN_MASK ? &t->mask : kind == SPAN_INITIAL_MASK ? &t->initial_mask :
				    &t->events[event].spans[kind];
	struct hist *truth = true_hist(p, spans), *all = hist_new();

	for (size_t i = 0; i < instances(p); i++)
		assert_int_equal(hist_merge(all, hist_in(vcpu_in(p, i, vcpu), event, kind)), 0);
	check(all, truth);
	hist_free(all);
	hist_free(truth);
}

static void check_all_hists(const struct path *p, check_one *check)
{
	for (unsigned int i = 0; i < VCPUS; i++) {
		check_spans(p, i, 0, SPAN_MASK, check);
		check_spans(p, i, 0, SPAN_INITIAL_MASK, check);
		for (unsigned int k = 0; k < MACHINE_EVENTS * SPAN_KINDS; k++)
			check_spans(p, i, k / SPAN_KINDS, k % SPAN_KINDS, check);
	}
}

_Static_assert((int)PARTS == (int)BLAME_COUNT && (int)PART_ENTRY == (int)BLAME_entry && (int)PART_IN_HOST == (int)BLAME_in_host,
	       "the same parts");

/* The wait that late is about. */
static const struct machine_wait *wait_of(const struct machine_event *t, const struct model_late *late)
{
	for (size_t i = 0; i < t->wait_count; i++) {
		if (t->waits[i].from == late->signal_ns && t->waits[i].to == late->dispatch_ns)
			return &t->waits[i];
	}
	fail_msg("no wait from %lu to %lu", (unsigned long)late->signal_ns, (unsigned long)late->dispatch_ns);
	return NULL;
}

static void check_late(const struct machine_event *t, const struct model_late *late)
{
	const struct machine_wait *wait = wait_of(t, late);
	uint64_t most = 0;

	assert_memory_equal(late->blame.ns, wait->parts, sizeof(wait->parts));
	assert_int_equal(late->signals, wait->signals);
	for (unsigned int i = 0; i < MACHINE_EVENTS; i++)
		most = wait->by[i] > most ? wait->by[i] : most;
	assert_int_equal(most != 0, late->blocked_by != SDEI_NONE);
	assert_true(!most || (late->blocked_by < MACHINE_EVENTS && wait->by[late->blocked_by] == most));
}

/* The wait so far is the one that the machine has open. */
static void check_open(const struct path *p, const struct machine_event *t, const struct model_event *e)
{
	struct model_late open;

	assert_int_equal(model_event_open(e, p->machine->time, &open), t->pending);
	if (!t->pending)
		return;
	assert_int_equal(open.signal_ns, t->pending_since);
	assert_memory_equal(open.blame.ns, t->wait.parts, sizeof(t->wait.parts));
}

/* Of the dispatches since from_ns every part is true, and of the worst ones each. */
static void check_blame(const struct path *p, const struct machine_event *t, const struct model_event *e, uint64_t from_ns)
{
	uint64_t parts[PARTS] = { 0 };
	size_t waits = 0, above = 0, count;
	const struct model_late *late = model_event_late(e, &count);

	for (size_t i = 0; i < t->wait_count; i++) {
		if (t->waits[i].to < from_ns)
			continue;
		waits++;
		above += count && t->waits[i].to - t->waits[i].from > late[count - 1].latency_ns;
		for (unsigned int part = 0; part < PARTS; part++)
			parts[part] += t->waits[i].parts[part];
	}
	assert_memory_equal(model_event_blame(e)->ns, parts, sizeof(parts));
	assert_int_equal(count, waits < MODEL_LATE_COUNT ? waits : MODEL_LATE_COUNT);
	assert_true(above <= MODEL_LATE_COUNT - 1);
	for (size_t i = 0; i < count; i++)
		check_late(t, &late[i]);
	check_open(p, t, e);
}

static void check_all_blame(const struct path *p, uint64_t from_ns)
{
	for (unsigned int i = 0; i < VCPUS; i++) {
		for (unsigned int k = 0; k < MACHINE_EVENTS; k++)
			check_blame(p, &p->machine->vcpus[i].events[k], model_event(vcpu_at(p, i), k), from_ns);
	}
}

static unsigned int bits_of(const struct machine_event *e)
{
	return e->registered * SDEI_REGISTERED | e->enabled * SDEI_ENABLED | e->running * SDEI_RUNNING | e->pending * SDEI_PENDING;
}

/* Every state, as it is this moment. */
static void check_all_states(const struct path *p)
{
	for (unsigned int i = 0; i < VCPUS; i++) {
		const struct model_vcpu *v = vcpu_at(p, i);
		const struct machine_vcpu *t = &p->machine->vcpus[i];
		uint64_t now = p->machine->time;

		assert_int_equal(v->gone, !t->exists);
		assert_int_equal(v->masked, t->masked);
		assert_int_equal(model_masked_ns(v, now), t->masked_ns + (t->masked ? now - t->masked_since : 0));
		for (unsigned int k = 0; k < MACHINE_EVENTS; k++) {
			assert_int_equal(model_event(v, k)->state, bits_of(&t->events[k]));
			assert_int_equal(model_event(v, k)->carried_running, t->events[k].restored_running);
			assert_int_equal(model_event(v, k)->carried_pending, 0);
			assert_false(model_event(v, k)->inexact);
		}
	}
}

/* --- the properties */

static void test_from_the_start(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct path *p = path_new(seed);

		p->strict = true;
		attach(p, 0);
		p->machine->places = seed % 2;
		for (unsigned int i = 0; i < 100; i++) {
			run(p, 97);
			check_all_states(p);
			check_all_counts(p);
			check_all_blame(p, 0);
		}
		check_all_hists(p, check_hist);
		assert_int_equal(model_totals(p->m)->misfits, 0);
		assert_int_equal(model_totals(p->m)->late, 0);
		assert_false(model_totals(p->m)->inexact);
		path_free(p);
	}
}

/* Whether its handler has hung is not asked while a vCPU is off; and where it is not, it is found. */
static size_t check_parked(struct path *p)
{
	size_t hung = 0;

	model_tick(p->m, p->machine->time);
	for (unsigned int i = 0; i < VCPUS; i++) {
		const struct model_vcpu *v = vcpu_at(p, i);

		assert_int_equal(v->off, p->machine->vcpus[i].off);
		for (unsigned int k = 0; k < MACHINE_EVENTS; k++) {
			bool found = model_is_found(v, model_event(v, k), FINDING_HANDLER_HUNG);

			assert_false(found && v->off);
			hung += found;
		}
	}
	return hung;
}

static void check_psci(const struct path *p, unsigned int vcpu)
{
	const struct machine_vcpu *t = &p->machine->vcpus[vcpu];
	struct psci_counts psci = { 0 };

	model_add_psci(vcpu_at(p, vcpu), &psci);
	assert_int_equal(psci.count[PSCI_CPU_OFF][PSCI_CLASS_SUCCESS], t->turned_off);
	assert_int_equal(psci.count[PSCI_CPU_ON][PSCI_CLASS_SUCCESS], t->turned_on_others);
}

static void test_parked(void **state)
{
	size_t hung = 0, parked_in_handler = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct path *p = path_new(seed);

		p->strict = true;
		attach(p, 0);
		p->machine->powers = true;
		for (unsigned int i = 0; i < 200; i++) {
			run(p, 11);
			p->machine->time += 2 * SECOND;
			hung += check_parked(p);
			check_all_states(p);
			for (unsigned int k = 0; k < VCPUS; k++)
				parked_in_handler += p->machine->vcpus[k].off && vcpu_at(p, k)->running;
		}
		for (unsigned int k = 0; k < VCPUS; k++) {
			check_calls(p, k);
			for (unsigned int event = 0; event < MACHINE_EVENTS; event++)
				check_counts(p, k, event);
			check_psci(p, k);
		}
		assert_int_equal(model_totals(p->m)->misfits, 0);
		path_free(p);
	}
	assert_true(hung && parked_in_handler);
}

static void test_totals_are_sums(void **state)
{
	struct path *p = path_new(99);
	struct model_counts sum = { 0 };

	attach(p, 0);
	run(p, 20011);
	for (unsigned int i = 0; i < VCPUS; i++) {
		for (unsigned int k = 0; k < MACHINE_EVENTS; k++) {
#define X(field, help) sum.field += model_event(vcpu_at(p, i), k)->count.field;
			MODEL_COUNTS(X)
#undef X
		}
	}
	assert_memory_equal(&sum, &model_totals(p->m)->count, sizeof(sum));
	path_free(p);
}

static void test_attached_in_the_middle(void **state)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct path *p = path_new(seed);

		p->strict = true;
		attach(p, 50 + seed);
		run(p, seed % 10 ? 500 : 10007);
		check_all_counts(p);
		check_all_hists(p, check_hist);
		assert_int_equal(model_totals(p->m)->misfits, 0);
		path_free(p);
	}
}

/* Figures of what ends after the reset, whenever it began; so `from` filters nothing but what was before. */
static void test_started_over(void **state)
{
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct path *p = path_new(seed);
		uint64_t reset_ns;

		p->strict = true;
		attach(p, 0);
		p->machine->places = seed % 2;
		run(p, 100 + seed);
		reset_ns = p->machine->time;
		model_reset(p->m, reset_ns);
		memcpy(p->base, p->machine->vcpus, sizeof(p->base));
		for (unsigned int i = 0; i < VCPUS; i++) {
			for (unsigned int k = 0; k < MACHINE_EVENTS; k++)
				assert_int_equal(hist_count(model_event(vcpu_at(p, i), k)->dispatch), 0);
		}
		run(p, 997);
		check_all_counts(p);
		check_all_blame(p, reset_ns);
		assert_int_equal(model_totals(p->m)->misfits, 0);
		path_free(p);
	}
}

static void check_flags(const struct path *p)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < VCPUS * instances(p); i++) {
		const struct model_vcpu *v = vcpu_in(p, i / VCPUS, i % VCPUS);

		lost += v ? v->lost : 0;
		assert_true(!v || !v->lost || v->inexact);
		for (unsigned int k = 0; v && k < v->event_count; k++)
			assert_true(!v->events[k]->lost || v->events[k]->inexact);
	}
	assert_int_equal(lost, p->lost);
	assert_int_equal(model_totals(p->m)->lost, p->lost);
	assert_true(!p->lost || model_totals(p->m)->inexact);
}

/* A loss that is told before the next record leaves nothing false behind: fewer samples, all of them true. */
static void test_lost_and_told_at_once(void **state)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct path *p = path_new(seed);

		p->lose = seed % 4 == 0 ? 700 : seed % 4 * 50;
		p->strict = true;
		attach(p, seed % 3 * 100);
		run(p, 4001);
		check_all_counts(p);
		check_all_hists(p, check_hist_within);
		check_flags(p);
		assert_true(p->lost > 0);
		path_free(p);
	}
}

/* Longest episode of an event, whatever ended it. */
static uint64_t longest_episode(const struct machine_event *e)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < e->spans[SPAN_SIGNALS].count; i++) {
		const struct span *s = &e->spans[SPAN_SIGNALS].span[i];

		if (s->to - s->from > longest)
			longest = s->to - s->from;
	}
	return longest;
}

/*
 * Told later, a sample may span a loss; it is then longer than the truth by no
 * more than the loss went untold (and the one jump in time that may follow).
 */
static void test_lost_and_told_later(void **state)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct path *p = path_new(seed);

		p->lose = 20 + seed % 5 * 60;
		p->report_ns = 1000 * seed;
		attach(p, seed % 2 * 200);
		run(p, 4001);
		check_all_counts(p);
		check_flags(p);
		for (size_t i = 0; i < VCPUS * MACHINE_EVENTS * instances(p); i++) {
			unsigned int vcpu = i / MACHINE_EVENTS % VCPUS, event = i % MACHINE_EVENTS;
			const struct hist *h = hist_in(vcpu_in(p, i / MACHINE_EVENTS / VCPUS, vcpu), event, SPAN_DISPATCH);

			assert_true(hist_max(h) <= longest_episode(&p->machine->vcpus[vcpu].events[event]) + p->report_ns + 1000000);
		}
		path_free(p);
	}
}

static void test_nearly_all_lost(void **state)
{
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct path *p = path_new(seed);

		p->lose = seed % 2 ? 1000 : 970;
		p->report_ns = 50000;
		attach(p, 0);
		run(p, 2003);
		check_all_counts(p);
		check_flags(p);
		path_free(p);
	}
}

static void check_no_huge(const struct path *p)
{
	uint64_t most = p->machine->time;

	for (size_t i = 0; i < VCPUS * instances(p); i++) {
		const struct model_vcpu *v = vcpu_in(p, i / VCPUS, i % VCPUS);

		assert_true(!v || model_masked_ns(v, most) < most);
		for (unsigned int k = 0; k < MACHINE_EVENTS * (SPAN_INITIAL_MASK + 1); k++)
			assert_true(hist_max(hist_in(v, k % MACHINE_EVENTS, k / MACHINE_EVENTS)) < most);
	}
}

static void test_out_of_order(void **state)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct path *p = path_new(seed);

		p->hold = 1 + seed * 5;
		attach(p, 0);
		run(p, 4001);
		check_all_counts(p);
		check_no_huge(p);
		assert_true(p->late > 0);
		assert_true(model_totals(p->m)->late >= p->late);
		path_free(p);
	}
}

/* Everything at once, with ticks. What remains: the counts. */
static void test_chaos(void **state)
{
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct path *p = path_new(seed);

		p->hold = 100;
		p->lose = 100;
		p->report_ns = 3000;
		attach(p, seed % 2 * 100);
		for (unsigned int i = 0; i < 40; i++) {
			run(p, 101);
			model_tick(p->m, p->machine->time);
		}
		check_all_counts(p);
		check_no_huge(p);
		path_free(p);
	}
}

/* --- many at a time */

struct tape {
	struct { struct sdei_record_call r; size_t size; } *at;
	size_t count, room;
};

static void record_on(void *ctx, const struct sdei_record *r, size_t size)
{
	struct tape *t = ctx;

	if (t->count == t->room) {
		t->room = t->room ? t->room * 2 : 1024;
		t->at = realloc(t->at, t->room * sizeof(*t->at));
		assert_non_null(t->at);
	}
	memcpy(&t->at[t->count].r, r, size);
	t->at[t->count++].size = size;
}

static void feed_tape(struct path *p, struct model *m, const struct tape *t)
{
	const struct sdei_record *records[100];
	size_t sizes[100];

	for (size_t at = 0, batch; at < t->count; at += batch) {
		batch = chance(p, 101);
		if (batch > t->count - at)
			batch = t->count - at;
		for (size_t i = 0; i < batch; i++) {
			records[i] = &t->at[at + i].r.head;
			sizes[i] = t->at[at + i].size;
		}
		model_feed_many(m, records, sizes, batch);
	}
}

static void check_same_event(const struct model_event *a, const struct model_event *b)
{
	assert_int_equal(a->event, b->event);
	assert_int_equal(a->state, b->state);
	assert_memory_equal(&a->count, &b->count, sizeof(a->count));
#define X(field, help)						\
	assert_int_equal(hist_sum(a->field), hist_sum(b->field));	\
	assert_int_equal(hist_count(a->field), hist_count(b->field));
	MODEL_EVENT_HISTS(X)
#undef X
}

static void test_many_at_a_time(void **state)
{
	for (unsigned int vcpus = 3; vcpus < 1000; vcpus += 299) {
		struct path *p = path_new(vcpus);
		struct model *many = model_new(&options);
		struct tape tape = { 0 };
		struct machine *machine = machine_new(vcpus, 7, record_on, &tape);

		for (unsigned int i = 0; i < 50021; i++)
			machine_step(machine);
		for (size_t i = 0; i < tape.count; i++)
			assert_int_equal(model_feed(p->m, &tape.at[i].r.head, tape.at[i].size), 0);
		feed_tape(p, many, &tape);
		assert_memory_equal(model_totals(p->m), model_totals(many), sizeof(*model_totals(many)));
		for (unsigned int i = 0; i < vcpus * MACHINE_EVENTS; i++) {
			const struct model_vcpu *v = model_vcpu(model_vm(many, MACHINE_VM), i / MACHINE_EVENTS);

			check_same_event(model_event(vcpu_at(p, v->id), i % MACHINE_EVENTS), model_event(v, i % MACHINE_EVENTS));
		}
		machine_free(machine);
		model_free(many);
		free(tape.at);
		path_free(p);
	}
}

/* Records that no kernel would write: nothing holds, but nothing breaks either. */
static void test_rubbish(void **state)
{
	struct path *p = path_new(5);

	for (unsigned int i = 0; i < 300000; i++) {
		union { struct sdei_record head; struct sdei_record_call call; struct sdei_lost_key key; } r;
		static const size_t sizes[] = { 32, 48, 64, 24 };

		for (size_t k = 0; k < sizeof(r); k++)
			((uint8_t *)&r)[k] = chance(p, 256);
		r.head.time_ns = chance(p, 4) ? i + chance(p, 10) : chance(p, UINT32_MAX);
		r.head.vm = chance(p, 3);
		r.head.vcpu = chance(p, 3);
		r.head.event = chance(p, 9) ? chance(p, 3) : SDEI_NONE;
		r.head.kind = chance(p, SDEI_KIND_COUNT + 1);
		r.head.outcome = chance(p, 16);
		r.head.origin = chance(p, 6);
		model_feed(p->m, &r.head, sizes[chance(p, 4)]);
		if (chance(p, 20))
			continue;
		r.key = (struct sdei_lost_key){ .vm = chance(p, 3), .vcpu = chance(p, 3), .kind = chance(p, 16), .error = -chance(p, 12) };
		r.key.event = chance(p, 3);
		r.key.outcome = chance(p, 16);
		r.key.origin = chance(p, 6);
		model_feed_lost(p->m, &r.key, chance(p, 5));
		if (!chance(p, 10))
			model_tick(p->m, i);
		if (!chance(p, 100))
			model_expire(p->m, i);
		if (!chance(p, 1000))
			model_reset(p->m, i);
	}
	assert_true(model_totals(p->m)->records > 0);
	path_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_the_start), cmocka_unit_test(test_parked),
		cmocka_unit_test(test_totals_are_sums),
		cmocka_unit_test(test_attached_in_the_middle),
		cmocka_unit_test(test_started_over),
		cmocka_unit_test(test_lost_and_told_at_once),
		cmocka_unit_test(test_lost_and_told_later),
		cmocka_unit_test(test_nearly_all_lost),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_chaos),
		cmocka_unit_test(test_many_at_a_time),
		cmocka_unit_test(test_rubbish),
	};

	return cmocka_run_group_tests_name("model and machine", tests, NULL, NULL);
}
