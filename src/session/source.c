/* SPDX-License-Identifier: GPL-2.0-only */
#include "session/source.h"

void source_close(struct source *source)
{
	if (source)
		source->type->close(source);
}

char *source_vm(void *ctx, uint32_t vm, char uuid[GUEST_UUID_SIZE])
{
	struct source *source = ctx;

	return source->type->name(source, vm, uuid);
}

char *source_name(void *ctx, uint32_t vm)
{
	char uuid[GUEST_UUID_SIZE];

	return source_vm(ctx, vm, uuid);
}
