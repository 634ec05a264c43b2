/* SPDX-License-Identifier: GPL-2.0-only */
/* A daemon as a source. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "session/daemon_client.h"
#include "session/source.h"
#include "util/log.h"

struct source_daemon {
	struct source source;
	struct daemon_client *client;
};

static struct daemon_client *client_of(const struct source *source)
{
	return ((const struct source_daemon *)source)->client;
}

static int daemon_drain(struct source *source, const struct record_sink *sink, uint64_t until_ns)
{
	int64_t count = daemon_client_drain(client_of(source), sink);

	return count < 0 ? count : 0;
}

static char *daemon_name(struct source *source, uint32_t vm, char uuid[GUEST_UUID_SIZE])
{
	return daemon_client_name(client_of(source), vm, uuid);
}

static void daemon_tell_late_names(struct source *source, name_news_t tell, void *ctx)
{
	daemon_client_tell_late_names(client_of(source), tell, ctx);
}

static void daemon_status(struct source *source, struct status *status)
{
	status_set_host(status);
	daemon_client_status(client_of(source), status);
}

static int daemon_fd(const struct source *source)
{
	return daemon_client_fd(client_of(source));
}

static void daemon_announce(struct source *source, const char *end)
{
	struct status status;

	daemon_client_status(client_of(source), &status);
	say_at(SAY_INFO, MSG_ATTACHED, daemon_client_pid(client_of(source)), status.probes_attached, status.probes_total, end);
}

static const char *daemon_failure(int err)
{
	switch (err) {
	case -EPIPE:
		return MSG_DAEMON_GONE;
	case -EBADMSG:
		return MSG_DAEMON_DAMAGED;
	default:
		return NULL;
	}
}

static const struct source_probe *daemon_probes(const struct source *source, size_t *count)
{
	*count = 0;
	return NULL;
}

static void daemon_close(struct source *source)
{
	daemon_client_close(client_of(source));
	free(source);
}

static const struct source_type daemon_type = {
	.drain = daemon_drain, .name = daemon_name, .tell_late_names = daemon_tell_late_names, .status = daemon_status,
	.close = daemon_close, .fd = daemon_fd, .announce = daemon_announce, .failure = daemon_failure, .probes = daemon_probes,
};

struct source *source_of_daemon(const char *path, bool utf8, struct model **model, struct error *error)
{
	struct source_daemon *d = calloc(1, sizeof(*d));

	if (!d) {
		error_no_memory(error);
		return NULL;
	}
	d->source.type = &daemon_type;
	d->client = daemon_client_open(path, utf8, error);
	if (!d->client) {
		free(d);
		return NULL;
	}
	*model = daemon_client_take_model(d->client);
	return &d->source;
}
