/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recording/cursor.h"
#include "recording/read_ranges.h"

#define METADATA_MAX (1U << 20)
#define RUN 32		/* items that are decoded at once */

struct reader {
	int directory;
	struct stream_file *files;
	size_t file_count;
	uint64_t total;			/* bytes on disk */
	struct recording_about about;
	bool has_about, has_clock;
	struct cursor *cursor;
	reader_wants_t wants;		/* NULL: all packets */
	void *wants_ctx;

	const uint8_t *bytes;		/* of the packet that is being read; NULL: none */
	size_t at, size;
	struct packet_head head;
	uint64_t clock_ns;
	uint32_t decoded;
	uint64_t bytes_done;		/* of files, when it was read */

	uint64_t next_sequence;
	uint64_t last_ns;		/* of the newest item */
	uint64_t refused_end_ns;	/* of the packet before, if time ran back to it; else UINT64_MAX */
	bool started;			/* a packet has been read since the start or a seek */
	bool skipped;			/* packets before the next one were refused */
	bool wants_snapshot, in_snapshot;
	bool ended, done;		/* the newest item was the end mark; the end was reached */
	bool damaged;			/* something was amiss since the start or a seek */
	uint64_t gap;			/* packets missing, to be reported as lost items */
	struct recording_item items[RUN];	/* those that were decoded, of one packet */
	size_t next, count;		/* items[next .. count - 1] have not been handed out */

	bool has_span;
	struct reader_span span;
	struct reader_span passed;	/* of the packets met since the start */
	bool passed_all;		/* none was left out since then */
	struct read_ranges seen;
	struct reader_problem problems[READER_PROBLEMS_MAX];
	uint64_t problem_count, damage_count;
};

/* --- problems */

static bool is_kept(const struct reader *r, const struct reader_problem *problem)
{
	size_t kept;
	uint64_t all;
	const struct reader_problem *known = reader_problems(r, &kept, &all);

	for (size_t i = 0; i < kept; i++)
		if (known[i].kind == problem->kind && known[i].offset == problem->offset &&
		    strcmp(known[i].file, problem->file) == 0)
			return true;
	return false;
}

/* After a seek, what was read before is met again; but a file that could be read then may be unreadable now. */
static bool is_known(const struct reader *r, const struct reader_problem *problem, struct seen_place place)
{
	bool may_be_new = problem->kind == PROBLEM_FILE && r->problem_count <= READER_PROBLEMS_MAX;

	return read_ranges_has(&r->seen, place) && (!may_be_new || is_kept(r, problem));
}

/*
 * What is noticed when a packet is reached stands at its first byte, what is noticed when it has been decoded at
 * its second, so that a seek to it leaves out the one but not the other.
 */
static void note_at(struct reader *r, const struct reader_problem *problem, struct seen_place place)
{
	r->damaged |= problem->kind != PROBLEM_NO_START;
	if (is_known(r, problem, place))
		return;
	if (r->problem_count < READER_PROBLEMS_MAX)
		r->problems[r->problem_count] = *problem;
	r->problem_count++;
	r->damage_count += problem->kind != PROBLEM_NO_START;
}

/* What the cursor steps over. */
static void note(void *ctx, const struct reader_problem *problem)
{
	struct reader *r = ctx;

	note_at(r, problem, (struct seen_place){ cursor_file_number(r->cursor), problem->offset });
}

/* Where the packet that is being read stands; bytes: how far into it. */
static struct seen_place place_here(const struct reader *r, unsigned int bytes)
{
	return (struct seen_place){ cursor_file_number(r->cursor), cursor_place(r->cursor).offset + bytes };
}

static void note_here(struct reader *r, struct reader_problem problem, unsigned int bytes)
{
	memcpy(problem.file, cursor_file_name(r->cursor), sizeof(problem.file));
	problem.offset = cursor_place(r->cursor).offset;
	note_at(r, &problem, place_here(r, bytes));
}

/* Of the packet, and of its items. */
static void note_packet(struct reader *r, struct reader_problem problem)
{
	note_here(r, problem, 0);
}

static void note_items(struct reader *r, struct reader_problem problem)
{
	note_here(r, problem, 1);
}

const struct reader_problem *reader_problems(const struct reader *r, size_t *kept, uint64_t *all)
{
	*kept = r->problem_count < READER_PROBLEMS_MAX ? r->problem_count : READER_PROBLEMS_MAX;
	*all = r->problem_count;
	return r->problems;
}

bool reader_is_incomplete(const struct reader *r)
{
	return r->damage_count;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void describe_gap(const struct reader_problem *p, char *buf, size_t size)
{
	snprintf(buf, size, "%s: %" PRIu64 " packet%s missing before byte %" PRIu64 ", between %" PRIu64 ".%06" PRIu64
		 " and %" PRIu64 ".%06" PRIu64 " s", p->file, p->packets, plural(p->packets), p->offset,
		 p->from_ns / 1000000000, p->from_ns / 1000 % 1000000, p->to_ns / 1000000000, p->to_ns / 1000 % 1000000);
}

static void describe_cut(const struct reader_problem *p, char *buf, size_t size)
{
	if (p->bytes)
		snprintf(buf, size, "%s: cut off: the last %" PRIu64 " byte%s, from byte %" PRIu64 " on, are no whole packet",
			 p->file, p->bytes, plural(p->bytes), p->offset);
	else
		snprintf(buf, size, "%s: cut off at byte %" PRIu64 " of what is compressed", p->file, p->offset);
}

static void describe_times(const struct reader_problem *p, char *buf, size_t size)
{
	snprintf(buf, size, "%s: the packet at byte %" PRIu64 " says that it ends at %" PRIu64 ".%06" PRIu64
		 " s, its last item is of %" PRIu64 ".%06" PRIu64 " s", p->file, p->offset, p->to_ns / 1000000000,
		 p->to_ns / 1000 % 1000000, p->from_ns / 1000000000, p->from_ns / 1000 % 1000000);
}

void reader_describe(const struct reader_problem *p, char *buf, size_t size)
{
	switch (p->kind) {
	case PROBLEM_NO_METADATA:
		snprintf(buf, size, "metadata: missing, cut off or not ours: host, kernel and probes are not known");
		break;
	case PROBLEM_CUT:
		describe_cut(p, buf, size);
		break;
	case PROBLEM_DAMAGED:
		snprintf(buf, size, "%s: damaged: %" PRIu64 " byte%s from byte %" PRIu64 " on are no packet of this recording",
			 p->file, p->bytes, plural(p->bytes), p->offset);
		break;
	case PROBLEM_ITEMS:
		snprintf(buf, size, "%s: %" PRIu64 " item%s of the packet at byte %" PRIu64
			 " cannot be read: made by a newer sdeitop?", p->file, p->items, plural(p->items), p->offset);
		break;
	case PROBLEM_TIMES:
		describe_times(p, buf, size);
		break;
	case PROBLEM_RUNS_BACK:
		snprintf(buf, size, "%s: time runs back %s the packet at byte %" PRIu64 ": %" PRIu64 " item%s skipped", p->file,
			 p->to_ns ? "to" : "in", p->offset, p->items, p->items == 1 ? " is" : "s are");
		break;
	case PROBLEM_GAP:
		describe_gap(p, buf, size);
		break;
	case PROBLEM_NO_START:
		snprintf(buf, size, "the first %" PRIu64 " packet%s gone: rotated away", p->packets, p->packets == 1 ? " is" : "s are");
		break;
	case PROBLEM_NO_END:
		snprintf(buf, size, "no end: the recorder was killed or is still writing; up to a second may be missing");
		break;
	case PROBLEM_FILE:
		snprintf(buf, size, "%s: cannot be read: %s", p->file, strerror(p->error));
		break;
	}
}

/* --- opening */

static char *read_all(int fd, size_t *size)
{
	char *text = malloc(METADATA_MAX);
	ssize_t got = 1;

	*size = 0;
	while (text && got > 0 && *size < METADATA_MAX) {
		got = read(fd, text + *size, METADATA_MAX - *size);
		if (got > 0)
			*size += got;
	}
	return text;
}

/* 0, -ENOMEM, or -errno of codec_about(). */
static int read_metadata(struct reader *r)
{
	int fd = files_open(r->directory, FILES_METADATA), err;
	size_t size;
	char *text;

	if (fd < 0)
		return -EINVAL;
	text = read_all(fd, &size);
	close(fd);
	err = text ? codec_about(text, size, &r->about) : -ENOMEM;
	free(text);
	return err;
}

static bool is_zero(const uint8_t uuid[16])
{
	static const uint8_t zero[16];

	return memcmp(uuid, zero, sizeof(zero)) == 0;
}

static int open_directory(struct reader *r, const char *directory, struct error *error)
{
	int err;

	r->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->directory < 0)
		return error_set(error, -errno, "cannot open %s: %s; what is wanted is a directory that `sdeitop record` made",
				 directory, strerror(errno));
	err = files_list(r->directory, &r->files, &r->file_count);
	return err ? error_set(error, err, "cannot list %s: %s", directory, strerror(-err)) : 0;
}

static int open_content(struct reader *r, const char *directory, struct error *error)
{
	int err = read_metadata(r);

	if (err == -ENOTSUP)
		return error_set(error, err, "%s is a recording of format %u, this sdeitop reads format %u: a newer one is needed",
				 directory, r->about.major, RECORDING_MAJOR);
	if (err == -ENOMEM)
		return error_no_memory(error);
	if (!r->file_count)
		return error_set(error, -ENODATA, "%s is no recording: there are no files sdei-000000, … in it", directory);
	r->has_about = r->has_clock = !err;
	if (err) {
		r->problems[r->problem_count++] = (struct reader_problem){ .kind = PROBLEM_NO_METADATA, .file = FILES_METADATA };
		r->damage_count++;
	}
	for (size_t i = 0; i < r->file_count; i++)
		r->total += r->files[i].size;
	r->cursor = cursor_new(r->directory, r->files, r->file_count, note, r);
	if (!r->cursor)
		return error_no_memory(error);
	if (!is_zero(r->about.uuid))
		cursor_set_uuid(r->cursor, r->about.uuid);
	r->passed.bytes = r->total;
	r->passed_all = true;
	r->refused_end_ns = UINT64_MAX;
	read_ranges_go(&r->seen, (struct seen_place){ 0, 0 });
	return 0;
}

struct reader *reader_open(const char *directory, struct error *error)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r) {
		error_no_memory(error);
		return NULL;
	}
	if (!open_directory(r, directory, error) && !open_content(r, directory, error))
		return r;
	reader_close(r);
	return NULL;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	cursor_free(r->cursor);
	free(r->files);
	read_ranges_clear(&r->seen);
	if (r->directory >= 0)
		close(r->directory);
	free(r);
}

const struct recording_about *reader_about(const struct reader *r)
{
	return &r->about;
}

/* --- packets */

/* What the metadata should have said. */
static void learn_from(struct reader *r, const struct packet_head *head)
{
	if (r->has_about)
		return;
	r->about.major = RECORDING_MAJOR;
	r->about.minor = head->minor;
	memcpy(r->about.uuid, head->uuid, sizeof(r->about.uuid));
	if (!r->has_clock)
		r->about.clock_offset_ns = head->wall_offset_ns;
	r->has_clock = true;
}

static void check_sequence(struct reader *r, const struct packet_head *head)
{
	uint64_t missing = head->sequence - r->next_sequence;

	if (!missing)
		return;
	r->wants_snapshot = true;
	if (!r->started && !r->damaged) {
		note_packet(r, (struct reader_problem){ .kind = PROBLEM_NO_START, .packets = missing });
		return;
	}
	r->gap = missing;
	note_packet(r, (struct reader_problem){
		.kind = PROBLEM_GAP, .packets = missing, .from_ns = r->last_ns, .to_ns = head->begin_ns });
}

/* Whether its items shall be handed out: those of a snapshot only where one is needed. */
static bool admit_packet(struct reader *r, const struct packet_head *head)
{
	if (head->holds != PACKET_SNAPSHOT) {
		r->wants_snapshot &= !r->in_snapshot;
		r->in_snapshot = false;
		return true;
	}
	r->in_snapshot = r->wants_snapshot;
	return r->wants_snapshot;
}

/* A packet that was there before, or whose number is absurd, is none of this stream. */
static bool follows(const struct packet_head *head, uint64_t next_sequence)
{
	return head->sequence >= next_sequence && head->sequence < UINT64_MAX;
}

static bool check_order(struct reader *r, const struct packet_head *head)
{
	if (follows(head, r->next_sequence))
		return true;
	note_packet(r, (struct reader_problem){ .kind = PROBLEM_DAMAGED, .bytes = head->packet_bits / 8 });
	return false;
}

/* Of two packets in a row that are both before the newest item it is that item whose time is wrong. */
static bool check_time(struct reader *r, const struct packet_head *head)
{
	bool runs_back = head->begin_ns < r->last_ns && head->begin_ns < r->refused_end_ns;

	r->refused_end_ns = runs_back ? head->end_ns : UINT64_MAX;
	if (runs_back)
		note_packet(r, (struct reader_problem){
			.kind = PROBLEM_RUNS_BACK, .items = head->items, .from_ns = r->last_ns, .to_ns = head->begin_ns });
	return !runs_back;
}

static bool wants_packet(void *ctx, const struct packet_head *head)
{
	const struct reader *r = ctx;

	return !r->wants || r->wants(r->wants_ctx, head->begin_ns, head->end_ns);
}

/* True: the packet was read, and is the next one. Of one that was refused not even the number can be trusted. */
static bool take_packet(struct reader *r, const struct packet_head *head)
{
	if (!r->bytes) {
		admit_packet(r, head);
		r->skipped = true;
		r->passed_all = false;
		return false;
	}
	if (!check_order(r, head) || !check_time(r, head))
		return false;
	if (r->skipped) {
		r->next_sequence = head->sequence;
		read_ranges_go(&r->seen, place_here(r, 0));
	}
	r->skipped = false;
	return true;
}

static void span_reach(struct reader_span *span, uint64_t end_ns)
{
	if (end_ns > span->end_ns)
		span->end_ns = end_ns;
}

/* But for when it ends, and whether it is an end mark: its items say that. */
static void span_add(struct reader_span *span, const struct packet_head *head)
{
	if (head->begin_ns < span->begin_ns || !span->packets)
		span->begin_ns = head->begin_ns;
	span_reach(span, head->begin_ns);
	if (!span->packets)
		span->first_sequence = head->sequence;
	span->next_sequence = head->sequence + 1;
	wall_steps_learn(&span->wall, head->begin_ns, head->wall_offset_ns);
	span->packets++;
	span->items += head->holds == PACKET_SNAPSHOT ? 0 : head->items;
}

static bool next_packet(struct reader *r)
{
	while (cursor_next(r->cursor, &r->head, &r->bytes, r->wants ? wants_packet : NULL, r)) {
		if (!take_packet(r, &r->head))
			continue;
		learn_from(r, &r->head);
		r->wants_snapshot |= !r->started && r->head.holds == PACKET_SNAPSHOT;
		check_sequence(r, &r->head);
		read_ranges_advance(&r->seen, place_here(r, 1));
		span_add(&r->passed, &r->head);
		r->started = true;
		r->next_sequence = r->head.sequence + 1;
		r->at = sizeof(r->head);
		r->size = r->head.packet_bits / 8;
		r->clock_ns = r->head.begin_ns;
		r->decoded = 0;
		r->bytes_done = cursor_bytes_done(r->cursor);
		if (admit_packet(r, &r->head))
			return true;
	}
	r->bytes = NULL;
	return false;
}

void reader_set_wants(struct reader *r, reader_wants_t wants, void *ctx)
{
	r->wants = wants;
	r->wants_ctx = ctx;
}

/* --- items */

static void put_gap(struct reader *r, struct recording_item *item)
{
	*item = (struct recording_item){ .kind = ITEM_LOST, .time_ns = r->head.begin_ns, .lost.count = r->gap };
	r->gap = 0;
}

static void put_end(struct reader *r)
{
	/* Nobody knows what is in the last packet if that was refused. */
	if (!r->done && !r->skipped) {
		if (!r->ended)
			note_at(r, &(struct reader_problem){ .kind = PROBLEM_NO_END }, SEEN_END);
		read_ranges_advance(&r->seen, (struct seen_place){ SEEN_END.file, SEEN_END.offset + 1 });
	}
	if (r->passed_all && !r->has_span) {
		r->span = r->passed;
		r->has_span = true;
	}
	r->done = true;
}

/* The next items of the packet that is being read: how many. Nearly all that a reader does. */
static size_t decode(struct reader *r, struct recording_item *items, size_t room)
{
	const struct recording_item *last;
	size_t count = room;

	if (!r->bytes)
		return 0;
	r->at += codec_get_run(r->bytes + r->at, r->size - r->at, items, &count, &r->clock_ns);
	if (!count)
		return 0;
	last = &items[count - 1];
	r->decoded += count;
	r->last_ns = r->clock_ns;
	r->ended = last->kind == ITEM_STATUS && last->status.end;
	return count;
}

/* Nothing more comes from this packet. */
static void leave_packet(struct reader *r)
{
	bool runs_back = codec_runs_back(r->bytes + r->at, r->size - r->at, r->clock_ns);

	if (r->at != r->size || r->decoded != r->head.items)
		note_items(r, (struct reader_problem){
			.kind = runs_back ? PROBLEM_RUNS_BACK : PROBLEM_ITEMS,
			.items = r->head.items > r->decoded ? r->head.items - r->decoded : 0 });
	else if (r->decoded && r->clock_ns != r->head.end_ns)
		note_items(r, (struct reader_problem){ .kind = PROBLEM_TIMES, .from_ns = r->clock_ns, .to_ns = r->head.end_ns });
	span_reach(&r->passed, r->clock_ns);
	r->passed.next_sequence -= r->ended && r->decoded == 1;
	read_ranges_advance(&r->seen, place_here(r, 2));
	r->bytes = NULL;
}

/* How many items there are; 0: this is the end. */
static size_t fetch(struct reader *r, struct recording_item *items, size_t room)
{
	size_t count;

	while (!(count = decode(r, items, room))) {
		if (r->bytes)
			leave_packet(r);
		if (r->done || !next_packet(r)) {
			put_end(r);
			return 0;
		}
		if (r->gap) {
			put_gap(r, items);
			return 1;
		}
	}
	return count;
}

/* Has items at hand, unless this is the end. */
static bool has_items(struct reader *r)
{
	if (r->next == r->count) {
		r->next = 0;
		r->count = fetch(r, r->items, RUN);
	}
	return r->count;
}

const struct recording_item *reader_next(struct reader *r)
{
	return has_items(r) ? &r->items[r->next++] : NULL;
}

static bool fill_run(const struct reader *r, const struct recording_item *items, size_t count, struct reader_run *run)
{
	run->items = items;
	run->count = count;
	run->begin_ns = reader_begin_ns(r);
	run->wall_offset_ns = reader_wall_offset_ns(r);
	run->packet_ns = r->head.begin_ns;
	run->bytes_done = r->bytes_done;
	run->sequence = r->head.sequence;
	return count;
}

bool reader_next_run(struct reader *r, struct reader_run *run)
{
	size_t next = has_items(r) ? r->next : r->count;

	r->next = r->count;
	return fill_run(r, &r->items[next], r->count - next, run);
}

bool reader_read_run(struct reader *r, struct recording_item *items, size_t room, struct reader_run *run)
{
	return fill_run(r, items, fetch(r, items, room), run);
}

void reader_progress(const struct reader *r, uint64_t *done, uint64_t *total)
{
	*done = r->done ? r->total : r->bytes_done;
	*total = r->total;
}

int64_t reader_wall_offset_ns(const struct reader *r)
{
	return r->started ? r->head.wall_offset_ns : r->about.clock_offset_ns;
}

/* --- places and the whole */

struct place {
	struct cursor_place place;
	uint64_t sequence;
	bool found;
};

/* A walk over the packets. No item is decoded, unless it takes that to know when a packet ends. */
struct walk {
	struct cursor *cursor;
	struct packet_head last;	/* the newest packet that counts */
	uint8_t *bytes;			/* its own, room for the largest */
	bool has_last, in_snapshot;
	uint64_t refused_end_ns;	/* as the reader's */
};

/* The time of its last item that can be read. *end_mark: it has no other than an end mark. */
static uint64_t end_of_last(const struct walk *w, bool *end_mark)
{
	uint64_t clock_ns = w->last.begin_ns;
	size_t at = sizeof(w->last), size = w->last.packet_bits / 8, count, all = 0;
	struct recording_item items[RUN];

	do {
		count = RUN;
		at += codec_get_run(w->bytes + at, size - at, items, &count, &clock_ns);
		all += count;
	} while (count);
	*end_mark = all == 1 && items[0].kind == ITEM_STATUS && items[0].status.end;
	return clock_ns;
}

/* As check_order() and check_time(). */
static bool counts(struct walk *w, const struct packet_head *head)
{
	bool end_mark, runs_back = w->has_last && head->begin_ns < w->last.end_ns && head->begin_ns < end_of_last(w, &end_mark) &&
				   head->begin_ns < w->refused_end_ns;

	if (!follows(head, w->has_last ? w->last.sequence + 1 : 0))
		return false;
	w->refused_end_ns = runs_back ? head->end_ns : UINT64_MAX;
	return !runs_back;
}

static void step(struct walk *w, const struct packet_head *head, const uint8_t *bytes, uint64_t time_ns, struct place *start,
		 struct reader_span *span)
{
	bool starts = head->holds == PACKET_SNAPSHOT && !w->in_snapshot;

	w->in_snapshot = head->holds == PACKET_SNAPSHOT;
	if ((starts || !start->found) && (head->begin_ns <= time_ns || !start->found))
		*start = (struct place){ cursor_place(w->cursor), head->sequence, true };
	span_add(span, head);
	w->last = *head;
	w->has_last = true;
	memcpy(w->bytes, bytes, head->packet_bits / 8);
}

/* Walks so many packets: the last place at or before time_ns to start from, and the span of all. */
static int walk(struct reader *r, uint64_t most, uint64_t time_ns, struct place *start, struct reader_span *span)
{
	struct walk w = { .bytes = malloc(RECORDING_PACKET_CLAIM_MAX), .refused_end_ns = UINT64_MAX };
	struct packet_head head;
	const uint8_t *bytes;
	bool end_mark;

	w.cursor = w.bytes ? cursor_new(r->directory, r->files, r->file_count, NULL, NULL) : NULL;
	if (!w.cursor) {
		free(w.bytes);
		return -ENOMEM;
	}
	if (!is_zero(r->about.uuid))
		cursor_set_uuid(w.cursor, r->about.uuid);
	*span = (struct reader_span){ .bytes = r->total };
	while (span->packets < most && cursor_next(w.cursor, &head, &bytes, NULL, NULL))
		if (counts(&w, &head))
			step(&w, &head, bytes, time_ns, start, span);
	if (w.has_last) {
		span_reach(span, end_of_last(&w, &end_mark));
		span->next_sequence -= end_mark;
	}
	cursor_free(w.cursor);
	free(w.bytes);
	return 0;
}

uint64_t reader_begin_ns(const struct reader *r)
{
	return r->passed.begin_ns;
}

int reader_span(struct reader *r, struct reader_span *span)
{
	struct place start = { 0 };
	int err = 0;

	if (!r->has_span)
		err = walk(r, UINT64_MAX, 0, &start, &r->span);
	r->has_span = !err;
	*span = r->span;
	return err;
}

int reader_first(struct reader *r, struct reader_span *span)
{
	struct place start = { 0 };
	int err = walk(r, 1, 0, &start, span);

	return err ?: span->packets ? 0 : -ENODATA;
}

int reader_seek(struct reader *r, uint64_t time_ns)
{
	struct place start = { 0 };
	struct reader_span span;
	int err = time_ns ? walk(r, UINT64_MAX, time_ns, &start, &span) : 0;

	if (!err)
		err = cursor_go(r->cursor, start.place);
	if (err)
		return err;
	r->bytes = NULL;
	r->next = r->count = 0;
	r->bytes_done = cursor_bytes_done(r->cursor);
	r->gap = 0;
	r->passed = (struct reader_span){ .bytes = r->total };
	r->passed_all = !time_ns;
	r->last_ns = 0;
	r->refused_end_ns = UINT64_MAX;
	r->done = r->ended = r->started = r->skipped = r->in_snapshot = r->damaged = false;
	r->wants_snapshot = start.sequence != 0;
	r->next_sequence = start.sequence;
	read_ranges_go(&r->seen, start.found ? (struct seen_place){ r->files[start.place.file].number, start.place.offset + 1 } :
		(struct seen_place){ 0, 0 });
	return 0;
}
