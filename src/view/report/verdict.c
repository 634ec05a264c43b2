/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/report/verdict.h"

#include <stdio.h>
#include <stdlib.h>

void verdict_worst(struct model_worst *worst, const struct model *m, uint64_t now_ns)
{
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);

	*worst = (struct model_worst){ .kind = WORST_NONE };
	for (size_t i = 0; i < count; i++) {
		struct model_worst of_vm;

		model_vm_worst(&of_vm, vms[i], now_ns, false);
		if (of_vm.kind != WORST_NONE && (worst->kind == WORST_NONE || of_vm.ns > worst->ns))
			*worst = of_vm;
	}
}

const struct verdict_words *verdict_words(enum worst_kind kind)
{
	static const struct verdict_words words[] = {
		[WORST_dispatch] = { "Event", "waited", " for its dispatch" },
		[WORST_pending] = { "Event", "has been pending for", " and is not dispatched yet" },
		[WORST_running] = { "The handler of event", "has been running for", "" },
		[WORST_masked] = { "The PE", "has been masked for", "" },
	};

	return kind != WORST_NONE && kind < sizeof(words) / sizeof(words[0]) ? &words[kind] : NULL;
}

/* --- findings */

struct ranked {
	const struct model_finding *finding;
	size_t place;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	enum model_severity xs = finding_severity(x->finding->code), ys = finding_severity(y->finding->code);

	if (xs != ys)
		return xs < ys ? 1 : -1;
	if (x->finding->open != y->finding->open)
		return y->finding->open ? 1 : -1;
	return (x->place > y->place) - (x->place < y->place);
}

size_t *verdict_order(const struct model *m, size_t *count)
{
	const struct model_finding *findings = model_findings(m, count);
	struct ranked *ranked = calloc(*count + 1, sizeof(*ranked));
	size_t *order = calloc(*count + 1, sizeof(*order));

	for (size_t i = 0; ranked && i < *count; i++)
		ranked[i] = (struct ranked){ &findings[i], i };
	if (ranked && order) {
		qsort(ranked, *count, sizeof(*ranked), by_rank);
		for (size_t i = 0; i < *count; i++)
			order[i] = ranked[i].place;
	} else {
		free(order);
		order = NULL;
	}
	free(ranked);
	return order;
}

char *verdict_found(char *buf, size_t size, const struct model *m)
{
	size_t count, of_code[FINDING_COUNT] = { 0 };
	const struct model_finding *findings = model_findings(m, &count);
	int used = snprintf(buf, size, count ? "%zu finding%s" : "Nothing was found", count, count == 1 ? "" : "s");
	const char *before = ": ";

	for (size_t i = 0; i < count; i++)
		of_code[findings[i].code]++;
	for (enum model_severity severity = FINDING_ERROR + 1; severity-- > FINDING_INFO;) {
		for (unsigned int code = 0; code < FINDING_COUNT; code++) {
			if (!of_code[code] || finding_severity(code) != severity || (size_t)used >= size)
				continue;
			used += snprintf(buf + used, size - used, "%s%zu %s", before, of_code[code], finding_code_name(code));
			before = ", ";
		}
	}
	if ((size_t)used < size)
		snprintf(buf + used, size - used, ".");
	return buf;
}
