/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a recording. It trusts nothing: any bytes give the packets that are whole, and a list of what is missing.
 * Memory is one packet and the list of files, whatever the recording's size and whatever a head claims.
 */
#ifndef RECORDING_READER_H
#define RECORDING_READER_H

#include <stdio.h>

#include "recording/packet.h"
#include "util/error.h"
#include "util/times.h"

struct reader;

/* NULL: *err (-ENOENT, -ENOTDIR, -ENODATA: no recording, -ENOTSUP: of a newer major version, …) and message (of at least 512 bytes). */
struct reader *reader_open(const char *directory, struct error *error);
void reader_close(struct reader *r);	/* NULL is fine */

const struct recording_about *reader_about(const struct reader *r);

/*
 * The next item, valid until the next call; NULL at the end. Snapshots come only where reading starts (after
 * reader_open() if the recording begins with one, or its first packet is gone, after reader_seek()) and where packets before them are missing; what
 * repeats known state is left out. After such a gap, ITEM_LOST without a key says how many items are missing at least.
 */
const struct recording_item *reader_next(struct reader *r);

/* Items of one packet that follow each other, and what was known when they had been read. */
struct reader_run {
	const struct recording_item *items;
	size_t count;
	uint64_t begin_ns;		/* reader_begin_ns() */
	int64_t wall_offset_ns;		/* reader_wall_offset_ns(), known since: */
	uint64_t packet_ns;		/* the packet of the items begins */
	uint64_t bytes_done;		/* reader_progress() */
	uint64_t sequence;		/* the packet's number */
};

/* As reader_next(), for all that are at hand: at least one, valid until the next call. False at the end. */
bool reader_next_run(struct reader *r, struct reader_run *run);

/* The same, for at most room items, which are put into items. Not after reader_next(). */
bool reader_read_run(struct reader *r, struct recording_item *items, size_t room, struct reader_run *run);

/*
 * From now on, packets that wants() refuses are skipped without a look into them, as if they held nothing: for what has been read
 * before. They are as long as their head says, and their items have times from begin_ns to end_ns, but for records that the source
 * delivered late: those are older. wants NULL: all packets.
 */
typedef bool (*reader_wants_t)(void *ctx, uint64_t begin_ns, uint64_t end_ns);
void reader_set_wants(struct reader *r, reader_wants_t wants, void *ctx);

/* How far: bytes of files read up to the last packet, of all there are (compressed size where compressed). For progress. */
void reader_progress(const struct reader *r, uint64_t *done, uint64_t *total);

/*
 * Goes to the last snapshot, or start, at or before time_ns: the next item is from there. With 0, to the start. Reads
 * all, but decodes no item. 0 or -errno.
 */
int reader_seek(struct reader *r, uint64_t time_ns);

/*
 * Of the packets that are whole: the times of the first and last item, and how many there are. Reads all, once, unless all has
 * been read from the start. 0 or -errno. What a head says against its items does not count.
 */
struct reader_span {
	uint64_t begin_ns, end_ns;	/* CLOCK_MONOTONIC */
	uint64_t packets, items;	/* items: without snapshots */
	uint64_t first_sequence;	/* the number of the first packet */
	uint64_t next_sequence;		/* that behind the last one; of an end mark alone, its own: another recording has more there */
	uint64_t bytes;			/* of all files, as they are on disk */
	struct wall_steps wall;		/* as the packets say */
};
int reader_span(struct reader *r, struct reader_span *span);

/* Of the first of them alone, for which not all is read. 0; -ENODATA: there is none; -errno. */
int reader_first(struct reader *r, struct reader_span *span);

/* The time of the first item since the start or a seek; 0 before that has been met. */
uint64_t reader_begin_ns(const struct reader *r);

/* CLOCK_REALTIME - CLOCK_MONOTONIC as the packet of the newest item says. */
int64_t reader_wall_offset_ns(const struct reader *r);

/* What is missing or was skipped, as far as was read. */
enum reader_problem_kind {
	PROBLEM_NO_METADATA,	/* or cut off: about is incomplete */
	PROBLEM_CUT,		/* a file ends within a packet */
	PROBLEM_DAMAGED,	/* bytes that are no packet, or one whose CRC is wrong; skipped up to the next that is one */
	PROBLEM_ITEMS,		/* a whole packet holds something that this reader does not know: its rest is skipped */
	PROBLEM_TIMES,		/* a whole packet whose head has another end than its items: these count */
	PROBLEM_RUNS_BACK,	/* time runs back: in a whole packet, whose rest is skipped, or to it from the one before: it is skipped */
	PROBLEM_GAP,		/* packets are missing between two that are there */
	PROBLEM_NO_START,	/* the first packets are gone (rotation): not damage */
	PROBLEM_NO_END,		/* no end mark: the recorder was killed, or is still writing */
	PROBLEM_FILE,		/* a file that cannot be read, or that is none of the recording's */
};

struct reader_problem {
	enum reader_problem_kind kind;
	char file[32];
	uint64_t offset;	/* in it (uncompressed) */
	uint64_t bytes, packets, items;	/* missing; 0: none, or unknown */
	uint64_t from_ns, to_ns;	/* within which something is missing; 0: unknown */
	int error;		/* PROBLEM_FILE: errno */
};

/* At most READER_PROBLEMS_MAX are kept, all are counted. */
#define READER_PROBLEMS_MAX 256
const struct reader_problem *reader_problems(const struct reader *r, size_t *kept, uint64_t *all);

/* One sentence: "sdei-000002: cut off at byte 83210: 4096 bytes of a packet are missing". buf is never overrun. */
void reader_describe(const struct reader_problem *problem, char *buf, size_t size);

/* Whether anything is, or may be, missing (all but PROBLEM_NO_START). */
bool reader_is_incomplete(const struct reader *r);

#endif
