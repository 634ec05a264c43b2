// SPDX-License-Identifier: GPL-2.0-only
#include "session/about.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "session/playback.h"
#include "util/clock.h"
#include "util/log.h"

static void read_boot_id(char *id, size_t size)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, id, size - 1);

	if (fd >= 0)
		close(fd);
	id[got > 0 ? got : 0] = '\0';
	id[strcspn(id, "\n")] = '\0';
}

static void append_word(char *text, size_t size, const char *word)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", used ? " " : "", word);
}

static void list_probes(struct recording_about *about, const struct session *w)
{
	size_t count;
	const struct source_probe *probes = session_probes(w, &count);

	for (size_t i = 0; i < count; i++) {
		if (probes[i].attached)
			append_word(about->probes, sizeof(about->probes), probes[i].name);
		else
			append_word(about->probes_missing, sizeof(about->probes_missing), probes[i].name);
	}
}

static void list_numbers(char *text, size_t size, const char *option, const struct number_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		char word[32];

		snprintf(word, sizeof(word), "%s %" PRIu32, option, list->values[i]);
		append_word(text, size, word);
	}
}

static void list_filters(struct recording_about *about, const struct number_list *vms, const struct number_list *vcpus,
			 const struct number_list *events, const struct string_list *guests)
{
	char *text = about->filter;
	size_t size = sizeof(about->filter);

	list_numbers(text, size, "-p", vms);
	list_numbers(text, size, "-v", vcpus);
	list_numbers(text, size, "-e", events);
	for (size_t i = 0; i < guests->count; i++) {
		append_word(text, size, "-g");
		append_word(text, size, guests->values[i]);
	}
}

static void set_uuid(struct recording_about *about)
{
	uint64_t now_ns = clock_monotonic_ns();

	if (getrandom(about->uuid, sizeof(about->uuid), 0) != sizeof(about->uuid))
		memcpy(about->uuid, &now_ns, sizeof(now_ns));	/* as good as unique */
	/* As in uuidgen -r. */
	about->uuid[6] = (about->uuid[6] & 0x0f) | 0x40;
	about->uuid[8] = (about->uuid[8] & 0x3f) | 0x80;
}

void about_renew(struct recording_about *about)
{
	about->major = RECORDING_MAJOR;
	about->minor = RECORDING_MINOR;
	set_uuid(about);
	snprintf(about->version, sizeof(about->version), "%s", SDEITOP_VERSION);
}

/* As --since and --until take it. */
static void list_moment(struct recording_about *about, const char *option, const struct moment *moment)
{
	char word[64];

	if (moment->kind != MOMENT_MONOTONIC)
		return;
	snprintf(word, sizeof(word), "%s %" PRId64 ".%09" PRId64, option, moment->ns / 1000000000, moment->ns % 1000000000);
	append_word(about->filter, sizeof(about->filter), word);
}

void about_add_filters(struct recording_about *about, const struct playback_config *c)
{
	list_filters(about, &c->vms, &c->vcpus, &c->events, &c->guests);
	list_moment(about, "--since", &c->since);
	list_moment(about, "--until", &c->until);
}

void about_describe(struct recording_about *about, const struct session *w, const struct session_config *config,
		    const struct status *now)
{
	struct utsname host;

	about_renew(about);
	about->clock_offset_ns = (int64_t)((uint64_t)now->wall_ns - now->now_ns);
	about->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	snprintf(about->host, sizeof(about->host), "%s", now->host);
	if (uname(&host) == 0) {
		memcpy(about->kernel, host.release, sizeof(about->kernel));
		memcpy(about->kernel_version, host.version, sizeof(about->kernel_version));
		memcpy(about->machine, host.machine, sizeof(about->machine));
	}
	read_boot_id(about->boot_id, sizeof(about->boot_id));
	list_probes(about, w);
	list_filters(about, &config->vms, &config->vcpus, &config->events, &config->guests);
	if (config->no_calls)
		append_word(about->filter, sizeof(about->filter), "--no-calls");
	if (config->client)
		append_word(about->filter, sizeof(about->filter), "--client");
}
