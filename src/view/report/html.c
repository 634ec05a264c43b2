// SPDX-License-Identifier: GPL-2.0-only
#include "view/report/html.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "util/text.h"
#include "view/figures/format.h"

static void put_code(FILE *out, const char *in, unsigned int length, uint32_t code)
{
	if (code == '<' || code == '>' || code == '&' || code == '"' || code == '\'')
		fprintf(out, "&#%u;", code);
	else if (code == '\\')
		fputs("\\\\", out);
	else if (!escape_is_unsafe(code))
		fwrite(in, 1, length, out);
	else if (code < 0x80)
		fprintf(out, "\\x%02x", code);
	else
		fprintf(out, code > 0xffff ? "\\U%08x" : "\\u%04x", code);
}

void html_text_cut(FILE *out, const char *in, unsigned int most)
{
	for (; *in && most > 0; most--) {
		uint32_t code;
		unsigned int length = utf8_decode(in, &code);

		if (length)
			put_code(out, in, length, code);
		else
			fprintf(out, "\\x%02x", (unsigned char)*in);
		in += length ? length : 1;
	}
	if (*in)
		fputs("\xe2\x80\xa6", out);
}

void html_text(FILE *out, const char *in)
{
	html_text_cut(out, in, UINT_MAX);
}

static void put_ns(FILE *out, uint64_t ns, bool is_round)
{
	char age[FORMAT_SIZE];
	size_t digits = strspn(format_age(age, sizeof(age), ns), "0123456789."), kept = digits;

	if (ns >= 60000000000ULL) {
		fputs(age, out);
		return;
	}
	if (is_round && kept > 2 && memcmp(&age[kept - 2], ".0", 2) == 0)
		kept -= 2;
	fprintf(out, "%.*s\xc2\xa0%s", (int)kept, age, age[digits] == 'u' ? "\xc2\xb5s" : age + digits);
}

void html_ns(FILE *out, uint64_t ns)
{
	put_ns(out, ns, false);
}

void html_tick(FILE *out, uint64_t ns)
{
	if (ns)
		put_ns(out, ns, true);
	else
		putc('0', out);
}
