/* SPDX-License-Identifier: GPL-2.0-only */
/* The report as one JSON object: the members of a summary, and what only a recording has. */
#include <inttypes.h>

#include "record/json.h"
#include "view/figures/json.h"
#include "view/report/report.h"

static void put_about(struct json *j, const struct report *report)
{
	const struct recording_about *about = report->about;

	json_open(j, "recording", '{');
	json_text(j, "host", about->host);
	json_text(j, "kernel", about->kernel);
	json_text(j, "kernel_version", about->kernel_version);
	json_text(j, "machine", about->machine);
	json_text(j, "boot_id", about->boot_id);
	json_u64(j, "cpus", about->cpus);
	json_text(j, "version", about->version);
	json_u64(j, "format_major", about->major);
	json_u64(j, "format_minor", about->minor);
	json_text(j, "probes", about->probes);
	json_text(j, "probes_missing", about->probes_missing);
	json_text(j, "filter", about->filter);
	json_text(j, "reason", about->reason);
	json_i64(j, "clock_offset_ns", about->clock_offset_ns);
	json_u64(j, "begin_ns", report->span.begin_ns);
	json_u64(j, "end_ns", report->span.end_ns);
	json_u64(j, "items", report->span.items);
	json_u64(j, "bytes", report->span.bytes);
	json_close(j, '}');
	json_open(j, "range", '{');
	json_u64(j, "begin_ns", report->begin_ns);
	json_u64(j, "end_ns", report->end_ns);
	json_close(j, '}');
}

static void put_problem(struct json *j, const struct reader_problem *problem)
{
	char text[256];

	reader_describe(problem, text, sizeof(text));
	json_open(j, NULL, '{');
	json_text(j, "text", text);
	json_text(j, "file", problem->file);
	json_u64(j, "offset", problem->offset);
	json_u64(j, "bytes", problem->bytes);
	json_u64(j, "packets", problem->packets);
	json_u64(j, "items", problem->items);
	json_close(j, '}');
}

static void put_problems(struct json *j, const struct report *report)
{
	json_u64(j, "problem_count", report->problems_all);
	json_open(j, "problems", '[');
	for (size_t i = 0; i < report->problem_count; i++)
		put_problem(j, &report->problems[i]);
	json_close(j, ']');
}

static void put_evidence(struct json *j, const struct report_evidence *evidence)
{
	json_open(j, NULL, '{');
	json_u64(j, "vm", evidence->vm);
	json_u64(j, "instance", evidence->instance);
	json_id(j, "vcpu", evidence->vcpu);
	json_id(j, "event", evidence->event);
	json_u64(j, "from_ns", evidence->from_ns);
	json_u64(j, "to_ns", evidence->to_ns);
	json_u64(j, "left_out", evidence->left_out);
	json_u64(j, "gap", evidence->gap);
	json_open(j, "records", '[');
	for (size_t i = 0; i < evidence->count; i++)
		json_record_brief(j, NULL, &evidence->records[i]);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_list(struct json *j, const char *key, const struct report_evidence *list, size_t count)
{
	json_open(j, key, '[');
	for (size_t i = 0; i < count; i++)
		put_evidence(j, &list[i]);
	json_close(j, ']');
}

int report_json(FILE *out, const struct report *report)
{
	struct json json;

	json_start(&json, out);
	json_open(&json, NULL, '{');
	json_summary_members(&json, "report", report->model, report->status);
	put_about(&json, report);
	put_list(&json, "around_late", report->late, report->late_count);
	put_list(&json, "around_findings", report->findings, report->finding_count);
	if (report->restores) {
		json_open(&json, "restores", '{');
		restore_json_members(&json, report->restores);
		json_close(&json, '}');
	}
	put_problems(&json, report);
	json_close(&json, '}');
	putc('\n', out);
	return 0;
}
