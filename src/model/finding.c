// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was found. A finding that a loss not yet reported could explain is a
 * suspicion first, for FINDING_GRACE_NS, and is dropped when that loss is reported.
 * Its owner (the event or, for the PE, the vCPU) knows by code what is open: a
 * slot holds the place of a finding, or of a suspicion, or UNKEPT.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/inside.h"
#include "record/gic.h"

enum {
	SLOT_NONE = 0,
	SLOT_FINDING = 1,				/* + index */
	SLOT_SUSPICION = SLOT_FINDING + FINDINGS_MAX,	/* + index */
	SLOT_UNKEPT = SLOT_SUSPICION + SUSPICIONS_MAX
};
_Static_assert(SLOT_UNKEPT <= UINT16_MAX, "slots are 16 bits");

/* Those about records are over when there was none for so long. */
#define QUIET_NS SECOND_NS

/* After a loss has been reported, records older than it may still come. */
#define DISTRUST_NS SECOND_NS

/* --- names */

const char *finding_code_name(enum model_finding_code code)
{
	static const char *const names[] = {
#define X(NAME, name, severity, help) name,
		MODEL_FINDINGS(X)
#undef X
	};

	return code < FINDING_COUNT ? names[code] : NULL;
}

enum model_severity finding_severity(enum model_finding_code code)
{
	static const uint8_t severities[] = {
#define X(NAME, name, severity, help) severity,
		MODEL_FINDINGS(X)
#undef X
	};

	return code < FINDING_COUNT ? severities[code] : FINDING_INFO;
}

const char *finding_help(enum model_finding_code code)
{
	static const char *const helps[] = {
#define X(NAME, name, severity, help) help,
		MODEL_FINDINGS(X)
#undef X
	};

	return code < FINDING_COUNT ? helps[code] : NULL;
}

const char *finding_cost(enum model_finding_code code)
{
	static const char *const costs[FINDING_COUNT] = {
		[FINDING_CREADR_LOST] = "the ITS runs commands of the guest a second time, from the start of its queue",
		[FINDING_CREADR_MISSING] = "the ITS runs commands of the guest a second time, from the start of its queue",
		[FINDING_CWRITER_LOST] = "commands that the guest has queued are not run, and it finds another GITS_CWRITER than it wrote",
		[FINDING_ITS_NOT_ENABLED] = "KVM leaves the ITS disabled: the guest gets no MSI",
		[FINDING_ITS_BASE_IGNORED] = "KVM ignores it: the ITS uses the queue and tables that it had",
		[FINDING_ITS_TABLES_EARLY] = "nothing was restored: MSIs of the guest's devices are dropped",
		[FINDING_LPI_BASE_IGNORED] = "KVM ignores it: configuration or pending bits of LPIs come from elsewhere",
		[FINDING_REDISTRIBUTOR_LATE] = "LPIs were restored without their configuration and pending bits",
		[FINDING_GIC_REFUSED] = "what that step was for is not saved or restored",
		[FINDING_GIC_HALF_VALUE] = "nothing here; reading a register in this way overwrites the 4 bytes behind",
	};

	return code < FINDING_COUNT ? costs[code] : NULL;
}

const char *finding_rule_help(unsigned int rule)
{
	static const char *const helps[] = {
		NULL,
#define X(NAME, help) help,
		FINDING_RULES(X)
#undef X
	};

	return rule < RULE_COUNT ? helps[rule] : NULL;
}

const char *severity_name(enum model_severity severity)
{
	switch (severity) {
	case FINDING_WARNING:
		return "warning";
	case FINDING_ERROR:
		return "error";
	default:
		return "info";
	}
}

/* --- in words */

/* Three digits: "1.23 s", "45.6 ms". */
static void duration(uint64_t ns, char buf[24])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double value = ns;
	unsigned int unit = 0;

	for (; value >= 999.5 && unit < 3; unit++)
		value /= 1000;
	snprintf(buf, 24, "%.*f %s", value >= 99.95 || !unit ? 0 : value >= 9.995 ? 1 : 2, value, units[unit]);
}

/* count is of all that the event did in one episode, whatever the rule was. */
static void describe_illegal(const struct model_finding *f, char *buf, size_t size)
{
	const char *help = finding_rule_help(f->rule), *kind = sdei_kind_name(f->record.head.kind);
	char before[6], after[6], more[64] = "";

	if (f->count > 1)
		snprintf(more, sizeof(more), ", and %" PRIu64 " illegal transition%s after that", f->count - 1, f->count > 2 ? "s" : "");
	snprintf(buf, size, "%s: %s %s -> %s%s", help ? help : finding_help(f->code), kind ? kind : "?",
		 sdei_state_letters(f->state_before, before), sdei_state_letters(f->record.head.state, after), more);
}

static void put_words(char *buf, size_t size, unsigned int bits)
{
	static const struct {
		unsigned int bit;
		const char *word;
	} words[] = {
		{ SDEI_REGISTERED, "registered" }, { SDEI_ENABLED, "enabled" }, { SDEI_RUNNING, "running" }, { SDEI_PENDING, "pending" },
		{ SDEI_MASKED, "masked" },
	};
	size_t used = 0;

	*buf = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (bits & words[i].bit && used < size)
			used += snprintf(buf + used, size - used, "%s%s", used ? ", " : "", words[i].word);
}

/* "restored as R----, not RE-P-: it has lost enabled, pending" */
static void describe_restored(const struct model_finding *f, char *buf, size_t size)
{
	unsigned int after = f->has_record ? f->record.head.state : f->state_after;
	char was[6], is[6], lost[64], got[64], more[32] = "";

	sdei_state_letters(f->state_before, was);
	sdei_state_letters(after, is);
	if (f->has_record) {
		if (f->count > 1)
			snprintf(more, sizeof(more), ", %" PRIu64 " times", f->count);
		snprintf(buf, size, "registers written back have undone a signal: state %s -> %s%s", was, is, more);
		return;
	}
	put_words(lost, sizeof(lost), f->state_before & ~after);
	put_words(got, sizeof(got), after & ~f->state_before);
	snprintf(buf, size, "restored as %s, not %s as it was: %s%s%s%s%s", is, was, *lost ? "lost " : "", lost, *lost && *got ? "; " : "",
		 *got ? "new " : "", got);
}

static void describe_refused(const struct model_finding *f, char *buf, size_t size)
{
	const char *call = sdei_call_name(f->function), *result = sdei_result_name(f->result);
	char share[32] = ":";

	if (f->most < f->count)
		snprintf(share, sizeof(share), ", %" PRIu64 " of them", f->most);
	else if (f->count > 1)
		snprintf(share, sizeof(share), ", all of them");
	snprintf(buf, size, "%" PRIu64 " call%s refused%s %s with %s", f->count, f->count == 1 ? " was" : "s were", share,
		 call ? call : "an unknown call", result ? result : "an unknown result");
}

static void describe_page(const struct model_finding *f, const char *time, char *buf, size_t size)
{
	char page[40] = "";

	if (f->gfn)
		snprintf(page, sizeof(page), " (gfn 0x%" PRIx64 ")", f->gfn);
	if (f->count > 1)
		snprintf(buf, size, "%" PRIu64 " pages were late; the slowest%s %s %s", f->count, page,
			 f->has_record ? "came after" : "has not come for", time);
	else
		snprintf(buf, size, "a page%s %s %s", page, f->has_record ? "came after" : "has not come for", time);
}

/* "KVM refused a step: GITS_CREADR EBUSY, 3 times". */
static void describe_gic(const struct model_finding *f, char *buf, size_t size)
{
	char name[GIC_NAME_SIZE], times[32] = "";
	const char *error = sdei_error_name(f->record.head.error);

	if (f->count > 1)
		snprintf(times, sizeof(times), ", %" PRIu64 " times", f->count);
	if (f->code < FINDING_GIC_REFUSED || !f->has_record) {
		snprintf(buf, size, "%s%s", finding_help(f->code), times);
		return;
	}
	gic_brief_name(&f->record, name);
	snprintf(buf, size, "%s: %s%s%s%s", finding_help(f->code), name, error ? " " : "", error ?: "", times);
}

/* What lasts, or did: how long. False: f is none of these. */
static bool describe_time(const struct model_finding *f, char *buf, size_t size)
{
	const char *was = f->open ? "has been" : "was";
	char time[24];

	duration(f->value, time);
	switch (f->code) {
	case FINDING_HANDLER_HUNG:
		snprintf(buf, size, "the handler %s for %s%s", f->open ? "has been running" : "ran", time,
			 f->state_before & SDEI_MASKED ? ", and has masked the PE" : "");
		return true;
	case FINDING_PENDING_STUCK:
		snprintf(buf, size, "the event %s pending and deliverable for %s", was, time);
		return true;
	case FINDING_MASK_LONG:
		snprintf(buf, size, "the PE %s masked for %s", was, time);
		return true;
	case FINDING_PAGE_STUCK:
		describe_page(f, time, buf, size);
		return true;
	case FINDING_PAGE_UNACKED:
		snprintf(buf, size, "the guest %s for %s that a page is there", f->open ? "has not acknowledged" : "did not acknowledge", time);
		return true;
	case FINDING_GUEST_STOP:
		snprintf(buf, size, "its signal has stopped all other vCPUs (%" PRIu64 "), and none %s for %s", f->most,
			 f->open ? "has completed" : "completed", time);
		return true;
	case FINDING_NMI_UNANSWERED:
		snprintf(buf, size, "the signal of vCPU %" PRIu32 " %s pending and deliverable for %s", f->sender, was, time);
		return true;
	default:
		return false;
	}
}

/* What has happened: how often. */
static bool describe_count(const struct model_finding *f, char *buf, size_t size)
{
	uint64_t count = f->code == FINDING_UNACCOUNTED ? f->value : f->count;
	const char *s = count == 1 ? "" : "s";

	switch (f->code) {
	case FINDING_DROP_BURST:
		snprintf(buf, size, "%" PRIu64 " signal%s got no dispatch of %s own", count, s, count == 1 ? "its" : "their");
		return true;
	case FINDING_UNACCOUNTED:
		snprintf(buf, size, "%" PRIu64 " signal%s or handler%s unaccounted for", count, s, count == 1 ? " is" : "s are");
		return true;
	case FINDING_FALLBACK_BURST:
		snprintf(buf, size, "%" PRIu64 " page fault%s handed to a worker", count, count == 1 ? " was not" : "s were not");
		return true;
	case FINDING_WAKEUP_LOST:
		snprintf(buf, size, "%" PRIu64 " time%s the guest was told of a page before it had acknowledged the one before", count, s);
		return true;
	default:
		return false;
	}
}

void finding_describe(const struct model_finding *f, char *buf, size_t size)
{
	if (describe_time(f, buf, size) || describe_count(f, buf, size))
		return;
	if (f->code == FINDING_ILLEGAL_TRANSITION)
		describe_illegal(f, buf, size);
	else if (f->code == FINDING_REFUSED_CALLS)
		describe_refused(f, buf, size);
	else if (f->code == FINDING_RESTORE_LOST)
		describe_restored(f, buf, size);
	else if (f->code < FINDING_COUNT)
		describe_gic(f, buf, size);
	else
		snprintf(buf, size, "?");
}

/* --- the list */

int finding_init(struct model *m)
{
	struct findings *f = &m->findings;

	f->list = calloc(FINDINGS_MAX, sizeof(*f->list));
	f->owners = calloc(FINDINGS_MAX, sizeof(*f->owners));
	f->suspicions = calloc(SUSPICIONS_MAX, sizeof(*f->suspicions));
	return f->list && f->owners && f->suspicions ? 0 : -ENOMEM;
}

void finding_release(struct model *m)
{
	free(m->findings.list);
	free(m->findings.owners);
	free(m->findings.suspicions);
}

const struct model_finding *model_findings(const struct model *m, size_t *count)
{
	*count = m->findings.count;
	return m->findings.list;
}

static uint16_t *slot_of(struct finding_owner owner, enum model_finding_code code)
{
	if (code >= FINDING_GIC)
		return &owner.gic->finding[code - FINDING_GIC];
	return owner.event ? &owner.event->finding[code] : &owner.vcpu->finding[code];
}

struct model_finding *finding_of(struct model *m, struct finding_owner owner, enum model_finding_code code)
{
	unsigned int slot = *slot_of(owner, code);

	return slot >= SLOT_FINDING && slot < SLOT_SUSPICION ? &m->findings.list[slot - SLOT_FINDING] : NULL;
}

bool model_is_found(const struct model_vcpu *v, const struct model_event *e, enum model_finding_code code)
{
	unsigned int slot = e ? e->finding[code] : v->finding[code];

	return slot == SLOT_UNKEPT || (slot >= SLOT_FINDING && slot < SLOT_SUSPICION);
}

static bool has_owner(struct finding_owner owner)
{
	return owner.vcpu || owner.gic;
}

/* Those that still are what their owner has open. */
static bool is_current(const struct findings *f, size_t at)
{
	return has_owner(f->owners[at]) && f->list[at].open;
}

static struct model_finding *insert(struct model *m, struct finding_owner owner, const struct model_finding *finding)
{
	struct findings *f = &m->findings;
	size_t at = f->count;

	if (at == FINDINGS_MAX) {
		m->totals.findings_unkept++;
		return NULL;
	}
	f->count++;
	for (; at && f->list[at - 1].first_ns > finding->first_ns; at--) {
		f->list[at] = f->list[at - 1];
		f->owners[at] = f->owners[at - 1];
		if (is_current(f, at))
			*slot_of(f->owners[at], f->list[at].code) = SLOT_FINDING + at;
	}
	f->list[at] = *finding;
	f->owners[at] = owner;
	return &f->list[at];
}

static struct model_finding *add(struct model *m, struct finding_owner owner, const struct model_finding *finding)
{
	struct model_finding *added = insert(m, owner, finding);

	if (owner.vcpu)
		owner.vcpu->found[finding->code]++;
	if (owner.gic)
		gic_count_found(owner.gic, finding->code);
	m->totals.found[finding->code]++;
	if (finding->open)
		*slot_of(owner, finding->code) = added ? SLOT_FINDING + (added - m->findings.list) : SLOT_UNKEPT;
	return added;
}

static struct model_finding fresh(struct finding_owner owner, enum model_finding_code code, uint64_t first_ns)
{
	return (struct model_finding){
		.code = code,
		.vm = owner.gic ? owner.gic->pid : owner.vcpu->vm->pid,
		.instance = owner.gic ? owner.gic->instance : owner.vcpu->vm->instance,
		.vcpu = owner.gic ? SDEI_NONE : owner.vcpu->id,
		.event = owner.event ? owner.event->event : SDEI_NONE,
		.first_ns = first_ns,
		.last_ns = first_ns,
		.count = 1,
		.open = true,
		.sender = code == FINDING_NMI_UNANSWERED ? owner.event->sender : SDEI_NONE,
	};
}

struct model_finding *finding_raise(struct model *m, struct finding_owner owner, enum model_finding_code code, uint64_t first_ns)
{
	struct model_finding finding = fresh(owner, code, first_ns);

	if (*slot_of(owner, code) == SLOT_UNKEPT)
		return NULL;
	return add(m, owner, &finding);
}

void finding_close(struct model *m, struct finding_owner owner, enum model_finding_code code)
{
	struct model_finding *finding = finding_of(m, owner, code);

	if (finding)
		finding->open = false;
	if (finding || *slot_of(owner, code) == SLOT_UNKEPT)
		*slot_of(owner, code) = SLOT_NONE;
}

void finding_close_all(struct model *m, struct model_vcpu *v)
{
	for (unsigned int code = 0; code < FINDING_GIC; code++) {
		finding_close(m, (struct finding_owner){ .vcpu = v }, code);
		for (size_t i = 0; i < v->event_count; i++)
			finding_close(m, (struct finding_owner){ .vcpu = v, .event = v->events[i] }, code);
	}
}

/* --- suspicions */

/* Was it over before time_ns? Then what happens now is another one. That a vCPU waits for a page may show only when the page has come. */
static bool is_over(const struct model *m, const struct model_finding *finding, uint64_t time_ns)
{
	uint64_t quiet_ns = finding->code == FINDING_PAGE_STUCK ? QUIET_NS + m->limits.page_ns : QUIET_NS;

	return time_ns > finding->last_ns && time_ns - finding->last_ns > quiet_ns;
}

struct model_finding *finding_current(struct model *m, struct finding_owner owner, enum model_finding_code code, uint64_t time_ns)
{
	struct model_finding *finding = finding_of(m, owner, code);

	if (!finding || !is_over(m, finding, time_ns))
		return finding;
	finding_close(m, owner, code);
	return NULL;
}

static void again(struct model_finding *finding, const struct sdei_record *r)
{
	finding->count++;
	if (r->time_ns > finding->last_ns)
		finding->last_ns = r->time_ns;
}

/* The finding, or the suspicion, that this is one more of. */
static struct model_finding *known(struct model *m, struct finding_owner owner, enum model_finding_code code)
{
	unsigned int slot = *slot_of(owner, code);

	if (slot >= SLOT_SUSPICION && slot < SLOT_UNKEPT)
		return &m->findings.suspicions[slot - SLOT_SUSPICION].finding;
	return finding_of(m, owner, code);
}

static struct model_finding *suspect_anew(struct model *m, struct finding_owner owner, const struct model_finding *finding)
{
	struct findings *f = &m->findings;

	if (f->suspicion_count == SUSPICIONS_MAX) {
		m->totals.findings_unkept++;
		return NULL;
	}
	*slot_of(owner, finding->code) = SLOT_SUSPICION + f->suspicion_count;
	f->suspicions[f->suspicion_count] = (struct suspicion){ *finding, owner };
	return &f->suspicions[f->suspicion_count++].finding;
}

static struct model_finding *suspect(struct model *m, struct finding_owner owner, enum model_finding_code code,
				     const struct sdei_record *r)
{
	struct model_finding finding = fresh(owner, code, r->time_ns);

	finding.has_record = true;
	finding.record = record_brief(r);
	if (owner.vcpu) {
		finding.before_ns = keep_newest_ns(owner.vcpu);
		finding.state_before = (owner.event ? owner.event->state : 0) | (owner.vcpu->masked ? SDEI_MASKED : 0);
	}
	return suspect_anew(m, owner, &finding);
}

void finding_suspect(struct model *m, struct finding_owner owner, enum model_finding_code code, const struct sdei_record *r,
		     unsigned int rule)
{
	struct model_finding *before, *finding;

	finding_current(m, owner, code, r->time_ns);
	before = known(m, owner, code);
	if (before || *slot_of(owner, code) == SLOT_UNKEPT) {
		if (before)
			again(before, r);
		return;
	}
	finding = suspect(m, owner, code, r);
	if (finding)
		finding->rule = rule;
}

/* It has no slot: there is nothing more to come of it. */
void finding_suspect_ended(struct model *m, struct finding_owner owner, enum model_finding_code code,
			   const struct sdei_record *r, uint64_t first_ns, uint64_t value)
{
	struct model_finding *finding = suspect(m, owner, code, r);

	if (!finding)
		return;
	*slot_of(owner, code) = SLOT_NONE;
	finding->first_ns = first_ns;
	finding->value = value;
	finding->open = false;
}

static uint64_t size_of(int64_t number)
{
	return number < 0 ? -(uint64_t)number : (uint64_t)number;
}

static uint64_t unaccounted(const struct model_event *e)
{
	return size_of(model_unaccounted(e)) + size_of(model_unaccounted_handlers(e));
}

/* Takes it out; the slot of its owner is free. */
static struct suspicion take_out(struct model *m, size_t at)
{
	struct findings *f = &m->findings;
	struct suspicion taken = f->suspicions[at];

	if (taken.finding.open)
		*slot_of(taken.owner, taken.finding.code) = SLOT_NONE;
	f->suspicion_count--;
	for (; at < f->suspicion_count; at++) {
		f->suspicions[at] = f->suspicions[at + 1];
		if (f->suspicions[at].finding.open)
			*slot_of(f->suspicions[at].owner, f->suspicions[at].finding.code) = SLOT_SUSPICION + at;
	}
	return taken;
}

static void confirm(struct model *m, size_t at)
{
	struct suspicion s = take_out(m, at);

	if (s.finding.code == FINDING_UNACCOUNTED) {
		s.finding.value = unaccounted(s.owner.event);
		if (!s.finding.value)	/* a late record has made it good */
			return;
	}
	if (s.owner.gic && s.owner.gic->ended)
		s.finding.open = false;
	add(m, s.owner, &s.finding);
}

void finding_distrust(struct model *m, struct model_vcpu *v)
{
	uint64_t until_ns = m->newest_ns + DISTRUST_NS;

	*(v ? &v->trust_ns : &m->trust_ns) = until_ns > m->newest_ns ? until_ns : UINT64_MAX;
	for (size_t i = m->findings.suspicion_count; i--;) {
		if (!v || m->findings.suspicions[i].owner.vcpu == v)
			take_out(m, i);
	}
}

void finding_unsuspect(struct model *m, const struct model_vcpu *v, enum model_finding_code code)
{
	for (size_t i = m->findings.suspicion_count; i--;) {
		if (m->findings.suspicions[i].owner.vcpu == v && m->findings.suspicions[i].finding.code == code)
			take_out(m, i);
	}
}

/* --- time */

/* The worst of it is what the finding reports, even when late records have made it good. */
static void still_unaccounted(struct model *m, size_t at, uint64_t number)
{
	struct findings *f = &m->findings;

	if (number > f->list[at].value)
		f->list[at].value = number;
	if (!number)
		finding_close(m, f->owners[at], FINDING_UNACCOUNTED);
}

static void close_quiet(struct model *m, size_t at, uint64_t now_ns)
{
	struct findings *f = &m->findings;

	if (!is_current(f, at))
		return;
	switch (f->list[at].code) {
	case FINDING_ILLEGAL_TRANSITION:
	case FINDING_DROP_BURST:
	case FINDING_REFUSED_CALLS:
	case FINDING_PAGE_STUCK:
	case FINDING_FALLBACK_BURST:
	case FINDING_WAKEUP_LOST:
	case FINDING_RESTORE_LOST:
		if (is_over(m, &f->list[at], now_ns))
			finding_close(m, f->owners[at], f->list[at].code);
		break;
	case FINDING_UNACCOUNTED:
		still_unaccounted(m, at, unaccounted(f->owners[at].event));
		break;
	default:
		if (f->list[at].code >= FINDING_GIC && is_over(m, &f->list[at], now_ns))
			finding_close(m, f->owners[at], f->list[at].code);
	}
}

void finding_tick(struct model *m, uint64_t now_ns, uint64_t grace_ns)
{
	struct findings *f = &m->findings;

	for (size_t i = 0; i < f->suspicion_count;) {
		if (f->suspicions[i].finding.record.head.time_ns + grace_ns <= now_ns || !grace_ns)
			confirm(m, i);
		else
			i++;
	}
	for (size_t i = 0; i < f->count; i++)
		close_quiet(m, i, now_ns);
}

/* --- ends */

/* Whatever of a vCPU. */
static bool is_of(struct finding_owner owner, struct finding_owner whose)
{
	return owner.vcpu == whose.vcpu && owner.gic == whose.gic;
}

static void take_out_all(struct model *m, struct finding_owner whose)
{
	for (size_t i = m->findings.suspicion_count; i--;) {
		if (is_of(m->findings.suspicions[i].owner, whose))
			take_out(m, i);
	}
}

void finding_distrust_gic(struct model *m, struct vm_gic *gic)
{
	take_out_all(m, (struct finding_owner){ .gic = gic });
}

void finding_orphan(struct model *m, struct finding_owner whose)
{
	struct findings *f = &m->findings;

	take_out_all(m, whose);
	for (size_t i = 0; i < f->count; i++) {
		if (!has_owner(f->owners[i]) || !is_of(f->owners[i], whose))
			continue;
		finding_close(m, f->owners[i], f->list[i].code);
		f->list[i].open = false;
		f->owners[i] = (struct finding_owner){ NULL };
	}
}

void model_expire_findings(struct model *m, uint64_t before_ns)
{
	struct findings *f = &m->findings;
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (!f->list[i].open && f->list[i].last_ns < before_ns)
			continue;
		f->list[kept] = f->list[i];
		f->owners[kept] = f->owners[i];
		if (is_current(f, kept))
			*slot_of(f->owners[kept], f->list[kept].code) = SLOT_FINDING + kept;
		kept++;
	}
	f->count = kept;
}

/* --- an image of it */

unsigned int finding_unkept(const uint16_t slots[FINDING_GIC])
{
	unsigned int codes = 0;

	for (unsigned int code = 0; code < FINDING_GIC; code++)
		codes |= slots[code] == SLOT_UNKEPT ? 1U << code : 0;
	return codes;
}

/* Can an event (if not, the PE) have one of that code? */
static bool may_own(bool is_event, enum model_finding_code code)
{
	switch (code) {
	case FINDING_ILLEGAL_TRANSITION:
	case FINDING_RESTORE_LOST:
		return true;
	case FINDING_HANDLER_HUNG:
	case FINDING_PENDING_STUCK:
	case FINDING_NMI_UNANSWERED:
	case FINDING_DROP_BURST:
	case FINDING_UNACCOUNTED:
		return is_event;
	default:
		return !is_event;
	}
}

bool finding_set_unkept(uint16_t slots[FINDING_GIC], bool is_event, unsigned int codes)
{
	for (unsigned int code = 0; code < FINDING_GIC; code++) {
		slots[code] = codes >> code & 1 ? SLOT_UNKEPT : SLOT_NONE;
		if (slots[code] && !may_own(is_event, code))
			return false;
	}
	return true;
}

/* An owner has one open of each code. Those about VMs have none in an image. */
static bool take_slot(struct finding_owner owner, const struct model_finding *finding, unsigned int slot)
{
	if (finding->code >= FINDING_GIC)
		return !owner.vcpu && finding->vcpu == SDEI_NONE && finding->event == SDEI_NONE;
	if (!may_own(finding->event != SDEI_NONE, finding->code))
		return false;
	if (!finding->open)
		return true;
	if (!owner.vcpu || *slot_of(owner, finding->code) != SLOT_NONE)
		return false;
	*slot_of(owner, finding->code) = slot;
	return true;
}

bool finding_put_back(struct model *m, struct finding_owner owner, const struct model_finding *finding)
{
	struct findings *f = &m->findings;
	bool in_order = !f->count || f->list[f->count - 1].first_ns <= finding->first_ns;

	if (f->count == FINDINGS_MAX || !in_order || !take_slot(owner, finding, SLOT_FINDING + f->count))
		return false;
	f->list[f->count] = *finding;
	f->owners[f->count++] = owner;
	return true;
}

/* What lasts is suspected when it has ended, the rest while it is open. */
static bool may_be_suspected(const struct model_finding *finding)
{
	switch (finding->code) {
	case FINDING_ILLEGAL_TRANSITION:
	case FINDING_UNACCOUNTED:
	case FINDING_WAKEUP_LOST:
	case FINDING_RESTORE_LOST:
		return finding->has_record && finding->open;
	case FINDING_HANDLER_HUNG:
	case FINDING_PENDING_STUCK:
	case FINDING_NMI_UNANSWERED:
	case FINDING_MASK_LONG:
	case FINDING_PAGE_UNACKED:
		return finding->has_record && !finding->open;
	default:
		return false;
	}
}

bool finding_put_back_suspicion(struct model *m, struct finding_owner owner, const struct model_finding *finding)
{
	struct findings *f = &m->findings;

	if (f->suspicion_count == SUSPICIONS_MAX || !owner.vcpu || !may_be_suspected(finding) ||
	    !take_slot(owner, finding, SLOT_SUSPICION + f->suspicion_count))
		return false;
	f->suspicions[f->suspicion_count++] = (struct suspicion){ *finding, owner };
	return true;
}

/* --- starting over */

static void clear_slots(struct model_vcpu *v)
{
	memset(v->finding, 0, sizeof(v->finding));
	memset(v->found, 0, sizeof(v->found));
	for (size_t i = 0; i < v->event_count; i++)
		memset(v->events[i]->finding, 0, sizeof(v->events[i]->finding));
}

void finding_reset(struct model *m)
{
	m->findings.count = m->findings.suspicion_count = 0;
	for (size_t i = 0; i < m->gic_count; i++)
		memset(m->gics[i]->finding, 0, sizeof(m->gics[i]->finding));
	for (size_t i = 0; i < m->vm_count; i++) {
		for (size_t k = 0; k < m->vms[i]->vcpu_count; k++)
			clear_slots(m->vms[i]->vcpus[k]);
	}
}
