/* SPDX-License-Identifier: GPL-2.0-only */
/* A writer that knows where commas go. key is NULL inside of arrays. */
#ifndef VIEW_JSON_WRITE_H
#define VIEW_JSON_WRITE_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../../bpf/record.h"
#include "escape.h"

struct json {
	FILE *out;
	bool comma;
};

static inline void json_key(struct json *j, const char *key)
{
	if (j->comma)
		putc(',', j->out);
	if (key)
		fprintf(j->out, "\"%s\":", key);
	j->comma = true;
}

static inline void json_open(struct json *j, const char *key, char bracket)
{
	json_key(j, key);
	putc(bracket, j->out);
	j->comma = false;
}

static inline void json_close(struct json *j, char bracket)
{
	putc(bracket, j->out);
	j->comma = true;
}

static inline void json_u64(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	fprintf(j->out, "%" PRIu64, value);
}

static inline void json_i64(struct json *j, const char *key, int64_t value)
{
	json_key(j, key);
	fprintf(j->out, "%" PRId64, value);
}

/* decimals is enough for shares and percents; sums are integers here. */
static inline void json_real(struct json *j, const char *key, double value, int decimals)
{
	json_key(j, key);
	fprintf(j->out, "%.*f", decimals, value);
}

static inline void json_text(struct json *j, const char *key, const char *value)
{
	json_key(j, key);
	escape_json(j->out, value);
}

/* Addresses: 64 bits do not survive in the numbers of many readers. */
static inline void json_address(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	fprintf(j->out, "\"0x%" PRIx64 "\"", value);
}

static inline void json_bool(struct json *j, const char *key, bool value)
{
	json_key(j, key);
	fputs(value ? "true" : "false", j->out);
}

static inline void json_null(struct json *j, const char *key)
{
	json_key(j, key);
	fputs("null", j->out);
}

/* Of a vCPU or an event. */
static inline void json_id(struct json *j, const char *key, uint32_t id)
{
	if (id == SDEI_NONE)
		json_null(j, key);
	else
		json_u64(j, key, id);
}

#endif
