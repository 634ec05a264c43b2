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
#include "piece.h"

struct json {
	FILE *out;
	bool comma;
};

/* What stands in front of a value; piece_end() is to follow. */
static inline void json_begin(struct json *j, struct piece *p, const char *key)
{
	piece_begin(p, j->out);
	if (j->comma)
		piece_char(p, ',');
	j->comma = true;
	if (!key)
		return;
	piece_char(p, '"');
	piece_text(p, key);
	piece_text(p, "\":");
}

static inline void json_key(struct json *j, const char *key)
{
	struct piece p;

	json_begin(j, &p, key);
	piece_end(&p);
}

static inline void json_open(struct json *j, const char *key, char bracket)
{
	struct piece p;

	json_begin(j, &p, key);
	piece_char(&p, bracket);
	piece_end(&p);
	j->comma = false;
}

static inline void json_close(struct json *j, char bracket)
{
	putc_unlocked(bracket, j->out);
	j->comma = true;
}

static inline void json_u64(struct json *j, const char *key, uint64_t value)
{
	struct piece p;

	json_begin(j, &p, key);
	piece_u64(&p, value, 0, ' ');
	piece_end(&p);
}

static inline void json_i64(struct json *j, const char *key, int64_t value)
{
	struct piece p;

	json_begin(j, &p, key);
	piece_i64(&p, value);
	piece_end(&p);
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
	struct piece p;

	json_begin(j, &p, key);
	if (!value[plain]) {
		piece_char(&p, '"');
		piece_bytes(&p, value, plain);
		piece_char(&p, '"');
	}
	piece_end(&p);
	if (value[plain])
		escape_json(j->out, value);
}

/* Addresses: 64 bits do not survive in the numbers of many readers. */
static inline void json_address(struct json *j, const char *key, uint64_t value)
{
	struct piece p;

	json_begin(j, &p, key);
	piece_char(&p, '"');
	piece_hex(&p, value, 0);
	piece_char(&p, '"');
	piece_end(&p);
}

/* A word of JSON's. */
static inline void json_word(struct json *j, const char *key, const char *word)
{
	struct piece p;

	json_begin(j, &p, key);
	piece_text(&p, word);
	piece_end(&p);
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
