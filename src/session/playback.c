// SPDX-License-Identifier: GPL-2.0-only
#include "session/playback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/idmap.h"
#include "recording/readahead.h"
#include "util/clock.h"
#include "util/log.h"
#include "session/name_book.h"

#define RECORDS_MAX 256		/* that go on together */
#define AHEAD_BYTES (1U << 20)	/* a smaller recording is read before a thread is at work */
#define PROGRESS_ITEMS 1000000
#define PROBLEMS_TOLD 10
#define PROGRESS_AFTER_NS 1000000000ULL

#define MSG_NO_PACKET	"%s: no packet of a sdeitop recording"
#define MSG_MONOTONIC	"%s of CLOCK_MONOTONIC is before the recording, which begins at %s; after its start it would be %ss"
#define PRINT_DECIMALS 6
#define DAY_NS (86400 * NS_PER_SEC)
#define MSG_PROBLEMS	"… and %llu more"

struct playback {
	const struct playback_config *config;
	struct playback_calls calls;
	struct reader *reader;
	struct name_book names;
	struct times times;
	struct readahead *ahead;		/* NULL: none is at work */
	struct reader_run run;			/* the newest one: while a thread is at work the reader cannot be asked */
	const struct recording_item *items;	/* the next ones, left of them; 0: to be fetched, or the end */
	size_t left;
	const struct number_list *only;		/* VMs that pass; NULL: all */
	bool has_filters;
	bool whole;				/* neither --since nor --until */
	bool skips;				/* packets that calls.wants() refuses */
	bool ended, stopped, begun;		/* begun: the range, whose records are counted */
	uint64_t now_ns, from_ns, to_ns;
	uint64_t start_ns;			/* to be sought for from_ns; 0: the recording's start, which needs no search */
	uint64_t until_ns;			/* up to where it is being played */
	struct recording_status status;		/* the newest */
	uint64_t read_of[SDEI_KIND_COUNT], lost_of[SDEI_KIND_COUNT];
	uint64_t since_progress;		/* items */
	uint64_t begin_ns;			/* of playing, on this host's clock */
	uint64_t bytes;				/* of the recording's files */
	bool shows_progress;
};

/* --- the clock */

/* reader_span(); then all is known about its clock, too. */
static int read_span(struct playback *p, struct reader_span *span)
{
	int err = reader_span(p->reader, span);

	if (err)
		return err;
	p->times.wall = span->wall;
	p->times.start_ns = span->begin_ns;
	p->times.dated = span->end_ns - span->begin_ns >= DAY_NS;
	return 0;
}

const struct times *playback_times(const struct playback *p)
{
	return &p->times;
}

int playback_moment(struct playback *p, const struct moment *moment, uint64_t *time_ns)
{
	struct reader_span span;
	int err = read_span(p, &span);

	return err ?: moment_resolve(moment, &span, &p->times, MOMENT_FIRST, time_ns);
}

/* --- names */

char *playback_name(void *playback, uint32_t vm)
{
	return strdup(name_book_find(&((struct playback *)playback)->names, vm) ?: "-");
}

char *playback_vm(void *playback, uint32_t vm, char uuid[GUEST_UUID_SIZE])
{
	snprintf(uuid, GUEST_UUID_SIZE, "%s", name_book_uuid(&((struct playback *)playback)->names, vm));
	return playback_name(playback, vm);
}

void playback_tell_late_names(void *playback, name_news_t tell, void *ctx)
{
	name_book_tell_news(&((struct playback *)playback)->names, tell, ctx);
}

/* --- filters: the same as in the kernel */

bool playback_chooses(const struct playback_config *c, uint32_t vm, const char *name)
{
	return number_list_has(&c->vms, vm) && string_list_matches(&c->guests, name);
}

void playback_leave_only(struct playback *p, const struct number_list *vms)
{
	p->only = vms;
	p->has_filters = true;
}

static bool is_wanted(const struct playback *p, uint32_t vm, uint32_t vcpu, uint32_t event)
{
	const struct playback_config *c = p->config;

	return (!p->only || number_list_has(p->only, vm)) && number_list_has(&c->vcpus, vcpu) &&
	       (event == SDEI_NONE || number_list_has(&c->events, event)) &&
	       playback_chooses(c, vm, c->guests.count ? name_book_find(&p->names, vm) : NULL);
}

/* --- playing */

static bool wants_record(const struct playback *p, const struct sdei_record *r)
{
	return !p->has_filters || is_wanted(p, r->vm, r->vcpu, r->event);
}

static void play_record(struct playback *p, const struct recording_item *item)
{
	const struct sdei_record *r = &item->record.head;

	if (!wants_record(p, r))
		return;
	p->read_of[r->kind]++;
	sink_record(&p->calls.sink, r, item->size);
}

static bool wants_lost(const struct playback *p, const struct sdei_lost_key *key)
{
	return key->vm == SDEI_ANY_VM || is_wanted(p, key->vm, key->vcpu, key->event);
}

static void play_lost(struct playback *p, const struct recording_item *item)
{
	const struct sdei_lost_key *key = item->lost.key_known ? &item->lost.key : NULL;

	if (key && !wants_lost(p, key))
		return;
	if (key && key->kind < SDEI_KIND_COUNT)
		p->lost_of[key->kind] += item->lost.count;
	sink_lost(&p->calls.sink, key, item->lost.count);
}

static void advance(struct playback *p, uint64_t time_ns)
{
	if (time_ns > p->now_ns)
		p->now_ns = time_ns;
}

static void learn_name(struct playback *p, const struct recording_item *item)
{
	bool late = name_book_learn(&p->names, item->name.vm, item->name.text, item->name.uuid);

	if (p->calls.name)
		p->calls.name(p->calls.ctx, item->name.vm, item->name.text, item->name.uuid, late);
}

static void play_item(struct playback *p, const struct recording_item *item)
{
	advance(p, item->time_ns);
	if (!p->begun && playback_in_range(p)) {
		p->begun = true;
		memset(p->read_of, 0, sizeof(p->read_of));
		memset(p->lost_of, 0, sizeof(p->lost_of));
	}
	switch (item->kind) {
	case ITEM_RECORD:
	case ITEM_SNAPSHOT:
		play_record(p, item);
		break;
	case ITEM_LOST:
		play_lost(p, item);
		break;
	case ITEM_NAME:
		learn_name(p, item);
		break;
	case ITEM_STATUS:
		p->status = item->status;
		if (p->calls.status && playback_in_range(p))
			p->calls.status(p->calls.ctx, &item->status);
		break;
	}
}

/* How many records are next, up to until_ns; those that are wanted go on together. */
static size_t play_records(struct playback *p, uint64_t until_ns)
{
	const struct sdei_record *records[RECORDS_MAX];
	size_t sizes[RECORDS_MAX], most = p->left < RECORDS_MAX ? p->left : RECORDS_MAX, count = 0, i;

	for (i = 0; i < most && p->items[i].kind == ITEM_RECORD && p->items[i].time_ns <= until_ns; i++) {
		const struct sdei_record *r = &p->items[i].record.head;

		if (!wants_record(p, r))
			continue;
		p->read_of[r->kind]++;
		records[count] = r;
		sizes[count++] = p->items[i].size;
	}
	advance(p, p->items[i - 1].time_ns);
	sink_records(&p->calls.sink, records, sizes, count);
	return i;
}

/* Plays the next item, or more, if that is not behind until_ns. How many there were. */
static size_t play(struct playback *p, uint64_t until_ns)
{
	if (p->calls.sink.records && p->begun && p->items->kind == ITEM_RECORD)
		return play_records(p, until_ns);
	play_item(p, p->items);
	return 1;
}

static void show_progress(struct playback *p)
{
	p->since_progress = 0;
	if (!p->shows_progress || clock_monotonic_ns() < p->begin_ns + PROGRESS_AFTER_NS)
		return;
	fprintf(stderr, "\rreading: %3.0f %%\033[K", p->bytes ? 100.0 * p->run.bytes_done / p->bytes : 100.0);
}

void playback_show_progress(struct playback *p)
{
	p->shows_progress = isatty(STDERR_FILENO);
	p->begin_ns = clock_monotonic_ns();
}

/* Of the newest run. */
static void learn_clock(struct playback *p)
{
	wall_steps_learn(&p->times.wall, p->run.packet_ns, p->run.wall_offset_ns);
	p->times.dated |= p->items[p->left - 1].time_ns >= p->times.start_ns + DAY_NS;
}

/* False: there is no next item. */
static bool fetch(struct playback *p)
{
	struct reader_run run;

	if (p->left)
		return true;
	if (p->ahead ? readahead_next_run(p->ahead, &run) : reader_next_run(p->reader, &run)) {
		p->run = run;
		p->items = run.items;
		p->left = run.count;
		learn_clock(p);
	}
	return p->left;
}

/* All will be played: then reading ahead comes across nothing that is not asked for. */
static void start_ahead(struct playback *p, uint64_t until_ns)
{
	if (until_ns == UINT64_MAX && !p->skips && p->bytes >= AHEAD_BYTES)
		p->ahead = readahead_start(p->reader);
}

/* What the thread has read and nobody took is behind the end. */
static void stop_ahead(struct playback *p)
{
	if (p->ahead)
		p->left = 0;
	readahead_stop(p->ahead);
	p->ahead = NULL;
}

bool playback_run(struct playback *p, uint64_t until_ns)
{
	if (until_ns > p->to_ns)
		until_ns = p->to_ns;
	p->until_ns = until_ns;
	start_ahead(p, until_ns);
	while (!p->stopped && fetch(p) && p->items->time_ns <= until_ns) {
		size_t played = play(p, until_ns);

		p->items += played;
		p->left -= played;
		p->since_progress += played;
		if (p->since_progress >= PROGRESS_ITEMS)
			show_progress(p);
	}
	p->ended = p->stopped || !fetch(p) || p->items->time_ns > p->to_ns;
	/* Nothing has changed until then: the next item is behind it. */
	if (!p->stopped && p->left && p->ended)
		advance(p, p->to_ns);
	stop_ahead(p);
	return !p->ended;
}

uint64_t playback_next_ns(struct playback *p)
{
	return !p->stopped && fetch(p) && p->items->time_ns <= p->to_ns ? p->items->time_ns : UINT64_MAX;
}

bool playback_in_range(const struct playback *p)
{
	return p->now_ns >= p->from_ns;
}

int playback_seek(struct playback *p, uint64_t time_ns)
{
	p->left = 0;
	p->run = (struct reader_run){ 0 };
	p->stopped = p->begun = false;
	p->now_ns = 0;
	memset(p->read_of, 0, sizeof(p->read_of));
	memset(p->lost_of, 0, sizeof(p->lost_of));
	return reader_seek(p->reader, time_ns);
}

void playback_set_sink(struct playback *p, const struct record_sink *sink)
{
	p->calls.sink = *sink;
}

void playback_end(struct playback *p)
{
	p->stopped = true;
}

/* The packet behind what is wanted ends playback_run(). */
static bool wants_packet(void *ctx, uint64_t begin_ns, uint64_t end_ns)
{
	const struct playback *p = ctx;

	return begin_ns > p->until_ns || p->calls.wants(p->calls.ctx, begin_ns, end_ns);
}

int playback_again(struct playback *p, const struct playback_calls *calls)
{
	/* What VMs are called, by which filters may choose, stands anywhere. */
	p->skips = calls->wants && !p->config->guests.count;
	p->calls = *calls;
	reader_set_wants(p->reader, p->skips ? wants_packet : NULL, p);
	return playback_seek(p, p->start_ns);
}

struct reader *playback_reader(struct playback *p)
{
	return p->reader;
}

uint64_t playback_now_ns(const struct playback *p)
{
	return p->now_ns;
}

void playback_range(struct playback *p, uint64_t *from_ns, uint64_t *to_ns)
{
	struct reader_span span;

	*from_ns = p->from_ns;
	*to_ns = p->to_ns;
	if (p->whole && read_span(p, &span) == 0) {
		*from_ns = span.begin_ns;
		*to_ns = span.end_ns;
	}
}

uint64_t playback_from_ns(const struct playback *p)
{
	return p->whole ? p->run.begin_ns : p->from_ns;
}

uint64_t playback_sequence(const struct playback *p)
{
	return p->run.sequence;
}

const struct recording_status *playback_said(const struct playback *p)
{
	return &p->status;
}

int64_t playback_wall_ns(const struct playback *p, uint64_t time_ns)
{
	return wall_steps_wall_ns(&p->times.wall, time_ns);
}

void playback_view_status(const struct playback *p, struct status *status)
{
	const struct recording_about *about = reader_about(p->reader);

	memset(status, 0, sizeof(*status));
	status->now_ns = p->now_ns;
	status->wall_ns = wall_steps_wall_ns(&p->times.wall, p->now_ns);
	status->times = &p->times;
	status_set_host_name(status, about->host);
	status_from_recording(status, &p->status);
	for (int kind = 0; kind < SDEI_KIND_COUNT; kind++) {
		status->counters.read += p->read_of[kind];
		status->counters.lost[kind] = p->lost_of[kind];
		status->counters.attempted[kind] = p->read_of[kind] + p->lost_of[kind];
	}
}

/* --- begin and end */

bool playback_options(const struct command *command, int argc, char **argv, void *config, struct playback_config *own,
		      int *status)
{
	char message[256], **rest;
	int err = options_parse(command, argc, argv, config, &rest, message, sizeof(message));

	*status = EXIT_DONE;
	if (err)
		*status = playback_usage(command, message);
	else if (own->help)
		options_help(command, stdout);
	else if (own->version)
		printf("%s %s\n", PROGRAM, SDEITOP_VERSION);
	else
		return true;
	return false;
}

int playback_usage(const struct command *command, const char *message)
{
	say("%s", message);
	say(MSG_TRY_HELP, say_program(), " ", command->name);
	return EXIT_USAGE;
}

bool playback_parse(const struct command *command, int argc, char **argv, void *config, struct playback_config *own,
		    int *status)
{
	if (!playback_options(command, argc, argv, config, own, status))
		return false;
	if (own->input)
		return true;
	*status = playback_usage(command, MSG_NO_INPUT);
	return false;
}

/* A number that is before the recording was hardly meant as CLOCK_MONOTONIC. */
static int complain_monotonic(const struct playback *p, const struct moment *moment)
{
	const struct times mono = { .form = TIMES_MONO };
	char given[TIMES_SIZE], begin[TIMES_SIZE];

	times_full(given, sizeof(given), &mono, moment->ns, PRINT_DECIMALS);
	say(MSG_MONOTONIC, given, times_full(begin, sizeof(begin), &mono, p->times.start_ns, PRINT_DECIMALS), given);
	return EXIT_USAGE;
}

static int complain_range(const struct playback *p, const struct reader_span *span)
{
	char begin[TIMES_SIZE], end[TIMES_SIZE];

	say(MSG_RANGE, times_full(begin, sizeof(begin), &p->times, span->begin_ns, PRINT_DECIMALS),
	    times_full(end, sizeof(end), &p->times, span->end_ns, PRINT_DECIMALS));
	return EXIT_USAGE;
}

static int complain_reading(int err)
{
	say(MSG_READING, strerror(-err));
	return EXIT_FAILED;
}

/* What is asked for beyond the recording is not there. */
static int start_range(struct playback *p, const struct reader_span *span)
{
	int err;

	if (p->from_ns < span->begin_ns)
		p->from_ns = span->begin_ns;
	if (p->to_ns > span->end_ns)
		p->to_ns = span->end_ns;
	p->start_ns = p->from_ns > span->begin_ns ? p->from_ns : 0;
	err = p->start_ns ? playback_seek(p, p->start_ns) : 0;
	return err ? complain_reading(err) : EXIT_DONE;
}

/* An exit status; what is wrong has been reported. */
static int set_range(struct playback *p)
{
	const struct moment *since = &p->config->since, *until = &p->config->until;
	struct reader_span span;
	int err;

	p->whole = since->kind == MOMENT_NONE && until->kind == MOMENT_NONE;
	p->to_ns = UINT64_MAX;
	if (p->whole)
		return EXIT_DONE;
	err = read_span(p, &span);
	if (err)
		return complain_reading(err);
	if (since->kind != MOMENT_NONE && moment_resolve(since, &span, &p->times, MOMENT_FIRST, &p->from_ns))
		return complain_monotonic(p, since);
	if (until->kind != MOMENT_NONE && moment_resolve(until, &span, &p->times, MOMENT_LAST, &p->to_ns))
		return complain_monotonic(p, until);
	if (p->from_ns > p->to_ns || p->from_ns > span.end_ns || p->to_ns < span.begin_ns)
		return complain_range(p, &span);
	return start_range(p, &span);
}

/* Its first packet says what its clock is. An exit status, as set_range(). */
static int begin(struct playback *p)
{
	struct reader_span first;
	int err = reader_first(p->reader, &first);

	if (err == -ENODATA) {
		say(MSG_NO_PACKET, p->config->input);
		return EXIT_FAILED;
	}
	if (err)
		return complain_reading(err);
	p->times = (struct times){ .form = p->config->times, .start_ns = first.begin_ns, .wall = first.wall };
	return set_range(p);
}

struct playback *playback_open(const struct playback_config *config, const struct playback_calls *calls, int *exit_status)
{
	struct playback *p = config->input ? calloc(1, sizeof(*p)) : NULL;
	struct error error;
	uint64_t done;

	*exit_status = config->input ? EXIT_FAILED : EXIT_USAGE;
	if (!p) {
		say("%s", config->input ? MSG_NO_MEMORY : MSG_NO_INPUT);
		return NULL;
	}
	p->config = config;
	p->has_filters = config->vms.count || config->vcpus.count || config->events.count || config->guests.count;
	p->calls = *calls;
	p->reader = reader_open(config->input, &error);
	if (p->reader) {
		reader_progress(p->reader, &done, &p->bytes);
		*exit_status = begin(p);
	} else {
		say("%s", error.text);
	}
	if (p->reader && *exit_status == EXIT_DONE)
		return p;
	playback_close(p);
	return NULL;
}

void playback_close(struct playback *p)
{
	if (!p)
		return;
	name_book_release(&p->names);
	reader_close(p->reader);
	free(p);
}

int playback_finish(struct playback *p)
{
	size_t kept;
	uint64_t all;
	const struct reader_problem *problems = reader_problems(p->reader, &kept, &all);
	char text[512];

	if (p->shows_progress)
		fputs("\r\033[K", stderr);
	for (size_t i = 0; i < kept && i < PROBLEMS_TOLD; i++) {
		reader_describe(&problems[i], text, sizeof(text));
		say("%s", text);
	}
	if (all > PROBLEMS_TOLD)
		say(MSG_PROBLEMS, (unsigned long long)(all - PROBLEMS_TOLD));
	return reader_is_incomplete(p->reader) ? EXIT_INCOMPLETE : EXIT_DONE;
}
