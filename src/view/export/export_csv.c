// SPDX-License-Identifier: GPL-2.0-only
/* A line per slice, and per stage of a page fault. Unknown is empty. */
#include <stdlib.h>
#include <string.h>

#include "util/text.h"
#include "view/export/export_inside.h"
#include "util/line.h"
#include "record/names.h"

static void put_number(struct line *p, uint64_t value)
{
	line_u64(p, value, 0, ' ');
}

static void put_field(struct line *p, uint64_t value)
{
	line_char(p, ',');
	put_number(p, value);
}

static void begin(struct export *x)
{
	fputs("kind,vm,instance,name,vcpu,event,start_ns,end_ns,duration_ns,outcome,signals,blocked_by"
#define X(field, help) "," #field "_ns"
	      MODEL_BLAMES(X)
#undef X
	      "\n", export_state(x)->out);
}

static void put_blame(struct line *p, const struct model_late *late)
{
	put_field(p, late->signals);
	line_char(p, ',');
	if (late->blocked_by != SDEI_NONE)
		put_number(p, late->blocked_by);
	for (unsigned int part = 0; part < BLAME_COUNT; part++)
		put_field(p, late->blame.ns[part]);
}

/* The same number of fields. */
static void put_no_blame(struct line *p)
{
	for (unsigned int field = 0; field < 2 + BLAME_COUNT; field++)
		line_char(p, ',');
}

/* The first fields, up to the vCPU. */
static void put_whose(struct line *p, const struct export_vm *vm, const struct model_vcpu *vcpu)
{
	put_field(p, vm->pid);
	put_field(p, vm->instance);
	line_char(p, ',');
	line_text(p, vm->shown);
	put_field(p, vcpu->id);
	line_char(p, ',');
}

static void put_times(struct line *p, uint64_t from_ns, uint64_t to_ns)
{
	put_field(p, from_ns);
	put_field(p, to_ns);
	put_field(p, to_ns - from_ns);
	line_char(p, ',');
}

static void put_slice(struct export *x, const struct export_slice *drawn)
{
	const struct slice *s = drawn->slice;
	struct line p;

	line_begin(&p, export_state(x)->out);
	line_text(&p, s->initial ? "initial_mask" : slice_kind_name(s->kind));
	put_whose(&p, drawn->vm, s->vcpu);
	if (s->event)
		put_number(&p, s->event->event);
	put_times(&p, s->from_ns, s->to_ns);
	line_text(&p, slice_end_name(s->end));
	if (s->blamed)
		put_blame(&p, &s->late);
	else
		put_no_blame(&p);
	line_char(&p, '\n');
	line_end(&p);
}

static void put_fault(struct export *x, const struct export_fault *fault)
{
	const struct fault_slice *s = fault->slice;
	struct line p;

	line_begin(&p, export_state(x)->out);
	line_text(&p, "fault_");
	line_text(&p, apf_stage_name(s->stage));
	put_whose(&p, fault->vm, s->vcpu);
	put_times(&p, s->from_ns, s->to_ns);
	if (s->stage == APF_STAGE_total)
		line_text(&p, record_apf_outcome(APF_PRESENT, s->record->outcome));
	put_no_blame(&p);
	line_char(&p, '\n');
	line_end(&p);
}

/* As RFC 4180 wants it; a start that spreadsheets take for a formula is escaped like the rest of what is unsafe. */
static void put_quoted(FILE *out, const char *text)
{
	putc('"', out);
	if (*text && strchr("=+-@", *text))
		fprintf(out, "\\x%02x", *text++);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

static char *quoted_name(const char *name)
{
	char *plain = escape_terminal(name ? name : "", true), *text = NULL;
	size_t size;
	FILE *out = plain ? open_memstream(&text, &size) : NULL;
	bool written;

	if (!out) {
		free(plain);
		return NULL;
	}
	if (*plain)
		put_quoted(out, plain);
	free(plain);
	written = fclose(out) == 0;
	if (!written) {
		free(text);
		text = NULL;
	}
	return text;
}

const struct export_format export_csv = {
	.name = quoted_name,
	.begin = begin,
	.slice = put_slice,
	.fault = put_fault,
};
