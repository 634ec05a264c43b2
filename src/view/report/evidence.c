/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/report/evidence.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024
#define LOOK_BACK_NS 10000000ULL	/* how far the first pass looks for records before a moment */
#define LOOK_BACK_STEP 32
#define BEYOND_NS 1000000000ULL	/* records that come later than this after the moment say nothing about it */

struct collection {
	struct report_evidence reported;
	struct record_brief records[EVIDENCE_RECORDS];
	size_t before, after;		/* so many of the first ones are from before, of the last ones from behind */
	bool missed;			/* records from before were left out */
	bool done;			/* nothing more is wanted */
};

struct evidence {
	struct collection late[EVIDENCE_LATE], findings[EVIDENCE_FINDINGS];
	size_t late_count, finding_count;
	uint64_t last_ns;		/* of what any of them wants */
	uint64_t look_back_ns;
	uint64_t wanted_late[BUCKETS], wanted_findings[BUCKETS];	/* by vCPU, a bit for each that is about it */
	struct report_evidence reported_late[EVIDENCE_LATE], reported_findings[EVIDENCE_FINDINGS];
};

static unsigned int bucket(uint32_t vm, uint32_t vcpu)
{
	return (vm * 2654435761U + vcpu * 40503U) >> 7 & (BUCKETS - 1);
}

static void want(struct evidence *e, uint64_t wanted[BUCKETS], size_t number, const struct report_evidence *reported)
{
	wanted[bucket(reported->vm, reported->vcpu)] |= 1ULL << number;
	if (reported->to_ns + BEYOND_NS > e->last_ns)
		e->last_ns = reported->to_ns + BEYOND_NS;
}

/* --- choosing */

static void consider(struct evidence *e, const struct model_event *event, const struct model_late *late)
{
	uint64_t latency = late->latency_ns;
	size_t at = e->late_count;
	struct report_evidence *reported;

	for (; at > 0; at--) {
		reported = &e->late[at - 1].reported;
		if (reported->latency_ns >= latency)
			break;
	}
	if (at == EVIDENCE_LATE)
		return;
	e->late_count += e->late_count < EVIDENCE_LATE;
	memmove(&e->late[at + 1], &e->late[at], (e->late_count - at - 1) * sizeof(e->late[0]));
	reported = &e->late[at].reported;
	memset(reported, 0, sizeof(*reported));
	reported->vm = event->vcpu->vm->pid;
	reported->instance = event->vcpu->vm->instance;
	reported->vcpu = event->vcpu->id;
	reported->event = event->event;
	reported->from_ns = late->signal_ns;
	reported->to_ns = late->dispatch_ns;
	reported->latency_ns = latency;
}

static void choose_late(struct evidence *e, const struct model *m)
{
	size_t vms, count;
	struct model_vm *const *vm = model_vms(m, &vms);

	for (size_t i = 0; i < vms; i++)
		for (size_t j = 0; j < vm[i]->vcpu_count; j++)
			for (size_t k = 0; k < vm[i]->vcpus[j]->event_count; k++) {
				const struct model_event *event = vm[i]->vcpus[j]->events[k];
				const struct model_late *late = model_event_late(event, &count);

				for (size_t l = 0; late && l < count; l++)
					consider(e, event, &late[l]);
			}
	for (size_t i = 0; i < e->late_count; i++)
		want(e, e->wanted_late, i, &e->late[i].reported);
}

static void choose_findings(struct evidence *e, const struct model *m)
{
	size_t count;
	const struct model_finding *findings = model_findings(m, &count);

	for (size_t i = 0; i < count && i < EVIDENCE_FINDINGS; i++) {
		struct report_evidence *reported = &e->findings[i].reported;

		e->finding_count++;
		reported->vm = findings[i].vm;
		reported->instance = findings[i].instance;
		reported->vcpu = findings[i].vcpu;
		reported->event = findings[i].event;
		reported->from_ns = reported->to_ns = findings[i].has_record ? findings[i].record.head.time_ns : findings[i].first_ns;
		want(e, e->wanted_findings, i, reported);
	}
}

struct evidence *evidence_new(const struct model *m)
{
	struct evidence *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->look_back_ns = LOOK_BACK_NS;
	choose_late(e, m);
	choose_findings(e, m);
	return e;
}

void evidence_free(struct evidence *e)
{
	free(e);
}

/* --- collecting */

/* Takes out one, so that what is behind it moves up. */
static void drop(struct collection *c, size_t at)
{
	size_t behind = --c->reported.count - at;

	memmove(&c->records[at], &c->records[at + 1], behind * sizeof(c->records[0]));
}

/* Without room one from the middle gives way: how it began and how it ended is what matters. */
static void append(struct collection *c, const struct sdei_record *record)
{
	if (c->reported.count == EVIDENCE_RECORDS) {
		c->reported.gap = EVIDENCE_RECORDS - EVIDENCE_LAST;
		c->reported.left_out++;
		drop(c, c->reported.gap);
	}
	c->records[c->reported.count++] = record_brief(record);
}

static void take_before(struct collection *c, const struct sdei_record *record)
{
	if (c->before == EVIDENCE_BEFORE)
		drop(c, 0);
	else
		c->before++;
	append(c, record);
}

static void take_after(struct collection *c, const struct sdei_record *record)
{
	if (record->time_ns > c->reported.to_ns + BEYOND_NS)
		return;
	append(c, record);
	c->done = ++c->after == EVIDENCE_AFTER;
}

/* A handler may read many registers: what it read says nothing here, and would take the room of what does. */
static bool is_telling(const struct sdei_record *record)
{
	const struct sdei_record_call *call = (const struct sdei_record_call *)record;

	if (record->kind == SDEI_CALL)
		return !sdei_reads_register(call->function, call->args[0]) || record->result == SDEI_RESULT_DENIED;
	return record->kind != SDEI_PLACE;
}

static void take(struct collection *c, const struct sdei_record *record)
{
	if (c->done || record->vcpu != c->reported.vcpu || record->vm != c->reported.vm)
		return;
	if (record->time_ns < c->reported.from_ns)
		take_before(c, record);
	else if (record->time_ns <= c->reported.to_ns)
		append(c, record);
	else
		take_after(c, record);
}

static void take_all(struct collection *collections, uint64_t wanted, const struct sdei_record *record)
{
	for (; wanted; wanted &= wanted - 1)
		take(&collections[__builtin_ctzll(wanted)], record);
}

void evidence_record(struct evidence *e, const struct sdei_record *record)
{
	unsigned int at = bucket(record->vm, record->vcpu);

	if (!is_telling(record))
		return;
	take_all(e->late, e->wanted_late[at], record);
	take_all(e->findings, e->wanted_findings[at], record);
}

/* --- stretches of records, most of which are far from everything */

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static bool is_near(const struct evidence *e, const struct collection *c, uint64_t begin_ns, uint64_t end_ns)
{
	return !c->done && end_ns >= less(c->reported.from_ns, e->look_back_ns) && less(begin_ns, BEYOND_NS) <= c->reported.to_ns;
}

/* What came before a stretch that is left out is not what was right before the moment. */
static void leave_out(struct collection *c, uint64_t begin_ns)
{
	if (c->done || begin_ns >= c->reported.from_ns)
		return;
	c->missed = true;
	c->before = c->reported.count = 0;
}

bool evidence_wants(struct evidence *e, uint64_t begin_ns, uint64_t end_ns)
{
	for (size_t i = 0; i < e->late_count; i++)
		if (is_near(e, &e->late[i], begin_ns, end_ns))
			return true;
	for (size_t i = 0; i < e->finding_count; i++)
		if (is_near(e, &e->findings[i], begin_ns, end_ns))
			return true;
	for (size_t i = 0; i < e->late_count; i++)
		leave_out(&e->late[i], begin_ns);
	for (size_t i = 0; i < e->finding_count; i++)
		leave_out(&e->findings[i], begin_ns);
	return false;
}

/* Those that have all they can are done; the others start over. */
static bool start_over(struct collection *collections, size_t count)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		struct collection *c = &collections[i];

		c->done = !c->missed || c->before == EVIDENCE_BEFORE;
		if (c->done)
			continue;
		c->before = c->after = c->reported.count = c->reported.left_out = c->reported.gap = 0;
		c->missed = false;
		any = true;
	}
	return any;
}

bool evidence_look_back(struct evidence *e)
{
	bool late = start_over(e->late, e->late_count), findings = start_over(e->findings, e->finding_count);

	if (e->look_back_ns == UINT64_MAX)
		return false;
	if (__builtin_mul_overflow(e->look_back_ns, LOOK_BACK_STEP, &e->look_back_ns))
		e->look_back_ns = UINT64_MAX;
	return late || findings;
}

uint64_t evidence_until_ns(const struct evidence *e)
{
	return e->last_ns;
}

/* --- the result */

static void put_evidence(struct report_evidence *reported, struct collection *collections, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		reported[i] = collections[i].reported;
		reported[i].records = collections[i].records;
	}
}

void evidence_report(struct evidence *e, struct report *report)
{
	put_evidence(e->reported_late, e->late, e->late_count);
	put_evidence(e->reported_findings, e->findings, e->finding_count);
	report->late = e->reported_late;
	report->late_count = e->late_count;
	report->findings = e->reported_findings;
	report->finding_count = e->finding_count;
}

int64_t report_since_before(const struct report_evidence *e, size_t index)
{
	uint64_t time_ns = e->records[index].head.time_ns;

	if (!index || (e->left_out && index == e->gap) || time_ns < e->records[index - 1].head.time_ns)
		return -1;
	return time_ns - e->records[index - 1].head.time_ns;
}
