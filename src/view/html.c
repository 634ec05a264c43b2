// SPDX-License-Identifier: GPL-2.0-only
#include "html.h"

#include "escape.h"

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

void html_text(FILE *out, const char *in)
{
	while (*in) {
		uint32_t code;
		unsigned int length = utf8_decode(in, &code);

		if (length)
			put_code(out, in, length, code);
		else
			fprintf(out, "\\x%02x", (unsigned char)*in);
		in += length ? length : 1;
	}
}
