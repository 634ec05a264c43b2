/* SPDX-License-Identifier: GPL-2.0-only */
/* What the test VMMs share: complaints, options, names, JSON strings. */
#ifndef SDEI_GUEST_SAY_H
#define SDEI_GUEST_SAY_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Where complaints go instead of stderr (the first one, until the next call); NULL: back to stderr. */
void complain_into(char *buffer, size_t size);
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool take_number(const char *text, uint64_t most, uint64_t *value);	/* from 1 on; false: having complained */
void block_signals(sigset_t *set);	/* those that ask for an end, which are in *set then: before there are threads */

/* QEMU's -name is NAME or guest=NAME[,…]; NULL: the program's own. */
void plain_name(const char *name, char *buffer, size_t size);
void put_quoted(FILE *out, const char *text);	/* as a JSON string */
#endif
