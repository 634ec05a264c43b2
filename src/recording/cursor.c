/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recording/unpack.h"

#define HEAD_SIZE sizeof(struct packet_head)
#define BUFFER_SIZE (2 * RECORDING_PACKET_CLAIM_MAX)
/* Looking for packets inside of damaged ones must not take longer than so many times reading them. */
#define SEARCH_FACTOR 16
#define SKIM_SIZE 4096U		/* what is read where only a head may be wanted */

struct cursor {
	int directory;
	const struct stream_file *files;
	size_t count;
	void (*report)(void *ctx, const struct reader_problem *problem);
	void *ctx;
	bool has_uuid;
	uint8_t uuid[16];

	size_t file;			/* the one that is open, or to be opened next */
	struct unpack *bytes;		/* NULL: none is open */
	uint32_t number;
	char name[FILES_NAME_MAX];
	bool file_end;			/* nothing more comes from it */
	bool skims;			/* packets may be passed over */
	struct reader_problem end_problem;	/* why, if file is set: to be reported when what came before it has been taken */
	uint64_t offset;		/* in the file, of buffer[at] */
	size_t at, filled;
	uint64_t done;			/* bytes on disk of the files before */
	uint64_t searched;		/* bytes checked in vain */
	struct cursor_place place;
	uint64_t bad_from;		/* where what is no packet began */
	bool bad;
	enum reader_problem_kind bad_kind;
	uint8_t buffer[BUFFER_SIZE + 1];
};

struct cursor *cursor_new(int directory, const struct stream_file *files, size_t count,
			  void (*report)(void *ctx, const struct reader_problem *problem), void *ctx)
{
	struct cursor *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	memset(c, 0, offsetof(struct cursor, buffer));
	c->directory = directory;
	c->files = files;
	c->count = count;
	c->report = report;
	c->ctx = ctx;
	return c;
}

static void close_file(struct cursor *c)
{
	unpack_close(c->bytes);
	c->bytes = NULL;
}

void cursor_free(struct cursor *c)
{
	if (c)
		close_file(c);
	free(c);
}

void cursor_set_uuid(struct cursor *c, const uint8_t uuid[16])
{
	memcpy(c->uuid, uuid, sizeof(c->uuid));
	c->has_uuid = true;
}

/* --- what is wrong */

static void report(struct cursor *c, enum reader_problem_kind kind, uint64_t offset, uint64_t bytes, int error)
{
	struct reader_problem problem = { .kind = kind, .offset = offset, .bytes = bytes, .error = error };

	if (!c->report)
		return;
	memcpy(problem.file, c->name, sizeof(problem.file));
	c->report(c->ctx, &problem);
}

static void begin_bad(struct cursor *c, enum reader_problem_kind kind)
{
	if (c->bad)
		return;
	c->bad = true;
	c->bad_kind = kind;
	c->bad_from = c->offset;
}

static void end_bad(struct cursor *c)
{
	if (c->bad)
		report(c, c->bad_kind, c->bad_from, c->offset - c->bad_from, 0);
	c->bad = false;
}

/* --- files */

static void open_next(struct cursor *c)
{
	const struct stream_file *file = &c->files[c->file];
	int fd;

	c->number = file->number;
	files_name(c->name, file->number, file->compressed);
	c->end_problem.file[0] = '\0';
	c->offset = c->at = c->filled = 0;
	c->file_end = false;
	fd = files_open(c->directory, c->name);
	if (fd < 0) {
		report(c, PROBLEM_FILE, 0, 0, -fd);
		c->file_end = true;
		return;
	}
	c->bytes = unpack_open(fd);
	if (!c->bytes) {
		report(c, PROBLEM_FILE, 0, 0, ENOMEM);
		c->file_end = true;
	}
}

static void leave_file(struct cursor *c)
{
	end_bad(c);
	if (c->end_problem.file[0] && c->report)
		c->report(c->ctx, &c->end_problem);
	close_file(c);
	c->done += c->files[c->file].size;
	c->file++;
}

static void fail(struct cursor *c, enum reader_problem_kind kind, int error)
{
	c->end_problem = (struct reader_problem){ .kind = kind, .offset = c->offset + c->filled - c->at, .error = error };
	memcpy(c->end_problem.file, c->name, sizeof(c->end_problem.file));
}

/* The file is at fault; what it gave so far is good. */
static void check_end(struct cursor *c)
{
	int err = unpack_error(c->bytes);

	if (err == -EPIPE)
		fail(c, PROBLEM_CUT, 0);
	else if (err == -EBADMSG)
		fail(c, PROBLEM_DAMAGED, 0);
	else if (err)
		fail(c, PROBLEM_FILE, -err);
}

/* How much to read for so many more bytes. */
static size_t read_ahead(const struct cursor *c, size_t more)
{
	size_t room = BUFFER_SIZE - c->filled, least = more > SKIM_SIZE ? more : SKIM_SIZE;

	return c->skims && least < room ? least : room;
}

/* Has at least want bytes at hand, unless the file ends before. */
static void fill(struct cursor *c, size_t want)
{
	while (c->filled - c->at < want && !c->file_end) {
		size_t got;

		if (c->at + want > BUFFER_SIZE) {
			memmove(c->buffer, c->buffer + c->at, c->filled - c->at);
			c->filled -= c->at;
			c->at = 0;
		}
		got = unpack_read(c->bytes, c->buffer + c->filled, read_ahead(c, want - (c->filled - c->at)));
		c->filled += got;
		c->file_end = !got;
		if (c->file_end)
			check_end(c);
	}
}

static void skip(struct cursor *c, size_t bytes)
{
	c->at += bytes;
	c->offset += bytes;
}

/* Whether so many bytes are there, without reading them if that is possible. */
static bool has(struct cursor *c, size_t bytes)
{
	if (c->offset + bytes <= unpack_plain_size(c->bytes))
		return true;
	fill(c, bytes);
	return c->filled - c->at >= bytes;
}

/* Steps over bytes that are there, read or not. */
static void pass(struct cursor *c, size_t bytes)
{
	if (c->filled - c->at >= bytes) {
		skip(c, bytes);
		return;
	}
	c->offset += bytes;
	c->at = c->filled = 0;
	if (unpack_seek(c->bytes, c->offset) < 0) {
		c->file_end = true;
		fail(c, PROBLEM_FILE, EIO);
	}
}

/* --- packets */

/* To the next place that could be a packet's head, at least one byte on. */
static void search(struct cursor *c)
{
	static const uint32_t magic = PACKET_MAGIC;
	const uint8_t *from = c->buffer + c->at + 1, *found;
	size_t have = c->filled - c->at - 1;

	found = memmem(from, have, &magic, sizeof(magic));
	if (found)
		skip(c, found - (c->buffer + c->at));
	else if (c->file_end || have < sizeof(magic))
		skip(c, have + 1);
	else
		skip(c, have + 2 - sizeof(magic));	/* the magic may be half there */
}

/* What is there is no whole packet of ours: steps over it, or into it to find one that begins there. */
static void step_over(struct cursor *c, enum packet_verdict verdict, const struct packet_head *head)
{
	uint64_t size = head->packet_bits / 8, have = c->filled - c->at;

	begin_bad(c, verdict == PACKET_CUT ? PROBLEM_CUT : PROBLEM_DAMAGED);
	if (verdict == PACKET_FOREIGN) {
		skip(c, size);
		return;
	}
	if (verdict == PACKET_DAMAGED || verdict == PACKET_CUT) {
		c->searched += verdict == PACKET_DAMAGED ? size : 0;
		if (c->searched > SEARCH_FACTOR * (c->offset + BUFFER_SIZE) && size <= have) {
			skip(c, size);
			return;
		}
	}
	search(c);
}

static enum packet_verdict look(struct cursor *c, struct packet_head *head, bool *wanted, cursor_wants_t wants, void *ctx)
{
	const uint8_t *uuid = c->has_uuid ? c->uuid : NULL;
	enum packet_verdict verdict;

	*wanted = true;
	fill(c, HEAD_SIZE);
	verdict = packet_check_head(c->buffer + c->at, c->filled - c->at, uuid, head);
	if (verdict == PACKET_NOT_ONE)
		return verdict;
	if (verdict == PACKET_WHOLE && wants && !wants(ctx, head)) {
		*wanted = false;
		return has(c, head->packet_bits / 8) ? PACKET_WHOLE : PACKET_CUT;
	}
	fill(c, head->packet_bits / 8);
	return packet_check(c->buffer + c->at, c->filled - c->at, uuid, head);
}

static void take(struct cursor *c, const struct packet_head *head)
{
	if (c->bad)
		c->bad_kind = PROBLEM_DAMAGED;	/* not at the end of the file */
	end_bad(c);
	if (!c->has_uuid)
		cursor_set_uuid(c, head->uuid);
	c->place = (struct cursor_place){ c->file, c->offset };
}

bool cursor_next(struct cursor *c, struct packet_head *head, const uint8_t **bytes, cursor_wants_t wants, void *ctx)
{
	c->skims = wants;
	while (c->file < c->count) {
		enum packet_verdict verdict;
		bool wanted;

		if (!c->bytes)
			open_next(c);
		if (c->bytes)
			fill(c, 1);
		if (c->at == c->filled) {
			leave_file(c);
			continue;
		}
		verdict = look(c, head, &wanted, wants, ctx);
		if (verdict == PACKET_WHOLE) {
			take(c, head);
			*bytes = wanted ? c->buffer + c->at : NULL;
			pass(c, head->packet_bits / 8);
			return true;
		}
		if (verdict == PACKET_NOT_ONE)
			memset(head, 0, sizeof(*head));
		step_over(c, c->filled - c->at < HEAD_SIZE ? PACKET_CUT : verdict, head);
	}
	return false;
}

/* --- places */

struct cursor_place cursor_place(const struct cursor *c)
{
	return c->place;
}

int cursor_go(struct cursor *c, struct cursor_place place)
{
	close_file(c);
	c->file = place.file;
	c->done = 0;
	c->bad = false;
	c->searched = 0;
	for (size_t i = 0; i < place.file; i++)
		c->done += c->files[i].size;
	if (place.file >= c->count)
		return 0;
	open_next(c);
	if (!c->bytes || unpack_seek(c->bytes, place.offset) < 0)
		return -EIO;
	c->offset = place.offset;
	return 0;
}

const char *cursor_file_name(const struct cursor *c)
{
	return c->name;
}

uint32_t cursor_file_number(const struct cursor *c)
{
	return c->number;
}

uint64_t cursor_bytes_done(const struct cursor *c)
{
	return c->done + (c->bytes ? unpack_done(c->bytes) : 0);
}

uint64_t cursor_searched(const struct cursor *c)
{
	return c->searched;
}
