/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The player of a recording: where it is, how fast it goes, steps and jumps. It knows neither clock nor terminal: it is
 * told how much time passed, and works in pieces.
 *
 * At position T its model is what the live one was at T: fed with all up to T, ticked at the start and every delay_ns
 * since. To go back is to start again and to come from there, so figures are the same whatever the way to T.
 * Positions are ticks: the start, every delay_ns from there, the end.
 */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include "../source/source.h"
#include "feeder.h"

#define REPLAY_SLOWEST (-4)	/* speed is a power of two: x1/16 … */
#define REPLAY_FASTEST 10	/* … x1024 */

struct replay_options {
	/* Hands what there is up to and including until_ns to replay_sink(). False: there is nothing behind it. */
	bool (*run)(void *ctx, uint64_t until_ns);
	/* Back to where the first run() began. 0 or -errno. */
	int (*rewind)(void *ctx);
	/* A feeder as the model shall be; NULL: no memory. */
	struct feeder *(*new_feeder)(void *ctx);
	/* The model was ticked at now_ns, not the first time; may be NULL. */
	void (*ticked)(void *ctx, struct model *m, uint64_t now_ns);
	/* From here on ticked() starts again from the start; may be NULL. */
	void (*restarted)(void *ctx);
	void *ctx;
	uint64_t delay_ns;
	uint64_t keep_gone_ns;		/* model_expire() for what is gone so long */
};

struct replay;

struct replay *replay_new(const struct replay_options *options);	/* NULL: no memory */
void replay_free(struct replay *r);	/* NULL is fine */

/* Where run() delivers. */
struct source_sink replay_sink(struct replay *r);

/* Stands at from_ns, paused; of what was before, it knows the states only. To be called once, before all below. 0 or -ENOMEM. */
int replay_start(struct replay *r, uint64_t from_ns, uint64_t to_ns);

/* --- what is to be done; replay_work() does it */

/* To the first tick at or after time_ns. Ends what was going on, and pauses. */
void replay_go(struct replay *r, uint64_t time_ns);

/* So many ticks from where it is, or is going. Pauses. */
void replay_step(struct replay *r, long ticks);

/*
 * To where the next or the previous finding came up, and pauses there. With none behind, it returns to where it was.
 */
void replay_find(struct replay *r, bool forward);

/* At the end, it plays from the start. */
void replay_play(struct replay *r, bool playing);
void replay_faster(struct replay *r, int steps);	/* negative: slower */

/* So much real time passed. What cannot be done in time is not made up for. */
void replay_elapse(struct replay *r, uint64_t ns);

/* Stays where it got so far, which may be between two ticks. */
void replay_stop(struct replay *r);

/* Another interval: comes to the same place in steps of it. */
void replay_set_delay(struct replay *r, uint64_t delay_ns);

/* model_reset(), unless it is on its way elsewhere. */
void replay_reset(struct replay *r);

/*
 * Goes on until there is nothing to do or enough() says so, which is asked after every piece of some 50 ms of the
 * recording; NULL: never. 0 or -errno: it could not start again, and stays where it was.
 */
int replay_work(struct replay *r, bool (*enough)(void *ctx), void *ctx);

/* --- how it is */

/* To be shown: while it comes from the start, still that of before. Valid until the next replay_work(). */
struct model *replay_model(struct replay *r);

/* The time that replay_model() stands at. */
uint64_t replay_shown_ns(const struct replay *r);

uint64_t replay_now_ns(const struct replay *r);
bool replay_is_busy(const struct replay *r);		/* replay_work() has something to do */
bool replay_is_playing(const struct replay *r);
bool replay_is_ended(const struct replay *r);		/* it stands at the end */
int replay_speed(const struct replay *r);

/* How much of a jump or a search is done, in percent; -1: there is none. */
int replay_progress(const struct replay *r);

/* Where findings came up, as far as it has been, in order of time. Valid until the next replay_work(). */
struct replay_mark {
	uint64_t at_ns;
	struct model_finding finding;
};
const struct replay_mark *replay_marks(const struct replay *r, size_t *count);

/* The finding that replay_find() stopped at; NULL once it went on. */
const struct replay_mark *replay_found(const struct replay *r);

/* Whether the last replay_find() found that there is none; told once. */
bool replay_found_none(struct replay *r);

#endif
