/* SPDX-License-Identifier: GPL-2.0-only */
/* A recording as a source. */
#include <errno.h>
#include <stdlib.h>

#include "session/playback.h"
#include "session/source.h"

struct source_recording {
	struct source source;
	struct playback *playback;
};

static struct playback *playback_of(const struct source *source)
{
	return ((const struct source_recording *)source)->playback;
}

static int recording_drain(struct source *source, const struct record_sink *sink, uint64_t until_ns)
{
	playback_set_sink(playback_of(source), sink);
	return playback_run(playback_of(source), until_ns) ? 0 : -ENODATA;
}

static char *recording_name(struct source *source, uint32_t vm, char uuid[GUEST_UUID_SIZE])
{
	return playback_vm(playback_of(source), vm, uuid);
}

static void recording_tell_late_names(struct source *source, name_news_t tell, void *ctx)
{
	playback_tell_late_names(playback_of(source), tell, ctx);
}

static void recording_status(struct source *source, struct status *status)
{
	playback_view_status(playback_of(source), status);
}

static int recording_seek(struct source *source, uint64_t time_ns)
{
	return playback_seek(playback_of(source), time_ns);
}

static uint64_t recording_next_ns(const struct source *source)
{
	return playback_next_ns(playback_of(source));
}

static void recording_close(struct source *source)
{
	free(source);
}

static const struct source_type recording_type = {
	.drain = recording_drain, .name = recording_name, .tell_late_names = recording_tell_late_names, .status = recording_status,
	.close = recording_close, .seek = recording_seek, .next_ns = recording_next_ns,
};

struct source *source_of_recording(struct playback *playback)
{
	struct source_recording *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->source.type = &recording_type;
	r->playback = playback;
	return &r->source;
}
