/* SPDX-License-Identifier: GPL-2.0-only */
/* A writer that knows where commas go. key is NULL inside of arrays. */
#ifndef UTIL_JSON_H
#define UTIL_JSON_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/record.h"
#include "util/text.h"
#include "util/line.h"

struct json {
	FILE *out;
	bool comma;
};

/* What stands in front of a value; line_end() is to follow. */
static inline void json_begin(struct json *j, struct line *p, const char *key)
{
	line_begin(p, j->out);
	if (j->comma)
		line_char(p, ',');
	j->comma = true;
	if (!key)
		return;
	line_char(p, '"');
	line_text(p, key);
	line_text(p, "\":");
}

static inline void json_key(struct json *j, const char *key)
{
	struct line p;

	json_begin(j, &p, key);
	line_end(&p);
}

static inline void json_open(struct json *j, const char *key, char bracket)
{
	struct line p;

	json_begin(j, &p, key);
	line_char(&p, bracket);
	line_end(&p);
	j->comma = false;
}

static inline void json_close(struct json *j, char bracket)
{
	putc_unlocked(bracket, j->out);
	j->comma = true;
}

static inline void json_u64(struct json *j, const char *key, uint64_t value)
{
	struct line p;

	json_begin(j, &p, key);
	line_u64(&p, value, 0, ' ');
	line_end(&p);
}

static inline void json_i64(struct json *j, const char *key, int64_t value)
{
	struct line p;

	json_begin(j, &p, key);
	line_i64(&p, value);
	line_end(&p);
}

/* decimals is enough for shares and percents; sums are integers here. */
static inline void json_real(struct json *j, const char *key, double value, int decimals)
{
	json_key(j, key);
	fprintf(j->out, "%.*f", decimals, value);
}

/* Most texts are words of ours. */
static inline void json_text(struct json *j, const char *key, const char *value)
{
	size_t plain = escape_json_plain(value);
	struct line p;

	json_begin(j, &p, key);
	if (!value[plain]) {
		line_char(&p, '"');
		line_bytes(&p, value, plain);
		line_char(&p, '"');
	}
	line_end(&p);
	if (value[plain])
		escape_json(j->out, value);
}

/* Addresses: 64 bits do not survive in the numbers of many readers. */
static inline void json_address(struct json *j, const char *key, uint64_t value)
{
	struct line p;

	json_begin(j, &p, key);
	line_char(&p, '"');
	line_hex(&p, value, 0);
	line_char(&p, '"');
	line_end(&p);
}

/* A word of JSON's. */
static inline void json_word(struct json *j, const char *key, const char *word)
{
	struct line p;

	json_begin(j, &p, key);
	line_text(&p, word);
	line_end(&p);
}

static inline void json_bool(struct json *j, const char *key, bool value)
{
	json_word(j, key, value ? "true" : "false");
}

static inline void json_null(struct json *j, const char *key)
{
	json_word(j, key, "null");
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
