// SPDX-License-Identifier: GPL-2.0-only
/*
 * What guests call that KVM's SDEI does not see. Calls of SDEI count as any others. Those of PSCI turn vCPUs off and on: a vCPU
 * that is off is parked, whatever it was in the middle of, so that neither its handler hangs nor its mask lasts too long.
 *
 * A vCPU is off from its CPU_OFF, or from the SYSTEM_OFF or SYSTEM_RESET of any, until another one turns it on, it is reset, or it
 * is seen to do something.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/inside.h"

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

/* A recording may claim that a call took longer than there has been time. */
static uint64_t begin_ns(const struct sdei_record_smccc *r)
{
	return r->duration_ns < r->head.time_ns ? r->head.time_ns - r->duration_ns : r->head.time_ns;
}

/* What is older than what is known says nothing. */
static int set_off(struct model_vcpu *v, bool off, uint64_t time_ns)
{
	struct vcpu_power *power = power_of(v);

	if (!power)
		return -ENOMEM;
	if (time_ns < power->time_ns || v->gone)
		return 0;
	v->off = off;
	power->time_ns = time_ns;
	return 0;
}

/* Where its events are known, its reset follows, and shows it: until then what was open when it was parked is not over. */
static int turn_on(struct model *m, const struct sdei_record_smccc *r)
{
	struct model_vcpu *target = r->target == SDEI_NONE ? NULL : life_find(m, r->head.vm, r->target);

	return target && !target->event_count ? set_off(target, false, r->head.time_ns) : 0;
}

static int turn_all_off(struct model_vm *vm, uint64_t time_ns)
{
	int err = 0;

	for (size_t i = 0; i < vm->vcpu_count && !err; i++)
		err = set_off(vm->vcpus[i], true, time_ns);
	return err;
}

static bool is_done(const struct sdei_record *r)
{
	return r->outcome == SMCCC_ANSWERED && r->result >= 0;
}

/* Another vCPU may turn it on before the call that turns it off has ended: what counts is when that began. */
static int switch_power(struct model *m, struct model_vcpu *v, enum psci_call call, const struct sdei_record_smccc *r)
{
	switch (call) {
	case PSCI_CPU_OFF:
		return is_done(&r->head) ? set_off(v, true, begin_ns(r)) : 0;
	case PSCI_CPU_ON:
		return is_done(&r->head) ? turn_on(m, r) : 0;
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_OFF2:
	case PSCI_SYSTEM_RESET:
	case PSCI_SYSTEM_RESET2:
		return r->head.outcome == SMCCC_FORWARDED ? turn_all_off(v->vm, r->head.time_ns) : 0;
	default:
		return 0;
	}
}

void power_seen(struct model_vcpu *v, uint64_t time_ns)
{
	if (time_ns > v->power->time_ns)
		v->off = false;
}

void power_renew(struct model_vcpu *v)
{
	v->off = false;
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
	int err = count(v, call, class, 1);

	return err ? err : switch_power(m, v, call, r);
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
	if (v->off)
		power_seen(v, begin_ns(r));
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
	return count(v, call, key->outcome == SMCCC_ANSWERED ? psci_class_of(key->error) : PSCI_CLASS_FORWARDED, number);
}

/* --- what is shown */

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
	return vcpu->power->time_ns;
}
