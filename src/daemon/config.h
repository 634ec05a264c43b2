/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sdeid is asked to do: its options, from the command line and from a file. Each line of the file is "name = value",
 * an option's long name; what the command line says counts more. '#' starts a line that is not read.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "session/flight_recorder.h"
#include "session/session.h"
#include "view/metrics/metrics.h"

#define CONFIG_DEFAULT "/etc/sdeitop/sdeid.conf"

struct daemon_config {
	const char *file;		/* NULL: the default, which may be missing */
	const char *textfile;		/* a directory; NULL: no export */
	uint64_t interval_ms, expire_ms, max_series;
	bool labels_vcpu, remove, check;
	enum metrics_buckets buckets;
	const char *flight;		/* a directory; NULL: no flight recorder */
	uint64_t flight_size, flight_keep, flight_keep_guest;
	struct triggers flight_on;
	const char *socket;		/* NULL: nobody can look */
	const char *group, *user;	/* NULL: as they are */
	struct session_config session;
	struct finding_limits limits;
	char *text;			/* what values from the file point into */
};

extern const struct command sdeid_command;

/*
 * Reads all of it. 0; -EINVAL or why the file cannot be read: message (of at least 512 bytes) says it. Undone by config_clear(),
 * in any case.
 */
int config_read(struct daemon_config *config, int argc, char **argv, char *message, size_t size);
void config_clear(struct daemon_config *config);

/* The name of an option that differs and that a running daemon cannot follow; NULL: there is none. */
const char *config_needs_restart(const struct daemon_config *from, const struct daemon_config *to);

/* What its flight recorder shall be, if it has one. */
struct flight_recorder_options config_flight(const struct daemon_config *config);

#endif
