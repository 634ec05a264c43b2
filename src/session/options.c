/* SPDX-License-Identifier: GPL-2.0-only */
#include "session/options.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/log.h"

#define LONG_ONLY 0x100		/* getopt values of options without a letter */
#define OPTIONS_MAX 64

/* --- values */

bool number_list_has(const struct number_list *list, uint32_t number)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->values[i] == number)
			return true;
	return !list->count;
}

bool string_list_matches(const struct string_list *patterns, const char *name)
{
	for (size_t i = 0; name && i < patterns->count; i++)
		if (fnmatch(patterns->values[i], name, 0) == 0)
			return true;
	return !patterns->count;
}

static int set_flag(void *field, const char *value)
{
	*(bool *)field = true;
	return 0;
}

static int set_string(void *field, const char *value)
{
	*(const char **)field = value;
	return *value ? 0 : -EINVAL;
}

/* Digits only: strtoul() would take blanks and signs. 0x and 0X are hexadecimal, all else is decimal. */
static int read_number(const char *text, const char **end, uint64_t limit, uint64_t *number)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char *stop;

	if (!isxdigit((unsigned char)digits[0]) || (hex && tolower((unsigned char)digits[1]) == 'x'))
		return -EINVAL;
	errno = 0;
	*number = strtoull(digits, &stop, hex ? 16 : 10);
	if (stop == digits || errno || *number > limit)
		return -EINVAL;
	*end = stop;
	return 0;
}

static int append_number(struct number_list *list, uint32_t number)
{
	uint32_t *values = reallocarray(list->values, list->count + 1, sizeof(*values));

	if (!values)
		return -ENOMEM;
	values[list->count] = number;
	list->values = values;
	list->count++;
	return 0;
}

static int set_numbers(void *field, const char *value)
{
	uint64_t number;
	int err;

	for (;;) {
		err = read_number(value, &value, UINT32_MAX - 1, &number);
		if (!err)
			err = append_number(field, number);
		if (err || !*value)
			return err;
		if (*value++ != ',')
			return -EINVAL;
	}
}

static void clear_numbers(void *field)
{
	free(((struct number_list *)field)->values);
}

static int set_pattern(void *field, const char *value)
{
	struct string_list *list = field;
	const char **values = reallocarray(list->values, list->count + 1, sizeof(*values));

	if (!values)
		return -ENOMEM;
	values[list->count] = value;
	list->values = values;
	list->count++;
	return *value ? 0 : -EINVAL;
}

static void clear_patterns(void *field)
{
	free(((struct string_list *)field)->values);
}

static int set_count(void *field, const char *value)
{
	uint64_t count;
	int err = read_number(value, &value, UINT64_MAX, &count);

	if (err || *value || count == 0)
		return -EINVAL;
	*(uint64_t *)field = count;
	return 0;
}

/* Decimal seconds with a point whatever the locale; LC_NUMERIC is never set here. */
static int set_seconds(void *field, const char *value)
{
	char *end;
	double seconds;

	if (!isdigit((unsigned char)*value) && *value != '.')
		return -EINVAL;
	if (strspn(value, "0123456789.") != strlen(value))
		return -EINVAL;
	seconds = strtod(value, &end);
	if (*end || !(seconds >= 0.1 && seconds <= 86400))
		return -EINVAL;
	*(uint64_t *)field = seconds * 1000 + 0.5;
	return 0;
}

#define SIZE_LEAST (1ULL << 16)

static int set_pages(void *field, const char *value)
{
	uint64_t bytes;
	int err = read_number(value, &value, 1 << 30, &bytes);

	if (err)
		return err;
	if (*value == 'K' || *value == 'k')
		bytes <<= 10, value++;
	else if (*value == 'M' || *value == 'm')
		bytes <<= 20, value++;
	if (*value || bytes < (uint64_t)sysconf(_SC_PAGESIZE) || bytes & (bytes - 1) || bytes > 1 << 30)
		return -EINVAL;
	*(size_t *)field = bytes;
	return 0;
}

const struct option_type option_flag = { .flag = true, .set = set_flag };
const struct option_type option_string = { .set = set_string, .expects = "a text that is not empty" };
const struct option_type option_numbers = {
	.set = set_numbers, .clear = clear_numbers, .expects = "numbers separated by commas, decimal or 0x…",
};
const struct option_type option_patterns = {
	.set = set_pattern, .clear = clear_patterns, .expects = "a pattern that is not empty",
};
const struct option_type option_directories = {
	.many = true, .set = set_pattern, .clear = clear_patterns, .expects = "a directory",
};
const struct option_type option_count = { .set = set_count, .expects = "a number from 1" };
const struct option_type option_seconds = { .set = set_seconds, .expects = "seconds from 0.1 to 86400" };
const struct option_type option_pages = {
	.set = set_pages, .expects = "a power of two of bytes from one page to 1024M, as in 65536, 64K or 1M",
};

static int set_size(void *field, const char *value)
{
	static const char units[] = "KMGT";
	uint64_t bytes;
	const char *unit;
	int err = read_number(value, &value, 1ULL << 40, &bytes);

	if (err)
		return err;
	unit = *value ? strchr(units, *value & ~0x20) : NULL;
	if (unit && bytes >> (54 - 10 * (unit - units)))
		return -EINVAL;
	if (unit) {
		bytes <<= 10 * (unit - units + 1);
		value++;
	}
	if (*value || bytes < SIZE_LEAST)
		return -EINVAL;
	*(uint64_t *)field = bytes;
	return 0;
}

const struct option_type option_size = { .set = set_size, .expects = "bytes, 64K or more, as in 64M or 2G" };

/* --- parsing */

struct parser {
	const struct command *command;
	void *config;
	char letters[2 * OPTIONS_MAX + 4];
	struct option longs[OPTIONS_MAX + 1];
	const struct option_spec *operand;
	char *message;
	size_t size;
};

/* The tables for getopt_long(). "-": operands come in their place; ":": a missing value is not taken for an unknown option. */
static void prepare(struct parser *p)
{
	const struct option_spec *spec = p->command->options;
	char *letter = p->letters;

	*letter++ = '-';
	*letter++ = ':';
	for (size_t i = 0; spec[i].name && i < OPTIONS_MAX; i++) {
		p->longs[i].name = spec[i].name;
		p->longs[i].has_arg = spec[i].type->flag ? no_argument : required_argument;
		p->longs[i].val = LONG_ONLY + i;
		if (!spec[i].key)
			continue;
		*letter++ = spec[i].key;
		if (!spec[i].type->flag)
			*letter++ = ':';
	}
	*letter = '\0';
}

static const struct option_spec *find_option(const struct parser *p, int value)
{
	const struct option_spec *spec = p->command->options;

	if (value >= LONG_ONLY)
		return &spec[value - LONG_ONLY];
	while (spec->name && spec->key != value)
		spec++;
	return spec->name ? spec : NULL;
}

static void reject_value(struct parser *p, const struct option_spec *spec, const char *dashes, const char *value)
{
	char why[200];

	if (!spec->type->explain) {
		snprintf(p->message, p->size, MSG_BAD_VALUE, dashes, spec->name, value, spec->type->expects);
		return;
	}
	spec->type->explain(value, why, sizeof(why));
	snprintf(p->message, p->size, MSG_WRONG_VALUE, dashes, spec->name, value, why);
}

static int set_value(struct parser *p, const struct option_spec *spec, const char *dashes, const char *value)
{
	int err = spec->type->set((char *)p->config + spec->offset, value);

	if (err == -EINVAL)
		reject_value(p, spec, dashes, value);
	else if (err)
		snprintf(p->message, p->size, MSG_NO_MEMORY);
	return err ? -EINVAL : 0;
}

int options_set(const struct command *command, void *config, const char *dashes, const char *name, const char *value,
		char *message, size_t size)
{
	struct parser p = { .command = command, .config = config, .message = message, .size = size };
	const struct option_spec *spec = command->options;

	while (spec->name && strcmp(spec->name, name) != 0)
		spec++;
	if (!spec->name) {
		snprintf(message, size, MSG_UNKNOWN_OPTION, dashes, name);
		return -EINVAL;
	}
	if (!spec->type->flag)
		return set_value(&p, spec, dashes, value);
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
		snprintf(message, size, MSG_BAD_VALUE, dashes, name, value, "yes or no");
		return -EINVAL;
	}
	*(bool *)((char *)config + spec->offset) = value[0] == 'y';
	return 0;
}

/* --- what was given: a bit for each option from the lowest one up, for each operand from the highest one down */

static void note(struct parser *p, uint64_t bit)
{
	if (p->command->given)
		*(uint64_t *)((char *)p->config + p->command->given) |= bit;
}

static uint64_t option_bit(const struct command *command, const struct option_spec *spec)
{
	return 1ULL << (spec - command->options);
}

static uint64_t operand_bit(const struct command *command, const struct option_spec *spec)
{
	return 1ULL << (OPTIONS_MAX - 1 - (spec - command->operands));
}

bool option_given(const struct command *command, const void *config, const char *name)
{
	uint64_t given = *(const uint64_t *)((const char *)config + command->given);

	for (const struct option_spec *spec = command->options; spec->name; spec++)
		if (strcmp(spec->name, name) == 0)
			return given & option_bit(command, spec);
	for (const struct option_spec *spec = command->operands; spec && spec->name; spec++)
		if (strcmp(spec->name, name) == 0)
			return given & operand_bit(command, spec);
	return false;
}

static int take_operand(struct parser *p, const char *word)
{
	if (!p->operand || !p->operand->name) {
		snprintf(p->message, p->size, MSG_EXTRA_OPERAND, word);
		return -EINVAL;
	}
	note(p, operand_bit(p->command, p->operand));
	return set_value(p, p->operand->type->many ? p->operand : p->operand++, "", word);
}

/* getopt says only that something is wrong with the word before optind, or with the letter optopt in it. */
static int complain(struct parser *p, int value, char **argv)
{
	const char *word = argv[optind - 1];
	const char *reason = value == ':' ? MSG_NEEDS_VALUE : MSG_UNKNOWN_OPTION;
	char letter[3] = { '-', optopt };
	const struct option_spec *spec = optopt ? find_option(p, optopt) : NULL;

	if (optopt >= LONG_ONLY && value == '?')
		reason = MSG_NO_VALUE;		/* --batch=5 */
	if (spec && optopt >= LONG_ONLY)
		word = spec->name;
	else if (optopt)
		word = letter;
	snprintf(p->message, p->size, reason, spec && optopt >= LONG_ONLY ? "--" : "", word);
	return -EINVAL;
}

static int take(struct parser *p, int value, char **argv)
{
	const struct option_spec *spec;

	if (value == 1)
		return take_operand(p, optarg);
	if (value == '?' || value == ':')
		return complain(p, value, argv);
	spec = find_option(p, value);
	note(p, option_bit(p->command, spec));
	return set_value(p, spec, "--", optarg);
}

int options_parse(const struct command *command, int argc, char **argv, void *config, char ***rest,
		  char *message, size_t size)
{
	struct parser p = {
		.command = command, .config = config, .operand = command->operands, .message = message, .size = size,
	};
	int err = 0, value;

	prepare(&p);
	optind = 0;	/* glibc: start anew */
	opterr = 0;
	while (!err && (value = getopt_long(argc, argv, p.letters, p.longs, NULL)) != -1)
		err = take(&p, value, argv);
	*rest = optind < argc ? &argv[optind] : NULL;
	return err;
}

static void clear_list(const struct option_spec *spec, void *config)
{
	for (; spec && spec->name; spec++)
		if (spec->type->clear)
			spec->type->clear((char *)config + spec->offset);
}

void options_clear(const struct command *command, void *config)
{
	clear_list(command->options, config);
	clear_list(command->operands, config);
}

/* --- help */

static void help_option(const struct option_spec *spec, FILE *out)
{
	char left[64];
	int length = 0;

	length += snprintf(left, sizeof(left), spec->key ? "-%c, " : "    ", spec->key);
	length += snprintf(left + length, sizeof(left) - length, "--%s", spec->name);
	if (spec->value)
		snprintf(left + length, sizeof(left) - length, " %s", spec->value);
	fprintf(out, "  %-24s %s\n", left, spec->help);
}

/* For who completes what is typed. */
static void help_values(const struct option_spec *spec, FILE *out)
{
	const char *value;

	fprintf(out, "  --%-10s", spec->name);
	for (size_t n = 0; (value = spec->type->value(n)); n++)
		fprintf(out, " %s", value);
	putc('\n', out);
}

static void help_all_values(const struct option_spec *spec, FILE *out)
{
	bool any = false;

	for (; spec->name; spec++) {
		if (!spec->type->value)
			continue;
		if (!any)
			fputs("\nValues:\n", out);
		any = true;
		help_values(spec, out);
	}
}

void options_help(const struct command *command, FILE *out)
{
	fprintf(out, "Usage: %s %s\n%s\n\nOptions:\n", say_program(), command->usage, command->help);
	for (const struct option_spec *spec = command->options; spec->name; spec++)
		help_option(spec, out);
	help_all_values(command->options, out);
	if (command->about)
		fprintf(out, "\n%s", command->about);
	if (command->more_help)
		command->more_help(out);
}
