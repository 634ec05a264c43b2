/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The metadata of CTF 1.8, written from the table of layouts; of what was written only the environment, the
 * clock and the UUID are ever read back.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording/codec.h"
#include "recording/layouts.h"

#define NS_PER_SEC 1000000000LL
#define TRACER "sdeitop"

/* --- texts of the environment */

static const struct text {
	const char *key;
	size_t offset, size;
} texts[] = {
#define TEXT(key, field) { key, offsetof(struct recording_about, field), sizeof(((struct recording_about *)0)->field) }
	TEXT("tracer_version", version),
	TEXT("hostname", host),
	TEXT("kernel_release", kernel),
	TEXT("kernel_version", kernel_version),
	TEXT("architecture", machine),
	TEXT("boot_id", boot_id),
	TEXT("probes", probes),
	TEXT("probes_missing", probes_missing),
	TEXT("filter", filter),
	TEXT("reason", reason),
#undef TEXT
};

#define TEXT_COUNT (sizeof(texts) / sizeof(texts[0]))

/* Octal for all that is neither printable nor plain, so that no text ends its string. */
static void put_quoted(FILE *out, const char *text, size_t size)
{
	fputc('"', out);
	for (; size && *text; text++, size--) {
		unsigned char c = *text;

		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			fprintf(out, "\\%03o", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void put_uuid(FILE *out, const uint8_t uuid[16])
{
	fputc('"', out);
	for (int i = 0; i < 16; i++)
		fprintf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	fputc('"', out);
}

/* --- the parts */

static const char types[] =
	"typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"
	"typealias integer { size = 16; align = 8; signed = false; } := uint16_t;\n"
	"typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"
	"typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n"
	"typealias integer { size = 64; align = 8; signed = true; } := int64_t;\n\n";

static void put_trace(FILE *out, const struct recording_about *about)
{
	fputs("trace {\n\tmajor = 1;\n\tminor = 8;\n\tuuid = ", out);
	put_uuid(out, about->uuid);
	fputs(";\n\tbyte_order = le;\n"
	      "\tpacket.header := struct {\n"
	      "\t\tuint32_t magic;\n\t\tuint8_t uuid[16];\n\t\tuint32_t stream_id;\n\t\tuint32_t stream_instance_id;\n"
	      "\t};\n};\n\n", out);
}

static void put_environment(FILE *out, const struct recording_about *about)
{
	fprintf(out, "env {\n\ttracer_name = \"" TRACER "\";\n\tformat_major = %u;\n\tformat_minor = %u;\n\tcpus = %u;\n",
		about->major, about->minor, about->cpus);
	for (size_t i = 0; i < TEXT_COUNT; i++) {
		fprintf(out, "\t%s = ", texts[i].key);
		put_quoted(out, (const char *)about + texts[i].offset, texts[i].size);
		fputs(";\n", out);
	}
	fputs("};\n\n", out);
}

static void put_clock(FILE *out, const struct recording_about *about)
{
	int64_t seconds = about->clock_offset_ns / NS_PER_SEC, rest = about->clock_offset_ns % NS_PER_SEC;

	if (rest < 0) {
		rest += NS_PER_SEC;
		seconds--;
	}
	fprintf(out, "clock {\n\tname = monotonic;\n\tdescription = \"CLOCK_MONOTONIC of the host\";\n"
		"\tfreq = 1000000000;\n\toffset_s = %" PRId64 ";\n\toffset = %" PRId64 ";\n\tabsolute = true;\n};\n\n", seconds, rest);
	fputs("typealias integer { size = 19; align = 1; signed = false; map = clock.monotonic.value; } := short_time;\n"
	      "typealias integer { size = 30; align = 1; signed = false; map = clock.monotonic.value; } := medium_time;\n"
	      "typealias integer { size = 64; align = 8; signed = false; map = clock.monotonic.value; } := whole_time;\n\n", out);
}

static void put_stream(FILE *out)
{
	fputs("struct event_header {\n"
	      "\tenum : integer { size = 5; align = 1; signed = false; } { near = 0 ... 29, medium = 30, whole = 31 } id;\n"
	      "\tvariant <id> {\n"
	      "\t\tstruct { short_time timestamp; } near;\n"
	      "\t\tstruct { integer { size = 5; align = 1; signed = false; } id; medium_time timestamp; } medium;\n"
	      "\t\tstruct { uint16_t id; whole_time timestamp; } whole;\n"
	      "\t} v;\n"
	      "} align(8);\n\n"
	      "stream {\n\tid = 0;\n\tevent.header := struct event_header;\n"
	      "\tpacket.context := struct {\n"
	      "\t\twhole_time timestamp_begin;\n\t\twhole_time timestamp_end;\n"
	      "\t\tuint64_t content_size;\n\t\tuint64_t packet_size;\n"
	      "\t\tuint64_t packet_seq_num;\n\t\tuint64_t events_discarded;\n"
	      "\t\tint64_t wall_offset_ns;\n\t\tuint32_t items;\n"
	      "\t\tenum : uint16_t { \"events\" = 0, \"snapshot\" = 1 } holds;\n"
	      "\t\tuint16_t format_minor;\n\t\tuint32_t crc32;\n"
	      "\t};\n};\n\n", out);
}

static void put_integer(FILE *out, const struct field *f, unsigned int bits, unsigned int align)
{
	fprintf(out, "integer { size = %u; align = %u; signed = %s;%s }", bits, align, f->is_signed ? "true" : "false",
		f->is_hex ? " base = x;" : "");
}

/* Stored with fewer bits, a label's value is the low part. */
static void put_labels(FILE *out, const struct field *f, unsigned int bits)
{
	uint32_t base = f->labels == LABELS_FUNCTION && bits < 32 ? LAYOUT_FUNCTION_BASE : 0;
	size_t count;
	const struct label *labels = labels_of(f->labels, &count);

	fputs(" {", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s \"%s\" = %" PRIu32, i ? "," : "", labels[i].name, labels[i].value - base);
	fputs(" }", out);
}

static void put_field(FILE *out, const struct field *f, unsigned int bits, unsigned int align)
{
	fputs(f->labels ? "\t\tenum : " : "\t\t", out);
	put_integer(out, f, bits, align);
	if (f->labels)
		put_labels(out, f, bits);
	fprintf(out, " _%s;\n", f->name);
}

static void put_event(FILE *out, const struct layout *l)
{
	fprintf(out, "event {\n\tname = \"%s\";\n\tid = %u;\n\tstream_id = 0;\n\tfields := struct {\n", l->of->name, l->id);
	if (l->wide)
		fputs("\t\tuint64_t _time;\n", out);
	for (unsigned int i = 0; l->of->fields[i].name; i++) {
		const struct field *f = &l->of->fields[i];

		if (l->wide)
			put_field(out, f, 8 * f->bytes, 8);
		else if (l->bits[i])
			put_field(out, f, l->bits[i], l->bits[i] == 64 ? 8 : 1);
	}
	if (l->of->item == ITEM_NAME)
		fputs("\t\tstring { encoding = none; } _name;\n", out);
	if (l->id == LAYOUT_GUEST_ID)
		fputs("\t\tstring { encoding = none; } _uuid;\n", out);
	fputs("\t};\n};\n\n", out);
}

char *codec_metadata(const struct recording_about *about)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("/* CTF 1.8 */\n\n", out);
	fputs(types, out);
	put_trace(out, about);
	put_environment(out, about);
	put_clock(out, about);
	put_stream(out);
	for (unsigned int id = 0; id < LAYOUT_IDS; id++)
		if (layout_of(id))
			put_event(out, layout_of(id));
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* --- back again: lines of "key = value;" within a section */

struct cursor {
	const char *at, *end;
};

/* The next line, without what surrounds it; false at the end or if the line is cut off. */
static bool next_line(struct cursor *c, const char **line, size_t *length)
{
	const char *newline = c->at < c->end ? memchr(c->at, '\n', c->end - c->at) : NULL;

	if (!newline)
		return false;
	*line = c->at;
	while (*line < newline && isspace((unsigned char)**line))
		(*line)++;
	*length = newline - *line;
	c->at = newline + 1;
	return true;
}

/* The value, if the line is "key = value;": *size bytes. */
static const char *value_of(const char *line, size_t length, const char *key, size_t *size)
{
	size_t name = strlen(key);

	if (length < name + 4 || memcmp(line, key, name) != 0 || memcmp(line + name, " = ", 3) != 0 || line[length - 1] != ';')
		return NULL;
	*size = length - name - 4;
	return line + name + 3;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

static bool get_quoted(const char *value, size_t size, char *text, size_t room)
{
	size_t used = 0;

	if (size < 2 || value[0] != '"' || value[size - 1] != '"')
		return false;
	for (size_t i = 1; i < size - 1 && used + 1 < room; used++) {
		if (value[i] == '\\' && i + 4 < size && is_octal(value[i + 1]) && is_octal(value[i + 2]) && is_octal(value[i + 3])) {
			text[used] = (value[i + 1] - '0') << 6 | (value[i + 2] - '0') << 3 | (value[i + 3] - '0');
			i += 4;
		} else {
			text[used] = value[i++];
		}
	}
	text[used] = '\0';
	return true;
}

static bool get_number(const char *value, size_t size, int64_t *number)
{
	char digits[24];
	char *end;

	if (!size || size >= sizeof(digits))
		return false;
	memcpy(digits, value, size);
	digits[size] = '\0';
	errno = 0;
	*number = strtoll(digits, &end, 10);
	return !errno && !*end;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool get_uuid(const char *value, size_t size, uint8_t uuid[16])
{
	unsigned int digits = 0;
	uint8_t read[16] = { 0 };

	for (size_t i = 0; i < size; i++) {
		int digit = hex_digit(value[i]);

		if (digit >= 0 && digits < 32)
			read[digits / 2] = read[digits / 2] << 4 | digit;
		digits += digit >= 0;
	}
	if (digits != 32)
		return false;
	memcpy(uuid, read, sizeof(read));
	return true;
}

/* What of the metadata has been found so far. */
struct found {
	int64_t major, minor, cpus, offset_s, offset;
	bool tracer, uuid, has_major, clock, rest;
};

static void read_line(const char *line, size_t length, struct recording_about *about, struct found *found)
{
	const char *value;
	size_t size;
	char tracer[16] = "";

	if ((value = value_of(line, length, "uuid", &size)))
		found->uuid |= get_uuid(value, size, about->uuid);
	else if ((value = value_of(line, length, "tracer_name", &size)))
		found->tracer = get_quoted(value, size, tracer, sizeof(tracer)) && strcmp(tracer, TRACER) == 0;
	else if ((value = value_of(line, length, "format_major", &size)))
		found->has_major = get_number(value, size, &found->major);
	else if ((value = value_of(line, length, "format_minor", &size)))
		get_number(value, size, &found->minor);
	else if ((value = value_of(line, length, "cpus", &size)))
		get_number(value, size, &found->cpus);
	else if ((value = value_of(line, length, "offset_s", &size)))
		get_number(value, size, &found->offset_s);
	else if ((value = value_of(line, length, "offset", &size)))
		found->clock = get_number(value, size, &found->offset);
	for (size_t i = 0; !value && i < TEXT_COUNT; i++)
		if ((value = value_of(line, length, texts[i].key, &size)))
			get_quoted(value, size, (char *)about + texts[i].offset, texts[i].size);
}

static bool is_sane(const struct found *found)
{
	return found->minor >= 0 && found->minor <= UINT16_MAX && found->cpus >= 0 && found->cpus <= UINT32_MAX &&
	       found->offset_s >= INT32_MIN && found->offset_s <= UINT32_MAX && found->offset >= 0 && found->offset < NS_PER_SEC;
}

int codec_about(const char *text, size_t size, struct recording_about *about)
{
	struct cursor cursor = { text, text + size };
	struct found found = { 0 };
	const char *line;
	size_t length;

	memset(about, 0, sizeof(*about));
	/* The events come last: a file that is cut off there lacks nothing that is read here. */
	while (next_line(&cursor, &line, &length)) {
		if (length >= 8 && memcmp(line, "stream {", 8) == 0) {
			found.rest = true;
			break;
		}
		read_line(line, length, about, &found);
	}
	if (!is_sane(&found))
		return -EINVAL;
	about->major = found.major;
	about->minor = found.minor;
	about->cpus = found.cpus;
	about->clock_offset_ns = found.offset_s * NS_PER_SEC + found.offset;
	if (found.tracer && found.has_major && found.major != RECORDING_MAJOR)
		return -ENOTSUP;
	return found.tracer && found.uuid && found.has_major && found.clock && found.rest ? 0 : -EINVAL;
}
