/* SPDX-License-Identifier: GPL-2.0-only */
#include "session/source.h"

void source_close(struct source *source)
{
	if (source)
		source->type->close(source);
}

char *source_name(void *ctx, uint32_t vm)
{
	struct source *source = ctx;

	return source->type->name(source, vm);
}
