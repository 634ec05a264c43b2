// SPDX-License-Identifier: GPL-2.0-only
#include "session/triggers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "session/vm_names.h"

static uint32_t findings_of(enum model_severity severity)
{
	uint32_t set = 0;

	for (int code = 0; code < FINDING_COUNT; code++)
		if (finding_severity(code) >= severity)
			set |= 1U << code;
	return set;
}

static uint32_t findings_named(const char *name)
{
	for (int code = 0; code < FINDING_COUNT; code++)
		if (strcmp(finding_code_name(code), name) == 0)
			return 1U << code;
	return 0;
}

static const char *const others[] = { "any", "warning", "error", "SIGUSR2", "exit" };

#define OTHERS (sizeof(others) / sizeof(others[0]))

static const char *trigger_value(size_t n)
{
	if (n < OTHERS)
		return others[n];
	return n - OTHERS < FINDING_COUNT ? finding_code_name(n - OTHERS) : NULL;
}

static int set_trigger(void *field, const char *value)
{
	struct triggers *on = field;
	uint32_t findings = 0;

	if (strcmp(value, "SIGUSR2") == 0)
		on->usr2 = true;
	else if (strcmp(value, "exit") == 0)
		on->exit = true;
	else if (strcmp(value, "any") == 0)
		findings = findings_of(FINDING_INFO);
	else if (strcmp(value, "warning") == 0)
		findings = findings_of(FINDING_WARNING);
	else if (strcmp(value, "error") == 0)
		findings = findings_of(FINDING_ERROR);
	else if (!(findings = findings_named(value)))
		return -EINVAL;
	on->findings |= findings;
	return 0;
}

const struct option_type option_trigger = {
	.set = set_trigger, .value = trigger_value, .expects = "a finding's code, any, warning, error, SIGUSR2 or exit",
};

bool triggers_mean(const struct triggers *on, enum model_finding_code code)
{
	return on->findings >> code & 1;
}

uint64_t triggers_count(const struct triggers *on, const struct model *m)
{
	const struct model_totals *totals = model_totals(m);
	uint64_t all = 0;

	for (int code = 0; code < FINDING_COUNT; code++)
		if (triggers_mean(on, code))
			all += totals->found[code];
	return all;
}

size_t triggers_newest(const struct triggers *on, const struct model *m, uint64_t count, const struct model_finding **first)
{
	size_t all, left;
	const struct model_finding *findings = model_findings(m, &all);

	for (left = all; left && count; left--)
		count -= triggers_mean(on, findings[left - 1].code);
	*first = findings + left;
	return all - left;
}

static const struct model_vm *vm_of(const struct model *m, const struct model_finding *finding)
{
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);

	while (count--)
		if (vms[count]->pid == finding->vm && vms[count]->instance == finding->instance)
			return vms[count];
	return NULL;
}

const char *triggers_guest(const struct model *m, const struct model_finding *finding, char id[16])
{
	const struct model_vm *vm = vm_of(m, finding);

	if (vm && strcmp(name_of(vm)->raw, "-") != 0)
		return name_of(vm)->raw;
	snprintf(id, 16, "%" PRIu32, finding->vm);
	return id;
}
