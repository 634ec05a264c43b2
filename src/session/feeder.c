/* SPDX-License-Identifier: GPL-2.0-only */
#include "session/feeder.h"

#include <stdlib.h>
#include <string.h>

#include "session/playback.h"
#include "session/source.h"

#define BATCH 256
#define ENOUGH 32	/* records that are a batch by themselves */

/* As large as any record is. */
union record {
	struct sdei_record head;
	struct sdei_record_handler handler;
	struct sdei_record_call call;
	struct sdei_record_apf apf;
	struct sdei_record_gic gic;
};

struct feeder {
	struct model *model;
	bool utf8;
	vm_lookup_t look_up;
	void *look_up_ctx;
	void (*tell_late)(void *look_up_ctx, name_news_t tell, void *ctx);	/* names that came late; NULL: none does */
	name_news_t tell;		/* who else is told of them; NULL: nobody */
	void *tell_ctx;
	union record records[BATCH];
	const struct sdei_record *pointers[BATCH];
	size_t sizes[BATCH];
	size_t count;
};

char *feeder_live_name(void *ctx, uint32_t vm)
{
	return guest_name(vm, NULL);
}

static char *live_vm(void *ctx, uint32_t vm, char uuid[GUEST_UUID_SIZE])
{
	return guest_name(vm, uuid);
}

struct feeder *feeder_new(bool utf8, const struct finding_limits *limits)
{
	struct model_options options = { .free_user = name_free, .guest = name_guest };
	struct feeder *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->utf8 = utf8;
	f->look_up = live_vm;
	if (limits)
		options.limits = *limits;
	f->model = model_new(&options);
	if (!f->model) {
		free(f);
		return NULL;
	}
	for (size_t i = 0; i < BATCH; i++)
		f->pointers[i] = &f->records[i].head;
	return f;
}

void feeder_free(struct feeder *f)
{
	if (f)
		model_free(f->model);
	free(f);
}

void feeder_set_names(struct feeder *f, vm_lookup_t look_up, void *ctx)
{
	f->look_up = look_up;
	f->look_up_ctx = ctx;
	f->tell_late = NULL;
}

void feeder_set_source(struct feeder *f, struct source *source)
{
	feeder_set_names(f, source_vm, source);
	f->tell_late = source_tell_late_names;
}

void feeder_set_playback(struct feeder *f, struct playback *p)
{
	feeder_set_names(f, playback_vm, p);
	f->tell_late = playback_tell_late_names;
}

void feeder_set_late_names(struct feeder *f, name_news_t tell, void *ctx)
{
	f->tell = tell;
	f->tell_ctx = ctx;
}

void feeder_adopt(struct feeder *f, struct model *m)
{
	model_free(f->model);
	f->model = m;
	f->count = 0;
}

struct model *feeder_model(struct feeder *f)
{
	return f->model;
}

static void pass_on(struct feeder *f)
{
	model_feed_many(f->model, f->pointers, f->sizes, f->count);	/* counts what it cannot take */
	f->count = 0;
}

static inline void add(struct feeder *f, const struct sdei_record *record, size_t size)
{
	/* None of ours: the model shall count it. */
	if (size > sizeof(f->records[0])) {
		pass_on(f);
		model_feed(f->model, record, size);
		return;
	}
	if (size == sizeof(*record))	/* most are: no call for them */
		f->records[f->count].head = *record;
	else
		memcpy(&f->records[f->count], record, size);
	f->sizes[f->count++] = size;
	if (f->count == BATCH)
		pass_on(f);
}

void feeder_record(void *ctx, const struct sdei_record *record, size_t size)
{
	add(ctx, record, size);
}

void feeder_records(void *ctx, const struct sdei_record *const records[], const size_t sizes[], size_t count)
{
	struct feeder *f = ctx;

	if (count >= ENOUGH) {
		pass_on(f);
		model_feed_many(f->model, records, sizes, count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		add(f, records[i], sizes[i]);
}

void feeder_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct feeder *f = ctx;

	pass_on(f);
	model_feed_lost(f->model, key, count);
}

struct record_sink feeder_sink(struct feeder *f)
{
	return (struct record_sink){ .record = feeder_record, .records = feeder_records, .lost = feeder_lost, .ctx = f };
}

static void take_late_name(void *ctx, uint32_t vm, const char *name, const char *uuid)
{
	struct feeder *f = ctx;

	names_rename(f->model, vm, name, uuid, f->utf8);
	if (f->tell)
		f->tell(f->tell_ctx, vm, name, uuid);
}

void feeder_flush(void *ctx)
{
	struct feeder *f = ctx;

	pass_on(f);
	names_adopt(f->model, f->look_up, f->look_up_ctx, f->utf8);
	if (f->tell_late)
		f->tell_late(f->look_up_ctx, take_late_name, f);
}
