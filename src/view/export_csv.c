// SPDX-License-Identifier: GPL-2.0-only
/*
 * A line per slice. Numbers are written by hand: there are many of them, and this has to keep up with reading.
 * Unknown is empty.
 */
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "export_inside.h"

#define LINE_ROOM 512	/* without the name */

struct line {
	char text[LINE_ROOM];
	size_t size;
};

static void put_text(struct line *l, const char *text)
{
	size_t length = strlen(text);

	memcpy(l->text + l->size, text, length);
	l->size += length;
}

static void put_number(struct line *l, uint64_t value)
{
	char digits[20];
	unsigned int at = sizeof(digits);

	do {
		digits[--at] = '0' + value % 10;
		value /= 10;
	} while (value);
	memcpy(l->text + l->size, digits + at, sizeof(digits) - at);
	l->size += sizeof(digits) - at;
}

static void put_comma(struct line *l)
{
	l->text[l->size++] = ',';
}

static void put_field(struct line *l, uint64_t value)
{
	put_comma(l);
	put_number(l, value);
}

static void write_line(struct export *x, struct line *l)
{
	fwrite_unlocked(l->text, 1, l->size, export_state(x)->out);
	l->size = 0;
}

static void begin(struct export *x)
{
	fputs("kind,vm,instance,name,vcpu,event,start_ns,end_ns,duration_ns,outcome,signals,blocked_by"
#define X(field, help) "," #field "_ns"
	      MODEL_BLAMES(X)
#undef X
	      "\n", export_state(x)->out);
}

static void put_blame(struct line *l, const struct model_late *late)
{
	put_field(l, late->signals);
	put_comma(l);
	if (late->blocked_by != SDEI_NONE)
		put_number(l, late->blocked_by);
	for (unsigned int part = 0; part < BLAME_COUNT; part++)
		put_field(l, late->blame.ns[part]);
}

/* The same number of fields. */
static void put_no_blame(struct line *l)
{
	for (unsigned int field = 0; field < 2 + BLAME_COUNT; field++)
		put_comma(l);
}

static void put_slice(struct export *x, const struct export_slice *drawn)
{
	const struct slice *s = drawn->slice;
	struct line l;

	l.size = 0;
	put_text(&l, s->initial ? "initial_mask" : slice_kind_name(s->kind));
	put_field(&l, drawn->vm->pid);
	put_field(&l, drawn->vm->instance);
	put_comma(&l);
	write_line(x, &l);
	fputs_unlocked(drawn->vm->shown, export_state(x)->out);
	put_field(&l, s->vcpu->id);
	put_comma(&l);
	if (s->event)
		put_number(&l, s->event->event);
	put_field(&l, s->from_ns);
	put_field(&l, s->to_ns);
	put_field(&l, s->to_ns - s->from_ns);
	put_comma(&l);
	put_text(&l, slice_end_name(s->end));
	if (s->blamed)
		put_blame(&l, &s->late);
	else
		put_no_blame(&l);
	l.text[l.size++] = '\n';
	write_line(x, &l);
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
};
