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

struct complaint {
	char *message;
	size_t size;
};

__attribute__((format(printf, 2, 3)))
static int complain(const struct complaint *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->message, c->size, format, args);
	va_end(args);
	return -EINVAL;
}

/* --- words */

/* The next word of *at without its quotes; *at behind it. The length, or -1 at the end, or -EINVAL for an open quote. */
static int next_word(const char **at, char *word)
{
	const char *from = *at;
	bool quoted = false;
	int length = 0;

	while (isspace((unsigned char)*from))
		from++;
	if (!*from)
		return -1;
	for (; *from && (quoted || !isspace((unsigned char)*from)); from++) {
		if (*from == '"')
			quoted = !quoted;
		else
			word[length++] = *from;
	}
	word[length] = '\0';
	*at = from;
	return quoted ? -EINVAL : length;
}

/* Where the operator stands in a word that begins like one with a column; NULL: it is a plain word. */
static const char *find_operator(const char *word, enum operator *op, const char **value)
{
	const char *at = word;

	while (isalnum((unsigned char)*at) || *at == '_')
		at++;
	for (size_t i = 0; at > word && i < sizeof(operators) / sizeof(operators[0]); i++) {
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
	{ "ns", UNIT_US, 1 }, { "us", UNIT_US, 1e3 }, { "ms", UNIT_US, 1e6 }, { "s", UNIT_US, 1e9 }, { "", UNIT_US, 1e3 },
	{ "ns", UNIT_AGE, 1 }, { "us", UNIT_AGE, 1e3 }, { "ms", UNIT_AGE, 1e6 }, { "s", UNIT_AGE, 1e9 }, { "", UNIT_AGE, 1e3 },
	{ "%", UNIT_PERCENT, 0.01 }, { "", UNIT_PERCENT, 0.01 },
	{ "", UNIT_COUNT, 1 }, { "k", UNIT_COUNT, 1e3 }, { "m", UNIT_COUNT, 1e6 }, { "g", UNIT_COUNT, 1e9 },
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

static bool read_value(const struct column *column, const char *text, double *number)
{
	const char *suffix;

	if (!read_number(text, number, &suffix))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].of != column->unit || strcasecmp(units[i].name, suffix) != 0)
			continue;
		*number *= units[i].scale;
		return true;
	}
	return false;
}

/* Nested repetitions make patterns of a few letters fill the memory. */
static bool is_harmless(const char *pattern)
{
	const char *brace = strchr(pattern, '{');

	return strlen(pattern) <= 255 && (!brace || !strchr(brace + 1, '{'));
}

static int compile(struct term *term, const char *pattern, const struct complaint *c)
{
	char why[80];
	int err;

	if (!is_harmless(pattern))
		return complain(c, "the regular expression is too long or repeats too much");
	err = regcomp(&term->pattern, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB);
	if (err) {
		regerror(err, &term->pattern, why, sizeof(why));
		return complain(c, "not a regular expression: %s", why);
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
	case UNIT_AGE:
		return "a time, as in 500us or 2ms";
	case UNIT_PERCENT:
		return "a share, as in 10%";
	case UNIT_COUNT:
	case UNIT_ID:
	case UNIT_TEXT:
		break;
	}
	return "a number";
}

static int read_term(struct term *term, const char *value, const struct complaint *c)
{
	const struct column *column = term->column;

	if (!*value)
		return complain(c, "%s: a value is missing", column->id);
	term->text = strdup(value);
	if (!term->text)
		return -ENOMEM;
	term->unknown = strcmp(value, "-") == 0 && (term->op == OP_EQUAL || term->op == OP_UNEQUAL);
	if (term->unknown)
		return 0;
	if (term->op == OP_MATCHES)
		return compile(term, value, c);
	if (is_text(column) && term->op != OP_EQUAL && term->op != OP_UNEQUAL)
		return complain(c, "%s is a text: it takes =, != and ~", column->id);
	term->is_number = !is_text(column) && read_value(column, value, &term->number);
	/* "masked=no": a word where there is no number. */
	if (!term->is_number && !is_text(column) && !(column->unit == UNIT_AGE && isalpha((unsigned char)*value)))
		return complain(c, "%s: '%.40s' is not %s", column->id, value, example(column));
	return 0;
}

static int take_word(struct filter *f, const char *word, const struct complaint *c)
{
	struct term *term = &f->terms[f->count];
	const char *value, *at;
	char id[32];

	if (f->count == FILTER_TERMS_MAX)
		return complain(c, "more than %d conditions", FILTER_TERMS_MAX);
	*term = (struct term){ .op = OP_MATCHES };
	f->count++;
	at = find_operator(word, &term->op, &value);
	if (!at)
		return compile(term, word, c);
	snprintf(id, sizeof(id), "%.*s", (int)(at - word), word);
	term->column = column_find(id);
	if (!term->column)
		return complain(c, "no column is called '%s'", id);
	term->column = meant(term->column, value);
	return read_term(term, value, c);
}

static int parse(struct filter *f, const char *text, const struct complaint *c)
{
	char word[FILTER_LENGTH_MAX + 1];
	int length, err = 0;

	if (strlen(text) > FILTER_LENGTH_MAX)
		return complain(c, "the filter is longer than %d bytes", FILTER_LENGTH_MAX);
	while (!err && (length = next_word(&text, word)) != -1) {
		if (length < 0)
			return complain(c, "a \" has no end");
		if (length > 0)
			err = take_word(f, word, c);
	}
	return err;
}

int filter_new(struct filter **filter, const char *text, char *message, size_t size)
{
	const struct complaint c = { message, size };
	struct filter *f = calloc(1, sizeof(*f));
	int err = f ? 0 : -ENOMEM;

	*filter = NULL;
	if (!err) {
		f->name = column_find("name");
		f->vm = column_find("vm");
		err = parse(f, text, &c);
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

/* All letters of the value are among the cell's. */
static bool has_letters(const char *letters, const char *wanted)
{
	for (; *wanted; wanted++)
		if (!strchr(letters, toupper((unsigned char)*wanted)))
			return false;
	return true;
}

static bool text_equal(const struct term *term, const struct cell *cell, const char *text)
{
	if (term->column->letters && !cell->string)
		return has_letters(text, term->text);
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
