/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The player of a recording: where it is, how fast it goes, steps and jumps. It knows neither clock nor terminal: it is
 * given how much time passed, and works in pieces.
 *
 * At position T its model is what the live one was at T: fed with all up to T, ticked at the start and every delay_ns
 * since. Of a long stretch in which nothing was recorded, the ticks in the middle are left out: they change nothing but
 * the time at which a finding comes up. To go back is to start again and to come from there, so figures are the same whatever the way to T.
 * Positions are ticks: the start, every delay_ns from there, the end.
 */
#ifndef SESSION_PLAYER_H
#define SESSION_PLAYER_H

#include "session/feeder.h"
#include "session/source.h"

#define PLAYER_SLOWEST (-4)	/* speed is a power of two: x1/16 … */
#define PLAYER_FASTEST 10	/* … x1024 */

struct player_options {
	struct source *source;	/* a recording; it stays the caller's */
	/* A feeder as the model shall be; NULL: no memory. */
	struct feeder *(*new_feeder)(void *ctx);
	/* The model was ticked at now_ns, not the first time; may be NULL. */
	void (*ticked)(void *ctx, struct model *m, uint64_t now_ns);
	/* There was nothing from from_ns to now_ns, and no tick in between; may be NULL. */
	void (*skipped)(void *ctx, uint64_t from_ns, uint64_t now_ns);
	/* From here on ticked() starts again from the start; may be NULL. */
	void (*restarted)(void *ctx);
	void *ctx;
	uint64_t delay_ns;
	uint64_t keep_gone_ns;		/* model_expire() for what is gone so long */
};

struct player;

struct player *player_new(const struct player_options *options);	/* NULL: no memory */
void player_free(struct player *r);	/* NULL is fine */

/* Stands at from_ns, paused; of what was before, it knows the states only. To be called once, before all below. 0 or -ENOMEM. */
int player_start(struct player *r, uint64_t from_ns, uint64_t to_ns);

/* --- what is to be done; player_work() does it */

/* To the first tick at or after time_ns. Ends what was going on, and pauses. */
void player_go(struct player *r, uint64_t time_ns);

/* So many ticks from where it is, or is going. Pauses. */
void player_step(struct player *r, long ticks);

/*
 * To where the next or the previous finding came up, and pauses there. With none behind, it returns to where it was.
 */
void player_find(struct player *r, bool forward);

/*
 * To where the worst of the recording shows (model/worst.h), and pauses there: of all of it, so it may have to go to the end first.
 * If there is none it returns to where it was.
 */
void player_go_to_worst(struct player *r);

/* At the end, it plays from the start. */
void player_play(struct player *r, bool playing);
void player_faster(struct player *r, int steps);	/* negative: slower */

/* So much real time passed. What cannot be done in time is not made up for. */
void player_elapse(struct player *r, uint64_t ns);

/* Stays where it got so far, which may be between two ticks. */
void player_stop(struct player *r);

/* Another interval: comes to the same place in steps of it. */
void player_set_delay(struct player *r, uint64_t delay_ns);

/* model_reset(), unless it is on its way elsewhere. */
void player_reset(struct player *r);

/*
 * Goes on until there is nothing to do or enough() says so, which is asked after every piece of some 50 ms of the
 * recording; NULL: never. 0 or -errno: it could not start again, and stays where it was.
 */
int player_work(struct player *r, bool (*enough)(void *ctx), void *ctx);

/* --- how it is */

/* To be shown: while it comes from the start, still that of before. Valid until the next player_work(). */
struct model *player_model(struct player *r);

/* The time that player_model() stands at. */
uint64_t player_shown_ns(const struct player *r);

uint64_t player_now_ns(const struct player *r);
bool player_is_busy(const struct player *r);		/* player_work() has something to do */
bool player_is_playing(const struct player *r);
bool player_is_ended(const struct player *r);		/* it stands at the end */
int player_speed(const struct player *r);

/* How much of a jump or a search is done, in percent; -1: there is none. */
int player_progress(const struct player *r);

/* Where findings came up, as far as it has been, in order of time. Valid until the next player_work(). */
struct player_mark {
	uint64_t at_ns;
	struct model_finding finding;
};
const struct player_mark *player_marks(const struct player *r, size_t *count);

/* The finding that player_find() stopped at; NULL once it went on. */
const struct player_mark *player_found(const struct player *r);

/* What player_go_to_worst() went to; NULL once it went on. */
struct player_worst {
	uint64_t at_ns;		/* a tick: the first after it ended, or the last one at which it was open */
	uint64_t ns;
	uint32_t vm, instance, vcpu;
	uint32_t event;		/* SDEI_NONE: it is about the PE */
};
const struct player_worst *player_found_worst(const struct player *r);

/* Whether the last player_find() or player_go_to_worst() found that there is none; said once. */
bool player_found_none(struct player *r);

#endif
