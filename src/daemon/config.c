// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/log.h"
#include "session/limit_options.h"

#define FLIGHT_GAP_S 60

#define FILE_MAX (64U << 10)
#define INTERVAL_MS 15000
#define EXPIRE_MS 300000
#define FLIGHT_SIZE (16ULL << 20)
#define FLIGHT_KEEP 10
#define FLIGHT_KEEP_GUEST 3

/* --- options */

static int set_labels(void *field, const char *value)
{
	*(bool *)field = strcmp(value, "vcpu") == 0;
	return *(bool *)field || strcmp(value, "vm") == 0 ? 0 : -EINVAL;
}

static int set_buckets(void *field, const char *value)
{
	*(enum metrics_buckets *)field = strcmp(value, "fine") == 0 ? METRICS_FINE : METRICS_COARSE;
	return strcmp(value, "fine") == 0 || strcmp(value, "coarse") == 0 ? 0 : -EINVAL;
}

static const char *labels_value(size_t n)
{
	return n == 0 ? "vm" : n == 1 ? "vcpu" : NULL;
}

static const char *buckets_value(size_t n)
{
	return n == 0 ? "coarse" : n == 1 ? "fine" : NULL;
}

static const struct option_type option_labels = { .set = set_labels, .value = labels_value, .expects = "vm or vcpu" };
static const struct option_type option_buckets = { .set = set_buckets, .value = buckets_value, .expects = "coarse or fine" };

#define OPTION(key, name, value, type, field, help) \
	{ key, name, value, &option_##type, offsetof(struct daemon_config, field), help }

static const struct option_spec options[] = {
	OPTION('c', "config", "FILE", string, file, "read this file; default: " CONFIG_DEFAULT ", if it is there"),
	OPTION('t', "textfile", "DIR", string, textfile, "write DIR/sdeid.prom, for node_exporter's textfile collector"),
	OPTION('d', "interval", "SECONDS", seconds, interval_ms, "how often it is written; 15 unless given"),
	OPTION(0, "labels", "WHAT", labels, labels_vcpu, "series for each vm (unless given) or vcpu"),
	OPTION(0, "buckets", "WHAT", buckets, buckets, "bounds of histograms: coarse, a factor of 4 apart (unless given), or fine, a factor of 2"),
	OPTION(0, "max-series", "N", count, max_series, "leave VMs out, latest first, beyond so many series; 100000"),
	OPTION(0, "expire", "SECONDS", seconds, expire_ms, "forget a VM that is gone after this time; 300"),
	OPTION(0, "remove", NULL, flag, remove, "remove the file at the end, after a last one was written"),
	OPTION('S', "socket", "PATH", string, socket, "let sdeitop --attach-daemon look, through this UNIX socket"),
	OPTION(0, "group", "GROUP", string, group, "who may: the group of the socket, mode 0660"),
	OPTION('F', "flight", "DIR", string, flight, "flight recorder: save recordings to DIR when something happens"),
	OPTION(0, "flight-size", "SIZE", size, flight_size, "how much of the past each has; 16M unless given"),
	OPTION(0, "flight-on", "WHAT", trigger, flight_on,
	       "save for this: a finding's code, any, warning, error (unless given), SIGUSR2, exit; may be repeated"),
	OPTION(0, "flight-keep", "N", count, flight_keep, "keep so many that were saved for findings, remove the oldest; 10 unless given"),
	OPTION(0, "flight-keep-guest", "N", count, flight_keep_guest, "keep so many of them because of one guest; 3 unless given"),
	OPTION(0, "check", NULL, flag, check, "only see whether this kernel can be watched: exit status 0, 1 or 4"),
	OPTION('u', "user", "USER", string, user, "become this user once everything is attached; root: sdeid unless given"),
	LIMIT_OPTIONS(daemon_config, limits),
	SESSION_SOURCE_OPTIONS(daemon_config),
	{ 0 },
};

const struct command sdeid_command = {
	.usage = "[OPTIONS]",
	.help = "Watches SDEI on this KVM host for ever: metrics for Prometheus, a flight recorder, figures for sdeitop.",
	.about = "Options may stand in FILE, without the dashes: 'interval = 30', 'remove = yes'. SIGHUP reads it again,\n"
		 "SIGUSR2 saves a flight recording, SIGTERM ends. All capabilities are dropped once everything is attached, and root becomes USER.\n"
		 "Exit status: 0 done, 1 failed, 2 wrong usage, 4 this kernel has neither the kvm_sdei_* tracepoints nor\n"
		 "asynchronous page faults.\n",
	.options = options,
};

static const struct daemon_config defaults = {
	.interval_ms = INTERVAL_MS, .expire_ms = EXPIRE_MS, .flight_size = FLIGHT_SIZE, .flight_keep = FLIGHT_KEEP,
	.flight_keep_guest = FLIGHT_KEEP_GUEST,
	.max_series = METRICS_SERIES,
};

/* --- the file */

/* A new string. 0 or -errno; -EFBIG: nobody writes so much by hand. */
static int read_file(const char *path, char **text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
	struct stat info;
	size_t used = 0;
	ssize_t got = 1;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &info) == 0 && !S_ISREG(info.st_mode))
		err = -EINVAL;
	*text = malloc(FILE_MAX + 1);
	if (!*text)
		err = -ENOMEM;
	while (!err && got > 0 && used < FILE_MAX) {
		got = read(fd, *text + used, FILE_MAX - used);
		if (got < 0)
			err = -errno;
		else
			used += got;
	}
	close(fd);
	if (!err && used == FILE_MAX)
		err = -EFBIG;
	if (!err && memchr(*text, '\0', used))
		err = -EINVAL;
	if (!err)
		(*text)[used] = '\0';
	return err;
}

/* Without the blanks at both ends; text is changed. */
static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* What makes no sense in a file. */
static bool is_for_command_line(const char *name)
{
	return strcmp(name, "config") == 0 || strcmp(name, "check") == 0 || strcmp(name, "help") == 0 || strcmp(name, "version") == 0;
}

static int take_line(struct daemon_config *config, char *line, char *message, size_t size)
{
	char *value;

	line = trim(line);
	if (!*line || *line == '#')
		return 0;
	value = strchr(line, '=');
	if (!value) {
		snprintf(message, size, "%.100s: expects NAME = VALUE", line);
		return -EINVAL;
	}
	*value++ = '\0';
	line = trim(line);
	if (is_for_command_line(line)) {
		snprintf(message, size, "%s: only for the command line", line);
		return -EINVAL;
	}
	return options_set(&sdeid_command, config, "", line, trim(value), message, size);
}

static int take_text(struct daemon_config *config, const char *path, char *message, size_t size)
{
	char *line, *rest = config->text, wrong[256];

	for (unsigned int number = 1; (line = strsep(&rest, "\n")); number++) {
		if (take_line(config, line, wrong, sizeof(wrong)) == 0)
			continue;
		snprintf(message, size, "%.200s:%u: %s", path, number, wrong);
		return -EINVAL;
	}
	return 0;
}

static int take_file(struct daemon_config *config, const char *path, bool optional, char *message, size_t size)
{
	int err = read_file(path, &config->text);

	if (err == -ENOENT && optional)
		return 0;
	if (err) {
		snprintf(message, size, "cannot read %.200s: %s", path,
			 err == -EINVAL ? "not a text file" : strerror(-err));
		return err;
	}
	return take_text(config, path, message, size);
}

/* --- all of it */

static int check(const struct daemon_config *config, char *message, size_t size)
{
	const char *wrong = NULL;

	if (config->group && !config->socket)
		wrong = "group needs socket: whose group it is to be";
	else if (!config->textfile && !config->socket && !config->flight)
		wrong = "nothing to do: name a directory for the metrics (textfile), a socket, or a directory for a flight recorder";
	if (wrong)
		snprintf(message, size, "%s", wrong);
	return wrong ? -EINVAL : 0;
}

/* Then what else is configured does not matter. */
static bool asks_only(const struct daemon_config *config)
{
	return config->session.help || config->session.version || config->check;
}

/* The command line twice: for the file's name, and for what counts more than the file. */
int config_read(struct daemon_config *config, int argc, char **argv, char *message, size_t size)
{
	struct daemon_config first = defaults;
	char **rest;
	int err;

	*config = defaults;
	err = options_parse(&sdeid_command, argc, argv, &first, &rest, message, size);
	if (!err && rest) {
		snprintf(message, size, MSG_EXTRA_OPERAND, *rest);
		err = -EINVAL;
	}
	if (!err && !asks_only(&first))
		err = take_file(config, first.file ?: CONFIG_DEFAULT, !first.file, message, size);
	if (!err)
		err = options_parse(&sdeid_command, argc, argv, config, &rest, message, size);
	if (!err && !asks_only(config))
		err = check(config, message, size);
	if (!config->flight_on.findings && !config->flight_on.usr2 && !config->flight_on.exit) {
		option_trigger.set(&config->flight_on, "error");
		config->flight_on.usr2 = true;
	}
	options_clear(&sdeid_command, &first);
	return err;
}

void config_clear(struct daemon_config *config)
{
	options_clear(&sdeid_command, config);
	free(config->text);
}

/* --- what changed */

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_numbers(const struct number_list *a, const struct number_list *b)
{
	return a->count == b->count && (!a->count || memcmp(a->values, b->values, a->count * sizeof(*a->values)) == 0);
}

static bool same_patterns(const struct string_list *a, const struct string_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->values[i], b->values[i]) != 0)
			return false;
	return true;
}

const char *config_needs_restart(const struct daemon_config *from, const struct daemon_config *to)
{
	const struct session_config *a = &from->session, *b = &to->session;

	if (!same_text(from->socket, to->socket))
		return "socket";
	if (!same_text(from->group, to->group))
		return "group";
	if (!same_text(from->user, to->user))
		return "user";
	if (memcmp(&from->limits, &to->limits, sizeof(to->limits)) != 0)
		return "handler-ms, pending-ms, nmi-ms, mask-ms, drops, refused, page-ms, ack-ms or fallbacks";
	if (!same_numbers(&a->vms, &b->vms) || !same_numbers(&a->vcpus, &b->vcpus) || !same_numbers(&a->events, &b->events) ||
	    !same_patterns(&a->guests, &b->guests))
		return "pid, guest, vcpu or event";
	if (a->no_calls != b->no_calls || a->gic != b->gic || a->sched != b->sched || a->client != b->client ||
	    a->ring_bytes != b->ring_bytes)
		return "no-calls, gic, sched, client or ring-size";
	return NULL;
}

struct flight_recorder_options config_flight(const struct daemon_config *config)
{
	return (struct flight_recorder_options){
		.directory = config->flight, .size = config->flight_size, .keep = config->flight_keep,
		.keep_of_guest = config->flight_keep_guest, .gap_s = FLIGHT_GAP_S,
		.for_group = true, .on = config->flight_on,
	};
}
