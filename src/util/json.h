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

/* Of a key that is known when this is compiled, so is its length. */
#define JSON_INLINE static inline __attribute__((always_inline))

/* What stands in front of a value. */
JSON_INLINE void json_key(struct json *j, const char *key)
{
	const size_t length = key ? strlen(key) : 0;
	char *to;

	line_room(&j->line, length + 4);	/* keys are words of ours, shorter than a line */
	to = j->line.text + j->line.size;
	*to = ',';
	to += j->comma;
	j->comma = true;
	if (key) {
		*to++ = '"';
		memcpy(to, key, length);
		memcpy(to + length, "\":", 2);
		to += length + 2;
	}
	j->line.size = (unsigned int)(to - j->line.text);
}

JSON_INLINE void json_open(struct json *j, const char *key, char bracket)
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

/* The outermost bracket, and the end of the line. */
static inline void json_close_line(struct json *j, char bracket)
{
	line_char(&j->line, bracket);
	line_char(&j->line, '\n');
	j->depth--;
	json_flush(j);
}

static inline void json_put_u64(struct json *j, uint64_t value)
{
	line_u64(&j->line, value, 0, ' ');
}

JSON_INLINE void json_u64(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	json_put_u64(j, value);
}

JSON_INLINE void json_i64(struct json *j, const char *key, int64_t value)
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

static inline void json_put_plain(struct json *j, const char *value, size_t length)
{
	line_char(&j->line, '"');
	line_bytes(&j->line, value, length);
	line_char(&j->line, '"');
}

/* A text of length bytes that has nothing to escape: words of ours, times. */
JSON_INLINE void json_plain_bytes(struct json *j, const char *key, const char *value, size_t length)
{
	json_key(j, key);
	json_put_plain(j, value, length);
}

JSON_INLINE void json_plain(struct json *j, const char *key, const char *value)
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

static inline void json_put_address(struct json *j, uint64_t value)
{
	char *to;

	line_room(&j->line, LINE_DIGITS + 4);
	to = j->line.text + j->line.size;
	memcpy(to, "\"0x", 3);
	to = line_hexadecimal(to + 3, value);
	*to++ = '"';
	j->line.size = (unsigned int)(to - j->line.text);
}

/* Addresses: 64 bits do not survive in the numbers of many readers. */
JSON_INLINE void json_address(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	json_put_address(j, value);
}

/* A word of JSON's. */
JSON_INLINE void json_word(struct json *j, const char *key, const char *word)
{
	json_key(j, key);
	line_text(&j->line, word);
}

JSON_INLINE void json_bool(struct json *j, const char *key, bool value)
{
	json_word(j, key, value ? "true" : "false");
}

JSON_INLINE void json_null(struct json *j, const char *key)
{
	json_word(j, key, "null");
}

/* Of a vCPU or an event. */
JSON_INLINE void json_id(struct json *j, const char *key, uint32_t id)
{
	if (id == SDEI_NONE)
		json_null(j, key);
	else
		json_u64(j, key, id);
}

#endif
