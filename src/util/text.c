/* SPDX-License-Identifier: GPL-2.0-only */
#include "util/text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static const struct range {
	uint32_t first, last;
} unsafe[] = {
	{ 0x0000, 0x001f },	/* C0 */
	{ 0x007f, 0x009f },	/* DEL, C1: some terminals take U+009B for ESC [ */
	{ 0x00ad, 0x00ad },	/* soft hyphen */
	{ 0x034f, 0x034f },	/* grapheme joiner */
	{ 0x061c, 0x061c },	/* Arabic letter mark */
	{ 0x115f, 0x1160 },	/* Hangul fillers */
	{ 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f },
	{ 0x200b, 0x200f },	/* zero width, LRM, RLM */
	{ 0x2028, 0x202e },	/* separators, bidirectional embedding and override */
	{ 0x2060, 0x206f },	/* word joiner, bidirectional isolates */
	{ 0x3164, 0x3164 },
	{ 0xd800, 0xdfff },
	{ 0xe000, 0xf8ff },	/* private use: looks like anything */
	{ 0xfe00, 0xfe0f },	/* variation selectors */
	{ 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },
	{ 0xfff0, 0xffff },
	{ 0xe0000, 0x10ffff },	/* tags, more private use */
};

bool escape_is_unsafe(uint32_t code)
{
	for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
		if (code >= unsafe[i].first && code <= unsafe[i].last)
			return true;
	return (code & 0xfffe) == 0xfffe;	/* noncharacters */
}

static unsigned int utf8_length(unsigned char lead)
{
	if (lead < 0x80)
		return lead != 0;
	if (lead >= 0xc2 && lead < 0xe0)
		return 2;
	if (lead >= 0xe0 && lead < 0xf0)
		return 3;
	if (lead >= 0xf0 && lead < 0xf5)
		return 4;
	return 0;
}

unsigned int utf8_decode(const char *s, uint32_t *code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *b = (const unsigned char *)s;
	unsigned int length = utf8_length(b[0]);

	if (length < 2) {
		*code = b[0];
		return length;
	}
	*code = b[0] & (0x7f >> length);
	for (unsigned int i = 1; i < length; i++) {
		if ((b[i] & 0xc0) != 0x80)	/* the end of the string, too */
			return 0;
		*code = *code << 6 | (b[i] & 0x3f);
	}
	if (*code < smallest[length] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return length;
}

static bool keeps(uint32_t code, bool utf8)
{
	if (code < 0x80)
		return code >= 0x20 && code < 0x7f && code != '\\';
	return utf8 && !escape_is_unsafe(code) && wcwidth((wchar_t)code) > 0;
}

static void put_escaped(FILE *out, uint32_t code)
{
	if (code == '\\')
		fputs("\\\\", out);
	else if (code < 0x80)
		fprintf(out, "\\x%02x", code);
	else if (code < 0x10000)
		fprintf(out, "\\u%04x", code);
	else
		fprintf(out, "\\U%08x", code);
}

char *escape_terminal(const char *in, bool utf8)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	while (*in) {
		uint32_t code;
		unsigned int length = utf8_decode(in, &code);

		if (!length)
			fprintf(out, "\\x%02x", (unsigned char)*in);
		else if (keeps(code, utf8))
			fwrite(in, 1, length, out);
		else
			put_escaped(out, code);
		in += length ? length : 1;
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void put_json_escape(FILE *out, uint32_t code)
{
	if (code >= 0x10000) {
		code -= 0x10000;
		fprintf(out, "\\u%04x\\u%04x", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
	} else {
		fprintf(out, "\\u%04x", code);
	}
}

size_t escape_json_plain(const char *in)
{
	/* All but " and \, and what is no ASCII text. */
	static const bool is_plain[UCHAR_MAX + 1] = { [' '] = true, ['!'] = true, ['#' ... '['] = true, [']' ... '~'] = true };
	size_t length = 0;

	while (is_plain[(unsigned char)in[length]])
		length++;
	return length;
}

/* One character that is not plain; its bytes. */
static unsigned int put_json_special(FILE *out, const char *in)
{
	uint32_t code;
	unsigned int length = utf8_decode(in, &code);

	if (!length)
		fputs("\\ufffd", out);
	else if (code == '"' || code == '\\')
		fprintf(out, "\\%c", (char)code);
	else if (escape_is_unsafe(code))
		put_json_escape(out, code);
	else
		fwrite(in, 1, length, out);
	return length ? length : 1;
}

void escape_json(FILE *out, const char *in)
{
	putc('"', out);
	for (;;) {
		size_t plain = escape_json_plain(in);

		fwrite(in, 1, plain, out);
		in += plain;
		if (!*in)
			break;
		in += put_json_special(out, in);
	}
	putc('"', out);
}

size_t text_cut(const char *s, unsigned int width, unsigned int *used)
{
	unsigned int columns = 0;
	size_t bytes = 0;

	while (s[bytes]) {
		uint32_t code = (unsigned char)s[bytes];
		unsigned int length = code < 0x80 ? 1 : utf8_decode(s + bytes, &code);
		int wide = length > 1 ? wcwidth((wchar_t)code) : 1;

		if (wide < 0)
			wide = 1;
		if (columns + wide > width)
			break;
		columns += wide;
		bytes += length ? length : 1;
	}
	if (used)
		*used = columns;
	return bytes;
}

unsigned int text_width(const char *s)
{
	unsigned int used;

	text_cut(s, ~0U, &used);
	return used;
}
