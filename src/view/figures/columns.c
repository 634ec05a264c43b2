/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/figures/columns.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "view/figures/format.h"
#include "session/vm_names.h"
#include "view/figures/why.h"

static const struct cell unknown = { .kind = CELL_UNKNOWN };

static struct cell number(double value)
{
	return (struct cell){ .kind = CELL_NUMBER, .number = value };
}

static struct cell text(const char *string, double key)
{
	return (struct cell){ .kind = CELL_TEXT, .string = string, .number = key };
}

static struct cell get_vm(const struct view_row *row, const struct view_scope *scope)
{
	return number(row->vm->pid);
}

static struct cell get_name(const struct view_row *row, const struct view_scope *scope)
{
	return text(name_of(row->vm)->shown, 0);
}

static struct cell get_vcpu(const struct view_row *row, const struct view_scope *scope)
{
	return number(row->vcpu ? row->vcpu->id : row->sum->vcpus);
}

static struct cell get_event(const struct view_row *row, const struct view_scope *scope)
{
	if (row->sum)
		return number(row->sum->tally.events);
	return row->event ? number(row->event->event) : unknown;
}

static unsigned int row_state(const struct view_row *row)
{
	unsigned int state = row->event ? row->event->state & ~SDEI_MASKED : 0;

	if (row->sum)
		return row->sum->state;
	return row->vcpu->mask_known && row->vcpu->masked ? state | SDEI_MASKED : state;
}

static bool row_gone(const struct view_row *row)
{
	return row->vcpu ? row->vcpu->gone : row->vm->gone;
}

static struct cell get_state(const struct view_row *row, const struct view_scope *scope)
{
	struct cell cell = text(NULL, row_state(row));

	if (row_gone(row))
		return text("gone", -1);
	if (row->vcpu && row->vcpu->off)
		return text("off", -1);
	sdei_state_letters(row_state(row), cell.letters);
	return cell;
}

static bool row_inexact(const struct view_row *row)
{
	if (row->sum)
		return row->sum->inexact;
	return row->vcpu->inexact || (row->event && row->event->inexact);
}

static struct cell get_inexact(const struct view_row *row, const struct view_scope *scope)
{
	bool inexact = row_inexact(row);

	return text(inexact ? "~" : "", inexact);
}

/* A count since the start, or its rate in the last interval. */
static struct cell rate(uint64_t total, uint64_t interval, const struct view_scope *scope)
{
	if (scope->total)
		return number(total);
	return scope->interval_ns ? number(model_per_second(interval, scope->interval_ns)) : unknown;
}

static const struct model_counts *row_counts(const struct view_row *row, bool interval)
{
	if (row->sum)
		return interval ? &row->sum->tally.interval : &row->sum->tally.count;
	if (!row->event)
		return NULL;
	return interval ? &row->event->interval : &row->event->count;
}

#define COUNT_GETTER(name, sum)								\
static struct cell get_##name(const struct view_row *row, const struct view_scope *scope)	\
{											\
	const struct model_counts *total = row_counts(row, false);			\
											\
	if (!total)									\
		return unknown;								\
	return rate(total_##sum(total), total_##sum(row_counts(row, true)), scope);	\
}

static uint64_t total_signals(const struct model_counts *c) { return c->signals; }
static uint64_t total_dispatched(const struct model_counts *c) { return c->dispatched; }
static uint64_t total_coalesced(const struct model_counts *c) { return c->coalesced; }
static uint64_t total_rejected(const struct model_counts *c) { return c->rejected; }
static uint64_t total_withdrawn(const struct model_counts *c) { return c->cancelled + c->cleared; }
static uint64_t total_drops(const struct model_counts *c)
{
	return c->coalesced + c->rejected + c->cancelled + c->cleared;
}

COUNT_GETTER(signals, signals)
COUNT_GETTER(dispatched, dispatched)
COUNT_GETTER(coalesced, coalesced)
COUNT_GETTER(rejected, rejected)
COUNT_GETTER(withdrawn, withdrawn)
COUNT_GETTER(drops, drops)

/* The histogram of the row that scope is about; NULL: empty. */
static const struct hist *hist_of(const struct view_row *row, const struct view_scope *scope, enum event_hist which)
{
	if (row->sum)
		return which == HIST_DISPATCH ? row->sum->dispatch : which == HIST_HANDLER ? row->sum->handler : row->sum->total;
	return row->event ? model_event_hist(row->event, scope->recent, which) : NULL;
}

#define HIST_GETTER(name, which, figure)							\
static struct cell get_##name(const struct view_row *row, const struct view_scope *scope)	\
{											\
	const struct hist *h = hist_of(row, scope, which);				\
											\
	return hist_count(h) ? number(figure) : unknown;				\
}

HIST_GETTER(min, HIST_DISPATCH, hist_min(h))
HIST_GETTER(avg, HIST_DISPATCH, hist_mean(h))
HIST_GETTER(stddev, HIST_DISPATCH, hist_stddev(h))
HIST_GETTER(p50, HIST_DISPATCH, hist_quantile(h, 0.5))
HIST_GETTER(p90, HIST_DISPATCH, hist_quantile(h, 0.9))
HIST_GETTER(p99, HIST_DISPATCH, hist_quantile(h, 0.99))
HIST_GETTER(p999, HIST_DISPATCH, hist_quantile(h, 0.999))
HIST_GETTER(handler_p99, HIST_HANDLER, hist_quantile(h, 0.99))
HIST_GETTER(total_p99, HIST_TOTAL, hist_quantile(h, 0.99))

static void get_worst(struct model_worst *worst, const struct view_row *row, const struct view_scope *scope)
{
	if (row->sum)
		*worst = row->sum->worst;
	else if (row->event)
		model_event_worst(worst, row->event, scope->now_ns, scope->recent);
	else
		model_vcpu_worst(worst, row->vcpu, scope->now_ns, scope->recent);
}

static struct cell get_max(const struct view_row *row, const struct view_scope *scope)
{
	struct model_worst worst;
	struct cell cell;

	get_worst(&worst, row, scope);
	cell = number(worst.ns);
	cell.mark = worst_letter(worst.kind);
	return worst.kind == WORST_NONE ? unknown : cell;
}

/* Of all waiting, or of that which the row is sorted by and which lasts. */
static struct cell get_blame(const struct view_row *row, const struct view_scope *scope)
{
	const struct model_blame *blame = row->sum ? &row->sum->tally.blame : row->event ? model_event_blame(row->event) : NULL;
	struct cell cell = text(NULL, 0);
	struct model_worst worst;

	get_worst(&worst, row, scope);
	if (worst.kind == WORST_pending)
		blame = &worst.wait.blame;
	if (!blame || !model_blame_total(blame))
		return unknown;
	/* Sorted by the share, as that is what is read. */
	cell.number = why_share(blame, model_blame_main(blame));
	why_short(cell.letters, sizeof(cell.letters), blame);
	return cell;
}

/* How many of the vCPUs. */
static struct cell masked_of_vm(const struct view_row *row)
{
	struct cell cell = text(NULL, row->sum->masked_vcpus);
	char buf[FORMAT_SIZE];

	if (!row->sum->mask_known || row->vm->gone)
		return unknown;
	if (!row->sum->masked_vcpus)
		return text("no", -1);
	snprintf(buf, sizeof(buf), "%u/%u", (unsigned int)row->sum->masked_vcpus, (unsigned int)row->sum->vcpus);
	snprintf(cell.letters, sizeof(cell.letters), "%.11s", buf);
	return cell;
}

/* A word where there is no age; sorted by age, masked since unknown times before all. */
static struct cell get_masked(const struct view_row *row, const struct view_scope *scope)
{
	const struct model_vcpu *vcpu = row->vcpu;

	if (!vcpu)
		return masked_of_vm(row);
	if (!vcpu->mask_known || vcpu->gone)
		return unknown;
	if (!vcpu->masked)
		return text("no", -1);
	if (!vcpu->masked_since_ns)
		return text("yes", 1e300);
	return number(scope->now_ns > vcpu->masked_since_ns ? scope->now_ns - vcpu->masked_since_ns : 0);
}

static struct cell share_total(const struct model_vcpu *vcpu, uint64_t now_ns)
{
	uint64_t end = vcpu->gone ? vcpu->gone_ns : now_ns;

	if (end <= vcpu->first_seen_ns || !model_vcpu_has_mask(vcpu))
		return unknown;
	return number((double)model_masked_ns(vcpu, end) / (end - vcpu->first_seen_ns));
}

static struct cell share_of_vm(const struct view_row *row, const struct view_scope *scope)
{
	const struct model_sum *sum = row->sum;
	uint64_t time = scope->total ? sum->seen_ns : sum->interval_vcpus * scope->interval_ns;

	if (!time)
		return unknown;
	return number((double)(scope->total ? sum->masked_ns : sum->interval_masked_ns) / time);
}

static struct cell get_masked_share(const struct view_row *row, const struct view_scope *scope)
{
	if (!row->vcpu)
		return share_of_vm(row, scope);
	if (scope->total)
		return share_total(row->vcpu, scope->now_ns);
	if (!row->vcpu->mask_known || row->vcpu->gone || !scope->interval_ns)
		return unknown;
	return number((double)row->vcpu->interval_masked_ns / scope->interval_ns);
}

static struct cell get_unaccounted(const struct view_row *row, const struct view_scope *scope)
{
	if (row->sum)
		return number(row->sum->tally.unaccounted);
	return row->event ? number(model_event_unaccounted(row->event)) : unknown;
}

/* --- words in filters */

static bool is_word(const char *value)
{
	return strcasecmp(value, "gone") == 0 || strcasecmp(value, "off") == 0;
}

/* As shown: "RE-PM", "gone", "off"; or some of the letters. */
static bool takes_state(const char *value)
{
	return is_word(value) || (*value && strspn(value, "REUPMreupm-") == strlen(value));
}

static bool is_state(const struct cell *cell, const char *value)
{
	if (cell->string || is_word(value))
		return cell->string && strcasecmp(cell->string, value) == 0;
	if (strchr(value, '-'))
		return strcasecmp(value, cell->letters) == 0;
	for (; *value; value++)
		if (!strchr(cell->letters, toupper((unsigned char)*value)))
			return false;
	return true;
}

/* The letter before an age that grows. */
static bool takes_mark(const char *value)
{
	return *value && strchr("PUMpum", *value) && !value[1];
}

static bool is_mark(const struct cell *cell, const char *value)
{
	return cell->mark == toupper((unsigned char)*value);
}

static bool takes_part(const char *value)
{
	return why_find_part(value) < BLAME_COUNT;
}

static bool is_part(const struct cell *cell, const char *value)
{
	if (strchr(value, '%'))
		return strcasecmp(cell->letters, value) == 0;
	return cell->kind == CELL_TEXT && why_find_part(cell->letters) == why_find_part(value);
}

/* Of a vCPU yes and no, of a VM how many: "1/4". */
static bool takes_masked(const char *value)
{
	size_t digits = strspn(value, "0123456789");

	if (strcasecmp(value, "yes") == 0 || strcasecmp(value, "no") == 0)
		return true;
	return digits && value[digits] == '/' && value[digits + 1] && !value[digits + 1 + strspn(value + digits + 1, "0123456789")];
}

static bool is_masked(const struct cell *cell, const char *value)
{
	const char *shown = cell->kind != CELL_TEXT ? "" : cell->string ? cell->string : cell->letters;

	if (strcasecmp(value, "yes") == 0)
		return strcmp(shown, "no") != 0;
	return strcasecmp(value, shown) == 0;
}

const struct column columns[] = {
	{ .id = "vm", .key = 'V', .title = "VM", .get = get_vm, .unit = UNIT_ID, .width = 4, .wide = 7, .rank = 1, .fixed = true,
	  .help = "process id of the VM (of its VMM)" },
	{ .id = "name", .title = "NAME", .get = get_name, .unit = UNIT_TEXT, .width = 6, .wide = 12, .rank = 8, .fixed = true,
	  .left = true, .flexible = true, .help = "guest name: QEMU's -name guest=..., else the command" },
	{ .id = "vcpu", .key = 'U', .title = "vCPU", .several = "vCPUs", .get = get_vcpu, .unit = UNIT_ID, .width = 4, .wide = 4, .rank = 2,
	  .fixed = true, .help = "vCPU id; of a VM, how many" },
	{ .id = "event", .key = 'E', .title = "EV", .several = "EVs", .get = get_event, .unit = UNIT_ID, .width = 2, .wide = 3, .rank = 3,
	  .fixed = true, .help = "SDEI event number; of a vCPU or VM, how many; - where no event is in use" },
	{ .id = "lost", .title = "~", .get = get_inexact, .unit = UNIT_TEXT, .width = 1, .wide = 1, .rank = 4, .rare = true,
	  .fixed = true, .left = true, .falling = true,
	  .help = "~ where records were lost: counts stay exact, times miss samples" },
	{ .id = "state", .title = "STATE", .get = get_state, .unit = UNIT_TEXT, .width = 5, .wide = 5, .rank = 5, .fixed = true,
	  .left = true, .falling = true, .takes = takes_state, .is = is_state, .values = "gone, off (by PSCI), or some of R, E, U, P and M",
	  .help = "R registered, E enabled, U running, P pending; M: the PE is masked" },
	{ .id = "signals", .key = 'S', .title = "SIG/s", .total = "SIGS", .get = get_signals, .unit = UNIT_COUNT, .width = 6, .wide = 8,
	  .rank = 10, .falling = true, .help = "signals, whatever became of them" },
	{ .id = "dispatched", .title = "DISP/s", .total = "DISPS", .get = get_dispatched, .unit = UNIT_COUNT, .width = 6,
	  .wide = 8, .rank = 13, .falling = true, .help = "times the handler was entered" },
	{ .id = "p50", .title = "p50us", .get = get_p50, .unit = UNIT_US, .width = 6, .wide = 8, .rank = 11, .falling = true,
	  .help = "dispatch latency, median: first queued signal to handler" },
	{ .id = "p99", .key = 'P', .title = "p99us", .get = get_p99, .unit = UNIT_US, .width = 6, .wide = 8, .rank = 6, .falling = true,
	  .help = "dispatch latency, 99th percentile" },
	{ .id = "max", .key = 'X', .title = "maxus", .get = get_max, .unit = UNIT_US, .width = 7, .wide = 8, .rank = 7, .falling = true,
	  .takes = takes_mark, .is = is_mark,
	  .help = "dispatch latency, worst; P, U, M: for so long now pending, running, masked" },
	{ .id = "handler", .key = 'H', .title = "H99us", .get = get_handler_p99, .unit = UNIT_US, .width = 6, .wide = 8, .rank = 15,
	  .falling = true, .help = "handler time, 99th percentile: dispatch to complete" },
	{ .id = "blame", .key = 'B', .title = "BLAME", .get = get_blame, .unit = UNIT_TEXT, .width = 8, .wide = 8, .rank = 9,
	  .left = true, .falling = true, .takes = takes_part, .is = is_part,
	  .values = "one of masked, disabled, blocked, entry, off CPU, guest and host",
	  .help = "what most of the waiting was: masked, disabled, blocked, entry (off CPU, guest, host); by P, of that one" },
	{ .id = "drops", .key = 'D', .title = "DROP/s", .total = "DROPS", .get = get_drops, .unit = UNIT_COUNT, .width = 6, .wide = 7,
	  .rank = 12, .falling = true, .help = "signals that got no dispatch of their own, all reasons" },
	{ .id = "coalesced", .title = "COAL/s", .total = "COAL", .get = get_coalesced, .unit = UNIT_COUNT, .width = 6, .wide = 7,
	  .rank = 17, .falling = true, .help = "of these, found the event pending already" },
	{ .id = "rejected", .title = "REJ/s", .total = "REJ", .get = get_rejected, .unit = UNIT_COUNT, .width = 6, .wide = 6,
	  .rank = 18, .falling = true, .help = "of these, refused (not registered, not allowed, busy)" },
	{ .id = "withdrawn", .title = "CANC/s", .total = "CANC", .get = get_withdrawn, .unit = UNIT_COUNT, .width = 6, .wide = 6,
	  .rank = 19, .falling = true, .help = "of these, cancelled or cleared (unregister, reset, end)" },
	{ .id = "masked", .key = 'M', .title = "MASKED", .get = get_masked, .unit = UNIT_AGE, .width = 6, .wide = 6, .rank = 16,
	  .falling = true, .takes = takes_masked, .is = is_masked, .help = "for how long the PE has been masked now" },
	{ .id = "share", .title = "MASK%", .get = get_masked_share, .unit = UNIT_PERCENT, .width = 5, .wide = 5, .rank = 14,
	  .falling = true, .help = "share of the time that the PE was masked" },
	{ .id = "p90", .title = "p90us", .get = get_p90, .unit = UNIT_US, .width = 6, .wide = 8, .rank = 20, .falling = true,
	  .extra = true, .help = "dispatch latency, 90th percentile" },
	{ .id = "p999", .title = "p999us", .get = get_p999, .unit = UNIT_US, .width = 6, .wide = 8, .rank = 21, .falling = true,
	  .extra = true, .help = "dispatch latency, 99.9th percentile" },
	{ .id = "avg", .title = "avgus", .get = get_avg, .unit = UNIT_US, .width = 6, .wide = 8, .rank = 22, .falling = true,
	  .extra = true, .help = "dispatch latency, mean" },
	{ .id = "min", .title = "minus", .get = get_min, .unit = UNIT_US, .width = 6, .wide = 8, .rank = 23, .falling = true,
	  .extra = true, .help = "dispatch latency, least" },
	{ .id = "stddev", .title = "sdevus", .get = get_stddev, .unit = UNIT_US, .width = 6, .wide = 8, .rank = 24,
	  .falling = true, .extra = true, .help = "dispatch latency, standard deviation" },
	{ .id = "total", .title = "T99us", .get = get_total_p99, .unit = UNIT_US, .width = 6, .wide = 8, .rank = 25,
	  .falling = true, .extra = true, .help = "signal to complete, 99th percentile" },
	{ .id = "unaccounted", .title = "UNACC", .get = get_unaccounted, .unit = UNIT_ID, .width = 6, .wide = 6, .rank = 0,
	  .rare = true, .falling = true, .help = "signals or handlers that do not add up; 0 without loss" },
};

const size_t column_count = sizeof(columns) / sizeof(columns[0]);

const struct column *column_find(const char *id)
{
	for (size_t i = 0; i < column_count; i++)
		if (strcmp(columns[i].id, id) == 0)
			return &columns[i];
	return NULL;
}

const char *column_title(const struct column *column, const struct view_scope *scope)
{
	bool several = column->unit == UNIT_ID && scope->level > (strcmp(column->id, "vcpu") == 0 ? LEVEL_VCPU : LEVEL_EVENT);

	if (several && column->several)
		return column->several;
	return scope->total && column->total ? column->total : column->title;
}

static const char *format_number(const struct column *column, double value, const struct view_scope *scope,
				 unsigned int width, char *buf, size_t size)
{
	switch (column->unit) {
	case UNIT_COUNT:
		if (!scope->total)
			return format_real(buf, size, value, width);
		return format_count(buf, size, value, width);
	case UNIT_US:
		return format_us(buf, size, value, width);
	case UNIT_PERCENT:
		return format_real(buf, size, value * 100, width);
	case UNIT_AGE:
		return format_age(buf, size, value);
	case UNIT_ID:
	case UNIT_TEXT:
		break;
	}
	snprintf(buf, size, "%.0f", value);
	return buf;
}

const char *column_format(const struct column *column, const struct cell *cell, const struct view_scope *scope,
			  unsigned int width, char *buf, size_t size)
{
	switch (cell->kind) {
	case CELL_NUMBER:
		if (!cell->mark)
			return format_number(column, cell->number, scope, width, buf, size);
		*buf = cell->mark;
		format_lasting(buf + 1, size - 1, cell->number, width - 1);
		return buf;
	case CELL_TEXT:
		if (cell->string)
			return cell->string;
		snprintf(buf, size, "%s", cell->letters);
		return buf;
	case CELL_UNKNOWN:
		break;
	}
	return "-";
}

int column_compare(const struct column *column, const struct cell *a, const struct cell *b)
{
	int order;

	if (a->kind == CELL_UNKNOWN || b->kind == CELL_UNKNOWN)
		return (a->kind == CELL_UNKNOWN) - (b->kind == CELL_UNKNOWN);
	order = (a->number > b->number) - (a->number < b->number);
	if (order == 0 && a->string && b->string)
		order = strcmp(a->string, b->string);
	return column->falling ? -order : order;
}
