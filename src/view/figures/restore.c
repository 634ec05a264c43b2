// SPDX-License-Identifier: GPL-2.0-only
#include "view/figures/restore.h"

#include <inttypes.h>

#include "record/sdei.h"
#include "util/json.h"
#include "view/figures/format.h"

#define TIME_DECIMALS 6
#define WHAT_SIZE (2 * GIC_NAME_SIZE + 8)

static const struct vm_name *name_of_vm(const struct restore_view *view, const struct restore_vm *vm)
{
	return name_cache_get(view->names, vm->pid, vm->row_count ? vm->rows[0].first.head.time_ns : 0, false);
}

/* --- text */

static const char *print_time(const struct restore_view *view, char text[TIMES_SIZE + 1], uint64_t time_ns)
{
	text[times_print(view->times, text, time_ns, TIME_DECIMALS)] = '\0';
	return text;
}

/* "0x3c00000001"; "-" where the row has none, or several. */
static const char *row_value(const struct restore_row *row, char value[FORMAT_SIZE])
{
	bool is_one = row->count == 1 && row->last.head.outcome & GIC_HAS_VALUE;

	if (row->part == RESTORE_RUN && row->registers_known)
		snprintf(value, FORMAT_SIZE, "%" PRIu64 " regs", row->registers);
	else if (row->part != RESTORE_RUN && is_one)
		snprintf(value, FORMAT_SIZE, "0x%llx", row->last.value);
	else
		snprintf(value, FORMAT_SIZE, "-");
	return value;
}

static const char *error_text(int error, char text[FORMAT_SIZE])
{
	const char *name = sdei_error_name(error);

	if (!error)
		return "";
	if (name)
		snprintf(text, FORMAT_SIZE, " %s", name);
	else
		snprintf(text, FORMAT_SIZE, " %d", error);
	return text;
}

/* The first one, or from the first one to the last. */
static void row_what(const struct restore_row *row, char what[WHAT_SIZE])
{
	char first[GIC_NAME_SIZE], last[GIC_NAME_SIZE];

	what[0] = '\0';
	if (row->part == RESTORE_VCPUS || row->part == RESTORE_RUN) {
		if (row->count == 1)
			snprintf(what, WHAT_SIZE, "vCPU %" PRIu32, row->first.head.vcpu);
		return;
	}
	gic_name(&row->first, first);
	gic_name(&row->last, last);
	if (row->count == 1 || row->first.attr == row->last.attr)
		snprintf(what, WHAT_SIZE, "%s", first);
	else
		snprintf(what, WHAT_SIZE, "%s .. %s", first, last);
}

static void put_row(FILE *out, const struct restore_row *row, uint64_t begin_ns)
{
	char since[FORMAT_SIZE], took[FORMAT_SIZE] = "-", value[FORMAT_SIZE], what[WHAT_SIZE], error[FORMAT_SIZE];

	format_offset(since, sizeof(since), row->first.head.time_ns - begin_ns);
	if (row->duration_ns)
		format_age(took, sizeof(took), row->duration_ns);
	row_what(row, what);
	fprintf(out, "  %14s %-15s %6" PRIu64 " %7s %18s  %s%s\n", since, restore_part_name(row->part), row->count, took,
		row_value(row, value), what, error_text(row->last.head.error, error));
}

static void put_finding(FILE *out, const struct restore_view *view, enum model_finding_code code, const struct restore_finding *f)
{
	char time[TIMES_SIZE + 1], name[GIC_NAME_SIZE], error[FORMAT_SIZE];

	fprintf(out, "  %s %s: %s\n", severity_name(finding_severity(code)), finding_code_name(code), finding_help(code));
	fprintf(out, "    %s %s", print_time(view, time, f->first.head.time_ns), gic_name(&f->first, name));
	if (f->first.head.outcome & GIC_HAS_VALUE)
		fprintf(out, " 0x%llx", f->first.value);
	fputs(error_text(f->first.head.error, error), out);
	if (f->count > 1)
		fprintf(out, ", %" PRIu64 " times", f->count);
	fprintf(out, "\n    %s\n", finding_cost(code));
}

static unsigned int count_findings(const struct restore_vm *vm)
{
	unsigned int count = 0;

	for (int i = 0; i < RESTORE_FINDINGS; i++)
		count += !!vm->findings[i].count;
	return count;
}

void restore_vm_text(FILE *out, const struct restore_view *view, const struct restore_vm *vm, size_t most)
{
	size_t shown = vm->row_count < most ? vm->row_count : most;
	uint64_t begin_ns = vm->row_count ? vm->rows[0].first.head.time_ns : 0;
	char time[TIMES_SIZE + 1];

	fprintf(out, "VM %" PRIu32 " %s from %s\n", vm->pid, name_of_vm(view, vm)->shown, print_time(view, time, begin_ns));
	fprintf(out, "  %14s %-15s %6s %7s %18s  %s\n", "SINCE", "PART", "STEPS", "TOOK", "VALUE", "WHAT");
	for (size_t i = 0; i < shown; i++)
		put_row(out, &vm->rows[i], begin_ns);
	if (vm->row_count > shown)
		fprintf(out, "  and %zu rows more\n", vm->row_count - shown);
	if (vm->rows_left_out)
		fprintf(out, "  %" PRIu64 " more steps are left out\n", vm->rows_left_out);
	for (int i = 0; i < RESTORE_FINDINGS; i++)
		if (vm->findings[i].count)
			put_finding(out, view, FINDING_GIC + i, &vm->findings[i]);
	if (!count_findings(vm))
		fputs("  nothing was found to be wrong\n", out);
}

static void put_missing(FILE *out, const struct restore_view *view)
{
	if (view->lost)
		fprintf(out, "LOST %" PRIu64 " records: steps are missing above, and what was found may be due to that\n", view->lost);
	if (restore_left_out(view->restore))
		fprintf(out, "%" PRIu64 " steps of more VMs are left out\n", restore_left_out(view->restore));
}

void restore_text(FILE *out, const struct restore_view *view)
{
	size_t count;
	const struct restore_vm *const *vms = restore_vms(view->restore, &count);

	if (!count)
		fputs("no VM was saved or restored\n", out);
	for (size_t i = 0; i < count; i++) {
		if (i)
			putc('\n', out);
		restore_vm_text(out, view, vms[i], SIZE_MAX);
	}
	put_missing(out, view);
}

/* --- in brief */

static uint64_t count_part(const struct restore_vm *vm, enum restore_part part)
{
	uint64_t count = 0;

	for (size_t i = 0; i < vm->row_count; i++)
		count += vm->rows[i].part == part && !vm->rows[i].last.head.error ? vm->rows[i].count : 0;
	return count;
}

static uint64_t count_steps(const struct restore_vm *vm)
{
	uint64_t count = vm->rows_left_out;

	for (size_t i = 0; i < vm->row_count; i++)
		count += vm->rows[i].count;
	return count;
}

void restore_vm_brief(FILE *out, const struct restore_view *view, const struct restore_vm *vm)
{
	uint64_t saved = count_part(vm, RESTORE_SAVE_TABLES), restored = count_part(vm, RESTORE_RESTORE_TABLES);
	unsigned int found = count_findings(vm);

	fprintf(out, "VM %" PRIu32 " %s: %" PRIu64 " steps, ITS saved %" PRIu64 " time%s and restored %" PRIu64 " time%s; ", vm->pid,
		name_of_vm(view, vm)->shown, count_steps(vm), saved, saved == 1 ? "" : "s", restored, restored == 1 ? "" : "s");
	if (found)
		fprintf(out, "%u finding%s", found, found == 1 ? "" : "s");
	else
		fputs("nothing was found to be wrong", out);
}

void restore_text_brief(FILE *out, const struct restore_view *view, size_t most)
{
	size_t count;
	const struct restore_vm *const *vms = restore_vms(view->restore, &count);

	for (size_t i = 0; i < count && i < most; i++) {
		restore_vm_brief(out, view, vms[i]);
		putc('\n', out);
	}
	if (count > most)
		fprintf(out, "and %zu VMs more\n", count - most);
	put_missing(out, view);
}

/* --- JSON */

static void put_json_time(const struct restore_view *view, struct json *j, uint64_t time_ns)
{
	char wall[TIMES_SIZE];

	json_u64(j, "time_ns", time_ns);
	json_plain_bytes(j, "wall", wall, times_print(view->times, wall, time_ns, TIME_DECIMALS));
}

static void put_json_error(struct json *j, int error)
{
	json_i64(j, "error", error);
	if (error && sdei_error_name(error))
		json_plain(j, "error_name", sdei_error_name(error));
}

static void put_json_value(struct json *j, const struct sdei_record_gic *step)
{
	if (step->head.outcome & GIC_HAS_VALUE)
		json_address(j, "value", step->value);
	else
		json_null(j, "value");
}

/* Which register or command, of which device; null where it is about vCPUs. */
static void put_json_what(struct json *j, const struct sdei_record_gic *step)
{
	char name[GIC_NAME_SIZE];

	if (gic_is_call(step->head.origin)) {
		json_u64(j, "device", step->device);
		json_plain(j, "register", gic_name(step, name));
	} else {
		json_u64(j, "vcpu", step->head.vcpu);
	}
}

static void put_json_row(const struct restore_view *view, struct json *j, const struct restore_row *row)
{
	json_open(j, NULL, '{');
	put_json_time(view, j, row->first.head.time_ns);
	json_u64(j, "last_ns", row->last.head.time_ns);
	json_plain(j, "part", restore_part_name(row->part));
	put_json_what(j, &row->first);
	json_u64(j, "count", row->count);
	if (row->part == RESTORE_RUN && row->registers_known)
		json_u64(j, "registers", row->registers);
	else if (row->part == RESTORE_RUN)
		json_null(j, "registers");
	else if (row->count == 1)
		put_json_value(j, &row->first);
	json_u64(j, "duration_ns", row->duration_ns);
	put_json_error(j, row->first.head.error);
	json_close(j, '}');
}

static void put_json_finding(const struct restore_view *view, struct json *j, enum model_finding_code code,
			     const struct restore_finding *f)
{
	json_open(j, NULL, '{');
	json_plain(j, "code", finding_code_name(code));
	json_plain(j, "severity", severity_name(finding_severity(code)));
	json_plain(j, "what", finding_help(code));
	json_plain(j, "cost", finding_cost(code));
	json_u64(j, "count", f->count);
	put_json_time(view, j, f->first.head.time_ns);
	json_u64(j, "last_ns", f->last.head.time_ns);
	put_json_what(j, &f->first);
	put_json_value(j, &f->first);
	put_json_error(j, f->first.head.error);
	json_close(j, '}');
}

static void put_json_vm(const struct restore_view *view, struct json *j, const struct restore_vm *vm)
{
	json_open(j, NULL, '{');
	json_u64(j, "vm", vm->pid);
	json_text(j, "name", name_of_vm(view, vm)->raw);
	json_open(j, "parts", '[');
	for (size_t i = 0; i < vm->row_count; i++)
		put_json_row(view, j, &vm->rows[i]);
	json_close(j, ']');
	json_u64(j, "left_out", vm->rows_left_out);
	json_open(j, "findings", '[');
	for (int i = 0; i < RESTORE_FINDINGS; i++)
		if (vm->findings[i].count)
			put_json_finding(view, j, FINDING_GIC + i, &vm->findings[i]);
	json_close(j, ']');
	json_close(j, '}');
}

void restore_json_members(struct json *j, const struct restore_view *view)
{
	size_t count;
	const struct restore_vm *const *vms = restore_vms(view->restore, &count);

	json_open(j, "vms", '[');
	for (size_t i = 0; i < count; i++)
		put_json_vm(view, j, vms[i]);
	json_close(j, ']');
	json_u64(j, "lost", view->lost);
	json_u64(j, "left_out", restore_left_out(view->restore));
}

void restore_json(FILE *out, const struct restore_view *view)
{
	struct json j;

	json_start(&j, out);
	json_open(&j, NULL, '{');
	json_plain(&j, "type", "restore");
	restore_json_members(&j, view);
	json_close(&j, '}');
	putc('\n', out);
}
