// SPDX-License-Identifier: GPL-2.0-only
/*
 * What SDEI does not allow: section 3 of the reference. Two sorts of rules:
 * about the post-state alone, which every record in time can break, and about
 * the state before, which counts only if it is trusted(): seen in this life of
 * the event, and since then nothing was lost or late.
 */
#include "model/inside.h"

#define R SDEI_REGISTERED
#define E SDEI_ENABLED
#define U SDEI_RUNNING
#define P SDEI_PENDING
#define M SDEI_MASKED
#define ALL (R | E | U | P)
_Static_assert(STATES == (ALL | M) + 1, "a state for each combination");

struct rule {
	uint8_t need, ban;	/* before: set, clear */
	uint8_t set, clear;	/* after */
	uint8_t free;		/* those it may change */
};

static const struct rule rules[VARIANTS] = {
	/*		   need	ban	set	clear	free */
	[OTHER]		= { 0,	0,	0,	0,	0 },
	[REGISTER]	= { 0,	R | U,	R,	E | P,	R },
	[UNREGISTER]	= { R,	0,	0,	R | E | P, R | E | P },
	[ENABLE]	= { R,	0,	R | E,	0,	E },
	[DISABLE]	= { R,	0,	R,	E,	E },
	[MASK]		= { 0,	0,	M,	0,	M },
	[UNMASK]	= { 0,	0,	0,	M,	M },
	[PRIVATE_RESET]	= { 0,	0,	0,	0,	0 },
	[VCPU_RESET]	= { 0,	0,	M,	0,	M },
	[QUEUED]	= { 0,	P,	R | P,	0,	P },
	[COALESCED]	= { P,	0,	R | P,	0,	0 },
	[CANCELLED]	= { P,	0,	0,	P,	P },
	[DISPATCHED]	= { P,	U,	R | E | U, P | M, U | P },
	[DISPATCHED_ALONE] = { 0, U,	R | E | U, P | M, ALL },
	[COMPLETED]	= { U,	0,	0,	U,	U },
	[CREATED]	= { 0,	0,	0,	ALL,	ALL | M },
	[STATE_RESET]	= { 0,	0,	0,	R | E | P, ALL | M },
	[RESTORED]	= { 0,	0,	0,	0,	ALL | M },
	[ENDED]		= { 0,	0,	0,	0,	ALL | M },
};

const uint8_t rules_variants[SDEI_KIND_COUNT][8] = {
	[SDEI_REGISTER] = { REGISTER },
	[SDEI_UNREGISTER] = { UNREGISTER },
	[SDEI_ENABLE] = { ENABLE },
	[SDEI_DISABLE] = { DISABLE },
	[SDEI_MASK] = { MASK },
	[SDEI_UNMASK] = { UNMASK },
	[SDEI_DISPATCH] = { DISPATCHED, [SDEI_UNSIGNALLED] = DISPATCHED_ALONE, [SDEI_CRITICAL] = DISPATCHED,
			    [SDEI_UNSIGNALLED | SDEI_CRITICAL] = DISPATCHED_ALONE },
	[SDEI_COMPLETE] = { COMPLETED },
	[SDEI_SIGNAL] = { [SDEI_QUEUED] = QUEUED, [SDEI_COALESCED] = COALESCED },
	[SDEI_CANCEL] = { [0] = CANCELLED },
	[SDEI_RESET] = { PRIVATE_RESET, PRIVATE_RESET, [SDEI_VCPU_RESET] = VCPU_RESET },
	[SDEI_STATE] = { RESTORED, [SDEI_CREATED] = CREATED, [SDEI_STATE_RESET] = STATE_RESET, [SDEI_RESTORED] = RESTORED,
			 [SDEI_DESTROYED] = ENDED, RESTORED, RESTORED, RESTORED },
};

/* --- what fits, if all is known */

static bool goes(const struct rule *rule, unsigned int before, unsigned int after, unsigned int about)
{
	unsigned int broken = (rule->need & ~before) | (rule->ban & before) | (rule->set & ~after) | (rule->clear & after) |
			      (~rule->free & (before ^ after));

	return !(broken & about);
}

static bool is_possible(unsigned int state)
{
	return state & R || !(state & (E | P));
}

static uint32_t events_after(const struct rule *rule, unsigned int before)
{
	uint32_t fit = 0;

	for (unsigned int after = 0; after < STATES; after++)
		if (is_possible(after) && goes(rule, before, after, ALL | M))
			fit |= 1U << after;
	return fit;
}

static uint8_t pes(const struct rule *rule)
{
	uint8_t fit = 0;

	for (unsigned int i = 0; i < 4; i++)
		if (goes(rule, i & 2 ? M : 0, i & 1 ? M : 0, M))
			fit |= 1U << i;
	return fit;
}

void rules_fill(struct rules_fits *fits)
{
	for (enum variant variant = 0; variant < VARIANTS; variant++) {
		fits->of_pe[variant] = pes(&rules[variant]);
		for (unsigned int before = 0; before < STATES; before++)
			fits->of_event[variant][before] = events_after(&rules[variant], before);
	}
}

/* --- what can be relied on */

/* What of the state before can be relied on; the rest is as if it had never been seen. */
struct before {
	uint8_t known, state;
};

static struct before before_of(const struct model *m, const struct model_vcpu *v, const struct model_event *e)
{
	struct before b = { 0, 0 };

	if (e && trusted(m, v, e->last_ns)) {
		b.known |= ALL;
		b.state |= e->state & ALL;
	}
	if (v->mask_known && trusted(m, v, v->last_ns)) {
		b.known |= M;
		b.state |= v->masked ? M : 0;
	}
	return b;
}

/* --- which rule it is */

/* What is wrong by the state before, or with the record as such. */
static enum finding_rule wrong_before(enum variant variant, unsigned int have, unsigned int lack)
{
	switch (variant) {
	case REGISTER:
		return have & R ? RULE_REGISTERED_TWICE : RULE_REGISTERED_RUNNING;
	case UNREGISTER:
	case ENABLE:
	case DISABLE:
		return RULE_NOT_REGISTERED;
	case QUEUED:
		return RULE_QUEUED_TWICE;
	case COALESCED:
		return RULE_COALESCED_ALONE;
	case CANCELLED:
		return RULE_CANCELLED_NOTHING;
	case COMPLETED:
		return RULE_COMPLETED_NOTHING;
	default:
		return lack & P ? RULE_DISPATCHED_NOTHING : RULE_DISPATCHED_BUSY;
	}
}

static enum finding_rule wrong_dispatch(unsigned int left, unsigned int unset)
{
	if (left & M)
		return RULE_DISPATCHED_MASKED;
	if (unset & R)
		return RULE_DISPATCHED_UNREGISTERED;
	if (unset & E)
		return RULE_DISPATCHED_DISABLED;
	return left & P ? RULE_LEFT_PENDING : RULE_NOT_SET;
}

static enum finding_rule wrong_after(enum variant variant, unsigned int left, unsigned int unset)
{
	if (variant == DISPATCHED || variant == DISPATCHED_ALONE)
		return wrong_dispatch(left, unset);
	if ((left | unset) & M)
		return RULE_MASK_STATE;
	if (left & P)
		return RULE_LEFT_PENDING;
	if (left & U)
		return RULE_LEFT_RUNNING;
	if (left & E)
		return RULE_LEFT_ENABLED;
	return left & R ? RULE_LEFT_REGISTERED : RULE_NOT_SET;
}

/* No rule but the table forbids these. What KVM leaves of a vCPU that goes is nobody's. */
static enum finding_rule wrong_state(enum variant variant, unsigned int state)
{
	if (state & R || variant == ENDED)
		return RULE_NONE;
	if (state & E)
		return RULE_ENABLED_UNREGISTERED;
	return state & P ? RULE_PENDING_UNREGISTERED : RULE_NONE;
}

/* The lowest deliverable event goes first; that of page faults may go before it, and does where the series is of late. */
static bool passed_over(const struct model *m, const struct model_vcpu *v, const struct model_event *e)
{
	if (e->event == APF_EVENT)
		return false;
	for (size_t i = 0; i < v->event_count && v->events[i]->event < e->event; i++) {
		const struct model_event *lower = v->events[i];

		if ((lower->state & (R | E | P)) == (R | E | P) && trusted(m, v, lower->last_ns))
			return true;
	}
	return false;
}

/* A critical event comes in between the handler of a normal one; which is the lowest of those that firmware raises, nobody sees. */
static bool may_preempt(const struct sdei_record *r)
{
	return r->kind == SDEI_DISPATCH && r->origin & SDEI_CRITICAL;
}

/* A restore that moves the running bit reports first the one, then the other. */
static enum finding_rule wrong_among_others(const struct model *m, const struct model_vcpu *v, const struct model_event *e,
					    const struct sdei_record *r, enum variant variant)
{
	const struct model_event *other = v->running;

	if (r->kind == SDEI_STATE || !(r->state & U) || may_preempt(r))
		return RULE_NONE;
	if (other && other != e && trusted(m, v, other->last_ns))
		return r->kind == SDEI_DISPATCH ? RULE_DISPATCHED_BUSY : RULE_TWO_RUNNING;
	return variant == DISPATCHED && passed_over(m, v, e) ? RULE_DISPATCHED_ORDER : RULE_NONE;
}

static enum finding_rule wrong_mask_call(struct before b, const struct sdei_record *r)
{
	bool masks = r->error == 1;

	return r->kind == SDEI_MASK && b.known & M && masks == !!(b.state & M) ? RULE_MASK_RESULT : RULE_NONE;
}

/* In the order of how much they explain. */
static enum finding_rule wrong(const struct model *m, const struct model_vcpu *v, const struct model_event *e,
			       const struct sdei_record *r)
{
	enum variant variant = variant_of(r);
	const struct rule *rule = &rules[variant];
	unsigned int about = e ? ALL | M : M;
	struct before b = before_of(m, v, e);
	unsigned int lack = rule->need & ~b.state & b.known, have = rule->ban & b.state & b.known;
	unsigned int unset = rule->set & ~r->state & about, left = rule->clear & r->state & about;
	unsigned int changed = (r->state ^ b.state) & b.known & ~rule->free & about;
	enum finding_rule found = e ? wrong_state(variant, r->state) : RULE_NONE;

	if (lack | have)
		return wrong_before(variant, have, lack);
	if (left | unset && !(found && unset == R))
		return wrong_after(variant, left, unset);
	if (found)
		return found;
	if (changed & M)
		return RULE_MASK_CHANGED;
	if (changed)
		return RULE_CHANGED;
	found = wrong_mask_call(b, r);
	return found || !e ? found : wrong_among_others(m, v, e, r, variant);
}

static bool is_about_pe(enum finding_rule rule)
{
	return rule == RULE_MASK_RESULT || rule == RULE_MASK_STATE || rule == RULE_MASK_CHANGED;
}

void rules_check(struct model *m, struct model_vcpu *v, struct model_event *e, const struct sdei_record *r)
{
	enum finding_rule rule = wrong(m, v, e, r);

	if (unlikely(rule) && trusted(m, v, r->time_ns))
		finding_suspect(m, (struct finding_owner){ .vcpu = v, .event = is_about_pe(rule) ? NULL : e }, FINDING_ILLEGAL_TRANSITION, r, rule);
}
