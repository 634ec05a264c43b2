/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sdeid has between its source and its socket, fed by random SDEI machines: a model, packets, a tally and serve.[ch].
 * The clock is the test's own.
 */
#ifndef TESTS_DAEMON_SCENE_H
#define TESTS_DAEMON_SCENE_H

#include "tests/unit/lib/sdei_machine.h"
#include "session/daemon_client.h"
#include "session/feeder.h"
#include "daemon/serve.h"
#include "recording/packetizer.h"

#define SERVED_MACHINES 3
#define SERVED_SECOND 1000000000ULL

struct served {
	char directory[40], path[64];
	struct feeder *feeder;
	struct packetizer *pack;
	struct serve *serve;
	struct record_counters tally;
	struct machine *machines[SERVED_MACHINES];
	uint32_t vm;			/* of the machine that steps */
	uint64_t now_ns, seed;
	unsigned int lose;		/* permille of the records */
	unsigned int images;		/* made so far */
	bool no_memory;			/* for an image */
};

/* In a new directory, with nothing seen yet. */
struct served *served_new(void);
void served_free(struct served *s);

/* That many things happen, and packets go out. */
void served_run(struct served *s, unsigned int steps);

/* A packet goes out if there is anything for it. */
void served_flush(struct served *s);

struct served_client {
	struct daemon_client *attach;
	struct feeder *feeder;
};

/* Joins while the daemon's loop turns. NULL: refused, with *err. */
struct served_client *served_join(struct served *s, int *err);
void served_leave(struct served_client *c);

/* Until it has everything. */
void served_catch_up(struct served *s, struct served_client *c);

/* The summary of a model, as JSON: a new string. */
char *served_summary(const struct model *m);

#endif
