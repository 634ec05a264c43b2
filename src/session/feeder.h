/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a source into a model: collects what a drain delivers, because the model
 * is faster with many records at a time, and names the VMs that are new.
 */
#ifndef SESSION_FEEDER_H
#define SESSION_FEEDER_H

#include <stdbool.h>

#include "model/model.h"
#include "record/sink.h"
#include "session/name_book.h"
#include "session/vm_names.h"

struct feeder;
struct playback;
struct source;

/* With a model of its own; NULL: no memory. utf8: of names, see names.h; limits may be NULL. */
struct feeder *feeder_new(bool utf8, const struct finding_limits *limits);
void feeder_free(struct feeder *f);	/* NULL is fine */

/* guest_name(), whatever ctx is. */
char *feeder_live_name(void *ctx, uint32_t vm);

/* Whom to ask for the names of VMs: a function, with ctx, or a source, or a recording; this host's processes unless set. */
void feeder_set_names(struct feeder *f, vm_lookup_t look_up, void *ctx);
void feeder_set_source(struct feeder *f, struct source *source);
void feeder_set_playback(struct feeder *f, struct playback *p);

/* Who else wants to know, after feeder_flush(), which VMs have another name than at first: what the feeder is told is told here, too. */
void feeder_set_late_names(struct feeder *f, name_news_t tell, void *ctx);

/* Goes on with m, which has names, instead of its own; feeder_free() frees it. */
void feeder_adopt(struct feeder *f, struct model *m);

/* Complete after feeder_flush(). */
struct model *feeder_model(struct feeder *f);

/* Feeds the model. */
struct record_sink feeder_sink(struct feeder *f);

/* The calls of that. */
void feeder_record(void *f, const struct sdei_record *record, size_t size);
void feeder_records(void *f, const struct sdei_record *const records[], const size_t sizes[], size_t count);
void feeder_lost(void *f, const struct sdei_lost_key *key, uint64_t count);

/* To be called after each drain, at once: a VM that is gone cannot be asked for its name. */
void feeder_flush(void *f);

#endif
