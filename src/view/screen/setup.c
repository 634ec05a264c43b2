/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/screen/setup.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"

#define BLANKS " \t\r"
#define DELAY_MIN_S 0.1
#define DELAY_MAX_S 3600

void setup_init(struct setup *setup)
{
	_Static_assert(SETUP_COLUMNS_MAX >= 40, "more than there are columns");
	*setup = (struct setup){ 0 };
	for (size_t i = 0; i < column_count && i < SETUP_COLUMNS_MAX; i++)
		setup->columns[i] = (struct setup_column){ .column = &columns[i], .shown = true };
}

/* --- values */

static size_t place_of(const struct setup *setup, const struct column *column)
{
	size_t place = 0;

	while (setup->columns[place].column != column)
		place++;
	return place;
}

static void move_to(struct setup *setup, size_t place, const struct column *column)
{
	size_t from = place_of(setup, column);

	memmove(&setup->columns[place + 1], &setup->columns[place], (from - place) * sizeof(setup->columns[0]));
	setup->columns[place] = (struct setup_column){ .column = column, .shown = true };
}

/* Those named come first, in this order; the others are hidden. */
static int set_columns(struct setup *setup, char *value)
{
	const char *name;
	size_t count = 0;

	for (size_t i = 0; i < column_count; i++)
		setup->columns[i].shown = false;
	while ((name = strsep(&value, BLANKS))) {
		const struct column *column = column_find(name);

		if (!*name)
			continue;
		if (!column || setup->columns[place_of(setup, column)].shown)
			return -EINVAL;
		move_to(setup, count++, column);
	}
	setup->chosen = true;
	return count ? 0 : -EINVAL;
}

static int set_sort(struct setup *setup, char *value)
{
	setup->sort = column_find(value);
	return setup->sort ? 0 : -EINVAL;
}

static int set_bool(bool *field, const char *value)
{
	*field = strcmp(value, "yes") == 0;
	return *field || strcmp(value, "no") == 0 ? 0 : -EINVAL;
}

static int set_reverse(struct setup *setup, char *value)
{
	return set_bool(&setup->reverse, value);
}

static int set_mouse(struct setup *setup, char *value)
{
	bool mouse;
	int err = set_bool(&mouse, value);

	setup->no_mouse = !mouse;
	return err;
}

static int set_delay(struct setup *setup, char *value)
{
	double seconds = strtod(value, NULL);

	if (!*value || strspn(value, "0123456789.") != strlen(value) || !(seconds >= DELAY_MIN_S && seconds <= DELAY_MAX_S))
		return -EINVAL;
	setup->delay_ms = seconds * 1000 + 0.5;
	return 0;
}

/* --- lines */

static const struct setting {
	const char *name;
	int (*set)(struct setup *setup, char *value);
	const char *expects;
} settings[] = {
	{ "columns", set_columns, "names of columns, each once; --help lists them" },
	{ "sort", set_sort, "the name of a column; --help lists them" },
	{ "reverse", set_reverse, "yes or no" },
	{ "delay", set_delay, "seconds from 0.1 to 3600" },
	{ "mouse", set_mouse, "yes or no" },
};

static char *trim(char *text)
{
	char *end;

	text += strspn(text, BLANKS);
	end = text + strlen(text);
	while (end > text && strchr(BLANKS, end[-1]))
		end--;
	*end = '\0';
	return text;
}

static const struct setting *find_setting(const char *name)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	return NULL;
}

/* For a message: what somebody else wrote there cannot move the cursor. */
static void quote(char *to, size_t size, const char *text)
{
	char *shown = escape_terminal(text, false);

	snprintf(to, size, "%.40s", shown ? shown : "");
	free(shown);
}

static int read_line(struct setup *setup, char *line, char *message, size_t size)
{
	const struct setting *setting;
	char *value, shown[48];

	line = trim(line);
	if (!*line || *line == '#')
		return 0;
	quote(shown, sizeof(shown), line);
	value = strchr(line, '=');
	if (!value) {
		snprintf(message, size, "'%s' is not NAME = VALUE", shown);
		return -EINVAL;
	}
	*value++ = '\0';
	setting = find_setting(trim(line));
	if (!setting)
		snprintf(message, size, "'%s': nothing has this name", shown);
	else if (setting->set(setup, trim(value)) != 0)
		snprintf(message, size, "%s expects %s", setting->name, setting->expects);
	else
		return 0;
	return -EINVAL;
}

int setup_read(struct setup *setup, char *text, char *message, size_t size)
{
	char *line, wrong[128];

	setup_init(setup);
	for (unsigned int number = 1; (line = strsep(&text, "\n")); number++) {
		if (read_line(setup, line, wrong, sizeof(wrong)) == 0)
			continue;
		snprintf(message, size, "line %u: %s", number, wrong);
		setup_init(setup);
		return -EINVAL;
	}
	return 0;
}

void setup_write(const struct setup *setup, FILE *out)
{
	fputs("# The screen of sdeitop, as key W has saved it.\n", out);
	if (setup->chosen) {
		fputs("columns =", out);
		for (size_t i = 0; i < column_count; i++)
			if (setup->columns[i].shown)
				fprintf(out, " %s", setup->columns[i].column->id);
		fputc('\n', out);
	}
	if (setup->sort)
		fprintf(out, "sort = %s\n", setup->sort->id);
	fprintf(out, "reverse = %s\n", setup->reverse ? "yes" : "no");
	if (setup->delay_ms)
		fprintf(out, "delay = %g\n", setup->delay_ms / 1e3);
	fprintf(out, "mouse = %s\n", setup->no_mouse ? "no" : "yes");
}
