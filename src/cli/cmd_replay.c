/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop replay: the live screen on a recording, or what -b and -j would have printed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/option_rules.h"
#include "util/loop.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/sandbox.h"
#include "util/output.h"
#include "session/playback.h"
#include "session/player.h"
#include "session/vm_names.h"
#include "view/figures/why.h"
#include "cli/show.h"

#define TURN_MS 50
#define PATIENCE_NS (200 * NS_PER_MS)	/* a jump that takes longer shows how far it is */

struct replay_config {
	struct playback_config playback;
	struct show_config show;
	int speed;
};

/* --- options */

/* "4", "x4", "1/4": the exponent of a power of two. */
static int set_speed(void *field, const char *value)
{
	const char *digits = value + (*value == 'x');
	bool slower = strncmp(digits, "1/", 2) == 0;
	uint64_t factor;
	int speed = 0;

	if (option_count.set(&factor, slower ? digits + 2 : digits) != 0 || factor & (factor - 1))
		return -EINVAL;
	for (; factor > 1; factor >>= 1)
		speed++;
	if (speed > (slower ? -PLAYER_SLOWEST : PLAYER_FASTEST))
		return -EINVAL;
	*(int *)field = slower ? -speed : speed;
	return 0;
}

static const struct option_type option_speed = {
	.set = set_speed, .expects = "a power of two from 1/16 to 1024, as in 8 or 1/2",
};

static const struct option_spec options[] = {
	SHOW_OPTIONS(replay_config),
	{ 0, "speed", "X", &option_speed, offsetof(struct replay_config, speed), "how fast it plays at first: 8, 1/2; 1 unless given" },
	PLAYBACK_OPTIONS(replay_config),
	{ 0 },
};

static const struct option_spec operands[] = {
	PLAYBACK_OPERAND(replay_config),
	{ 0 },
};

static void more_help(FILE *out)
{
	show_help(out, true);
}

/* --- a run in any form */

struct run {
	struct replay_config config;
	struct show *show;
	struct playback *playback;
	struct source *source;		/* the same */
	struct player *replay;
	struct status status;	/* of what is shown */
	uint64_t begin_ns;		/* of the recording */
	int exit_status;
	uint64_t from_ns;		/* where it starts */
	bool done;
	struct output out;
	uint64_t intervals;		/* printed */

	/* the screen */
	struct loop *loop;
	int timer;
	bool armed, stale;
	uint64_t clock_ns, deadline_ns, drawn_ns;
	const struct player_mark *told;
	bool told_worst, sought_worst;	/* shown already; what was looked for last */
	uint64_t *marks;
	size_t mark_room;
};

static struct feeder *new_feeder(void *ctx)
{
	struct run *run = ctx;
	struct feeder *f = feeder_new(show_is_utf8(run->show), &run->config.show.limits);

	if (f) {
		feeder_set_source(f, run->source);
		show_prepare_model(run->show, feeder_model(f));
	}
	return f;
}

static void take_status(struct run *run)
{
	uint64_t shown_ns = player_shown_ns(run->replay);

	/* While it comes from the start, the screen is still as it was. */
	if (shown_ns == player_now_ns(run->replay)) {
		playback_view_status(run->playback, &run->status);
		run->status.wall_ns = status_wall_ns(&run->status, shown_ns);
		run->status.now_ns = shown_ns;
	}
	run->status.delay_ns = run->config.show.delay_ms * NS_PER_MS;
}

static void fail(struct run *run, const char *what)
{
	say("%s", what);
	run->exit_status = EXIT_FAILED;
	run->done = true;
}

/* --- text and JSON */

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	interrupted = 1;
}

static void flush(struct run *run)
{
	if (output_flush(&run->out))
		return;
	run->done = true;
	if (run->exit_status == EXIT_DONE)
		run->exit_status = output_status(&run->out);
}

static void print(struct run *run, struct model *m, int (*what)(struct show *s, const struct model *m, const struct status *status))
{
	take_status(run);
	if (what(run->show, m, &run->status) < 0)
		fail(run, MSG_NO_MEMORY);
	flush(run);
}

/* As live: what is left at the end is no interval. */
static void print_interval(struct run *run, struct model *m, uint64_t now_ns)
{
	if ((now_ns - run->from_ns) % (run->config.show.delay_ms * NS_PER_MS))
		return;
	print(run, m, show_interval);
	if (++run->intervals == run->config.show.count)
		run->done = true;
}

static bool is_done(void *ctx)
{
	return interrupted || ((struct run *)ctx)->done;
}

/* Once a screen has read what it knows of the terminal. */
static void shut_in(const struct run *run)
{
	struct sandbox sandbox;

	sandbox_begin(&sandbox, run->config.playback.no_sandbox);
	sandbox_read(&sandbox, run->config.playback.input);
	show_allow(run->show, &sandbox);
	sandbox_enter(&sandbox, run->config.playback.verbose && !show_is_screen(run->show));
}

static void print_all(struct run *run)
{
	struct sigaction action = { .sa_handler = interrupt };
	struct model *m;
	uint64_t now_ns;
	int err;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (!output_open(&run->out, NULL)) {
		run->exit_status = EXIT_FAILED;
		return;
	}
	show_set_output(run->show, run->out.file);
	shut_in(run);
	player_go(run->replay, UINT64_MAX);
	err = player_work(run->replay, is_done, run);
	if (err)
		fail(run, MSG_NO_MEMORY);
	player_stop(run->replay);
	m = player_model(run->replay);
	now_ns = player_now_ns(run->replay);
	if (model_totals(m)->now_ns != now_ns)
		model_tick(m, now_ns);
	model_settle(m, now_ns);
	print(run, m, show_summary);
}

/* --- the screen */

static bool is_late(void *ctx)
{
	return clock_monotonic_ns() >= ((struct run *)ctx)->deadline_ns;
}

static void take_marks(struct run *run, struct replay_status *place)
{
	size_t count;
	const struct player_mark *marks = player_marks(run->replay, &count);

	if (count > run->mark_room) {
		uint64_t *positions = reallocarray(run->marks, count, sizeof(*positions));

		if (!positions)
			return;
		run->marks = positions;
		run->mark_room = count;
	}
	for (size_t i = 0; i < count; i++)
		run->marks[i] = marks[i].at_ns - run->begin_ns;
	place->marks = run->marks;
	place->mark_count = count;
}

static void draw(struct run *run)
{
	struct replay_status *place = &run->status.replay;
	uint64_t from_ns, to_ns;

	take_status(run);
	playback_range(run->playback, &from_ns, &to_ns);
	*place = (struct replay_status){
		.position_ns = player_now_ns(run->replay) - run->begin_ns, .length_ns = to_ns - run->begin_ns,
		.speed = player_speed(run->replay), .playing = player_is_playing(run->replay),
		.ended = player_is_ended(run->replay), .jump_percent = player_progress(run->replay),
	};
	take_marks(run, place);
	show_interval(run->show, player_model(run->replay), &run->status);
	run->drawn_ns = clock_monotonic_ns();
	run->stale = false;
}

static void show_worst(struct run *run, const struct player_worst *worst)
{
	const struct row_id of = {
		.pid = worst->vm, .instance = worst->instance, .vcpu = worst->vcpu, .event = worst->event,
		.has_event = worst->event != SDEI_NONE,
	};
	const struct model_vm *vm = why_vm_of(player_model(run->replay), worst->vm, worst->instance);

	top_show_event(show_top(run->show), &of, vm ? name_of(vm)->shown : "-");
}

/* Once it has arrived. */
static void show_found(struct run *run)
{
	const struct player_mark *found = player_found(run->replay);
	const struct player_worst *worst = player_found_worst(run->replay);

	if (found && found != run->told)
		top_select_finding(show_top(run->show), &found->finding);
	run->told = found;
	if (worst && !run->told_worst)
		show_worst(run, worst);
	run->told_worst = worst != NULL;
	if (player_found_none(run->replay))
		top_say(show_top(run->show), run->sought_worst ? "nothing had to wait" : "there is no finding on that side");
}

/* The timer turns only while there is something to do. */
static void arm(struct run *run)
{
	bool busy = player_is_busy(run->replay) || player_is_playing(run->replay);

	if (busy == run->armed)
		return;
	loop_set_timer(run->loop, run->timer, busy ? TURN_MS : 0);
	run->armed = busy;
}

static int go_on(void *ctx)
{
	struct run *run = ctx;
	uint64_t now_ns = clock_monotonic_ns();
	bool was_going = player_progress(run->replay) >= 0;
	int err;

	player_elapse(run->replay, now_ns - run->clock_ns);
	run->clock_ns = now_ns;
	run->deadline_ns = now_ns + TURN_MS * NS_PER_MS;
	err = player_work(run->replay, is_late, run);
	if (err)
		top_say(show_top(run->show), MSG_REWIND, strerror(-err));
	show_found(run);
	/* A jump may arrive without a tick: at the place where it began. */
	if (player_progress(run->replay) < 0 ? run->stale || was_going : clock_monotonic_ns() - run->drawn_ns >= PATIENCE_NS)
		draw(run);
	arm(run);
	return 0;
}

/* "+10s" and "-10s" are from here; all else is a moment as --since takes it. */
static int jump_time(const struct run *run, const char *text, uint64_t *time_ns)
{
	bool relative = *text == '+' || *text == '-';
	uint64_t now_ns = player_now_ns(run->replay);
	struct moment moment = { 0 };

	if (option_moment.set(&moment, text + relative) != 0 || (relative && moment.kind != MOMENT_SINCE_START))
		return -EINVAL;
	if (!relative)
		return playback_moment(run->playback, &moment, time_ns);
	if (*text == '+')
		*time_ns = (uint64_t)moment.ns < UINT64_MAX - now_ns ? now_ns + moment.ns : UINT64_MAX;
	else
		*time_ns = (uint64_t)moment.ns < now_ns ? now_ns - moment.ns : 0;
	return 0;
}

static void jump(struct run *run)
{
	const char *text = top_jump_text(show_top(run->show));
	uint64_t time_ns;

	if (jump_time(run, text, &time_ns) == 0)
		player_go(run->replay, time_ns);
	else
		top_say(show_top(run->show), "'%s' is no moment: %s", text, "+10s, -10s, 1m30s, 10:00:05Z, or any time that is printed");
}

static void play_or_stop(struct run *run)
{
	if (player_progress(run->replay) >= 0)
		player_stop(run->replay);
	else
		player_play(run->replay, !player_is_playing(run->replay));
	run->clock_ns = clock_monotonic_ns();
}

static void set_delay(struct run *run)
{
	run->config.show.delay_ms = top_delay_ms(show_top(run->show));
	player_set_delay(run->replay, run->config.show.delay_ms * NS_PER_MS);
}

static void obey(struct run *run, enum top_action action)
{
	struct player *r = run->replay;

	if (action == TOP_WORST || action == TOP_NEXT_FINDING || action == TOP_PREVIOUS_FINDING)
		run->sought_worst = action == TOP_WORST;
	if (action == TOP_WORST)
		run->told_worst = false;	/* once more, even if it stands there */
	switch (action) {
	case TOP_REDRAW: break;
	case TOP_QUIT: loop_stop(run->loop); break;
	case TOP_RESET: player_reset(r); break;
	case TOP_DELAY: set_delay(run); break;
	case TOP_SAVE: show_save(run->show); break;
	case TOP_PLAY: play_or_stop(run); break;
	case TOP_STEP: player_step(r, 1); break;
	case TOP_STEP_BACK: player_step(r, -1); break;
	case TOP_FASTER: player_faster(r, 1); break;
	case TOP_SLOWER: player_faster(r, -1); break;
	case TOP_TO_START: player_go(r, 0); break;
	case TOP_TO_END: player_go(r, UINT64_MAX); break;
	case TOP_NEXT_FINDING: player_find(r, true); break;
	case TOP_PREVIOUS_FINDING: player_find(r, false); break;
	case TOP_WORST: player_go_to_worst(r); break;
	case TOP_JUMP: jump(run); break;
	}
}

static int take_keys(void *ctx)
{
	struct run *run = ctx;

	obey(run, top_keys(show_top(run->show)));
	run->stale = true;
	/* Even while it goes elsewhere: a key is answered. */
	if (player_progress(run->replay) >= 0)
		draw(run);
	return go_on(run);
}

static int take_signal(void *ctx, const struct signalfd_siginfo *info)
{
	struct run *run = ctx;

	switch (info->ssi_signo) {
	case SIGINT:
	case SIGTERM:
	case SIGHUP:
		loop_stop(run->loop);
		return 0;
	}
	show_take_signal(run->show, info->ssi_signo);
	run->clock_ns = clock_monotonic_ns();	/* stopped time is none */
	draw(run);
	return 0;
}

static int prepare_loop(struct run *run)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH };
	sigset_t signals;
	int err;

	run->loop = loop_new();
	if (!run->loop)
		return -ENOMEM;
	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&signals, taken[i]);
	err = loop_add_signals(run->loop, &signals, take_signal, run);
	if (!err)
		err = loop_add_fd(run->loop, STDIN_FILENO, take_keys, run);
	if (err)
		return err;
	run->timer = loop_add_timer(run->loop, TURN_MS, go_on, run);
	run->armed = true;
	return run->timer < 0 ? run->timer : 0;
}

static void run_screen(struct run *run)
{
	int err = prepare_loop(run);

	if (!err)
		err = show_open(run->show);
	if (!err) {
		shut_in(run);
		player_faster(run->replay, run->config.speed);
		player_play(run->replay, true);
		run->clock_ns = clock_monotonic_ns();
		draw(run);
		err = loop_run(run->loop);
	}
	show_close(run->show);
	loop_free(run->loop);
	if (err) {
		say(MSG_LOOP, strerror(-err));
		run->exit_status = EXIT_FAILED;
	}
}

/* --- life */

static void ticked(void *ctx, struct model *m, uint64_t now_ns)
{
	struct run *run = ctx;

	if (show_is_screen(run->show))
		top_take(show_top(run->show), m);
	else
		print_interval(run, m, now_ns);
	run->stale = true;
}

static void skipped(void *ctx, uint64_t from_ns, uint64_t now_ns)
{
	struct run *run = ctx;

	if (show_is_screen(run->show))
		return;
	take_status(run);
	show_stretch(run->show, &run->status, now_ns - from_ns);
	flush(run);
}

static void restarted(void *ctx)
{
	struct run *run = ctx;

	if (show_is_screen(run->show))
		top_forget(show_top(run->show));
	run->stale = true;
}

static struct player *make_player(struct run *run)
{
	const struct player_options own = {
		.source = run->source, .new_feeder = new_feeder, .ticked = ticked, .skipped = skipped,
		.restarted = restarted,
		.ctx = run, .delay_ns = run->config.show.delay_ms * NS_PER_MS, .keep_gone_ns = show_keep_gone_ns(run->show),
	};
	struct player *replay = player_new(&own);

	if (!replay)
		fail(run, MSG_NO_MEMORY);
	return replay;
}

/* False: the error has been reported. */
static bool start(struct run *run)
{
	struct reader_span span;
	uint64_t to_ns;
	int err = reader_span(playback_reader(run->playback), &span);

	playback_range(run->playback, &run->from_ns, &to_ns);
	run->begin_ns = err || span.begin_ns > run->from_ns ? run->from_ns : span.begin_ns;
	if (player_start(run->replay, run->from_ns, to_ns) == 0)
		return true;
	fail(run, MSG_NO_MEMORY);
	return false;
}

static void play(struct run *run)
{
	const struct playback_calls calls = { .sink = sink_null };

	run->playback = playback_open(&run->config.playback, &calls, &run->exit_status);
	if (!run->playback)
		return;
	run->exit_status = EXIT_DONE;
	run->source = source_of_recording(run->playback);
	if (!run->source) {
		fail(run, MSG_NO_MEMORY);
		return;
	}
	run->replay = make_player(run);
	if (!run->replay || !start(run))
		return;
	if (show_is_screen(run->show))
		run_screen(run);
	else
		print_all(run);
	if (run->exit_status == EXIT_DONE)
		run->exit_status = playback_finish(run->playback);
}

static int run_replay(const struct command *self, int argc, char **argv)
{
	struct run run = { 0 };
	int status;

	if (playback_parse(self, argc, argv, &run.config, &run.config.playback, &status) &&
	    (status = option_rules_check(self, &run.config)) == EXIT_DONE) {
		run.show = show_new(&run.config.show, false, true, &run.exit_status);
		if (run.show && !run.config.show.delay_ms)
			run.config.show.delay_ms = show_delay_ms(run.show);
		if (run.show)
			play(&run);
		status = run.exit_status;
		player_free(run.replay);
		source_close(run.source);
		playback_close(run.playback);
		show_free(run.show);
		output_close(&run.out);
		free(run.marks);
	}
	options_clear(self, &run.config);
	return status;
}

const struct command cmd_replay = {
	.name = "replay",
	.brief = "show a recording as the live screen showed it",
	.usage = "replay [OPTIONS] DIR",
	.help = "Shows a recording as the live screen showed it: play, pause, step, jump, go from finding to finding.",
	.about = "DIR is what '" PROGRAM " record' made. Needs neither root nor a kernel with SDEI.\n"
		 "At each moment the figures are those of a live screen that had ticked every --delay since the start.\n"
		 "With --batch, with --json and without a terminal it prints all intervals as fast as it can, and a summary;\n"
		 "of a long stretch in which nothing was recorded it prints one line.\n"
		 "Exit status: 0 done, 1 failed, 2 wrong usage, 5 the recording is incomplete.\n",
	.more_help = more_help,
	.options = options,
	.given = offsetof(struct replay_config, playback.given),
	.operands = operands,
	.run = run_replay,
};
