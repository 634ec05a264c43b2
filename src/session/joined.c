// SPDX-License-Identifier: GPL-2.0-only
#include "session/joined.h"

#include <stdlib.h>
#include <string.h>

#include "session/about.h"
#include "util/idmap.h"
#include "util/log.h"

#define MSG_JOIN_HOST	"%s and %s cannot be joined: %s"
#define MSG_JOIN_BOOT	"they are of different hosts, or of different boots of one: their clocks have nothing in common"
#define MSG_JOIN_NO_BOOT	"of one of them it is not known on which host it was made"
#define MSG_JOIN_OVERLAP \
	"%s and %s cannot be joined: two recorders saw VM %" PRIu32 " at the same time, and which of their records are the same cannot be " \
	"known; leave one out, or choose VMs by -p or a time by --since and --until"
#define MSG_JOIN_PROBLEMS	"of %s:"

/* One recording. */
struct part {
	struct joined *joined;
	const char *directory;
	struct playback_config config;
	struct playback *playback;
	struct recording_about about;
	struct reader_span span;
	uint64_t from_sequence;		/* packets before that one are in another part, too */
	uint64_t missing;		/* what was recorded before it, and this, have so many packets between them, at least */
	bool begun;
	struct idmap vms;		/* that have records */
};

struct joined {
	struct joined_calls calls;
	struct part *parts;		/* by when they begin */
	size_t count;
	struct part *now;		/* the one that hands on */
	bool begun, stopped;
};

/* --- handing on */

static void begin(struct joined *j, struct part *part)
{
	part->begun = true;
	if (!j->begun) {
		j->begun = true;
		j->calls.begin(j->calls.ctx, playback_from_ns(part->playback));
	} else if (part->missing) {
		sink_lost(&j->calls.sink, NULL, part->missing);
	}
}

static bool is_wanted(const struct part *part)
{
	return playback_in_range(part->playback) && playback_sequence(part->playback) >= part->from_sequence;
}

/* A snapshot at the begin is of what came before. */
static bool is_from_before(const struct part *part, const struct sdei_record *record)
{
	return !is_wanted(part) || (!part->joined->begun && record->kind == SDEI_STATE && record->origin == SDEI_SNAPSHOT);
}

static void take_record(void *ctx, const struct sdei_record *record, size_t size)
{
	struct part *part = ctx;
	struct joined *j = part->joined;

	if (is_from_before(part, record)) {
		if (!j->begun)
			sink_record(&j->calls.sink, record, size);
		return;
	}
	if (!part->begun)
		begin(j, part);
	sink_record(&j->calls.sink, record, size);
}

static void take_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct part *part = ctx;

	if (!is_wanted(part))
		return;
	if (!part->begun)
		begin(part->joined, part);
	sink_lost(&part->joined->calls.sink, key, count);
}

/* The end of one is not that of all, which is for who asks for joined_status(). */
static void take_status(void *ctx, const struct recording_status *said)
{
	struct part *part = ctx;
	struct joined *j = part->joined;
	bool at_begin = !j->begun;
	struct recording_status status;

	if (!is_wanted(part))
		return;
	if (!part->begun)
		begin(j, part);
	if (said->end || (at_begin && said->time_ns <= playback_from_ns(part->playback)))
		return;
	status = joined_status(j);
	j->calls.status(j->calls.ctx, &status);
}

static void take_name(void *ctx, uint32_t vm, const char *name)
{
	struct part *part = ctx;

	part->joined->calls.name(part->joined->calls.ctx, vm, name, playback_now_ns(part->playback));
}

/* --- which recordings, and what of them */

static void collect_vm(void *vms, const struct sdei_record *record, size_t size)
{
	if (!idmap_find(vms, record->vm))
		idmap_put(vms, record->vm, vms);
}

static bool collect_vms(struct part *part)
{
	const struct playback_calls calls = { .sink = { .record = collect_vm, .lost = sink_null.lost, .ctx = &part->vms } };
	struct playback *playback;
	int status;

	if (part->vms.used)
		return true;
	playback = playback_open(&part->config, &calls, &status);
	if (playback)
		playback_run(playback, UINT64_MAX);
	playback_close(playback);
	return playback;
}

/* The VM that both have; 0: there is none. */
static uint32_t common_vm(const struct part *a, const struct part *b)
{
	for (size_t i = 0; a->vms.slots && i <= a->vms.mask; i++)
		if (a->vms.slots[i].value && idmap_find(&b->vms, a->vms.slots[i].id))
			return a->vms.slots[i].id;
	return 0;
}

static bool are_of_one_recorder(const struct part *a, const struct part *b)
{
	return memcmp(a->about.uuid, b->about.uuid, sizeof(a->about.uuid)) == 0;
}

static bool overlap(const struct part *a, const struct part *b)
{
	return a->span.begin_ns <= b->span.end_ns && b->span.begin_ns <= a->span.end_ns;
}

static bool check_overlap(struct part *a, struct part *b)
{
	uint32_t vm;

	if (are_of_one_recorder(a, b) || !overlap(a, b))
		return true;
	if (!collect_vms(a) || !collect_vms(b))
		return false;
	vm = common_vm(a, b);
	if (vm)
		say(MSG_JOIN_OVERLAP, a->directory, b->directory, vm);
	return !vm;
}

static bool check_host(const struct part *a, const struct part *b)
{
	bool known = *a->about.boot_id && *b->about.boot_id;

	if (known && strcmp(a->about.boot_id, b->about.boot_id) == 0)
		return true;
	say(MSG_JOIN_HOST, a->directory, b->directory, known ? MSG_JOIN_BOOT : MSG_JOIN_NO_BOOT);
	return false;
}

/* Packets are numbered from 0 on; those of the same recorder that are in parts before are known by that. */
static void find_begin(struct joined *j, struct part *part)
{
	uint64_t next = 0;
	bool follows = false;

	for (const struct part *before = j->parts; before < part; before++) {
		if (are_of_one_recorder(before, part) && before->span.next_sequence > next)
			next = before->span.next_sequence;
		follows |= before->span.end_ns < part->span.begin_ns;
	}
	if (next > part->span.first_sequence)
		part->from_sequence = next;
	else if (next)
		part->missing = part->span.first_sequence - next;
	else
		part->missing = follows;
}

static bool is_left_out(const struct part *part, uint64_t from_ns, uint64_t to_ns)
{
	return part->span.end_ns < from_ns || part->span.begin_ns > to_ns ||
	       (part->from_sequence && part->span.next_sequence <= part->from_sequence);
}

static void leave_out(struct joined *j, uint64_t from_ns, uint64_t to_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < j->count; i++)
		if (!is_left_out(&j->parts[i], from_ns, to_ns))
			j->parts[kept++] = j->parts[i];
	j->count = kept;
}

/* What a moment leaves of a part; what is before its begin, or not meant, leaves all. */
static void narrow(struct moment *moment, uint64_t ns, const struct part *part)
{
	if (moment->kind != MOMENT_NONE && ns >= part->span.begin_ns)
		*moment = (struct moment){ .kind = MOMENT_MONOTONIC, .ns = ns, .span_ns = 1 };
	else
		moment->kind = MOMENT_NONE;
}

static void report_range(const struct reader_span *all, const struct times *times)
{
	char begin[TIMES_SIZE], end[TIMES_SIZE];

	say(MSG_RANGE, times_full(begin, sizeof(begin), times, all->begin_ns, 6), times_full(end, sizeof(end), times, all->end_ns, 6));
}

/* Moments are those of all together. */
static void set_range(struct joined *j)
{
	const struct playback_config *config = &j->parts->config;
	struct reader_span all = j->parts->span;
	struct times times = { .form = config->times, .start_ns = all.begin_ns, .wall = all.wall };
	uint64_t from_ns = all.begin_ns, to_ns;

	for (size_t i = 1; i < j->count; i++)
		if (j->parts[i].span.end_ns > all.end_ns)
			all.end_ns = j->parts[i].span.end_ns;
	to_ns = all.end_ns;
	if (config->since.kind != MOMENT_NONE && moment_resolve(&config->since, &all, &times, MOMENT_FIRST, &from_ns))
		from_ns = UINT64_MAX;
	if (config->until.kind != MOMENT_NONE && moment_resolve(&config->until, &all, &times, MOMENT_LAST, &to_ns))
		to_ns = 0;
	for (size_t i = 0; i < j->count; i++) {
		narrow(&j->parts[i].config.since, from_ns, &j->parts[i]);
		narrow(&j->parts[i].config.until, to_ns, &j->parts[i]);
	}
	leave_out(j, from_ns, to_ns);
	if (!j->count)
		report_range(&all, &times);
}

/* --- opening */

static bool look_at(struct part *part)
{
	struct error error;
	int err;
	struct reader *reader = reader_open(part->directory, &error);

	if (!reader) {
		say("%s", error.text);
		return false;
	}
	err = reader_span(reader, &part->span);
	part->about = *reader_about(reader);
	reader_close(reader);
	if (err)
		say(MSG_READING, strerror(-err));
	return !err;
}

static int compare(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return (x->span.begin_ns > y->span.begin_ns) - (x->span.begin_ns < y->span.begin_ns);
}

static bool arrange(struct joined *j)
{
	for (size_t i = 0; i < j->count; i++)
		if (!look_at(&j->parts[i]))
			return false;
	for (size_t i = 1; i < j->count; i++)
		if (!check_host(&j->parts[0], &j->parts[i]))
			return false;
	qsort(j->parts, j->count, sizeof(*j->parts), compare);
	for (size_t i = 0; i < j->count; i++)
		find_begin(j, &j->parts[i]);
	set_range(j);
	for (size_t i = 0; i < j->count; i++)
		for (size_t k = 0; k < i; k++)
			if (!check_overlap(&j->parts[k], &j->parts[i]))
				return false;
	return true;
}

static bool open_part(struct part *part, int *exit_status)
{
	const struct playback_calls calls = {
		.sink = { .record = take_record, .lost = take_lost, .ctx = part },
		.status = take_status, .name = take_name, .ctx = part,
	};

	part->playback = playback_open(&part->config, &calls, exit_status);
	if (part->playback)
		part->about = *reader_about(playback_reader(part->playback));
	return part->playback;
}

static bool open_parts(struct joined *j, int *exit_status)
{
	for (size_t i = 0; i < j->count; i++)
		if (!open_part(&j->parts[i], exit_status))
			return false;
	j->now = j->parts;
	return true;
}

static struct joined *make(const struct playback_config *config, const struct string_list *directories, const struct joined_calls *calls)
{
	struct joined *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->calls = *calls;
	j->parts = calloc(directories->count, sizeof(*j->parts));
	if (!j->parts) {
		free(j);
		return NULL;
	}
	for (; j->count < directories->count; j->count++) {
		struct part *part = &j->parts[j->count];

		part->directory = directories->values[j->count];
		part->config = *config;
		part->config.input = part->directory;
	}
	return j;
}

struct joined *joined_open(const struct playback_config *config, const struct string_list *directories,
			   const struct joined_calls *calls, int *exit_status)
{
	struct joined *j = make(config, directories, calls);

	*exit_status = EXIT_FAILED;
	if (!j) {
		say(MSG_NO_MEMORY);
		return NULL;
	}
	if (j->count > 1 && !arrange(j)) {
		joined_close(j);
		return NULL;
	}
	if (!j->count)
		*exit_status = EXIT_USAGE;
	/* They have their places now. */
	for (size_t i = 0; i < j->count; i++)
		j->parts[i].joined = j;
	if (j->count && open_parts(j, exit_status))
		return j;
	joined_close(j);
	return NULL;
}

void joined_close(struct joined *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < j->count; i++) {
		playback_close(j->parts[i].playback);
		idmap_release(&j->parts[i].vms);
	}
	free(j->parts);
	free(j);
}

/* --- playing */

/* The part whose item is next; until_ns: when another one's is. NULL: all have ended. */
static struct part *next_part(struct joined *j, uint64_t *until_ns)
{
	struct part *next = NULL;
	uint64_t next_ns = UINT64_MAX;

	*until_ns = UINT64_MAX;
	for (size_t i = 0; i < j->count; i++) {
		uint64_t time_ns = playback_next_ns(j->parts[i].playback);

		if (time_ns < next_ns) {
			*until_ns = next_ns;
			next_ns = time_ns;
			next = &j->parts[i];
		} else if (time_ns < *until_ns) {
			*until_ns = time_ns;
		}
	}
	return next;
}

void joined_set_sink(struct joined *j, const struct record_sink *sink)
{
	j->calls.sink = *sink;
}

void joined_run(struct joined *j)
{
	struct part *next;
	uint64_t until_ns;

	if (j->count == 1)
		playback_run(j->now->playback, UINT64_MAX);
	while (j->count > 1 && !j->stopped && (next = next_part(j, &until_ns))) {
		j->now = next;
		playback_run(next->playback, until_ns);
	}
	if (!j->begun)
		begin(j, j->parts);
}

void joined_end(struct joined *j)
{
	j->stopped = true;
	playback_end(j->now->playback);
}

struct recording_status joined_status(const struct joined *j)
{
	struct recording_status status = *playback_said(j->now->playback);

	if (!status.time_ns)
		status.cpu_permille = UINT16_MAX;
	status.time_ns = playback_now_ns(j->now->playback);
	status.wall_ns = playback_wall_ns(j->now->playback, status.time_ns);
	status.end = false;
	for (size_t i = 0; i < j->count; i++) {
		const struct recording_status *other = playback_said(j->parts[i].playback);

		if (&j->parts[i] == j->now)
			continue;
		status.malformed += other->malformed;
		status.late += other->late;
		status.unrecorded = other->unrecorded < UINT32_MAX - status.unrecorded ? status.unrecorded + other->unrecorded : UINT32_MAX;
	}
	return status;
}

struct recording_about joined_about(const struct joined *j)
{
	struct recording_about about = j->parts->about;

	about_renew(&about);
	about_add_filters(&about, &j->parts->config);
	return about;
}

char *joined_name(void *joined, uint32_t vm)
{
	return playback_name(((struct joined *)joined)->now->playback, vm);
}

int joined_finish(struct joined *j)
{
	int status = EXIT_DONE;

	for (size_t i = 0; i < j->count; i++) {
		struct playback *playback = j->parts[i].playback;
		size_t kept;
		uint64_t all;

		reader_problems(playback_reader(playback), &kept, &all);
		if (all && j->count > 1)
			say(MSG_JOIN_PROBLEMS, j->parts[i].directory);
		if (playback_finish(playback) != EXIT_DONE)
			status = EXIT_INCOMPLETE;
	}
	return status;
}
