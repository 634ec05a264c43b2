/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options are tables: what a command takes, how each value is read and what
 * --help says about it stand in one row.
 */
#ifndef SESSION_OPTIONS_H
#define SESSION_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How a value is read. expects completes "expects …" in the message about a bad one. */
struct option_type {
	bool flag;		/* takes no value */
	bool many;		/* as an operand: takes all that follow */
	int (*set)(void *field, const char *value);	/* 0, -EINVAL, -ENOMEM */
	void (*clear)(void *field);			/* frees what set() made; may be NULL */
	const char *expects;
	const char *(*value)(size_t n);			/* number n of the words that a value can be, or begin with; NULL: no more */
	void (*explain)(const char *value, char *message, size_t size);	/* instead of expects: what is wrong with value; may be NULL */
};

extern const struct option_type option_flag;		/* bool */
extern const struct option_type option_string;		/* const char *, the argument itself */
extern const struct option_type option_numbers;		/* struct number_list */
extern const struct option_type option_patterns;	/* struct string_list, may be given more than once */
extern const struct option_type option_directories;	/* struct string_list: as an operand, one or more */
extern const struct option_type option_count;		/* uint64_t, from 1 */
extern const struct option_type option_seconds;		/* uint64_t in ms, 0.1 to 86400 s */
extern const struct option_type option_pages;		/* size_t bytes: power of two, whole pages, suffix K or M */

extern const struct option_type option_size;		/* uint64_t bytes from 64 KiB, suffix K, M, G or T */

struct number_list {
	uint32_t *values;
	size_t count;
};

struct string_list {
	const char **values;
	size_t count;
};

/* An empty list has all. NULL is no name of which that is known. */
bool number_list_has(const struct number_list *list, uint32_t number);
bool string_list_matches(const struct string_list *patterns, const char *name);

struct option_spec {
	char key;			/* 0: only long */
	const char *name;
	const char *value;		/* what --help calls its value */
	const struct option_type *type;
	size_t offset;			/* of the field in the command's config */
	const char *help;
};

struct command {
	const char *name;		/* NULL: without a subcommand */
	const char *brief;		/* what it does, as the manual's NAME says it */
	const char *usage;		/* after the program's name */
	const char *help;		/* one line */
	const char *about;		/* more, after the options; may be NULL */
	void (*more_help)(FILE *out);	/* generated parts; may be NULL */
	const struct option_spec *options;	/* the last one has name NULL */
	/* Positional arguments, in order; may be NULL. The last one has name NULL. */
	const struct option_spec *operands;
	size_t given;			/* offset of a uint64_t in its config, for option_given(); 0: there is none */
	int (*run)(const struct command *self, int argc, char **argv);	/* argv[0] is not an argument; exit status */
};

/*
 * Sets one option by its long name, as a configuration file does. A flag takes "yes" and "no".
 * value stays in use. 0; -EINVAL: message says what is wrong, with dashes in front of the name.
 */
int options_set(const struct command *command, void *config, const char *dashes, const char *name, const char *value,
		char *message, size_t size);

/*
 * Fills config (which holds the defaults) from argv[1]…. Words behind "--" are left alone: the first one is returned in
 * *rest, or NULL. 0; -EINVAL: message says what is wrong.
 */
int options_parse(const struct command *command, int argc, char **argv, void *config, char ***rest,
		  char *message, size_t size);

/* Was the option or operand of that name on the command line? Only of a command that has given. */
bool option_given(const struct command *command, const void *config, const char *name);

/* Frees what values hold. */
void options_clear(const struct command *command, void *config);

void options_help(const struct command *command, FILE *out);

/* Rows for filters, by SESSION_OPTION or PLAYBACK_OPTION: what both have. */
#define FILTER_VM_OPTIONS(OPTION, config)							\
	OPTION(config, 'p', "pid", "PID,...", numbers, vms, "only these VMs, by process id"),	\
	OPTION(config, 'g', "guest", "GUEST", patterns, guests,					\
	       "only VMs whose name matches, as in 'web*'; may be repeated")
#define FILTER_OPTIONS(OPTION, config)								\
	FILTER_VM_OPTIONS(OPTION, config),							\
	OPTION(config, 'v', "vcpu", "VCPU,...", numbers, vcpus, "only these vCPU ids"),		\
	OPTION(config, 'e', "event", "EVENT,...", numbers, events, "only these SDEI events, 7 or 0x7")

#endif
