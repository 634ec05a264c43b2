// SPDX-License-Identifier: GPL-2.0-only
#include "session/merged.h"

#include <stdlib.h>
#include <string.h>

#include "session/about.h"
#include "util/idmap.h"
#include "util/log.h"

#define MSG_JOIN_HOST	"%s and %s cannot be merged: %s"
#define MSG_JOIN_BOOT	"they are of different hosts, or of different boots of one: their clocks have nothing in common"
#define MSG_JOIN_NO_BOOT	"of one of them it is not known on which host it was made"
#define MSG_JOIN_OVERLAP \
	"%s and %s cannot be merged: two recorders saw VM %" PRIu32 " at the same time, and which of their records are the same cannot be " \
	"known; leave one out, or choose VMs by -p or a time by --since and --until"
#define MSG_JOIN_PROBLEMS	"of %s:"

/* One recording. */
struct part {
	struct merged *merged;
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

struct merged {
	struct merged_calls calls;
	struct part *parts;		/* by when they begin */
	size_t count;
	struct part *now;		/* the one that hands on */
	bool begun, stopped;
};

/* --- handing on */

static void begin(struct merged *m, struct part *part)
{
	part->begun = true;
	if (!m->begun) {
		m->begun = true;
		m->calls.begin(m->calls.ctx, playback_from_ns(part->playback));
	} else if (part->missing) {
		sink_lost(&m->calls.sink, NULL, part->missing);
	}
}

static bool is_wanted(const struct part *part)
{
	return playback_in_range(part->playback) && playback_sequence(part->playback) >= part->from_sequence;
}

static bool is_of_snapshot(const struct sdei_record *record)
{
	switch (record->kind) {
	case SDEI_STATE:
		return record->origin == SDEI_SNAPSHOT;
	case SDEI_COUNTER:
		return record->origin == SDEI_COUNTER_FOUND;
	default:
		return record->kind == SDEI_POWER;
	}
}

/* A snapshot at the begin is of what came before. */
static bool is_from_before(const struct part *part, const struct sdei_record *record)
{
	return !is_wanted(part) || (!part->merged->begun && is_of_snapshot(record));
}

static void take_record(void *ctx, const struct sdei_record *record, size_t size)
{
	struct part *part = ctx;
	struct merged *m = part->merged;

	if (is_from_before(part, record)) {
		if (!m->begun)
			sink_record(&m->calls.sink, record, size);
		return;
	}
	if (!part->begun)
		begin(m, part);
	sink_record(&m->calls.sink, record, size);
}

static void take_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct part *part = ctx;

	if (!is_wanted(part))
		return;
	if (!part->begun)
		begin(part->merged, part);
	sink_lost(&part->merged->calls.sink, key, count);
}

/* The end of one is not that of all, which is for who asks for merged_status(). */
static void take_status(void *ctx, const struct recording_status *said)
{
	struct part *part = ctx;
	struct merged *m = part->merged;
	bool at_begin = !m->begun;
	struct recording_status status;

	if (!is_wanted(part))
		return;
	if (!part->begun)
		begin(m, part);
	if (said->end || (at_begin && said->time_ns <= playback_from_ns(part->playback)))
		return;
	status = merged_status(m);
	m->calls.status(m->calls.ctx, &status);
}

static void take_name(void *ctx, uint32_t vm, const char *name, const char *uuid, bool late)
{
	struct part *part = ctx;

	part->merged->calls.name(part->merged->calls.ctx, vm, name, uuid, late, playback_now_ns(part->playback));
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
static void find_begin(struct merged *m, struct part *part)
{
	uint64_t next = 0;
	bool follows = false;

	for (const struct part *before = m->parts; before < part; before++) {
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

static void leave_out(struct merged *m, uint64_t from_ns, uint64_t to_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->count; i++)
		if (!is_left_out(&m->parts[i], from_ns, to_ns))
			m->parts[kept++] = m->parts[i];
	m->count = kept;
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
static void set_range(struct merged *m)
{
	const struct playback_config *config = &m->parts->config;
	struct reader_span all = m->parts->span;
	struct times times = { .form = config->times, .start_ns = all.begin_ns, .wall = all.wall };
	uint64_t from_ns = all.begin_ns, to_ns;

	for (size_t i = 1; i < m->count; i++)
		if (m->parts[i].span.end_ns > all.end_ns)
			all.end_ns = m->parts[i].span.end_ns;
	to_ns = all.end_ns;
	if (config->since.kind != MOMENT_NONE && moment_resolve(&config->since, &all, &times, MOMENT_FIRST, &from_ns))
		from_ns = UINT64_MAX;
	if (config->until.kind != MOMENT_NONE && moment_resolve(&config->until, &all, &times, MOMENT_LAST, &to_ns))
		to_ns = 0;
	for (size_t i = 0; i < m->count; i++) {
		narrow(&m->parts[i].config.since, from_ns, &m->parts[i]);
		narrow(&m->parts[i].config.until, to_ns, &m->parts[i]);
	}
	leave_out(m, from_ns, to_ns);
	if (!m->count)
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

static bool arrange(struct merged *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (!look_at(&m->parts[i]))
			return false;
	for (size_t i = 1; i < m->count; i++)
		if (!check_host(&m->parts[0], &m->parts[i]))
			return false;
	qsort(m->parts, m->count, sizeof(*m->parts), compare);
	for (size_t i = 0; i < m->count; i++)
		find_begin(m, &m->parts[i]);
	set_range(m);
	for (size_t i = 0; i < m->count; i++)
		for (size_t k = 0; k < i; k++)
			if (!check_overlap(&m->parts[k], &m->parts[i]))
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

static bool open_parts(struct merged *m, int *exit_status)
{
	for (size_t i = 0; i < m->count; i++)
		if (!open_part(&m->parts[i], exit_status))
			return false;
	m->now = m->parts;
	return true;
}

static struct merged *make(const struct playback_config *config, const struct string_list *directories, const struct merged_calls *calls)
{
	struct merged *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->calls = *calls;
	m->parts = calloc(directories->count, sizeof(*m->parts));
	if (!m->parts) {
		free(m);
		return NULL;
	}
	for (; m->count < directories->count; m->count++) {
		struct part *part = &m->parts[m->count];

		part->directory = directories->values[m->count];
		part->config = *config;
		part->config.input = part->directory;
	}
	return m;
}

struct merged *merged_open(const struct playback_config *config, const struct string_list *directories,
			   const struct merged_calls *calls, int *exit_status)
{
	struct merged *m = make(config, directories, calls);

	*exit_status = EXIT_FAILED;
	if (!m) {
		say(MSG_NO_MEMORY);
		return NULL;
	}
	if (m->count > 1 && !arrange(m)) {
		merged_close(m);
		return NULL;
	}
	if (!m->count)
		*exit_status = EXIT_USAGE;
	/* They have their places now. */
	for (size_t i = 0; i < m->count; i++)
		m->parts[i].merged = m;
	if (m->count && open_parts(m, exit_status))
		return m;
	merged_close(m);
	return NULL;
}

void merged_close(struct merged *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++) {
		playback_close(m->parts[i].playback);
		idmap_release(&m->parts[i].vms);
	}
	free(m->parts);
	free(m);
}

/* --- playing */

/* The part whose item is next; until_ns: when another one's is. NULL: all have ended. */
static struct part *next_part(struct merged *m, uint64_t *until_ns)
{
	struct part *next = NULL;
	uint64_t next_ns = UINT64_MAX;

	*until_ns = UINT64_MAX;
	for (size_t i = 0; i < m->count; i++) {
		uint64_t time_ns = playback_next_ns(m->parts[i].playback);

		if (time_ns < next_ns) {
			*until_ns = next_ns;
			next_ns = time_ns;
			next = &m->parts[i];
		} else if (time_ns < *until_ns) {
			*until_ns = time_ns;
		}
	}
	return next;
}

void merged_set_sink(struct merged *m, const struct record_sink *sink)
{
	m->calls.sink = *sink;
}

void merged_run(struct merged *m)
{
	struct part *next;
	uint64_t until_ns;

	if (m->count == 1)
		playback_run(m->now->playback, UINT64_MAX);
	while (m->count > 1 && !m->stopped && (next = next_part(m, &until_ns))) {
		m->now = next;
		playback_run(next->playback, until_ns);
	}
	if (!m->begun)
		begin(m, m->parts);
}

void merged_end(struct merged *m)
{
	m->stopped = true;
	playback_end(m->now->playback);
}

struct recording_status merged_status(const struct merged *m)
{
	struct recording_status status = *playback_said(m->now->playback);

	if (!status.time_ns)
		status.cpu_permille = UINT16_MAX;
	status.time_ns = playback_now_ns(m->now->playback);
	status.wall_ns = playback_wall_ns(m->now->playback, status.time_ns);
	status.end = false;
	for (size_t i = 0; i < m->count; i++) {
		const struct recording_status *other = playback_said(m->parts[i].playback);

		if (&m->parts[i] == m->now)
			continue;
		status.malformed += other->malformed;
		status.late += other->late;
		status.unrecorded = other->unrecorded < UINT32_MAX - status.unrecorded ? status.unrecorded + other->unrecorded : UINT32_MAX;
	}
	return status;
}

struct recording_about merged_about(const struct merged *m)
{
	struct recording_about about = m->parts->about;

	about_renew(&about);
	about_add_filters(&about, &m->parts->config);
	return about;
}

char *merged_vm(void *m, uint32_t vm, char uuid[GUEST_UUID_SIZE])
{
	return playback_vm(((struct merged *)m)->now->playback, vm, uuid);
}

int merged_finish(struct merged *m)
{
	int status = EXIT_DONE;

	for (size_t i = 0; i < m->count; i++) {
		struct playback *playback = m->parts[i].playback;
		size_t kept;
		uint64_t all;

		reader_problems(playback_reader(playback), &kept, &all);
		if (all && m->count > 1)
			say(MSG_JOIN_PROBLEMS, m->parts[i].directory);
		if (playback_finish(playback) != EXIT_DONE)
			status = EXIT_INCOMPLETE;
	}
	return status;
}
