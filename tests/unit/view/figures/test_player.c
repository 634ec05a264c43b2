/* SPDX-License-Identifier: GPL-2.0-only */
/* The player, on a crafted recording: wherever it goes, its model is what a live one was then. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/player.h"
#include "view/figures/json.h"

#define MS 1000000ULL
#define SEC (1000 * MS)
#define START (1000 * SEC)
#define END (START + 30 * SEC + 300 * MS)	/* no whole interval at the end */
#define RE (SDEI_REGISTERED | SDEI_ENABLED)
#define ITEMS_MAX 20011

/* --- the recording */

static struct item {
	uint64_t time_ns;
	struct sdei_record record;
	uint64_t lost;		/* a loss of so many like the record */
} items[ITEMS_MAX];
static size_t item_count;

static void put(uint64_t time_ns, uint32_t vcpu, uint8_t kind, uint8_t state, uint8_t outcome)
{
	assert_true(item_count < ITEMS_MAX);
	items[item_count++] = (struct item){
		.time_ns = time_ns,
		.record = {
			.time_ns = time_ns, .vm = 1201, .vcpu = vcpu, .kind = kind, .state = state, .outcome = outcome,
			.sender = kind == SDEI_SIGNAL ? SDEI_NONE : 0, .origin = kind == SDEI_SIGNAL ? SDEI_FROM_VMM : 0,
		},
	};
}

static int compare_items(const void *a, const void *b)
{
	const struct item *left = a, *right = b;

	return (left->time_ns > right->time_ns) - (left->time_ns < right->time_ns);
}

static void put_episode(uint64_t time_ns, uint32_t vcpu, uint64_t latency_ns)
{
	put(time_ns, vcpu, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED);
	put(time_ns + latency_ns, vcpu, SDEI_DISPATCH, RE | SDEI_RUNNING, 0);
	put(time_ns + latency_ns + MS / 7, vcpu, SDEI_COMPLETE, RE, SDEI_COMPLETED);
}

/* Findings: drops after 7.3 s and 21 s, a handler that hangs from 12.2 s to 16 s, on vCPUs of their own; a loss at 25 s. */
static void make_recording(void)
{
	item_count = 0;
	for (uint64_t i = 0; i * 17 * MS < 30 * SEC; i++)
		put_episode(START + i * 17 * MS, 0, (1 + i % 13) * MS / 11);
	put(START + 12200 * MS, 1, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED);
	put(START + 12201 * MS, 1, SDEI_DISPATCH, RE | SDEI_RUNNING, 0);
	put(START + 16 * SEC, 1, SDEI_COMPLETE, RE, SDEI_COMPLETED);
	for (uint32_t vcpu = 2; vcpu <= 3; vcpu++) {
		uint64_t time_ns = START + (vcpu == 2 ? 7300 * MS : 21 * SEC);

		put(time_ns, vcpu, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED);
		for (int i = 1; i <= 211; i++)
			put(time_ns + i * MS, vcpu, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_COALESCED);
		put(time_ns + 250 * MS, vcpu, SDEI_DISPATCH, RE | SDEI_RUNNING, 0);
		put(time_ns + 251 * MS, vcpu, SDEI_COMPLETE, RE, SDEI_COMPLETED);
	}
	put(START + 25 * SEC, 0, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_COALESCED);
	items[item_count - 1].lost = 3;
	qsort(items, item_count, sizeof(items[0]), compare_items);
}

static void deliver(const struct item *item, const struct record_sink *sink)
{
	const struct sdei_lost_key key = {
		.vm = item->record.vm, .vcpu = item->record.vcpu, .kind = item->record.kind, .outcome = item->record.outcome,
	};

	if (item->lost)
		sink->lost(sink->ctx, &key, item->lost);
	else
		sink->record(sink->ctx, &item->record, sizeof(item->record));
}

/* --- a player of it */

struct player {
	struct player *replay;
	struct source source;
	size_t next;
	unsigned int rewinds, restarts, ticks;
	uint64_t skipped_ns;
	uint64_t last_tick_ns;
	int refuse;		/* rewind fails like this */
	unsigned int patience;	/* pieces until it is enough */
};

static struct player *player_of(struct source *source)
{
	return (struct player *)((char *)source - offsetof(struct player, source));
}

static int drain(struct source *source, const struct record_sink *sink, uint64_t until_ns)
{
	struct player *p = player_of(source);

	while (p->next < item_count && items[p->next].time_ns <= until_ns)
		deliver(&items[p->next++], sink);
	return p->next < item_count ? 0 : -ENODATA;
}

static uint64_t next_ns(const struct source *source)
{
	const struct player *p = player_of((struct source *)source);

	return p->next < item_count ? items[p->next].time_ns : UINT64_MAX;
}

static int seek(struct source *source, uint64_t time_ns)
{
	struct player *p = player_of(source);

	p->rewinds++;
	if (!p->refuse)
		p->next = 0;
	return p->refuse;
}

static const struct source_type unhurried = { .drain = drain, .seek = seek };
static const struct source_type skipping = { .drain = drain, .seek = seek, .next_ns = next_ns };

static void skipped(void *ctx, uint64_t from_ns, uint64_t now_ns)
{
	((struct player *)ctx)->skipped_ns += now_ns - from_ns;
}

static struct feeder *new_feeder(void *ctx)
{
	struct feeder *f = feeder_new(false, NULL);

	model_keep_intervals(feeder_model(f), true);
	return f;
}

static void ticked(void *ctx, struct model *m, uint64_t now_ns)
{
	struct player *p = ctx;

	assert_int_equal(model_totals(m)->now_ns, now_ns);
	p->ticks++;
	p->last_tick_ns = now_ns;
}

static void restarted(void *ctx)
{
	((struct player *)ctx)->restarts++;
}

static bool enough(void *ctx)
{
	struct player *p = ctx;

	return p->patience-- == 0;
}

static void open_player(struct player *p, uint64_t delay_ns)
{
	const struct player_options options = {
		.source = &p->source, .new_feeder = new_feeder, .ticked = ticked, .restarted = restarted, .ctx = p,
		.delay_ns = delay_ns, .keep_gone_ns = 10 * SEC,
	};

	make_recording();
	*p = (struct player){ .source.type = &unhurried };
	p->replay = player_new(&options);
	assert_int_equal(player_start(p->replay, START, END), 0);
}

static void close_player(struct player *p)
{
	player_free(p->replay);
}

static void work(struct player *p)
{
	assert_int_equal(player_work(p->replay, NULL, NULL), 0);
	assert_false(player_is_busy(p->replay));
}

static void assert_worst(struct player *p, uint64_t at_ns, uint64_t ns, uint32_t vcpu, uint32_t event)
{
	const struct player_worst *worst;

	player_go_to_worst(p->replay);
	work(p);
	worst = player_found_worst(p->replay);
	assert_non_null(worst);
	assert_int_equal(player_now_ns(p->replay), at_ns);
	assert_int_equal(worst->at_ns, at_ns);
	assert_int_equal(worst->ns, ns);
	assert_int_equal(worst->vm, 1201);
	assert_int_equal(worst->vcpu, vcpu);
	assert_int_equal(worst->event, event);
	assert_false(player_is_playing(p->replay));
	assert_false(player_found_none(p->replay));
}

/* --- what live showed */

static char *describe(const struct model *m, uint64_t now_ns)
{
	const struct status status = { .now_ns = now_ns };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	json_interval(out, m, &status);
	json_summary(out, m, &status);
	fclose(out);
	return text;
}

/* Fed and ticked as cmd_top does it. */
static char *live_at(uint64_t until_ns, uint64_t delay_ns)
{
	struct feeder *f = new_feeder(NULL);
	const struct record_sink sink = { .record = feeder_record, .lost = feeder_lost, .ctx = f };
	uint64_t tick_ns = START;
	size_t next = 0;
	char *text;

	model_tick(feeder_model(f), START);
	while (next < item_count && items[next].time_ns <= START)
		deliver(&items[next++], &sink);
	feeder_flush(f);
	while (tick_ns < until_ns) {
		tick_ns = tick_ns + delay_ns < END ? tick_ns + delay_ns : END;
		while (next < item_count && items[next].time_ns <= tick_ns)
			deliver(&items[next++], &sink);
		feeder_flush(f);
		model_expire(feeder_model(f), tick_ns - 10 * SEC);
		model_tick(feeder_model(f), tick_ns);
	}
	text = describe(feeder_model(f), tick_ns);
	feeder_free(f);
	return text;
}

static void assert_as_live(struct player *p, uint64_t at_ns, uint64_t delay_ns)
{
	char *live = live_at(at_ns, delay_ns), *replayed = describe(player_model(p->replay), player_shown_ns(p->replay));

	assert_int_equal(player_now_ns(p->replay), at_ns);
	assert_int_equal(player_shown_ns(p->replay), at_ns);
	assert_string_equal(live, replayed);
	free(live);
	free(replayed);
}

/* --- tests */

static void test_jumps(void **state)
{
	static const unsigned int seconds[] = { 7, 3, 3, 29, 30, 0, 16, 1 };
	struct player p;

	open_player(&p, SEC);
	assert_int_equal(player_now_ns(p.replay), START);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		player_go(p.replay, START + seconds[i] * SEC);
		work(&p);
		assert_as_live(&p, START + seconds[i] * SEC, SEC);
	}
	assert_int_equal(p.rewinds, 3);
	assert_int_equal(p.restarts, 3);
	player_go(p.replay, UINT64_MAX);
	work(&p);
	assert_true(player_is_ended(p.replay));
	assert_as_live(&p, END, SEC);
	player_go(p.replay, 0);
	work(&p);
	assert_int_equal(player_now_ns(p.replay), START);
	close_player(&p);
}

/* Between two ticks, it is the later one. */
static void test_jump_between(void **state)
{
	struct player p;

	open_player(&p, SEC);
	player_go(p.replay, START + 4 * SEC + 1);
	work(&p);
	assert_as_live(&p, START + 5 * SEC, SEC);
	player_go(p.replay, START + 4 * SEC);
	work(&p);
	assert_as_live(&p, START + 4 * SEC, SEC);
	close_player(&p);
}

static void test_steps(void **state)
{
	struct player p;

	open_player(&p, 500 * MS);
	for (int i = 1; i <= 5; i++) {
		player_step(p.replay, 1);
		work(&p);
		assert_int_equal(player_now_ns(p.replay), START + i * 500 * MS);
	}
	assert_int_equal(p.rewinds, 0);
	player_step(p.replay, -1);
	player_step(p.replay, -1);	/* from where it is going */
	work(&p);
	assert_as_live(&p, START + 1500 * MS, 500 * MS);
	player_step(p.replay, -100);
	work(&p);
	assert_int_equal(player_now_ns(p.replay), START);
	player_step(p.replay, 1000);
	work(&p);
	assert_as_live(&p, END, 500 * MS);
	player_step(p.replay, -1);
	work(&p);
	assert_as_live(&p, START + 30 * SEC, 500 * MS);
	close_player(&p);
}

/* Plays 5 s of real time in turns of 50 ms; how far it came. */
static uint64_t play(struct player *p)
{
	uint64_t from = player_now_ns(p->replay);

	player_play(p->replay, true);
	for (int i = 0; i < 100; i++) {
		player_elapse(p->replay, 50 * MS);
		work(p);
	}
	return player_now_ns(p->replay) - from;
}

static void test_playing(void **state)
{
	struct player p;

	open_player(&p, SEC);
	assert_int_equal(play(&p), 5 * SEC);
	assert_true(player_is_playing(p.replay));
	player_play(p.replay, false);
	player_elapse(p.replay, 10 * SEC);
	work(&p);
	assert_as_live(&p, START + 5 * SEC, SEC);
	player_faster(p.replay, 2);
	assert_int_equal(play(&p), 20 * SEC);
	assert_as_live(&p, START + 25 * SEC, SEC);
	assert_int_equal(play(&p), END - START - 25 * SEC);
	assert_as_live(&p, END, SEC);
	assert_false(player_is_playing(p.replay));
	assert_int_equal(p.ticks, 31);	/* each one once */
	close_player(&p);
}

static void test_speeds(void **state)
{
	struct player p;

	open_player(&p, 100 * MS);
	player_faster(p.replay, -100);
	assert_int_equal(player_speed(p.replay), PLAYER_SLOWEST);
	assert_int_equal(play(&p), 300 * MS);	/* 5 s / 16 */
	player_faster(p.replay, 100);
	assert_int_equal(player_speed(p.replay), PLAYER_FASTEST);
	player_elapse(p.replay, UINT64_MAX);
	work(&p);
	assert_true(player_is_ended(p.replay));
	player_play(p.replay, true);	/* from the start */
	work(&p);
	assert_int_equal(player_now_ns(p.replay), START);
	assert_true(player_is_playing(p.replay));
	close_player(&p);
}

/* What is shown stays whole while it comes from the start. */
static void test_shown_meanwhile(void **state)
{
	struct player p;
	char *before, *meanwhile;

	open_player(&p, SEC);
	player_go(p.replay, START + 20 * SEC);
	work(&p);
	before = describe(player_model(p.replay), START + 20 * SEC);
	player_go(p.replay, START + 10 * SEC);
	assert_int_equal(player_progress(p.replay), 0);
	p.patience = 100;	/* pieces of 50 ms */
	assert_int_equal(player_work(p.replay, enough, &p), 0);
	assert_true(player_is_busy(p.replay));
	assert_int_equal(player_progress(p.replay), 50);
	assert_int_equal(player_shown_ns(p.replay), START + 20 * SEC);
	meanwhile = describe(player_model(p.replay), player_shown_ns(p.replay));
	assert_string_equal(before, meanwhile);
	free(before);
	free(meanwhile);
	work(&p);
	assert_int_equal(player_progress(p.replay), -1);
	assert_as_live(&p, START + 10 * SEC, SEC);
	close_player(&p);
}

/* It stays where it came to, and goes on exactly from there. */
static void test_interrupted(void **state)
{
	struct player p;

	open_player(&p, SEC);
	player_go(p.replay, START + 20 * SEC);
	p.patience = 110;
	assert_int_equal(player_work(p.replay, enough, &p), 0);
	player_stop(p.replay);
	assert_false(player_is_busy(p.replay));
	assert_int_equal(player_now_ns(p.replay), START + 5550 * MS);
	player_step(p.replay, 1);
	work(&p);
	assert_as_live(&p, START + 6 * SEC, SEC);
	assert_int_equal(p.rewinds, 0);
	p.patience = 10;
	player_step(p.replay, 1);
	assert_int_equal(player_work(p.replay, enough, &p), 0);
	player_stop(p.replay);
	player_step(p.replay, -1);
	work(&p);
	assert_as_live(&p, START + 6 * SEC, SEC);
	assert_int_equal(p.rewinds, 1);
	close_player(&p);
}

static void assert_found(struct player *p, uint64_t at_ns, enum model_finding_code code, uint32_t vcpu)
{
	const struct player_mark *mark = player_found(p->replay);

	assert_non_null(mark);
	assert_int_equal(mark->finding.code, code);
	assert_int_equal(mark->finding.vcpu, vcpu);
	assert_int_equal(mark->at_ns, at_ns);
	assert_as_live(p, at_ns, SEC);
}

static void find(struct player *p, bool forward)
{
	player_find(p->replay, forward);
	work(p);
}

static void test_findings(void **state)
{
	struct player p;

	open_player(&p, SEC);
	find(&p, false);
	assert_true(player_found_none(p.replay));
	assert_false(player_found_none(p.replay));	/* told once */
	find(&p, true);
	assert_found(&p, START + 8 * SEC, FINDING_DROP_BURST, 2);
	find(&p, true);
	assert_found(&p, START + 14 * SEC, FINDING_HANDLER_HUNG, 1);
	find(&p, true);
	assert_found(&p, START + 22 * SEC, FINDING_DROP_BURST, 3);
	find(&p, false);
	assert_found(&p, START + 14 * SEC, FINDING_HANDLER_HUNG, 1);
	player_step(p.replay, 1);
	work(&p);
	assert_null(player_found(p.replay));
	find(&p, false);
	assert_found(&p, START + 14 * SEC, FINDING_HANDLER_HUNG, 1);
	close_player(&p);
}

/* It looked through all the rest, and is where it was. */
/* The handler that hangs, at the last tick at which it did; without it the first of two equal waits, where it ended. */
static void test_worst(void **state)
{
	struct player p;

	open_player(&p, SEC);
	assert_worst(&p, START + 15 * SEC, 2799 * MS, 1, 0);
	assert_as_live(&p, START + 15 * SEC, SEC);
	assert_worst(&p, START + 15 * SEC, 2799 * MS, 1, 0);	/* it stands there */
	player_step(p.replay, 1);
	work(&p);
	assert_null(player_found_worst(p.replay));
	player_set_delay(p.replay, 7 * SEC);
	work(&p);
	assert_worst(&p, START + 14 * SEC, 1799 * MS, 1, 0);
	close_player(&p);

	open_player(&p, SEC);
	for (size_t i = 0; i < item_count; i++)
		if (items[i].record.vcpu == 1)
			items[i].record.kind = SDEI_PLACE;
	assert_worst(&p, START + 8 * SEC, 250 * MS, 2, 0);
	close_player(&p);
}

/* It comes from the end to it, and can be stopped on the way. */
static void test_worst_interrupted(void **state)
{
	struct player p;

	open_player(&p, SEC);
	player_go_to_worst(p.replay);
	p.patience = 30;
	assert_int_equal(player_work(p.replay, enough, &p), 0);
	assert_in_range(player_progress(p.replay), 1, 50);
	assert_null(player_found_worst(p.replay));
	player_stop(p.replay);
	assert_int_equal(player_progress(p.replay), -1);
	assert_null(player_found_worst(p.replay));
	assert_worst(&p, START + 15 * SEC, 2799 * MS, 1, 0);
	close_player(&p);
}

static void test_nothing_waited(void **state)
{
	struct player p;

	open_player(&p, SEC);
	item_count = 0;
	player_set_delay(p.replay, SEC);	/* starts again, without the first record */
	work(&p);
	player_go(p.replay, START + 3 * SEC);
	work(&p);
	for (int i = 0; i < 2; i++) {	/* the second time it is known */
		player_go_to_worst(p.replay);
		work(&p);
		assert_true(player_found_none(p.replay));
		assert_null(player_found_worst(p.replay));
		assert_int_equal(player_now_ns(p.replay), START + 3 * SEC);
	}
	close_player(&p);
}

static void test_no_later_finding(void **state)
{
	struct player p;
	unsigned int rewinds;
	size_t count;

	open_player(&p, SEC);
	player_go(p.replay, START + 23 * SEC);
	work(&p);
	find(&p, true);
	assert_true(player_found_none(p.replay));
	assert_null(player_found(p.replay));
	assert_as_live(&p, START + 23 * SEC, SEC);
	player_marks(p.replay, &count);
	assert_int_equal(count, 3);
	rewinds = p.rewinds;
	find(&p, true);	/* known now */
	assert_true(player_found_none(p.replay));
	assert_int_equal(p.rewinds, rewinds);
	close_player(&p);
}

static void test_other_delay(void **state)
{
	struct player p;

	open_player(&p, SEC);
	player_go(p.replay, START + 15 * SEC);
	work(&p);
	player_set_delay(p.replay, 700 * MS);
	work(&p);
	assert_as_live(&p, START + 15400 * MS, 700 * MS);	/* the first one at or after 15 s */
	find(&p, false);
	assert_int_equal(player_found(p.replay)->at_ns, START + 20 * 700 * MS);	/* 1.25 s after the dispatch */
	close_player(&p);
}

static void test_reset(void **state)
{
	struct player p;

	open_player(&p, SEC);
	player_go(p.replay, START + 18 * SEC);
	work(&p);
	player_reset(p.replay);
	assert_int_equal(model_totals(player_model(p.replay))->records, 0);
	find(&p, true);
	assert_int_equal(player_found(p.replay)->at_ns, START + 22 * SEC);
	player_go(p.replay, START + 18 * SEC);
	work(&p);
	assert_as_live(&p, START + 18 * SEC, SEC);	/* another way there, without the reset */
	close_player(&p);
}

/* Of what was before the start only the states count: a handler that runs since then is known to. */
static void test_start_in_the_middle(void **state)
{
	const struct model_event *event;
	struct player p;
	size_t count;

	open_player(&p, SEC);
	close_player(&p);
	p = (struct player){ .source.type = &unhurried };
	p.replay = player_new(&(struct player_options){ .source = &p.source, .new_feeder = new_feeder, .ctx = &p, .delay_ns = SEC });
	assert_int_equal(player_start(p.replay, START + 13 * SEC, END), 0);
	for (int turn = 0; turn < 2; turn++) {
		event = model_event(model_vcpu(model_vm(player_model(p.replay), 1201), 1), 0);
		assert_true(event->state & SDEI_RUNNING);
		assert_int_equal(model_totals(player_model(p.replay))->count.signals, 0);
		assert_int_equal(model_totals(player_model(p.replay))->start_ns, START + 13 * SEC);
		model_findings(player_model(p.replay), &count);
		assert_int_equal(count, 0);
		player_go(p.replay, START + 14 * SEC);
		work(&p);
		assert_in_range(model_totals(player_model(p.replay))->count.signals, 58, 59);	/* every 17 ms */
		player_go(p.replay, 0);
		work(&p);
	}
	close_player(&p);
}

static void test_cannot_rewind(void **state)
{
	struct player p;

	open_player(&p, SEC);
	player_go(p.replay, START + 15 * SEC);
	work(&p);
	p.refuse = -EIO;
	player_go(p.replay, START + 2 * SEC);
	assert_int_equal(player_work(p.replay, NULL, NULL), -EIO);
	assert_false(player_is_busy(p.replay));
	assert_as_live(&p, START + 15 * SEC, SEC);
	p.refuse = 0;
	player_step(p.replay, 1);	/* nobody knows where the source is now */
	work(&p);
	assert_as_live(&p, START + 16 * SEC, SEC);
	assert_int_equal(p.rewinds, 2);
	close_player(&p);
}

/* Two episodes, and the second one still waits length_ns after the first. */
static void open_stretch(struct player *p, uint64_t length_ns, bool skips)
{
	const struct player_options options = {
		.source = &p->source, .skipped = skipped, .new_feeder = new_feeder, .ticked = ticked, .ctx = p, .delay_ns = SEC, .keep_gone_ns = 10 * SEC,
	};

	item_count = 0;
	put_episode(START + SEC / 4, 1, MS);
	put_episode(START + SEC / 3, 0, MS);
	put(START + SEC / 2, 1, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED);
	put_episode(START + length_ns + SEC / 3, 0, 2 * MS);
	*p = (struct player){ .source.type = skips ? &skipping : &unhurried };
	p->replay = player_new(&options);
	assert_int_equal(player_start(p->replay, START, START + length_ns + 7 * SEC / 2), 0);
}

/* What is left out makes no difference, wherever it goes; a finding that comes up meanwhile is there. */
static void test_long_stretch(void **state)
{
	static const unsigned int seconds[] = { 900, 950, 1001, 1004, 5, 500 };
	struct player p, all;
	size_t marks, others;

	open_stretch(&p, 1000 * SEC, true);
	open_stretch(&all, 1000 * SEC, false);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		char *left, *right;

		player_go(p.replay, START + seconds[i] * SEC);
		player_go(all.replay, START + seconds[i] * SEC);
		work(&p);
		work(&all);
		assert_int_equal(player_now_ns(p.replay), player_now_ns(all.replay));
		left = describe(player_model(p.replay), player_now_ns(p.replay));
		right = describe(player_model(all.replay), player_now_ns(all.replay));
		assert_string_equal(left, right);
		free(left);
		free(right);
	}
	assert_int_equal(player_marks(p.replay, &marks)->at_ns, player_marks(all.replay, &others)->at_ns);
	assert_int_equal(marks, others);
	assert_true(p.ticks < 100 && all.ticks > 1500);
	close_player(&p);
	close_player(&all);
}

/* As long as there is time: as many ticks as it takes to see that there is nothing. */
static void test_longest_stretch(void **state)
{
	struct player p;

	open_stretch(&p, 1ULL << 63, true);
	player_go(p.replay, UINT64_MAX);
	work(&p);
	assert_true(player_is_ended(p.replay));
	assert_true(p.ticks < 20);
	assert_int_equal(p.skipped_ns / SEC, (1ULL << 63) / SEC - 11);
	assert_int_equal(model_totals(player_model(p.replay))->count.dispatched, 3);
	close_player(&p);
}

/* All at one moment, and at the end of time. */
static void test_odd_ranges(void **state)
{
	struct player p;

	open_player(&p, SEC);
	close_player(&p);
	item_count = 0;
	p = (struct player){ .source.type = &unhurried };
	p.replay = player_new(&(struct player_options){ .source = &p.source, .new_feeder = new_feeder, .ctx = &p, .delay_ns = SEC });
	assert_int_equal(player_start(p.replay, UINT64_MAX - 5 * SEC / 2, UINT64_MAX), 0);
	player_step(p.replay, 2);
	work(&p);
	assert_int_equal(player_now_ns(p.replay), UINT64_MAX - SEC / 2);
	player_step(p.replay, 1);
	work(&p);
	assert_int_equal(player_now_ns(p.replay), UINT64_MAX);
	player_step(p.replay, 1);
	work(&p);
	assert_true(player_is_ended(p.replay));
	find(&p, true);
	assert_true(player_found_none(p.replay));
	close_player(&p);
	p.replay = player_new(&(struct player_options){ .source = &p.source, .new_feeder = new_feeder, .ctx = &p, .delay_ns = SEC });
	assert_int_equal(player_start(p.replay, START, START - 1), 0);
	assert_true(player_is_ended(p.replay));
	player_step(p.replay, 1);
	work(&p);
	player_play(p.replay, true);
	player_elapse(p.replay, SEC);
	work(&p);
	assert_int_equal(player_now_ns(p.replay), START);
	close_player(&p);
	player_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jumps), cmocka_unit_test(test_jump_between), cmocka_unit_test(test_steps),
		cmocka_unit_test(test_playing), cmocka_unit_test(test_speeds), cmocka_unit_test(test_shown_meanwhile),
		cmocka_unit_test(test_interrupted), cmocka_unit_test(test_findings), cmocka_unit_test(test_no_later_finding),
		cmocka_unit_test(test_worst), cmocka_unit_test(test_worst_interrupted), cmocka_unit_test(test_nothing_waited),
		cmocka_unit_test(test_other_delay), cmocka_unit_test(test_reset), cmocka_unit_test(test_cannot_rewind),
		cmocka_unit_test(test_start_in_the_middle),
		cmocka_unit_test(test_long_stretch), cmocka_unit_test(test_longest_stretch), cmocka_unit_test(test_odd_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
