/* SPDX-License-Identifier: GPL-2.0-only */
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "escape.h"
#include "format.h"

static const char *title_of(const struct column *column, const struct view_scope *scope)
{
	return scope->total && column->total ? column->total : column->title;
}

/* Text is padded by its columns, as bytes and characters differ; nothing trails the last column. */
static void put_padded(FILE *out, const char *text, const struct column *column, bool last)
{
	unsigned int used;
	size_t bytes = column->unit == UNIT_TEXT ? text_cut(text, column->wide, &used) : strlen(text);
	int pad;

	if (column->unit != UNIT_TEXT)
		used = bytes;
	pad = used < column->wide ? column->wide - used : 0;
	if (column->left)
		fprintf(out, "%.*s%*s", (int)bytes, text, last ? 0 : pad, "");
	else
		fprintf(out, "%*s%s", pad, "", text);
	putc(last ? '\n' : ' ', out);
}

struct shown {
	const struct column *column[32];
	size_t count;
};

static void choose_columns(struct shown *shown, const struct table *t)
{
	shown->count = 0;
	for (size_t i = 0; i < column_count; i++)
		if (!columns[i].rare || table_has(t, &columns[i]))
			shown->column[shown->count++] = &columns[i];
}

static void put_rows(FILE *out, const struct table *t)
{
	struct shown shown;

	choose_columns(&shown, t);
	for (size_t i = 0; i < shown.count; i++)
		put_padded(out, title_of(shown.column[i], table_scope(t)), shown.column[i], i + 1 == shown.count);
	for (size_t row = 0; row < table_count(t); row++) {
		for (size_t i = 0; i < shown.count; i++) {
			const struct column *column = shown.column[i];
			struct cell cell = table_cell(t, row, column);
			char buf[FORMAT_SIZE];

			put_padded(out, column_format(column, &cell, table_scope(t), column->wide, buf, sizeof(buf)), column,
				   i + 1 == shown.count);
		}
	}
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void put_status(FILE *out, const struct model *m, const struct view_status *status, size_t vms, size_t vcpus)
{
	const struct model_totals *totals = model_totals(m);

	fprintf(out, "  %zu VM%s, %zu vCPU%s  LOST %" PRIu64 "  probes %u/%u", vms, plural(vms), vcpus, plural(vcpus),
		totals->lost, status->probes_attached, status->probes_total);
	if (status->cpu_percent >= 0)
		fprintf(out, "  CPU %.1f %%", status->cpu_percent);
	putc('\n', out);
}

static void put_interval_head(FILE *out, const struct model *m, const struct view_status *status)
{
	const struct model_totals *totals = model_totals(m);
	char wall[FORMAT_SIZE];

	fprintf(out, "%s %s", format_wall(wall, sizeof(wall), status->wall_ns), status->host);
	if (totals->interval_ns)
		fprintf(out, "  %.1f events/s", totals->interval_records * 1e9 / totals->interval_ns);
	put_status(out, m, status, totals->vms, totals->vcpus);
}

/* Of all that were seen, as the table is. */
static void put_summary_head(FILE *out, const struct model *m, const struct view_status *status)
{
	const struct model_totals *totals = model_totals(m);
	size_t vms, vcpus = 0;
	struct model_vm *const *vm = model_vms(m, &vms);

	for (size_t i = 0; i < vms; i++)
		vcpus += vm[i]->vcpu_count;
	fprintf(out, "summary of %.1f s on %s  %" PRIu64 " events", (status->now_ns - totals->start_ns) / 1e9, status->host,
		totals->records);
	put_status(out, m, status, vms, vcpus);
}

static void put_quality(FILE *out, const struct model *m, const struct view_status *status)
{
	const struct model_totals *totals = model_totals(m);

	if (totals->lost)
		fprintf(out, "LOST %" PRIu64 " records: counts are exact, times miss samples in the rows marked ~\n", totals->lost);
	if (totals->late)
		fprintf(out, "%" PRIu64 " records came late\n", totals->late);
	if (totals->misfits)
		fprintf(out, "%" PRIu64 " records did not fit the state before them\n", totals->misfits);
	if (totals->unknown + status->counters.malformed)
		fprintf(out, "%" PRIu64 " records were malformed\n", totals->unknown + status->counters.malformed);
	if (totals->no_memory)
		fprintf(out, "%" PRIu64 " records found no memory\n", totals->no_memory);
}

static int put_table(FILE *out, const struct model *m, const struct view_scope *scope, const struct table_options *options)
{
	struct table *t = table_new();
	int err = t ? table_build(t, m, scope, options) : -ENOMEM;

	if (!err)
		put_rows(out, t);
	table_free(t);
	return err;
}

int text_interval(FILE *out, const struct model *m, const struct view_status *status, const struct table_options *options)
{
	struct view_scope scope = { .now_ns = status->now_ns, .interval_ns = model_totals(m)->interval_ns };
	struct table_options own = *options;
	int err;

	own.gone_since_ns = status->now_ns - scope.interval_ns;
	put_interval_head(out, m, status);
	err = put_table(out, m, &scope, &own);
	putc('\n', out);
	return err;
}

int text_summary(FILE *out, const struct model *m, const struct view_status *status, const struct table_options *options)
{
	struct view_scope scope = { .now_ns = status->now_ns, .total = true };
	struct table_options own = *options;
	int err;

	own.gone = true;
	put_summary_head(out, m, status);
	err = put_table(out, m, &scope, &own);
	put_quality(out, m, status);
	return err;
}

void text_column_help(FILE *out)
{
	for (size_t i = 0; i < column_count; i++)
		fprintf(out, "  %-12s %-7s %s\n", columns[i].id, columns[i].title, columns[i].help);
}
