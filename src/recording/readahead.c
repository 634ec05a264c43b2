/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/readahead.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "util/background.h"

#define BATCH 256		/* items; all batches together stay in the caches of the two CPUs */
#define BATCHES 64
#define HALF (BATCHES / 2)	/* who had to wait goes on when there is enough to do: waking takes longer than a batch */

struct batch {
	struct reader_run run;
	struct recording_item items[BATCH];
	char *names[BATCH];		/* of the items that are names: the reader goes on, and they with it */
	unsigned int name_count;
};

struct readahead {
	struct reader *reader;
	pthread_t thread;
	pthread_mutex_t lock;		/* of all below but the batches: each belongs to one side */
	pthread_cond_t change;
	unsigned int first, count;	/* those that can be taken, in a ring */
	bool handed_out;		/* the first of them is in use */
	bool ended, stopped;
	struct batch batches[BATCHES];
};

/* --- the thread */

static void forget_names(struct batch *batch)
{
	while (batch->name_count)
		free(batch->names[--batch->name_count]);
}

static void keep_names(struct batch *batch)
{
	for (size_t i = 0; i < batch->run.count; i++) {
		struct recording_item *item = &batch->items[i];
		char *name;

		if (item->kind != ITEM_NAME)
			continue;
		name = strdup(item->name.text);
		item->name.text = name ?: "-";
		batch->names[batch->name_count++] = name;
	}
}

static bool fill(struct readahead *a, struct batch *batch)
{
	forget_names(batch);
	if (!reader_read_run(a->reader, batch->items, BATCH, &batch->run))
		return false;
	keep_names(batch);
	return true;
}

/* The batch to be filled next; NULL: nobody wants it. */
static struct batch *await_room(struct readahead *a)
{
	struct batch *batch;

	pthread_mutex_lock(&a->lock);
	if (a->count == BATCHES)
		while (a->count > HALF && !a->stopped)
			pthread_cond_wait(&a->change, &a->lock);
	batch = a->stopped ? NULL : &a->batches[(a->first + a->count) % BATCHES];
	pthread_mutex_unlock(&a->lock);
	return batch;
}

static void add(struct readahead *a, bool filled)
{
	pthread_mutex_lock(&a->lock);
	a->count += filled;
	a->ended = !filled;
	if (a->count == HALF || a->ended)
		pthread_cond_signal(&a->change);
	pthread_mutex_unlock(&a->lock);
}

static void *read_all(void *ctx)
{
	struct readahead *a = ctx;
	struct batch *batch;
	bool filled = true;

	while (filled && (batch = await_room(a))) {
		filled = fill(a, batch);
		add(a, filled);
	}
	return NULL;
}

/* --- who takes */

static void give_back(struct readahead *a)
{
	a->first = (a->first + 1) % BATCHES;
	a->count--;
	a->handed_out = false;
	if (a->count == HALF)
		pthread_cond_signal(&a->change);
}

bool readahead_next_run(struct readahead *a, struct reader_run *run)
{
	pthread_mutex_lock(&a->lock);
	if (a->handed_out)
		give_back(a);
	if (!a->count)
		while (a->count < HALF && !a->ended)
			pthread_cond_wait(&a->change, &a->lock);
	a->handed_out = a->count;
	*run = a->count ? a->batches[a->first].run : (struct reader_run){ 0 };
	pthread_mutex_unlock(&a->lock);
	return run->count;
}

/* --- life */

static bool has_second_cpu(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) < 0 || CPU_COUNT(&cpus) > 1;
}

static void release(struct readahead *a)
{
	pthread_cond_destroy(&a->change);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

struct readahead *readahead_start(struct reader *r)
{
	struct readahead *a = has_second_cpu() ? malloc(sizeof(*a)) : NULL;

	if (!a)
		return NULL;
	a->reader = r;
	a->first = a->count = 0;
	a->handed_out = a->ended = a->stopped = false;
	for (unsigned int i = 0; i < BATCHES; i++)
		a->batches[i].name_count = 0;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->change, NULL);
	if (background_thread(&a->thread, read_all, a) == 0)
		return a;
	release(a);
	return NULL;
}

void readahead_stop(struct readahead *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stopped = true;
	pthread_cond_signal(&a->change);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	for (unsigned int i = 0; i < BATCHES; i++)
		forget_names(&a->batches[i]);
	release(a);
}
