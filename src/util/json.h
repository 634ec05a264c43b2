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
	struct line line;
	bool comma;
	unsigned int depth;	/* of brackets that are open */
};

/* What is made goes to out when its outermost bracket is closed, in pieces before that, or by json_flush(). */
static inline void json_start(struct json *j, FILE *out)
{
	line_begin(&j->line, out);
	j->comma = false;
	j->depth = 0;
}

/* Before anybody else writes to the same file. */
static inline void json_flush(struct json *j)
{
	line_end(&j->line);
}

/* What stands in front of a value. Inline: of a key that is known when this is compiled, so is its length. */
static inline __attribute__((always_inline)) void json_key(struct json *j, const char *key)
{
	const size_t length = key ? strlen(key) : 0;

	if (j->comma)
		line_char(&j->line, ',');
	j->comma = true;
	if (!key)
		return;
	line_char(&j->line, '"');
	line_bytes(&j->line, key, length);
	line_bytes(&j->line, "\":", 2);
}

static inline void json_open(struct json *j, const char *key, char bracket)
{
	json_key(j, key);
	line_char(&j->line, bracket);
	j->comma = false;
	j->depth++;
}

static inline void json_close(struct json *j, char bracket)
{
	line_char(&j->line, bracket);
	j->comma = true;
	if (!--j->depth)
		json_flush(j);
}

static inline void json_u64(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	line_u64(&j->line, value, 0, ' ');
}

static inline void json_i64(struct json *j, const char *key, int64_t value)
{
	json_key(j, key);
	line_i64(&j->line, value);
}

/* decimals is enough for shares and percents; sums are integers here. */
static inline void json_real(struct json *j, const char *key, double value, int decimals)
{
	json_key(j, key);
	json_flush(j);
	fprintf(j->line.out, "%.*f", decimals, value);
}

/* A text of length bytes that has nothing to escape: words of ours, times. */
static inline void json_plain_bytes(struct json *j, const char *key, const char *value, size_t length)
{
	json_key(j, key);
	line_char(&j->line, '"');
	line_bytes(&j->line, value, length);
	line_char(&j->line, '"');
}

static inline void json_plain(struct json *j, const char *key, const char *value)
{
	json_plain_bytes(j, key, value, strlen(value));
}

/* Any text. */
static inline void json_text(struct json *j, const char *key, const char *value)
{
	size_t plain = escape_json_plain(value);

	if (!value[plain]) {
		json_plain_bytes(j, key, value, plain);
		return;
	}
	json_key(j, key);
	json_flush(j);
	escape_json(j->line.out, value);
}

/* Addresses: 64 bits do not survive in the numbers of many readers. */
static inline void json_address(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	line_char(&j->line, '"');
	line_hex(&j->line, value, 0);
	line_char(&j->line, '"');
}

/* A word of JSON's. */
static inline void json_word(struct json *j, const char *key, const char *word)
{
	json_key(j, key);
	line_text(&j->line, word);
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
