/* SPDX-License-Identifier: GPL-2.0-only */
/* This host's kernel as a source. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/source.h"
#include "source/client.h"
#include "source/guest_name.h"
#include "util/clock.h"
#include "util/counter.h"
#include "util/log.h"

#define CPU_SAMPLE_NS (100 * NS_PER_MS)	/* shorter ones are noise */

struct source_kernel {
	struct source source;
	struct live *live;
	bool client, only_gic, complained;
	bool lets_go;		/* before kernel_close() returns */
	uint64_t sample_ns, sample_cpu_ns;
	double cpu_percent;
};

static struct source_kernel *kernel_of(const struct source *source)
{
	return (struct source_kernel *)source;
}

/* One that has given up its privileges cannot make any. */
static void complain_of_rings(struct source_kernel *k)
{
	int err = live_ring_error(k->live);

	if (err && !k->complained)
		say(MSG_NO_RING, strerror(-err));
	k->complained = err;
}

static int kernel_drain(struct source *source, const struct record_sink *sink, uint64_t until_ns)
{
	int64_t count = live_drain(kernel_of(source)->live, sink, until_ns == SOURCE_END);

	complain_of_rings(kernel_of(source));
	return count < 0 ? count : 0;
}

static char *kernel_name(struct source *source, uint32_t vm, char uuid[GUEST_UUID_SIZE])
{
	if (!kernel_of(source)->client)
		return guest_name(vm, uuid);
	if (uuid)
		uuid[0] = '\0';
	return client_name();
}

static void kernel_tell_late_names(struct source *source, name_news_t tell, void *ctx)
{
	guest_name_tell_late(tell, ctx);
}

/* --- about now */

static void sample_cpu(struct source_kernel *k, uint64_t now_ns)
{
	uint64_t cpu_ns = clock_cpu_ns();

	if (k->sample_ns && now_ns < k->sample_ns + CPU_SAMPLE_NS)
		return;
	if (k->sample_ns)
		k->cpu_percent = 100.0 * (cpu_ns - k->sample_cpu_ns) / (now_ns - k->sample_ns);
	k->sample_ns = now_ns;
	k->sample_cpu_ns = cpu_ns;
}

static unsigned int count_attached(const struct source_probe *probes, size_t count)
{
	unsigned int attached = 0;

	for (size_t i = 0; i < count; i++)
		attached += probes[i].attached;
	return attached;
}

/* Figures are as of the time up to which all records are there, not of now: what comes next is not older than they. */
static void kernel_status(struct source *source, struct status *status)
{
	struct source_kernel *k = kernel_of(source);
	uint64_t now_ns = clock_monotonic_ns();
	size_t total;
	const struct source_probe *probes = live_probes(k->live, &total);

	status_set_host(status);
	status->probes_attached = count_attached(probes, total);
	status->probes_total = total;
	sample_cpu(k, now_ns);
	status->cpu_percent = k->cpu_percent;
	live_counters(k->live, &status->counters);
	status->now_ns = status->counters.settled_ns < now_ns ? status->counters.settled_ns : now_ns;
	status->wall_ns = (int64_t)status->now_ns + clock_wall_offset_ns();
	status->counter = counter_look();
}

/* --- the rest */

static int kernel_fd(const struct source *source)
{
	return live_fd(kernel_of(source)->live);
}

static int kernel_period_ms(const struct source *source)
{
	return live_period_ms(kernel_of(source)->live);
}

static void kernel_detach(struct source *source)
{
	live_detach(kernel_of(source)->live);
}

static const struct source_probe *kernel_probes(const struct source *source, size_t *count)
{
	return live_probes(kernel_of(source)->live, count);
}

static void announce_client(unsigned int attached, unsigned int total, const char *end)
{
	char *name = client_name();

	say_at(SAY_INFO, MSG_TRACING_CLIENT, name ?: "-", attached, total, end);
	free(name);
	if (!client_is_bound())
		say(MSG_CLIENT_IDLE);
}

static void kernel_announce(struct source *source, const char *end)
{
	size_t total;
	const struct source_probe *probes = kernel_probes(source, &total);
	unsigned int attached = count_attached(probes, total);

	if (kernel_of(source)->client)
		announce_client(attached, total, end);
	else if (kernel_of(source)->only_gic)
		say_at(SAY_INFO, MSG_TRACING_GIC, attached, (unsigned int)total, end);
	else if (live_has_sdei(kernel_of(source)->live))
		say_at(SAY_INFO, MSG_TRACING, attached, (unsigned int)total, end);
	else
		say_at(SAY_INFO, MSG_TRACING_STOCK, live_gives(kernel_of(source)->live), attached, (unsigned int)total, end);
}

static void kernel_close(struct source *source)
{
	if (kernel_of(source)->lets_go)
		live_close(kernel_of(source)->live);
	else
		live_leave(kernel_of(source)->live);
	free(source);
}

static const struct source_type kernel_type = {
	.drain = kernel_drain, .name = kernel_name, .tell_late_names = kernel_tell_late_names, .status = kernel_status,
	.close = kernel_close, .fd = kernel_fd, .period_ms = kernel_period_ms, .detach = kernel_detach, .announce = kernel_announce, .probes = kernel_probes,
};

struct source *source_of_kernel(const struct live_options *options, struct error *error)
{
	struct source_kernel *k = calloc(1, sizeof(*k));

	if (!k) {
		error_no_memory(error);
		return NULL;
	}
	k->source.type = &kernel_type;
	k->cpu_percent = -1;
	k->client = options->client;
	k->only_gic = options->only_gic;
	k->lets_go = options->lets_go;
	k->live = live_open(options, error);
	if (k->live)
		return &k->source;
	free(k);
	return NULL;
}
