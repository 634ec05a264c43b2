// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/finding_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "util/log.h"
#include "session/vm_names.h"

#define GAP_NS 10000000000ULL

static const struct model_finding *newest(const struct model *m, enum model_finding_code code)
{
	size_t count;
	const struct model_finding *findings = model_findings(m, &count);

	while (count--)
		if (findings[count].code == code)
			return &findings[count];
	return NULL;
}

/* Those that are gone included, as long as they are kept. */
static const struct model_vm *find_vm(const struct model *m, uint32_t pid, uint32_t instance)
{
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);

	for (size_t i = count; i-- > 0;)
		if (vms[i]->pid == pid && vms[i]->instance == instance)
			return vms[i];
	return NULL;
}

/* "event 7 of vcpu 0 of web (1234)" */
static void describe_owner(const struct model *m, const struct model_finding *f, char *text, size_t size)
{
	const struct model_vm *vm = find_vm(m, f->vm, f->instance);
	const char *name = vm ? name_of(vm)->shown : "-";
	int used = 0;

	if (f->event != SDEI_NONE)
		used = snprintf(text, size, "event %" PRIu32 " of ", f->event);
	if (f->vcpu != SDEI_NONE)
		used += snprintf(text + used, size - used, "vcpu %" PRIu32 " of ", f->vcpu);
	snprintf(text + used, size - used, "%.128s (%" PRIu32 ")", name, f->vm);
}

static void log_found(const struct model *m, enum model_finding_code code, uint64_t fresh)
{
	const struct model_finding *f = newest(m, code);
	char owner[224], what[FINDING_TEXT_SIZE];

	if (!f) {	/* there is no room to keep any more */
		say("%" PRIu64 " new findings: %s", fresh, finding_code_name(code));
		return;
	}
	describe_owner(m, f, owner, sizeof(owner));
	finding_describe(f, what, sizeof(what));
	if (fresh == 1)
		say("finding: %s: %s: %s", finding_code_name(code), owner, what);
	else
		say("%" PRIu64 " new findings: %s, the newest: %s: %s", fresh, finding_code_name(code), owner, what);
}

void finding_log_report(struct finding_log *n, const struct model *m, uint64_t now_ns)
{
	const struct model_totals *totals = model_totals(m);

	for (int code = 0; code < FINDING_COUNT; code++) {
		uint64_t fresh = totals->found[code] - n->told[code];

		if (!fresh || (n->told_ns[code] && now_ns < n->told_ns[code] + GAP_NS))
			continue;
		log_found(m, code, fresh);
		n->told[code] = totals->found[code];
		n->told_ns[code] = now_ns;
	}
}
