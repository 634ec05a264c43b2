/* SPDX-License-Identifier: GPL-2.0-only */
#include "session/source.h"

#include "recording/recording.h"

_Static_assert(GUEST_UUID_SIZE == RECORDING_UUID_SIZE, "source_vm() names VMs for recordings, too");

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

void source_tell_late_names(void *from, name_news_t tell, void *ctx)
{
	struct source *source = from;

	if (source->type->tell_late_names)
		source->type->tell_late_names(source, tell, ctx);
}
