/* SPDX-License-Identifier: GPL-2.0-only */
/* The report on one screen: the verdict, when and why, what was found, the records around the worst, and the rows by the worst. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "model/apf.h"
#include "session/vm_names.h"
#include "util/text.h"
#include "view/figures/format.h"
#include "view/figures/text.h"
#include "view/figures/why.h"
#include "view/report/report_text_inside.h"
#include "view/report/verdict.h"

#define PROBLEMS 5
#define FINDINGS 6
#define RECORDS 14
#define ROWS 20
#define RESTORES 6
#define NAME_COLUMNS 24

static void put_subject(FILE *out, const struct model_worst *worst, const struct verdict_words *words)
{
	const struct model_vm *vm = worst->vcpu->vm;
	const char *name = name_of(vm)->shown;

	fputs(words->subject, out);
	if (worst->event)
		fprintf(out, " %" PRIu32, worst->event->event);
	fprintf(out, " of VM %" PRIu32 " %.*s vCPU %" PRIu32, vm->pid, (int)text_cut(name, NAME_COLUMNS, NULL), name, worst->vcpu->id);
}

static void put_verdict(FILE *out, const struct report *r, const struct model_worst *worst)
{
	const struct verdict_words *words = verdict_words(worst->kind);
	char age[FORMAT_SIZE], wall[FORMAT_SIZE], why[WHY_SIZE], found[VERDICT_SIZE];
	uint64_t at_ns;
	bool is_open;

	if (words) {
		put_subject(out, worst, words);
		fprintf(out, " %s %s%s.\n", words->verb, format_age(age, sizeof(age), worst->ns), words->end);
	} else {
		fputs("No event was dispatched whose signal had been seen.\n", out);
	}
	fprintf(out, "%s%s\n", verdict_found(found, sizeof(found), r->model),
		model_totals(r->model)->lost || r->problems_all ? "" : " No record is missing.");
	if (!words)
		return;
	is_open = worst_letter(worst->kind);
	at_ns = is_open ? worst->at_ns - worst->ns : worst->at_ns;
	fprintf(out, "%s %s\n", is_open ? "Since:" : "When: ", format_time(wall, sizeof(wall), r->status, at_ns, 3));
	if (*why_late(why, sizeof(why), &worst->wait))
		fprintf(out, "Why:   %s\n", why);
}

/* --- findings */

static void put_finding(FILE *out, const struct report *r, const struct model_finding *f)
{
	const struct model_vm *vm = why_vm(r->model, f);
	char where[WHY_SIZE], what[FINDING_TEXT_SIZE], wall[FORMAT_SIZE];

	finding_describe(f, what, sizeof(what));
	fprintf(out, "%-7s %s  %s, first %s%s\n        %s\n", severity_name(finding_severity(f->code)), finding_code_name(f->code),
		why_where(where, sizeof(where), f, vm ? name_of(vm)->shown : "-"),
		format_time(wall, sizeof(wall), r->status, f->first_ns, 3), f->open ? ", still so" : "", what);
}

static void put_findings(FILE *out, const struct report *r, const size_t *order, size_t count)
{
	size_t all;
	const struct model_finding *findings = model_findings(r->model, &all);

	if (count)
		putc('\n', out);
	for (size_t i = 0; i < count && i < FINDINGS; i++)
		put_finding(out, r, &findings[order[i]]);
	if (count > FINDINGS)
		fprintf(out, "        and %zu more\n", count - FINDINGS);
}

/* --- records */

static bool has_evidence(const struct report *r, const size_t *order, size_t count)
{
	return count && order[0] < r->finding_count && r->findings[order[0]].count;
}

/* Around the worst dispatch; where something is open, around the first of the findings, which is more likely to be about that. */
static void put_records(FILE *out, const struct report *r, const struct model_worst *worst, const size_t *order, size_t count)
{
	if (has_evidence(r, order, count) && (worst_letter(worst->kind) || !r->late_count)) {
		fputs("\nRecords around the first finding\n", out);
		report_text_evidence(out, &r->findings[order[0]], RECORDS);
	} else if (r->late_count) {
		fputs("\nRecords around the worst dispatch\n", out);
		report_text_evidence(out, &r->late[0], RECORDS);
	}
}

/* --- the table */

static int put_rows(FILE *out, const struct report *r)
{
	static const char *const ids[] = {
		"vm", "name", "vcpu", "event", "lost", "state", "signals", "dispatched", "p99", "max", "blame", "drops", "share",
		"unaccounted", NULL,
	};
	const struct table_options by_worst = { .sort = column_find("max"), .gone = true };

	putc('\n', out);
	return text_table(out, r->model, r->status, &by_worst, ids, ROWS);
}

int report_brief(FILE *out, const struct report *r)
{
	struct model_worst worst;
	size_t count, *order = verdict_order(r->model, &count);
	int err;

	if (!order)
		return -ENOMEM;
	verdict_worst(&worst, r->model, r->status->now_ns);
	report_text_head(out, r);
	report_text_problems(out, r, PROBLEMS);
	text_quality(out, r->model, r->status);
	putc('\n', out);
	put_verdict(out, r, &worst);
	put_findings(out, r, order, count);
	put_records(out, r, &worst, order, count);
	if (r->restores) {
		fputs("\nSaves and restores of interrupt controllers: sdeitop restore shows each step\n", out);
		restore_text_brief(out, r->restores, RESTORES);
	}
	err = put_rows(out, r);
	fputs("\nThe rest: --all, or --html FILE for a page with plots\n", out);
	free(order);
	return err;
}
