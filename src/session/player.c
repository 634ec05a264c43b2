/* SPDX-License-Identifier: GPL-2.0-only */
#include "session/player.h"

#include <errno.h>
#include <stdlib.h>

#include "model/worst.h"
#include "util/array.h"

#define LINE_NS 50000000ULL
#define EMPTY_TICKS 10	/* of a stretch without anything, before ticks are left out */

enum task {
	TASK_NONE,
	TASK_PLAY,	/* as time goes */
	TASK_GO,	/* to goal_ns */
	TASK_FIND,	/* to the first mark that is not known yet, or to the end */
	TASK_WORST,	/* to the end, to know what is worst, and to that */
};

/* A model on its way from the start. */
struct cursor {
	struct feeder *feeder;
	uint64_t now_ns;	/* fed up to here */
	uint64_t tick_ns;	/* the last tick */
	unsigned int empty;	/* ticks in a row with nothing behind them before the next one, up to EMPTY_TICKS */
	size_t findings;	/* of the model, that have been looked at */
	bool dry;		/* the source has no more */
};

struct player {
	struct player_options options;
	uint64_t from_ns, to_ns;
	struct cursor cursor;
	struct feeder *shown;	/* instead of that of cursor, while that comes from the start */
	uint64_t shown_ns;

	enum task task;
	uint64_t goal_ns;	/* a tick */
	uint64_t begun_ns;	/* where a search set out */
	bool again;		/* the goal is to be reached from the start */
	bool lost_position;	/* where the source stands is not known */
	bool playing;
	int speed;
	uint64_t credit_ns;	/* of the recording: time that passed without a tick */

	struct player_mark *marks;
	size_t mark_count, mark_room;
	uint64_t known_ns;	/* the marks up to here are known */
	size_t found;		/* 1 + index of the mark it stands at, 0: none */
	struct player_worst worst;	/* up to known_ns; ns 0: none */
	bool at_worst;		/* it stands there, or is on its way from the end to there */
	bool found_none;
};

/* --- ticks */

static uint64_t at_most(uint64_t value, uint64_t limit)
{
	return value < limit ? value : limit;
}

/* Tick number n, or the end. */
static uint64_t tick_at(const struct player *r, uint64_t n)
{
	uint64_t length = r->to_ns - r->from_ns, delay = r->options.delay_ns;

	return n > length / delay ? r->to_ns : r->from_ns + n * delay;
}

/* The number of the first tick at or after time_ns. */
static uint64_t tick_number(const struct player *r, uint64_t time_ns)
{
	uint64_t past = at_most(time_ns, r->to_ns) > r->from_ns ? at_most(time_ns, r->to_ns) - r->from_ns : 0;

	return past / r->options.delay_ns + (past % r->options.delay_ns != 0);
}

/* The end, where it is no whole delay after the one before, has the next number. */
static uint64_t next_tick(const struct player *r)
{
	return tick_at(r, tick_number(r, r->cursor.tick_ns) + 1);
}

/* --- the cursor */

static int set_out(struct player *r, struct cursor *cursor)
{
	*cursor = (struct cursor){ .feeder = r->options.new_feeder(r->options.ctx), .now_ns = r->from_ns, .tick_ns = r->from_ns };
	return cursor->feeder ? 0 : -ENOMEM;
}

static void feed(struct player *r, uint64_t until_ns)
{
	const struct record_sink sink = feeder_sink(r->cursor.feeder);

	r->cursor.dry = r->options.source->type->drain(r->options.source, &sink, until_ns) != 0;
	feeder_flush(r->cursor.feeder);
}

/* As live does: the first tick is before the first record. Of what was before, only the states are of interest. */
static void start_cursor(struct player *r)
{
	struct model *m = feeder_model(r->cursor.feeder);

	if (r->from_ns)
		feed(r, r->from_ns - 1);
	if (model_totals(m)->start_ns)
		model_reset(m, r->from_ns);
	model_tick(m, r->from_ns);
	feed(r, r->from_ns);
}

static void drop_shown(struct player *r)
{
	feeder_free(r->shown);
	r->shown = NULL;
}

static int start_again(struct player *r)
{
	struct cursor cursor;
	int err = set_out(r, &cursor);

	if (!err)
		err = r->options.source->type->seek(r->options.source, r->from_ns);
	r->lost_position = err != 0;
	if (err) {
		feeder_free(cursor.feeder);
		return err;
	}
	if (r->shown) {
		feeder_free(r->cursor.feeder);
	} else {
		r->shown = r->cursor.feeder;
		r->shown_ns = r->cursor.now_ns;
	}
	r->cursor = cursor;
	r->again = false;
	if (r->options.restarted)
		r->options.restarted(r->options.ctx);
	start_cursor(r);
	return 0;
}

static int add_mark(struct player *r, const struct model_finding *finding)
{
	if (ARRAY_ROOM(r->marks, r->mark_room, r->mark_count, 32))
		return -ENOMEM;
	r->marks[r->mark_count++] = (struct player_mark){ .at_ns = r->cursor.tick_ns, .finding = *finding };
	return 0;
}

/* Findings are only ever added to a model's list. */
static int note_findings(struct player *r)
{
	size_t count;
	const struct model_finding *findings = model_findings(feeder_model(r->cursor.feeder), &count);
	bool known = r->cursor.tick_ns <= r->known_ns;
	int err = 0;

	for (; r->cursor.findings < count && !err; r->cursor.findings++)
		err = known ? 0 : add_mark(r, &findings[r->cursor.findings]);
	if (!err && !known)
		r->known_ns = r->cursor.tick_ns;
	return err;
}

/* Where it shows: at the first tick after it ended, or at the last one so far while it is open. */
static void note_worst(struct player *r)
{
	size_t count;
	struct model_vm *const *vms = model_vms(feeder_model(r->cursor.feeder), &count);
	struct model_worst worst;

	for (size_t i = 0; i < count && r->cursor.tick_ns > r->known_ns; i++) {
		model_vm_worst(&worst, vms[i], r->cursor.tick_ns, false);
		if (worst.ns <= r->worst.ns)
			continue;
		r->worst = (struct player_worst){
			.at_ns = tick_at(r, tick_number(r, worst.at_ns)), .ns = worst.ns, .vm = vms[i]->pid, .instance = vms[i]->instance,
			.vcpu = worst.vcpu->id, .event = worst.event ? worst.event->event : SDEI_NONE,
		};
	}
}

static int tick(struct player *r)
{
	struct model *m = feeder_model(r->cursor.feeder);
	uint64_t now_ns = r->cursor.now_ns;

	if (now_ns > r->options.keep_gone_ns)
		model_expire(m, now_ns - r->options.keep_gone_ns);
	model_tick(m, now_ns);
	r->cursor.tick_ns = now_ns;
	if (r->options.ticked)
		r->options.ticked(r->options.ctx, m, now_ns);
	note_worst(r);
	return note_findings(r);
}

/* The last tick before there is anything, or the one to go to. */
static uint64_t end_of_stretch(const struct player *r)
{
	uint64_t next_ns = r->cursor.dry ? UINT64_MAX : r->options.source->type->next_ns(r->options.source), until_ns;

	until_ns = at_most(next_ns ? next_ns - 1 : 0, r->task == TASK_FIND ? r->to_ns : r->goal_ns);
	if (until_ns >= r->to_ns)
		return r->to_ns;
	return until_ns > r->from_ns ? until_ns - (until_ns - r->from_ns) % r->options.delay_ns : r->from_ns;
}

/* From a tick on: to the one before the last of the stretch, so that the last one is of an interval like any other. */
static void skip(struct player *r)
{
	uint64_t from_ns = r->cursor.tick_ns, to_ns, before;

	if (!r->options.source->type->next_ns || r->cursor.now_ns != from_ns)
		return;
	to_ns = end_of_stretch(r);
	if (to_ns < next_tick(r)) {
		r->cursor.empty = 0;
		return;
	}
	if (r->cursor.empty < EMPTY_TICKS) {
		r->cursor.empty++;
		return;
	}
	before = tick_at(r, tick_number(r, to_ns) - 1);
	if (before <= next_tick(r))
		return;
	model_tick(feeder_model(r->cursor.feeder), before);
	r->cursor.now_ns = r->cursor.tick_ns = before;
	if (r->options.skipped)
		r->options.skipped(r->options.ctx, from_ns, before);
}

/* A piece of the recording, up to the next tick at most. */
static int feed_piece(struct player *r)
{
	uint64_t next, left, until;

	skip(r);
	next = next_tick(r);
	left = next - r->cursor.now_ns;
	until = r->cursor.now_ns + (r->cursor.dry ? left : at_most(left, LINE_NS));
	if (!r->cursor.dry)
		feed(r, until);
	r->cursor.now_ns = until;
	return until == next ? tick(r) : 0;
}

/* --- errands */

static void arrive(struct player *r)
{
	drop_shown(r);
	r->task = TASK_NONE;
	r->again = false;
	if (r->cursor.tick_ns == r->to_ns)
		r->playing = false;
}

static void set_task(struct player *r, enum task task, uint64_t goal_ns)
{
	r->task = task;
	r->goal_ns = goal_ns;
	r->credit_ns = 0;
	r->found = 0;
	r->at_worst = false;
	/* At its own tick, unless records behind it were taken already. */
	r->again = goal_ns < r->cursor.now_ns || r->lost_position;
}

/* Nothing was found: back to where the search set out. */
static void give_up(struct player *r)
{
	r->found_none = true;
	set_task(r, TASK_GO, r->begun_ns);
}

static void go_to_worst(struct player *r)
{
	set_task(r, TASK_GO, r->worst.at_ns);
	r->at_worst = true;
}

static void check_arrival(struct player *r, size_t marks_before)
{
	bool ended = r->cursor.tick_ns == r->to_ns;

	if (r->task == TASK_FIND && r->mark_count > marks_before) {
		arrive(r);
		r->found = marks_before + 1;
	} else if (r->task == TASK_FIND && ended) {
		give_up(r);
	} else if (r->task == TASK_WORST && ended && r->worst.ns) {
		go_to_worst(r);
	} else if (r->task == TASK_WORST && ended) {
		give_up(r);
	} else if (r->task != TASK_FIND && r->cursor.tick_ns >= r->goal_ns) {
		arrive(r);
	}
}

static int work_once(struct player *r)
{
	size_t marks = r->mark_count;
	int err = r->again ? start_again(r) : 0;

	/* A jump to the start is there already; so is one to the tick it stands at. */
	if (!err && r->cursor.tick_ns < r->to_ns && (r->task == TASK_FIND || r->cursor.tick_ns < r->goal_ns))
		err = feed_piece(r);
	if (err) {
		player_stop(r);
		return err;
	}
	check_arrival(r, marks);
	return 0;
}

int player_work(struct player *r, bool (*enough)(void *ctx), void *ctx)
{
	int err = 0;

	while (!err && r->task != TASK_NONE) {
		err = work_once(r);
		if (enough && enough(ctx))
			break;
	}
	return err;
}

/* --- what is to be done */

void player_go(struct player *r, uint64_t time_ns)
{
	r->playing = false;
	r->found_none = false;
	set_task(r, TASK_GO, tick_at(r, tick_number(r, time_ns)));
}

void player_step(struct player *r, long ticks)
{
	uint64_t base = r->task == TASK_GO ? r->goal_ns : r->cursor.now_ns;
	uint64_t number = tick_number(r, base), back = ticks < 0 ? -(uint64_t)ticks : 0;

	/* Between two ticks, the next one is a step. */
	if (ticks > 0 && tick_at(r, number) > base)
		ticks--;
	if (ticks < 0)
		number = number > back ? number - back : 0;
	else
		number = at_most(number + ticks, tick_number(r, r->to_ns));
	player_go(r, tick_at(r, number));
}

static void go_to_mark(struct player *r, size_t index)
{
	player_go(r, r->marks[index].at_ns);
	r->found = index + 1;
}

/* The first mark behind the place, or the number of all. */
static size_t mark_behind(const struct player *r, uint64_t time_ns)
{
	size_t i = 0;

	while (i < r->mark_count && r->marks[i].at_ns <= time_ns)
		i++;
	return i;
}

static void find_forward(struct player *r)
{
	size_t next = r->found ? r->found : mark_behind(r, r->cursor.now_ns);

	if (next < r->mark_count) {
		go_to_mark(r, next);
	} else if (r->known_ns == r->to_ns || r->cursor.tick_ns == r->to_ns) {
		r->found_none = true;
	} else {
		r->begun_ns = tick_at(r, tick_number(r, r->cursor.now_ns));
		/* There may be a stretch that is known to have none. */
		set_task(r, TASK_FIND, r->to_ns);
	}
}

static void find_back(struct player *r)
{
	size_t before = r->found ? r->found - 1 : 0;

	if (!r->found)
		while (before < r->mark_count && r->marks[before].at_ns < r->cursor.now_ns)
			before++;
	if (before)
		go_to_mark(r, before - 1);
	else
		r->found_none = true;
}

void player_find(struct player *r, bool forward)
{
	if (forward && r->task == TASK_FIND)
		return;
	/* On the way to one already, it goes on from that one. */
	if (r->task != TASK_NONE && !r->found)
		player_stop(r);
	r->playing = false;
	r->found_none = false;
	if (forward)
		find_forward(r);
	else
		find_back(r);
}

void player_go_to_worst(struct player *r)
{
	if (r->task == TASK_WORST)
		return;
	if (r->task != TASK_NONE)
		player_stop(r);
	r->playing = false;
	r->found_none = false;
	if (r->known_ns == r->to_ns && r->worst.ns) {
		go_to_worst(r);
	} else if (r->known_ns == r->to_ns) {
		r->found_none = true;
	} else {
		r->begun_ns = tick_at(r, tick_number(r, r->cursor.now_ns));
		set_task(r, TASK_WORST, r->to_ns);
	}
}

void player_play(struct player *r, bool playing)
{
	if (r->task == TASK_PLAY)
		arrive(r);
	if (playing && player_is_ended(r))
		player_go(r, r->from_ns);
	r->playing = playing;
	r->credit_ns = 0;
}

void player_faster(struct player *r, int steps)
{
	int speed = r->speed + steps;

	r->speed = speed < PLAYER_SLOWEST ? PLAYER_SLOWEST : speed > PLAYER_FASTEST ? PLAYER_FASTEST : speed;
}

static uint64_t recorded_time(const struct player *r, uint64_t ns)
{
	if (r->speed < 0)
		return ns >> -r->speed;
	return ns > UINT64_MAX >> (r->speed + 1) ? UINT64_MAX >> 1 : ns << r->speed;
}

void player_elapse(struct player *r, uint64_t ns)
{
	uint64_t target, past;

	if (!r->playing || r->task != TASK_NONE)
		return;
	r->credit_ns += at_most(recorded_time(r, ns), UINT64_MAX - r->credit_ns);
	past = at_most(r->credit_ns, r->to_ns - r->cursor.tick_ns);
	if (r->cursor.tick_ns + past < next_tick(r))
		return;
	target = r->cursor.tick_ns + past;
	if (target < r->to_ns)
		target = tick_at(r, (target - r->from_ns) / r->options.delay_ns);
	past = r->credit_ns - (target - r->cursor.tick_ns);
	set_task(r, TASK_PLAY, target);
	r->credit_ns = at_most(past, r->options.delay_ns);
}

void player_stop(struct player *r)
{
	arrive(r);
	r->playing = false;
	r->found = 0;
	r->at_worst = false;
}

void player_set_delay(struct player *r, uint64_t delay_ns)
{
	uint64_t now_ns = r->task == TASK_GO ? r->goal_ns : r->cursor.now_ns;
	bool playing = r->playing;

	r->options.delay_ns = delay_ns;
	r->mark_count = 0;
	r->worst.ns = 0;
	r->known_ns = r->from_ns;
	player_go(r, now_ns);
	r->again = true;
	r->playing = playing;
}

void player_reset(struct player *r)
{
	if (player_progress(r) >= 0)
		return;
	model_reset(feeder_model(r->cursor.feeder), r->cursor.now_ns);
	r->cursor.findings = 0;
}

/* --- how it is */

struct model *player_model(struct player *r)
{
	return feeder_model(r->shown ? r->shown : r->cursor.feeder);
}

uint64_t player_shown_ns(const struct player *r)
{
	return r->shown ? r->shown_ns : r->cursor.now_ns;
}

uint64_t player_now_ns(const struct player *r)
{
	return r->cursor.now_ns;
}

bool player_is_busy(const struct player *r)
{
	return r->task != TASK_NONE;
}

bool player_is_playing(const struct player *r)
{
	return r->playing;
}

bool player_is_ended(const struct player *r)
{
	return r->task == TASK_NONE && r->cursor.tick_ns == r->to_ns;
}

int player_speed(const struct player *r)
{
	return r->speed;
}

int player_progress(const struct player *r)
{
	uint64_t from = r->task == TASK_GO ? r->from_ns : r->begun_ns;
	uint64_t to = r->task == TASK_FIND ? r->to_ns : r->goal_ns;
	uint64_t now = r->again ? r->from_ns : r->cursor.now_ns;

	if (r->task == TASK_NONE || r->task == TASK_PLAY)
		return -1;
	return to > from && now > from ? 100.0 * (now - from) / (to - from) : 0;
}

const struct player_mark *player_marks(const struct player *r, size_t *count)
{
	*count = r->mark_count;
	return r->marks;
}

const struct player_mark *player_found(const struct player *r)
{
	return r->task == TASK_NONE && r->found ? &r->marks[r->found - 1] : NULL;
}

const struct player_worst *player_found_worst(const struct player *r)
{
	return r->task == TASK_NONE && r->at_worst ? &r->worst : NULL;
}

bool player_found_none(struct player *r)
{
	bool none = r->found_none && r->task == TASK_NONE;

	r->found_none = r->found_none && !none;
	return none;
}

/* --- life */

struct player *player_new(const struct player_options *options)
{
	struct player *r = calloc(1, sizeof(*r));

	if (r)
		r->options = *options;
	return r;
}

void player_free(struct player *r)
{
	if (!r)
		return;
	feeder_free(r->shown);
	feeder_free(r->cursor.feeder);
	free(r->marks);
	free(r);
}

int player_start(struct player *r, uint64_t from_ns, uint64_t to_ns)
{
	int err;

	r->from_ns = r->known_ns = from_ns;
	r->to_ns = to_ns > from_ns ? to_ns : from_ns;
	err = set_out(r, &r->cursor);
	if (!err)
		start_cursor(r);
	return err;
}
