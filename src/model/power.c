// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether vCPUs are on, and what guests call that KVM's SDEI does not see. Calls of SDEI count as any others. Those of PSCI turn
 * vCPUs off and on: a vCPU that is off is parked, whatever it was in the middle of, so that neither its handler hangs nor its mask
 * lasts too long.
 *
 * A vCPU is off from its CPU_OFF, or from the SYSTEM_OFF or SYSTEM_RESET of any, until another one turns it on, it is reset, or it
 * is seen to do something. What was so where the tracing or a recording begins is what the record of kind POWER says.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/inside.h"
#include "record/names.h"

/* NULL: no memory. */
static struct vcpu_power *power_of(struct model_vcpu *v)
{
	if (!v->power)
		v->power = calloc(1, sizeof(*v->power));
	return v->power;
}

static int count(struct model_vcpu *v, enum psci_call call, enum psci_class class, uint64_t number)
{
	struct vcpu_power *power = power_of(v);

	if (!power)
		return -ENOMEM;
	power->calls.count[call][class] += number;
	return 0;
}

/* --- on and off */

/* What is older than what is known says nothing. */
static int set_off(struct model_vcpu *v, bool off, uint64_t time_ns)
{
	struct vcpu_power *power = power_of(v);

	if (!power)
		return -ENOMEM;
	if (time_ns < power->time_ns || v->gone)
		return 0;
	v->power_known = true;
	v->off = off;
	v->suspended = false;
	power->time_ns = power->since_ns = time_ns;
	return 0;
}

/* Where its events are known, its reset follows, and shows it: until then what was open when it was parked is not over. */
static int turn_on(struct model *m, const struct sdei_record_smccc *r)
{
	struct model_vcpu *target = life_find(m, r->head.vm, r->target);

	return target && !target->event_count ? set_off(target, false, r->head.time_ns) : 0;
}

static int turn_all_off(struct model_vm *vm, uint64_t time_ns)
{
	int err = 0;

	for (size_t i = 0; i < vm->vcpu_count && !err; i++)
		err = set_off(vm->vcpus[i], true, time_ns);
	return err;
}

static int switch_power(struct model *m, struct model_vcpu *v, const struct sdei_record_smccc *r)
{
	switch (smccc_switch(r)) {
	case SMCCC_SWITCHES_OFF:
		return set_off(v, true, smccc_begin_ns(r));
	case SMCCC_SWITCHES_ON:
		return turn_on(m, r);
	case SMCCC_SWITCHES_VM_OFF:
		return turn_all_off(v->vm, r->head.time_ns);
	default:
		return 0;
	}
}

void power_seen(struct model_vcpu *v, uint64_t time_ns)
{
	if ((v->power && time_ns <= v->power->time_ns) || v->gone)
		return;
	v->power_known = true;
	v->off = v->suspended = false;
}

/*
 * Of a call that was under way then the record may still come, and says more. One that was on is so as long as nothing shows
 * otherwise: a call that turned it off may have begun before.
 */
static int sketch(struct model_vcpu *v, const struct sdei_record *r)
{
	if (v->power_known || (v->power && r->time_ns < v->power->time_ns))
		return 0;
	if (r->origin == SDEI_POWER_ON)
		v->power_known = true;
	if (r->origin != SDEI_POWER_OFF && r->origin != SDEI_POWER_SUSPENDED)
		return 0;
	if (set_off(v, true, r->time_ns))
		return -ENOMEM;
	v->suspended = r->origin == SDEI_POWER_SUSPENDED;
	if (r->arg && r->arg < r->time_ns)
		v->power->since_ns = r->arg;
	return 0;
}

int power_sketch(struct model *m, const struct sdei_record *r)
{
	int err;
	struct model_vcpu *v = life_vcpu_seen(m, r, &err);

	if (!v)
		return err;
	if (!v->first_seen_ns)
		v->first_seen_ns = r->time_ns;
	return sketch(v, r);
}

void power_renew(struct model_vcpu *v)
{
	v->power_known = v->off = v->suspended = false;
}

void power_reset(struct model_vcpu *v)
{
	if (v->power)
		v->power->calls = (struct psci_counts){ 0 };
}

/* --- records */

static int take_psci(struct model *m, struct model_vcpu *v, enum psci_call call, const struct sdei_record_smccc *r)
{
	enum psci_class class = r->head.outcome == SMCCC_ANSWERED ? psci_class_of(r->head.result) : PSCI_CLASS_FORWARDED;
	int err;

	if (r->head.outcome == SMCCC_BEGUN) {	/* it is counted when it has ended */
		v->idle = v->masked;
		return 0;
	}
	err = count(v, call, class, 1);
	return err ? err : switch_power(m, v, r);
}

static int take_sdei(struct model *m, struct model_vcpu *v, const struct sdei_record_smccc *r)
{
	int err = call_take_smccc(v, r);

	if (err == -EINVAL)
		m->totals.unknown++;
	if (r->head.result < 0 && limits_refused(m, v, &r->head, r->function))
		err = -ENOMEM;
	return err;
}

int power_take(struct model *m, const struct sdei_record_smccc *r)
{
	struct model_vcpu *v = life_find(m, r->head.vm, r->head.vcpu);
	enum psci_call call = psci_call_of(r->function);

	if (!v || v->gone)
		v = life_vcpu(m, v, &r->head);
	if (!v)
		return life_no_vcpu(m, r->head.vm);
	if (v->off || !v->power_known)
		power_seen(v, smccc_begin_ns(r));
	if (call < PSCI_CALL_COUNT)
		return take_psci(m, v, call, r);
	return take_sdei(m, v, r);
}

/* Whether a vCPU is off may not be known any more. */
int power_take_lost(struct model *m, const struct sdei_lost_key *key, uint64_t number)
{
	struct model_vcpu *v = life_vcpu_lost(m, key);
	enum psci_call call = psci_call_of(key->function);

	if (!v)
		return life_no_vcpu(m, key->vm);
	v->lost += number;
	v->inexact = true;
	if (call == PSCI_CALL_COUNT)
		return call_take_lost(v, key, number);
	finding_distrust(m, v);
	if (key->outcome == SMCCC_BEGUN)
		return 0;
	return count(v, call, key->outcome == SMCCC_ANSWERED ? psci_class_of(key->error) : PSCI_CLASS_FORWARDED, number);
}

/* --- what is shown */

const char *model_power_name(const struct model_vcpu *vcpu)
{
	if (!vcpu->power_known)
		return NULL;
	return record_name(LABELS_POWER, vcpu->suspended ? SDEI_POWER_SUSPENDED : vcpu->off ? SDEI_POWER_OFF : SDEI_POWER_ON);
}

bool model_has_psci(const struct model_vcpu *vcpu)
{
	static const struct psci_counts none;

	return vcpu->power && memcmp(&vcpu->power->calls, &none, sizeof(none));
}

void model_add_psci(const struct model_vcpu *vcpu, struct psci_counts *counts)
{
	for (unsigned int i = 0; vcpu->power && i < PSCI_CALL_COUNT; i++)
		for (unsigned int class = 0; class < PSCI_CLASS_COUNT; class++)
			counts->count[i][class] += vcpu->power->calls.count[i][class];
}

uint64_t model_off_since_ns(const struct model_vcpu *vcpu)
{
	return vcpu->power->since_ns;
}
