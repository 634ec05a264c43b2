/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/figures/filter.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

const struct filter_example filter_examples[] = {
	{ "web|db", "the name or the process id matches this regular expression" },
	{ "vm=web*", "the name; * and ? stand for any characters; or vm=4312" },
	{ "name~^web-[0-9]$", "~ takes a regular expression, of any column" },
	{ "name=\"my guest\"", "a value with blanks stands in double quotes" },
	{ "p99>500us", "a time in ns, us (unless said), ms, s, m, h, d; or < >= <= = !=" },
	{ "max=P", "what lasts still, by the letter before its age: P, U or M" },
	{ "drops>=2.5k", "a count, also with k, M, G, T" },
	{ "event=0x7", "a number; event=- where it is unknown, event!=- where it is known" },
	{ "state=PM", "all of these letters; or as shown: state=RE-PM, state=gone" },
	{ "blame=masked", "masked, disabled, blocked, entry, \"off CPU\", guest, host; or msk" },
	{ "masked>2s", "masked for so long; or masked=yes, masked=no, masked>10% of the time" },
};

const size_t filter_example_count = sizeof(filter_examples) / sizeof(filter_examples[0]);

enum operator { OP_MATCHES, OP_EQUAL, OP_UNEQUAL, OP_LESS, OP_MORE, OP_AT_MOST, OP_AT_LEAST };

/* The longer ones first, where one begins with the other. */
static const struct {
	const char *text;
	enum operator op;
} operators[] = {
	{ "!=", OP_UNEQUAL }, { "<=", OP_AT_MOST }, { ">=", OP_AT_LEAST }, { "=", OP_EQUAL },
	{ "<", OP_LESS }, { ">", OP_MORE }, { "~", OP_MATCHES },
};

struct term {
	const struct column *column;	/* NULL: name or process id */
	enum operator op;
	bool unknown;			/* the value is "-" */
	bool is_number;
	double number;			/* in the cell's unit */
	char *text;
	regex_t pattern;
	bool has_pattern;
};

struct filter {
	struct term terms[FILTER_TERMS_MAX];
	size_t count;
	const struct column *name, *vm;
};

/* What is read: a word of it without its quotes, and where in the text each byte of that stands. */
struct parser {
	struct filter *filter;
	const char *text;
	char word[FILTER_LENGTH_MAX + 1];
	size_t from[FILTER_LENGTH_MAX + 1];
	char *message;
	size_t size;
};

/* Number of the character that a byte of the text belongs to, the first is 1. */
static size_t character_at(const char *text, size_t byte)
{
	size_t number = 0;

	for (size_t i = 0; i <= byte && text[i]; i++)
		number += ((unsigned char)text[i] & 0xc0) != 0x80;
	return text[byte] ? number : number + 1;
}

/* at: in the word. */
__attribute__((format(printf, 3, 4)))
static int complain(const struct parser *p, const char *at, const char *format, ...)
{
	size_t character = character_at(p->text, p->from[at - p->word]);
	int length = snprintf(p->message, p->size, "character %zu: ", character);
	va_list args;

	va_start(args, format);
	if (length < (int)p->size)
		vsnprintf(p->message + length, p->size - length, format, args);
	va_end(args);
	return -EINVAL;
}

/* --- words */

/* The next word behind byte *at, and *at behind it. Its length, or -1 at the end, or -EINVAL for an open quote. */
static int next_word(struct parser *p, size_t *at)
{
	const char *text = p->text;
	size_t i = *at, quote = 0, length = 0;
	bool quoted = false;

	while (isspace((unsigned char)text[i]))
		i++;
	if (!text[i])
		return -1;
	for (; text[i] && (quoted || !isspace((unsigned char)text[i])); i++) {
		p->from[length] = i;
		if (text[i] != '"')
			p->word[length++] = text[i];
		else if ((quoted = !quoted))
			quote = i;
	}
	p->from[length] = i;
	p->word[length] = '\0';
	*at = i;
	if (!quoted)
		return length;
	p->from[0] = quote;
	return complain(p, p->word, "this \" has no end");
}

/* By its id, or as it stands above the table. */
static const struct column *named_column(const char *name)
{
	for (size_t i = 0; i < column_count; i++) {
		const struct column *column = &columns[i];

		if (strcasecmp(column->id, name) == 0 || strcasecmp(column->title, name) == 0 ||
		    (column->total && strcasecmp(column->total, name) == 0) || (column->several && strcasecmp(column->several, name) == 0))
			return column;
	}
	return NULL;
}

static bool is_plain_name(const char *name)
{
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return !*name;
}

static const char *find_operator(const char *at, enum operator *op, const char **value)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t length = strlen(operators[i].text);

		if (strncmp(at, operators[i].text, length) != 0)
			continue;
		*op = operators[i].op;
		*value = at + length;
		return at;
	}
	return NULL;
}

/* --- values */

static const struct unit {
	const char *name;
	enum column_unit of;
	double scale;			/* to what the cell has */
} units[] = {
	{ "ns", UNIT_US, 1 }, { "us", UNIT_US, 1e3 }, { "ms", UNIT_US, 1e6 }, { "s", UNIT_US, 1e9 }, { "m", UNIT_US, 60e9 },
	{ "h", UNIT_US, 3600e9 }, { "d", UNIT_US, 86400e9 }, { "", UNIT_US, 1e3 },
	{ "%", UNIT_PERCENT, 0.01 }, { "", UNIT_PERCENT, 0.01 },
	{ "", UNIT_COUNT, 1 }, { "k", UNIT_COUNT, 1e3 }, { "m", UNIT_COUNT, 1e6 }, { "g", UNIT_COUNT, 1e9 }, { "t", UNIT_COUNT, 1e12 },
	{ "", UNIT_ID, 1 },
};

/* Decimal, or an id as 0x…; never what else strtod() knows, as "inf" and "nan". */
static bool read_number(const char *text, double *number, const char **end)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && isxdigit((unsigned char)text[2]);
	const char *digit = text + (*text == '-');
	char *stop;

	if (!isdigit((unsigned char)*digit) && !(*digit == '.' && isdigit((unsigned char)digit[1])))
		return false;
	*number = hex ? (double)strtoull(text, &stop, 16) : strtod(text, &stop);
	*end = stop;
	return true;
}

/* The unit that text begins with, up to the next digit; NULL: the column has none of that name. */
static const struct unit *find_unit(const struct column *column, const char *text, size_t length)
{
	enum column_unit of = column->unit == UNIT_AGE ? UNIT_US : column->unit;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].of == of && strlen(units[i].name) == length && strncasecmp(units[i].name, text, length) == 0)
			return &units[i];
	return NULL;
}

/* As cells have it: 2.5k, 10%, 1.5ms; a time also as 4m05s. */
static bool read_value(const struct column *column, const char *text, double *number)
{
	const struct unit *unit;
	bool first = true;
	double part;

	*number = 0;
	do {
		size_t length;

		if (!read_number(text, &part, &text))
			return false;
		length = strcspn(text, "0123456789.");
		unit = find_unit(column, text, length);
		if (!unit || (!length && !first))
			return false;
		first = false;
		*number += part * unit->scale;
		text += length;
	} while (*text && unit->of == UNIT_US);
	return !*text;
}

/* Nested repetitions make patterns of a few letters fill the memory. */
static bool is_harmless(const char *pattern)
{
	const char *brace = strchr(pattern, '{');

	return strlen(pattern) <= 255 && (!brace || !strchr(brace + 1, '{'));
}

static int compile(struct term *term, const char *pattern, const struct parser *p)
{
	char why[80];
	int err;

	if (!is_harmless(pattern))
		return complain(p, pattern, "the regular expression is too long or repeats too much");
	err = regcomp(&term->pattern, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB);
	if (err) {
		regerror(err, &term->pattern, why, sizeof(why));
		return complain(p, pattern, "not a regular expression: %s", why);
	}
	term->has_pattern = true;
	return 0;
}

static bool is_text(const struct column *column)
{
	return column->unit == UNIT_TEXT;
}

/* vm=web* is about the name, masked>10% about the share. */
static const struct column *meant(const struct column *column, const char *value)
{
	size_t length = strlen(value);
	double number;

	if (strcmp(column->id, "vm") == 0 && strcmp(value, "-") != 0 && !read_value(column, value, &number))
		return column_find("name");
	if (column->unit == UNIT_AGE && length && value[length - 1] == '%')
		return column_find("share");
	return column;
}

static const char *example(const struct column *column)
{
	switch (column->unit) {
	case UNIT_US:
		return "a time, as in 500us or 2ms";
	case UNIT_AGE:
		return "a time, as in 500us or 2ms, nor yes, no or 1/4";
	case UNIT_PERCENT:
		return "a share, as in 10%";
	case UNIT_COUNT:
		return "a number, as in 20 or 2.5k";
	case UNIT_ID:
		return "a number, as in 7 or 0x7";
	case UNIT_TEXT:
		break;
	}
	return column->values;
}

static bool is_wildcard(const char *value)
{
	return strpbrk(value, "*?[") != NULL;
}

/* Where there is no number. */
static bool is_word(const struct column *column, const char *value)
{
	if (column->takes && column->takes(value))
		return true;
	return is_text(column) && (!column->takes || is_wildcard(value));
}

static bool is_equality(enum operator op)
{
	return op == OP_EQUAL || op == OP_UNEQUAL;
}

static int read_term(struct term *term, const char *value, const struct parser *p)
{
	const struct column *column = term->column;

	if (!*value)
		return complain(p, value, "a value is missing behind %s", column->id);
	term->text = strdup(value);
	if (!term->text)
		return -ENOMEM;
	term->unknown = strcmp(value, "-") == 0 && is_equality(term->op);
	if (term->unknown)
		return 0;
	if (term->op == OP_MATCHES)
		return compile(term, value, p);
	if (is_text(column) && !is_equality(term->op))
		return complain(p, value, "%s is a text: it takes =, != and ~", column->id);
	term->is_number = !is_text(column) && read_value(column, value, &term->number);
	if (term->is_number || (is_equality(term->op) && is_word(column, value)))
		return 0;
	return complain(p, value, "'%.*s' is not %s", (int)text_cut(value, 24, NULL), value, example(column));
}

/* A word with an operator behind the name of a column. */
static int read_condition(struct term *term, const char *at, const struct parser *p)
{
	char name[32];
	const char *value;

	snprintf(name, sizeof(name), "%.*s", (int)(at - p->word), p->word);
	term->column = named_column(name);
	if (!term->column)
		return complain(p, p->word, "no column is called '%.*s'", (int)text_cut(name, 24, NULL), name);
	if (!find_operator(at, &term->op, &value))
		return complain(p, at, "an operator is one of = != < > <= >= ~");
	term->column = meant(term->column, value);
	return read_term(term, value, p);
}

static int take_word(struct parser *p)
{
	struct filter *f = p->filter;
	struct term *term = &f->terms[f->count];
	size_t length = strcspn(p->word, "=!<>~");
	char name[32];

	if (f->count == FILTER_TERMS_MAX)
		return complain(p, p->word, "more than %d conditions", FILTER_TERMS_MAX);
	*term = (struct term){ .op = OP_MATCHES };
	f->count++;
	snprintf(name, sizeof(name), "%.*s", (int)length, p->word);
	if (p->word[length] && !length)
		return complain(p, p->word, "a column belongs before an operator, without a blank, as in p99>500us");
	if (p->word[length] && (is_plain_name(name) || named_column(name)))
		return read_condition(term, p->word + length, p);
	return compile(term, p->word, p);
}

static int parse(struct parser *p)
{
	size_t at = 0;
	int length, err = 0;

	if (strlen(p->text) > FILTER_LENGTH_MAX) {
		snprintf(p->message, p->size, "the filter is longer than %d bytes", FILTER_LENGTH_MAX);
		return -EINVAL;
	}
	while (!err && (length = next_word(p, &at)) != -1)
		err = length > 0 ? take_word(p) : length;
	return err;
}

int filter_new(struct filter **filter, const char *text, char *message, size_t size)
{
	struct filter *f = calloc(1, sizeof(*f));
	struct parser p = { .filter = f, .text = text, .message = message, .size = size };
	int err = f ? 0 : -ENOMEM;

	*filter = NULL;
	if (!err) {
		f->name = column_find("name");
		f->vm = column_find("vm");
		err = parse(&p);
	}
	if (!err && f->count)
		*filter = f;
	else
		filter_free(f);
	return err;
}

void filter_free(struct filter *f)
{
	for (size_t i = 0; f && i < f->count; i++) {
		free(f->terms[i].text);
		if (f->terms[i].has_pattern)
			regfree(&f->terms[i].pattern);
	}
	free(f);
}

/* --- matching */

/* What people would call the cell, numbers as integers. */
static const char *cell_text(const struct cell *cell, char *buf, size_t size)
{
	if (cell->kind == CELL_TEXT)
		return cell->string ? cell->string : cell->letters;
	snprintf(buf, size, "%.0f", cell->number);
	return buf;
}

static bool text_equal(const struct term *term, const struct cell *cell, const char *text)
{
	if (term->column->takes && term->column->takes(term->text))
		return term->column->is(cell, term->text);
	return fnmatch(term->text, text, FNM_CASEFOLD) == 0;
}

static bool compare(enum operator op, double a, double b)
{
	switch (op) {
	case OP_EQUAL:
		return a == b;
	case OP_UNEQUAL:
		return a != b;
	case OP_LESS:
		return a < b;
	case OP_MORE:
		return a > b;
	case OP_AT_MOST:
		return a <= b;
	case OP_AT_LEAST:
		return a >= b;
	case OP_MATCHES:
		break;
	}
	return false;
}

static bool holds(const struct term *term, const struct cell *cell)
{
	char buf[32];
	const char *text;

	if (term->unknown)
		return (cell->kind == CELL_UNKNOWN) == (term->op == OP_EQUAL);
	if (cell->kind == CELL_UNKNOWN)
		return false;
	if (term->is_number)
		return cell->kind == CELL_NUMBER && compare(term->op, cell->number, term->number);
	text = cell_text(cell, buf, sizeof(buf));
	if (term->has_pattern)
		return regexec(&term->pattern, text, 0, NULL, 0) == 0;
	return text_equal(term, cell, text) == (term->op == OP_EQUAL);
}

static bool term_holds(const struct filter *f, const struct term *term, filter_cell_t cell, const void *row)
{
	struct cell own;

	if (term->column) {
		own = cell(row, term->column);
		return holds(term, &own);
	}
	own = cell(row, f->name);
	if (holds(term, &own))
		return true;
	own = cell(row, f->vm);
	return holds(term, &own);
}

bool filter_match(const struct filter *f, filter_cell_t cell, const void *row)
{
	for (size_t i = 0; f && i < f->count; i++)
		if (!term_holds(f, &f->terms[i], cell, row))
			return false;
	return true;
}
