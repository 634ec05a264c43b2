// SPDX-License-Identifier: GPL-2.0-only
/*
 * An image of a model goes on as the model does, whatever comes; and whatever the bytes are, they do no harm.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "model/image.h"
#include "model/inside.h"
#include "view/figures/json.h"
#include "session/vm_names.h"
#include "tests/unit/lib/try_step.h"
#include "tests/unit/lib/apf_machine.h"
#include "tests/unit/lib/same_hist.h"

#define VCPUS 4
#define MACHINES 3

/* Trouble comes soon. */
static const struct model_options options = {
	.free_user = name_free,
	.limits = { .handler_ns = 2000, .pending_ns = 2000, .mask_ns = 2000, .drops = 3, .drops_ns = 3000, .refused = 3, .refused_ns = 9000,
		    .page_ns = 2000, .ack_ns = 2000, .fallbacks = 3, .fallbacks_ns = 3000 },
};

static bool utf8 = true;
static const struct image_names names = { .text = name_text, .uuid = name_uuid, .user = name_from_text, .ctx = &utf8 };

struct image {
	unsigned char *bytes;
	size_t size;
};

static struct image save(const struct model *m)
{
	struct image image = { NULL, 0 };

	assert_int_equal(image_save(m, &names, &image.bytes, &image.size), 0);
	return image;
}

/* The limits of options are not those of the image, and do not count. */
static struct model *load(const struct image *image)
{
	const struct model_options other = { .free_user = name_free, .limits = { .handler_ns = 1, .drops = 1, .refused = 1 } };
	int err = 1;
	struct model *m = image_load(image->bytes, image->size, &other, &names, &err);

	assert_int_equal(err, 0);
	assert_non_null(m);
	return m;
}

/* --- comparing */

/* Takes its hists and its pointers out of a copy, so that all that is left must be equal byte by byte. */
static struct model_event plain_event(const struct model_event *e)
{
	struct model_event plain;

	memcpy(&plain, e, sizeof(plain));
	plain.vcpu = NULL;
	plain.intervals = NULL;
	plain.open = NULL;
	plain.late = NULL;
#define X(field, help) plain.field = NULL;
	MODEL_EVENT_HISTS(X)
#undef X
	return plain;
}

static void same_event(const struct model_event *a, const struct model_event *b, uint64_t now_ns)
{
	struct model_event plain_a = plain_event(a), plain_b = plain_event(b);
	struct model_event_interval interval_a, interval_b;
	struct model_late open_a, open_b;

	assert_memory_equal(&plain_a, &plain_b, sizeof(plain_a));
	if (a->late_count)
		assert_memory_equal(a->late, b->late, a->late_count * sizeof(*a->late));
	assert_int_equal(model_event_open(a, now_ns, &open_a), model_event_open(b, now_ns, &open_b));
	if (model_event_open(a, now_ns, &open_a))
		assert_memory_equal(&open_a, &open_b, sizeof(open_a));
	model_event_interval(a, &interval_a);
	model_event_interval(b, &interval_b);
#define X(field, help)						\
	same_hist(a->field, b->field);				\
	same_hist(interval_a.field, interval_b.field);
	MODEL_EVENT_HISTS(X)
#undef X
}

static struct model_vcpu plain_vcpu(const struct model_vcpu *v)
{
	struct model_vcpu plain;

	memcpy(&plain, v, sizeof(plain));
	plain.vm = NULL;
	plain.recent = plain.running = NULL;
	plain.events = NULL;
	plain.mask = plain.initial_mask = NULL;
	plain.calls = NULL;
	plain.records = NULL;
	plain.refused = NULL;
	plain.senders = NULL;
	plain.apf = NULL;
	return plain;
}

static struct vcpu_apf plain_apf(const struct vcpu_apf *a)
{
	struct vcpu_apf plain;

	memcpy(&plain, a, sizeof(plain));
	memset(plain.shown.stage, 0, sizeof(plain.shown.stage));
	plain.shown.depth = NULL;
	plain.intervals = NULL;
	plain.open = NULL;
	plain.room = 0;
	return plain;
}

static void same_apf(const struct model_vcpu *a, const struct model_vcpu *b)
{
	struct vcpu_apf plain_a, plain_b;

	assert_int_equal(!a->apf, !b->apf);
	if (!a->apf)
		return;
	plain_a = plain_apf(a->apf);
	plain_b = plain_apf(b->apf);
	assert_memory_equal(&plain_a, &plain_b, sizeof(plain_a));
	if (a->apf->shown.in_flight)
		assert_memory_equal(a->apf->open, b->apf->open, a->apf->shown.in_flight * sizeof(*a->apf->open));
	same_hist(a->apf->shown.depth, b->apf->shown.depth);
	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++) {
		same_hist(a->apf->shown.stage[i], b->apf->shown.stage[i]);
		same_hist(model_vcpu_apf_interval(a, i), model_vcpu_apf_interval(b, i));
	}
}

static void same_senders(const struct model_vcpu *a, const struct model_vcpu *b, uint64_t now_ns)
{
	size_t count, same_count;
	const struct model_sender *x = model_senders(a, &count), *y = model_senders(b, &same_count);

	assert_int_equal(count, same_count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(x[i].sender, y[i].sender);
		same_hist(x[i].latency, y[i].latency);
		assert_memory_equal(&x[i].signals, &y[i].signals, offsetof(struct model_sender, latency) - offsetof(struct model_sender, signals));
		assert_memory_equal(&x[i].worst_ns, &y[i].worst_ns, sizeof(x[i]) - offsetof(struct model_sender, worst_ns));
		assert_int_equal(model_sender_waiting_ns(a, x[i].sender, now_ns), model_sender_waiting_ns(b, x[i].sender, now_ns));
	}
}

static void same_calls(const struct model_vcpu *a, const struct model_vcpu *b)
{
	for (uint32_t function = SDEI_FN_FIRST; function <= SDEI_FN_LAST; function++) {
		for (unsigned int class = 0; class < MODEL_RESULT_CLASSES; class++)
			assert_int_equal(model_call_count(a, function, class), model_call_count(b, function, class));
		same_hist(model_call_time(a, function), model_call_time(b, function));
	}
}

static void same_vcpu(const struct model_vcpu *a, const struct model_vcpu *b, uint64_t now_ns)
{
	struct model_vcpu plain_a = plain_vcpu(a), plain_b = plain_vcpu(b);
	struct record_brief recent_a[MODEL_RECENT], recent_b[MODEL_RECENT];
	size_t recent = model_recent(a, recent_a);

	assert_memory_equal(&plain_a, &plain_b, sizeof(plain_a));
	assert_int_equal(a->running ? a->running->event : SDEI_NONE, b->running ? b->running->event : SDEI_NONE);
	same_hist(a->mask, b->mask);
	same_hist(a->initial_mask, b->initial_mask);
	same_apf(a, b);
	same_calls(a, b);
	assert_int_equal(!a->refused, !b->refused);
	if (a->refused)
		assert_memory_equal(a->refused, b->refused, sizeof(*a->refused));
	same_senders(a, b, now_ns);
	assert_int_equal(model_recent(b, recent_b), recent);
	assert_memory_equal(recent_a, recent_b, recent * sizeof(*recent_a));
	for (size_t i = 0; i < a->event_count; i++)
		same_event(a->events[i], b->events[i], now_ns);
}

static void same_vm(const struct model_vm *a, const struct model_vm *b, uint64_t now_ns)
{
	assert_int_equal(a->pid, b->pid);
	assert_int_equal(a->instance, b->instance);
	assert_int_equal(a->gone, b->gone);
	assert_int_equal(a->gone_ns, b->gone_ns);
	assert_int_equal(a->vcpu_count, b->vcpu_count);
	assert_int_equal(a->living, b->living);
	assert_int_equal(!a->user, !b->user);
	assert_string_equal(name_of(a)->raw, name_of(b)->raw);
	assert_string_equal(name_of(a)->shown, name_of(b)->shown);
	assert_string_equal(name_of(a)->uuid, name_of(b)->uuid);
	for (size_t i = 0; i < a->vcpu_count; i++)
		same_vcpu(a->vcpus[i], b->vcpus[i], now_ns);
}

static void same_owner(const struct finding_owner *a, const struct finding_owner *b)
{
	assert_int_equal(!a->vcpu, !b->vcpu);
	assert_int_equal(!a->event, !b->event);
	if (a->vcpu)
		assert_true(a->vcpu->id == b->vcpu->id && a->vcpu->vm->pid == b->vcpu->vm->pid);
	if (a->event)
		assert_int_equal(a->event->event, b->event->event);
}

static void same_findings(const struct findings *a, const struct findings *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->suspicion_count, b->suspicion_count);
	for (size_t i = 0; i < a->count; i++) {
		assert_memory_equal(&a->list[i], &b->list[i], sizeof(a->list[i]));
		same_owner(&a->owners[i], &b->owners[i]);
	}
	for (size_t i = 0; i < a->suspicion_count; i++) {
		assert_memory_equal(&a->suspicions[i].finding, &b->suspicions[i].finding, sizeof(a->suspicions[i].finding));
		same_owner(&a->suspicions[i].owner, &b->suspicions[i].owner);
	}
}

/* Those in the map of one by the same name in the map of the other. */
static void same_maps(const struct model *a, const struct model *b)
{
	assert_int_equal(a->vcpus.used, b->vcpus.used);
	assert_int_equal(a->by_pid.used, b->by_pid.used);
	for (size_t i = 0; i < a->vm_count; i++) {
		const struct model_vm *vm = a->vms[i];

		assert_int_equal(idmap_find(&a->by_pid, vm->pid) == vm, idmap_find(&b->by_pid, vm->pid) == b->vms[i]);
		for (size_t k = 0; k < vm->vcpu_count; k++)
			assert_int_equal(life_find(a, vm->pid, vm->vcpus[k]->id) == vm->vcpus[k],
					 life_find(b, vm->pid, vm->vcpus[k]->id) == b->vms[i]->vcpus[k]);
	}
}

/* Pointers out, as above. */
static struct model plain_model(const struct model *m)
{
	struct model plain;

	memcpy(&plain, m, sizeof(plain));
	memset(&plain.options, 0, sizeof(plain.options));
	memset(&plain.vcpus, 0, sizeof(plain.vcpus));
	memset(&plain.by_pid, 0, sizeof(plain.by_pid));
	memset(&plain.findings, 0, sizeof(plain.findings));
	memset(&plain.guests, 0, sizeof(plain.guests));	/* of a tick */
	plain.vms = NULL;
	plain.gics = NULL;	/* of VMs that are being restored: not part of an image */
	plain.vm_room = plain.gic_room = plain.gic_count = 0;
	return plain;
}

/* What people see, too. */
static char *summary(const struct model *m)
{
	struct status status = { 0 };
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	json_summary(out, m, &status);
	json_interval(out, m, &status);
	fclose(out);
	return text;
}

static void same_model(const struct model *a, const struct model *b, uint64_t now_ns)
{
	struct model plain_a = plain_model(a), plain_b = plain_model(b);

	assert_memory_equal(&plain_a, &plain_b, sizeof(plain_a));
	for (size_t i = 0; i < a->vm_count; i++)
		same_vm(a->vms[i], b->vms[i], now_ns);
	same_findings(&a->findings, &b->findings);
	same_maps(a, b);
}

static void same_bytes(const struct model *a, const struct model *b)
{
	struct image image_a = save(a), image_b = save(b);

	assert_int_equal(image_a.size, image_b.size);
	assert_memory_equal(image_a.bytes, image_b.bytes, image_a.size);
	free(image_a.bytes);
	free(image_b.bytes);
}

static void same(const struct model *a, const struct model *b, uint64_t now_ns)
{
	same_model(a, b, now_ns);
	same_bytes(a, b);
}

static void same_in_words(const struct model *a, const struct model *b)
{
	char *text_a = summary(a), *text_b = summary(b);

	assert_string_equal(text_a, text_b);
	free(text_a);
	free(text_b);
}

/* --- two models fed with the same */

struct pair {
	struct model *a, *b;	/* b: NULL until there is an image */
	struct machine *machines[MACHINES];
	struct apf_machine *faults;	/* on the vCPUs of the first machine */
	unsigned int count;
	uint32_t vm;		/* of the machine that steps */
	uint64_t offset;	/* of its time */
	uint64_t newest, seed;
	unsigned int lose, garble, hold;	/* permille of the records */
	struct sdei_record_call held;
	size_t held_size;
	bool named;
};

static uint64_t chance(struct pair *p, uint64_t below)
{
	p->seed = p->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (p->seed >> 33) % below;
}

#define FOR_BOTH(p, m, what)						\
	for (unsigned int both = 0; both < 2; both++) {			\
		struct model *m = both ? (p)->b : (p)->a;		\
									\
		if (m) {						\
			what;						\
		}							\
	}

static char *lookup(void *ctx, uint32_t pid, char uuid[GUEST_UUID_SIZE])
{
	char *text = NULL;

	assert_true(asprintf(&text, "guest\t%u \xc3\xa9", pid) > 0);
	if (pid % 2)
		snprintf(uuid, GUEST_UUID_SIZE, "0d3c7f5a-94e1-4b0e-8a55-%012u", pid);
	return text;
}

static void feed(struct pair *p, const struct sdei_record *r, size_t size)
{
	int err = model_feed(p->a, r, size);

	if (p->b)
		assert_int_equal(model_feed(p->b, r, size), err);
	if (r->kind != SDEI_PLACE && r->time_ns > p->newest && r->time_ns < UINT64_MAX / 2)
		p->newest = r->time_ns;
}

static void lose(struct pair *p, const struct sdei_record *r)
{
	struct sdei_lost_key key = {
		.vm = r->vm, .vcpu = r->vcpu, .event = r->event, .kind = r->kind, .outcome = r->outcome, .origin = r->origin,
	};
	uint64_t count = 1 + chance(p, 3);

	if (r->kind == SDEI_CALL)
		key.function = ((const struct sdei_record_call *)r)->function;
	else
		key.error = r->error;
	FOR_BOTH(p, m, model_feed_lost(m, &key, count));
}

static void garble(struct pair *p, struct sdei_record *r)
{
	switch (chance(p, 7)) {
	case 0:
		r->state ^= 1U << chance(p, 5);
		break;
	case 1:
		r->outcome = chance(p, 16);
		break;
	case 2:
		r->origin = chance(p, 6);
		break;
	case 3:
		r->event = chance(p, 7);
		break;
	case 4:
		r->vcpu = chance(p, 9);
		break;
	case 5:
		r->time_ns -= chance(p, 9000);
		break;
	case 6:
		r->error = chance(p, 2) ? -2 : 1;
		break;
	}
}

/* What the machine does not do: handlers have no argument, PLACE is never told too early, and no call says how long it took. */
static void embellish(struct pair *p, struct sdei_record_call *r)
{
	struct sdei_record_handler *handler = (struct sdei_record_handler *)r;

	if (r->head.kind == SDEI_REGISTER || r->head.kind == SDEI_STATE)
		handler->ep_arg = chance(p, 1000);
	if (r->head.kind == SDEI_PLACE)
		r->head.time_ns += chance(p, 300);
	if (r->head.kind == SDEI_CALL)
		r->duration_ns = chance(p, 3000);
}

static void take(void *ctx, const struct sdei_record *record, size_t size)
{
	struct pair *p = ctx;
	struct sdei_record_call r;

	memcpy(&r, record, size);
	r.head.vm = p->vm;
	r.head.time_ns += p->offset;
	embellish(p, &r);
	if (chance(p, 1000) < p->lose) {
		lose(p, &r.head);
		return;
	}
	if (chance(p, 1000) < p->garble)
		garble(p, &r.head);
	if (!p->held_size && chance(p, 1000) < p->hold) {
		p->held = r;
		p->held_size = size;
		return;
	}
	feed(p, &r.head, size);
	if (p->held_size && !chance(p, 5)) {
		feed(p, &p->held.head, p->held_size);
		p->held_size = 0;
	}
}

/* Of events that show in no record. */
static void feed_snapshot(struct pair *p)
{
	struct sdei_record_handler r = {
		.head = {
			.time_ns = p->newest, .vm = 100 + chance(p, p->count), .vcpu = chance(p, VCPUS), .event = 10 + chance(p, 3),
			.kind = SDEI_STATE, .origin = SDEI_SNAPSHOT, .state = SDEI_REGISTERED | SDEI_ENABLED | (chance(p, 2) ? SDEI_PENDING : 0),
		},
	};

	feed(p, &r.head, sizeof(r));
}

static void lose_end(struct pair *p)
{
	struct sdei_lost_key key = {
		.vm = 100 + chance(p, p->count), .vcpu = chance(p, VCPUS), .event = chance(p, MACHINE_EVENTS), .kind = SDEI_STATE,
		.origin = SDEI_DESTROYED,
	};

	FOR_BOTH(p, m, model_feed_lost(m, &key, 1));
}

/* What the machine goes on with is another instance. */
static void end_vm(struct pair *p)
{
	struct sdei_record_handler r = {
		.head = { .vm = 100 + chance(p, p->count), .kind = SDEI_STATE, .origin = SDEI_DESTROYED },
	};

	for (r.head.vcpu = 0; r.head.vcpu < 9; r.head.vcpu++) {
		r.head.time_ns = ++p->newest;
		feed(p, &r.head, sizeof(r));
	}
}

/* What comes beside records. */
static void happen(struct pair *p)
{
	uint64_t now = p->newest + chance(p, 4000), what = chance(p, 1000);
	bool keep = chance(p, 3);

	if (what < 12)
		FOR_BOTH(p, m, model_tick(m, now));
	if (what == 12)
		FOR_BOTH(p, m, model_reset(m, now));
	if (what == 13)
		FOR_BOTH(p, m, model_settle(m, now));
	if (what == 14)
		FOR_BOTH(p, m, model_expire(m, now - 20000));
	if (what == 15)
		FOR_BOTH(p, m, model_expire_findings(m, now - 20000));
	if (what == 16)
		FOR_BOTH(p, m, model_keep_intervals(m, keep));
	if (what == 17)
		FOR_BOTH(p, m, model_keep_recent(m, keep));
	if (what == 18 && p->lose)
		FOR_BOTH(p, m, model_feed_lost(m, NULL, 1));
	if (what == 19 && p->lose)
		p->newest += 2000000000;	/* and what was told of losses is long ago */
	if (what == 20)
		p->newest += 300000000;
	if (what == 21)
		feed_snapshot(p);
	if (what == 22 && p->lose)
		lose_end(p);
	if (what == 23)
		end_vm(p);
	if (what == 24)
		feed(p, &(struct sdei_record){ .kind = SDEI_KIND_COUNT }, sizeof(struct sdei_record));
}

/* Its time is its own. */
static void step_faults(struct pair *p)
{
	uint64_t offset = p->offset;

	p->vm = 100;
	p->offset = p->newest > p->faults->time ? p->newest - p->faults->time : 0;
	apf_machine_step(p->faults);
	p->offset = offset;
}

static void step(struct pair *p)
{
	unsigned int number = chance(p, p->count);
	struct machine *machine = p->machines[number];

	p->vm = 100 + number;
	if (machine->time + p->offset < p->newest)
		p->offset = p->newest - machine->time;
	machine_step(machine);
	if (p->faults)
		step_faults(p);
	happen(p);
	if (p->named)
		FOR_BOTH(p, m, names_adopt(m, lookup, NULL, utf8));
}

static struct pair *pair_new(unsigned int machines, uint64_t seed)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->seed = seed * 7919;
	p->a = model_new(&options);
	assert_non_null(p->a);
	p->lose = seed % 3 ? 0 : 30;
	p->garble = seed % 4 == 1 ? 100 : 0;
	p->hold = seed % 5 == 2 ? 50 : 0;
	p->named = seed % 4;
	model_keep_intervals(p->a, seed & 1);
	model_keep_recent(p->a, seed & 2);
	p->count = machines;
	for (unsigned int i = 0; i < machines; i++) {
		p->vm = 100 + i;
		p->machines[i] = machine_new(VCPUS, seed + i, take, p);
		p->machines[i]->places = chance(p, 2);
	}
	if (seed % 3 != 1)
		p->faults = apf_machine_new(VCPUS, seed % 4 == 2, seed, take, p);
	return p;
}

static void pair_free(struct pair *p)
{
	for (unsigned int i = 0; i < p->count; i++)
		machine_free(p->machines[i]);
	if (p->faults)
		apf_machine_free(p->faults);
	model_free(p->a);
	model_free(p->b);
	free(p);
}

/* What there was to be saved, so that the property is about something. */
enum {
	SEEN_SPLIT, SEEN_RUNNING, SEEN_UNCERTAIN, SEEN_SKETCHED, SEEN_DOOMED, SEEN_GONE, SEEN_UNNAMED, SEEN_OLD_VM, SEEN_LATE,
	SEEN_INTERVAL, SEEN_RECENT, SEEN_REFUSED, SEEN_TIMED_CALLS, SEEN_SENDERS, SEEN_FINDING, SEEN_ORPHAN, SEEN_SUSPICION, SEEN_ENDED_SUSPICION,
	SEEN_IN_FLIGHT, SEEN_SLOW, SEEN_TOLD, SEEN_HANDLER, SEEN_ACK, SEEN_FAULTS_INTERVAL, SEEN_KINDS
};
static unsigned int seen[SEEN_KINDS];

static void look_at_event(const struct model_event *e)
{
	seen[SEEN_SPLIT] += e->split;
	seen[SEEN_RUNNING] += e->vcpu->running == e;
	seen[SEEN_UNCERTAIN] += e->uncertain;
	seen[SEEN_SKETCHED] += e->sketched;
	seen[SEEN_LATE] += e->late_count == MODEL_LATE_COUNT;
	seen[SEEN_INTERVAL] += e->intervals && hist_count(e->intervals->now[HIST_dispatch]);
}

static void look_at_apf(const struct vcpu_apf *a)
{
	seen[SEEN_IN_FLIGHT] += a->shown.in_flight > 2;
	seen[SEEN_SLOW] += a->shown.slow_count == APF_SLOW_COUNT;
	seen[SEEN_TOLD] += a->dispatch.id && a->signal_ns;
	seen[SEEN_HANDLER] += !!a->handler.id;
	seen[SEEN_ACK] += !!a->ack.since_ns;
	seen[SEEN_FAULTS_INTERVAL] += a->intervals && hist_count(a->intervals->last[APF_STAGE_total]);
}

static void look_at_vcpu(const struct model_vcpu *v)
{
	if (v->apf)
		look_at_apf(v->apf);
	seen[SEEN_DOOMED] += v->doomed;
	seen[SEEN_GONE] += v->gone;
	seen[SEEN_RECENT] += v->records && v->records->count > MODEL_RECENT;
	seen[SEEN_REFUSED] += !!v->refused;
	seen[SEEN_TIMED_CALLS] += hist_count(model_call_time(v, SDEI_FN_EVENT_STATUS)) > 1;
	seen[SEEN_SENDERS] += v->senders && v->senders->count > 1 && v->senders->list[0].dispatched && v->senders->list[1].unanswered;
	for (size_t i = 0; i < v->event_count; i++)
		look_at_event(v->events[i]);
}

static void look_at(const struct model *m)
{
	const struct findings *f = &m->findings;

	for (size_t i = 0; i < m->vm_count; i++) {
		seen[SEEN_UNNAMED] += !m->vms[i]->user;
		seen[SEEN_OLD_VM] += idmap_find(&m->by_pid, m->vms[i]->pid) != m->vms[i];
		for (size_t k = 0; k < m->vms[i]->vcpu_count; k++)
			look_at_vcpu(m->vms[i]->vcpus[k]);
	}
	for (size_t i = 0; i < f->count; i++) {
		seen[SEEN_FINDING] += f->list[i].open;
		seen[SEEN_ORPHAN] += !f->owners[i].vcpu;
	}
	for (size_t i = 0; i < f->suspicion_count; i++)
		seen[f->suspicions[i].finding.open ? SEEN_SUSPICION : SEEN_ENDED_SUSPICION]++;
}

static void join(struct pair *p)
{
	struct image image = save(p->a);

	look_at(p->a);
	model_free(p->b);
	p->b = load(&image);
	free(image.bytes);
}

/* --- the property */

static void test_goes_on(void **state)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct pair *p = pair_new(MACHINES, seed);

		for (unsigned int part = 0; part < 8; part++) {
			for (uint64_t steps = chance(p, 700); steps; steps--)
				step(p);
			join(p);
			same(p->a, p->b, p->newest);
			same_in_words(p->a, p->b);
			for (uint64_t steps = chance(p, 2000); steps; steps--) {
				step(p);
				if (!(steps % 97))
					same(p->a, p->b, p->newest);
			}
			same(p->a, p->b, p->newest);
			same_in_words(p->a, p->b);
		}
		pair_free(p);
	}
	for (unsigned int i = 0; i < SEEN_KINDS; i++) {
		if (!seen[i])
			fail_msg("nothing of kind %u was saved", i);
	}
}

/* Without a registered event a mask is never too long. */
static void register_event(struct pair *p, uint32_t vm, uint64_t time_ns)
{
	struct sdei_record_handler r = { .head = { .time_ns = time_ns, .vm = vm, .kind = SDEI_REGISTER, .state = SDEI_REGISTERED } };

	feed(p, &r.head, sizeof(r));
}

/* A VM for each, so that there are more findings than are kept. */
static void mask(struct pair *p, uint32_t vm, bool on, uint64_t time_ns)
{
	struct sdei_record r = {
		.time_ns = time_ns, .vm = vm, .event = SDEI_NONE, .kind = on ? SDEI_MASK : SDEI_UNMASK,
		.state = on ? SDEI_MASKED : 0, .error = on,
	};

	feed(p, &r, sizeof(r));
}

static void test_findings_without_room(void **state)
{
	struct pair *p = pair_new(1, 1);
	const uint64_t from = 3000000000;
	const struct sdei_record dispatch = {
		.time_ns = from, .vm = 5000, .event = 1, .kind = SDEI_DISPATCH,
		.state = SDEI_REGISTERED | SDEI_ENABLED | SDEI_RUNNING,
	};

	model_reset(p->a, from);
	for (uint32_t i = 0; i < FINDINGS_MAX + 20; i++) {
		register_event(p, 1000 + i, from + i);
		mask(p, 1000 + i, true, from + i);
	}
	feed(p, &dispatch, sizeof(dispatch));
	model_tick(p->a, from + 1000000000);
	assert_int_equal(p->a->findings.count, FINDINGS_MAX);
	assert_true(model_is_found(model_vcpu(model_vm(p->a, 1000 + FINDINGS_MAX + 19), 0), NULL, FINDING_MASK_LONG));
	assert_true(model_is_found(model_vcpu(model_vm(p->a, 5000), 0), model_vcpu(model_vm(p->a, 5000), 0)->events[0],
				   FINDING_HANDLER_HUNG));
	join(p);
	same(p->a, p->b, p->newest);
	for (uint32_t i = 0; i < FINDINGS_MAX + 20; i += 3)
		mask(p, 1000 + i, false, from + 2000000000);
	same(p->a, p->b, p->newest);
	FOR_BOTH(p, m, model_expire_findings(m, UINT64_MAX));
	FOR_BOTH(p, m, model_tick(m, from + 4000000000));
	same(p->a, p->b, p->newest);
	pair_free(p);
}

/* The newest of a pid is expired before an older one, and then none is found by the pid. */
static void test_older_vm_stays(void **state)
{
	struct pair *p = pair_new(1, 2);
	struct sdei_record_handler end = { .head = { .time_ns = 1000, .vm = 7, .event = 1, .kind = SDEI_STATE, .origin = SDEI_DESTROYED } };
	struct sdei_lost_key key = { .vm = 7, .vcpu = 2, .event = 1, .kind = SDEI_STATE, .origin = SDEI_DESTROYED };

	model_free(p->a);
	p->a = model_new(&options);
	mask(p, 7, true, 900);
	feed(p, &end.head, sizeof(end));	/* the first instance is gone at 1000 */
	mask(p, 7, true, 2000);
	end.head.time_ns = 3000;
	assert_int_equal(model_feed_lost(p->a, &key, 1), 0);	/* all that is known of a vCPU of the second: it ended */
	feed(p, &end.head, sizeof(end));
	model_tick(p->a, 4000);
	model_tick(p->a, 5000);
	assert_int_equal(p->a->vm_count, 2);
	assert_int_equal(p->a->vms[1]->gone_ns, 0);
	model_expire(p->a, 500);
	assert_int_equal(p->a->vm_count, 1);
	assert_null(idmap_find(&p->a->by_pid, 7));
	join(p);
	same(p->a, p->b, p->newest);
	mask(p, 7, true, 6000);
	assert_int_equal(p->b->vm_count, 2);
	assert_int_equal(p->b->vms[1]->instance, 0);
	same(p->a, p->b, p->newest);
	pair_free(p);
}

/* What there is only where memory was short. */
static void test_after_memory_was_short(void **state)
{
	struct pair *p = pair_new(1, 2);
	struct model_event *e = NULL;

	p->machines[0]->places = true;
	while (!e || !e->pending_since_ns) {
		step(p);
		e = model_vcpu(p->a->vms[0], 0)->recent;
	}
	e->blameless = true;
	e->split = false;
	p->a->totals.no_memory = 3;
	join(p);
	same(p->a, p->b, p->newest);
	for (unsigned int i = 0; i < 500; i++)
		step(p);
	same(p->a, p->b, p->newest);
	pair_free(p);
}

/* A handler that ran in one snapshot and not in the next: the vCPU still takes it for running. */
static void test_two_snapshots(void **state)
{
	struct pair *p = pair_new(1, 1);
	struct sdei_record_handler r = {
		.head = { .time_ns = 10, .vm = 9, .event = 1, .kind = SDEI_STATE, .origin = SDEI_SNAPSHOT, .state = SDEI_RUNNING },
	};

	feed(p, &r.head, sizeof(r));
	r.head.state = 0;
	feed(p, &r.head, sizeof(r));
	join(p);
	same(p->a, p->b, p->newest);
	pair_free(p);
}

/* --- names, and what the image is beside the model */

static void test_empty(void **state)
{
	struct model *m = model_new(NULL), *copy;
	struct image image = save(m);

	copy = load(&image);
	same(m, copy, 0);
	model_free(m);
	model_free(copy);
	free(image.bytes);
}

static char *long_name(void *ctx, uint32_t pid, char uuid[GUEST_UUID_SIZE])
{
	char *text = malloc(301);

	memset(text, 'n', 300);
	text[300] = '\0';
	return text;
}

static void test_long_name_is_cut(void **state)
{
	struct pair *p = pair_new(1, 3);

	p->named = false;
	names_adopt(p->a, long_name, NULL, utf8);
	join(p);
	assert_int_equal(strlen(name_of(p->b->vms[0])->raw), IMAGE_NAME_MAX);
	pair_free(p);
}

static void test_without_names(void **state)
{
	struct pair *p = pair_new(1, 3);
	struct image_names none = { .text = NULL };
	struct image named, unnamed = { NULL, 0 };
	struct model *m;
	int err;

	names_adopt(p->a, lookup, NULL, utf8);
	named = save(p->a);
	assert_int_equal(image_save(p->a, NULL, &unnamed.bytes, &unnamed.size), 0);
	assert_true(unnamed.size < named.size);
	m = image_load(named.bytes, named.size, NULL, NULL, &err);
	assert_non_null(m);
	assert_null(m->vms[0]->user);
	model_free(m);
	m = image_load(named.bytes, named.size, NULL, &none, &err);
	assert_null(m->vms[0]->user);
	model_free(m);
	m = image_load(unnamed.bytes, unnamed.size, &options, &names, &err);
	assert_null(m->vms[0]->user);
	model_free(m);
	free(named.bytes);
	free(unnamed.bytes);
	pair_free(p);
}

static void test_appends(void **state)
{
	struct pair *p = pair_new(1, 4);
	struct image image = { (unsigned char *)strdup("before"), 6 }, alone = save(p->a);

	assert_int_equal(image_save(p->a, &names, &image.bytes, &image.size), 0);
	assert_int_equal(image.size, 6 + alone.size);
	assert_memory_equal(image.bytes, "before", 6);
	assert_memory_equal(image.bytes + 6, alone.bytes, alone.size);
	free(image.bytes);
	free(alone.bytes);
	pair_free(p);
}

/* --- bytes that are none */

#define HEAD_SIZE 12
#define CRC_SIZE 4

/* So that more than the CRC is looked at. */
static void sign(struct image *image)
{
	uint32_t crc = crc32_z(0, image->bytes, image->size - CRC_SIZE);

	for (unsigned int i = 0; i < CRC_SIZE; i++)
		image->bytes[image->size - CRC_SIZE + i] = crc >> 8 * i & 0xff;
}

static int error_of(const struct image *image)
{
	int err = 1;
	struct model *m = image_load(image->bytes, image->size, &options, &names, &err);

	model_free(m);
	assert_int_equal(!!m, !err);
	return err;
}

/* A model with some of everything that is small. */
static struct pair *small_pair(void)
{
	struct pair *p = pair_new(1, 15);	/* lossy, kept and named: see there */

	for (unsigned int i = 0; i < 150; i++)
		step(p);
	model_tick(p->a, p->newest);
	for (unsigned int i = 0; i < 50; i++)
		step(p);
	return p;
}

static void test_other_versions(void **state)
{
	struct pair *p = small_pair();
	struct image image = save(p->a);

	assert_int_equal(error_of(&image), 0);
	image.bytes[8]++;
	assert_int_equal(error_of(&image), -EPROTONOSUPPORT);	/* whatever its end looks like */
	image.bytes[8] -= 2;					/* one without page faults */
	sign(&image);
	assert_int_equal(error_of(&image), -EPROTONOSUPPORT);
	image.bytes[8]++;
	for (unsigned int i = 0; i < 7; i++) {
		image.bytes[HEAD_SIZE + i]++;			/* a number of kinds of something */
		sign(&image);
		assert_int_equal(error_of(&image), -EPROTONOSUPPORT);
		image.bytes[HEAD_SIZE + i]--;
	}
	image.bytes[0]++;
	sign(&image);
	assert_int_equal(error_of(&image), -EBADMSG);
	free(image.bytes);
	pair_free(p);
}

static void test_truncated(void **state)
{
	struct pair *p = small_pair();
	struct image image = save(p->a);

	for (size_t size = 0; size < image.size; size += TRY_STEP) {
		struct image part = { memcpy(malloc(size + 1), image.bytes, size), size };

		assert_int_equal(error_of(&part), -EBADMSG);
		if (part.size >= HEAD_SIZE + CRC_SIZE) {
			sign(&part);
			assert_int_equal(error_of(&part), -EBADMSG);
		}
		free(part.bytes);
	}
	free(image.bytes);
	pair_free(p);
}

/* What was taken for a model must be one, whatever comes. */
static void go_on(struct model *m, uint64_t seed)
{
	struct pair *p = pair_new(1, 4 * seed + 1);

	if (!(seed % 4))
		free(summary(m));
	model_free(p->a);
	p->a = m;
	p->offset = 1000000;
	for (unsigned int i = 0; i < 40; i++)
		step(p);
	model_tick(m, p->newest);
	model_tick(m, p->newest + 2000000000);
	for (unsigned int i = 0; i < 40; i++)
		step(p);
	join(p);
	same(p->a, p->b, p->newest);
	model_expire(m, UINT64_MAX);
	model_reset(m, p->newest);
	pair_free(p);
}

/* The bytes of it that are loaded, if they are. */
static bool try(struct image *image, uint64_t seed)
{
	int err = 1;
	struct model *m;

	sign(image);
	m = image_load(image->bytes, image->size, &options, &names, &err);
	assert_int_equal(!!m, !err);
	if (m)
		go_on(m, seed);
	else
		assert_true(err == -EBADMSG || err == -EPROTONOSUPPORT);
	return m;
}

static void test_each_byte_wrong(void **state)
{
	static const uint8_t flips[] = { 0x01, 0x02, 0x40, 0x80, 0xff };
	struct pair *p = small_pair();
	struct image image = save(p->a);
	unsigned int taken = 0;

	for (size_t at = 0; at < image.size - CRC_SIZE; at += TRY_STEP) {
		uint8_t was = image.bytes[at];

		image.bytes[at] ^= flips[at % sizeof(flips)];
		assert_int_not_equal(error_of(&image), 0);	/* by the CRC */
		taken += try(&image, at);
		image.bytes[at] = was;
	}
	assert_true(taken > 100 / TRY_STEP);
	free(image.bytes);
	pair_free(p);
}

/* Each byte becomes one of the largest numbers that there are. */
static void test_huge_numbers(void **state)
{
	static const uint8_t numbers[][10] = {
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 },
		{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 },	/* that is none */
		{ 0xff, 0xff, 0xff, 0xff, 0x0f },
		{ 0xff, 0xff, 0x0f },
	};
	static const size_t sizes[] = { 10, 10, 5, 3 };
	struct pair *p = small_pair();
	struct image image = save(p->a), huge = { malloc(image.size + 10), 0 };

	for (size_t at = HEAD_SIZE; at < image.size - CRC_SIZE; at += TRY_STEP) {
		unsigned int which = at % 4;

		memcpy(huge.bytes, image.bytes, at);
		memcpy(huge.bytes + at, numbers[which], sizes[which]);
		memcpy(huge.bytes + at + sizes[which], image.bytes + at + 1, image.size - at - 1);
		huge.size = image.size - 1 + sizes[which];
		assert_false(try(&huge, at) && which == 1);
	}
	free(huge.bytes);
	free(image.bytes);
	pair_free(p);
}

/* The last two of the table, moved by one and by two places. */
static void test_calls_behind_the_table(void **state)
{
	static const uint8_t calls[] = { 2, 0x95, 1, 111, 0, 113 };	/* two: 149 left out, 111 of it, none left out, 113 */
	struct model *m = model_new(&options);
	struct sdei_record_call r = { .head = { .vm = 1, .event = SDEI_NONE, .kind = SDEI_CALL }, .function = SDEI_FN_LAST };
	struct image image;
	uint8_t *found;

	for (unsigned int i = 0; i < 111 + 113; i++) {
		r.head.result = i < 111 ? -10 : -99;
		assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	}
	image = save(m);
	found = memmem(image.bytes, image.size, calls, sizeof(calls));
	assert_non_null(found);
	found[1] = 0x96;
	sign(&image);
	assert_int_equal(error_of(&image), 0);
	found[1] = 0x97;
	sign(&image);
	assert_int_equal(error_of(&image), -EBADMSG);
	model_free(m);
	free(image.bytes);
}

static void fault(struct model *m, uint64_t time_ns, uint64_t gfn)
{
	const struct sdei_record_apf r = {
		.head = { .time_ns = time_ns, .vm = 7, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_SYNC, .outcome = APF_FROM_SWAP },
		.gfn = gfn, .duration_ns = 10,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

/* Which guest frames have had a fault decides what the next one counts as. */
static void test_frames_stay_known(void **state)
{
	struct model *m = model_new(&options), *other;
	struct image image;

	(void)state;
	assert_non_null(m);
	for (uint64_t i = 0; i < 3000; i++)
		fault(m, 1000 + i, 1 + 97 * i);
	image = save(m);
	other = load(&image);
	same(m, other, 4000);
	for (uint64_t i = 0; i < 300; i++) {
		fault(m, 5000 + i, 1 + 97 * 11 * i);
		fault(other, 5000 + i, 1 + 97 * 11 * i);
	}
	assert_int_equal(model_vcpu_apf(model_vcpu(model_vm(other, 7), 0))->count.again, 273);
	same(m, other, 6000);
	free(image.bytes);
	model_free(m);
	model_free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_findings_without_room),
		cmocka_unit_test(test_older_vm_stays),
		cmocka_unit_test(test_after_memory_was_short),
		cmocka_unit_test(test_two_snapshots),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_long_name_is_cut),
		cmocka_unit_test(test_without_names),
		cmocka_unit_test(test_frames_stay_known),
		cmocka_unit_test(test_appends),
		cmocka_unit_test(test_other_versions),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_each_byte_wrong),
		cmocka_unit_test(test_huge_numbers),
		cmocka_unit_test(test_calls_behind_the_table),
	};

	return cmocka_run_group_tests_name("image of a model", tests, NULL, NULL);
}
