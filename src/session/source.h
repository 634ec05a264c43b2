/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where records come from, whatever that is: the kernel of this host, a daemon that watches it, or a recording. Who takes them sees
 * no difference.
 */
#ifndef SESSION_SOURCE_H
#define SESSION_SOURCE_H

#include "model/model.h"
#include "record/sink.h"
#include "session/status.h"
#include "source/guest_name.h"
#include "source/live.h"
#include "util/error.h"

#define SOURCE_END UINT64_MAX

struct source;

struct source_type {
	/*
	 * Delivers, in the order of time, what there is up to and including until_ns: of a recording all, of what is live what has come
	 * so far and is settled; with SOURCE_END all that is left. 0; -ENODATA: a recording has nothing behind until_ns; else -errno,
	 * and nothing more will come.
	 */
	int (*drain)(struct source *source, const struct record_sink *sink, uint64_t until_ns);
	/* What a VM is called: a new string, NULL: no memory. A source that knows its UUID writes that, too. */
	char *(*name)(struct source *source, uint32_t vm, char uuid[GUEST_UUID_SIZE]);
	/* Tells, once, which VMs are called otherwise than they were at first, or may be: their names came late. NULL: none ever does. */
	void (*tell_late_names)(struct source *source, name_news_t tell, void *ctx);
	/* Fills in all but replay and delay_ns, as of what was delivered. */
	void (*status)(struct source *source, struct status *status);
	void (*close)(struct source *source);

	/* Of a live source: */
	int (*fd)(const struct source *source);		/* readable when there is something to drain */
	int (*period_ms)(const struct source *source);	/* after that time drain at the latest; each drain may change it. 0: when fd says so. NULL: that always */
	void (*detach)(struct source *source);		/* nothing new comes; what has come can be drained. NULL: not needed */
	/* What the user should read once the records come, and what is missing among them; end: how the sentence ends. */
	void (*announce)(struct source *source, const char *end);
	/* A sentence for an error of drain; NULL: there is none better than strerror(). May be NULL. */
	const char *(*failure)(int err);
	/* Its probes, if they are its own; else none. */
	const struct source_probe *(*probes)(const struct source *source, size_t *count);

	/* Of a recording: goes to where records up to time_ns and the states before it can be drained from. 0 or -errno. */
	int (*seek)(struct source *source, uint64_t time_ns);
	/* When the next of it is; UINT64_MAX: there is none. NULL: not known, so no time may be passed over. */
	uint64_t (*next_ns)(const struct source *source);
};

struct source {
	const struct source_type *type;
};

/* This host's kernel, as live_open(). options are copied, what they point to stays in use. */
struct source *source_of_kernel(const struct live_options *options, struct error *error);

/*
 * The daemon that listens at path, as daemon_client_open(): what it knew then is *model, which is the caller's (its free_user is
 * name_free()).
 */
struct source *source_of_daemon(const char *path, bool utf8, struct model **model, struct error *error);

/* A recording that is open, and stays so. NULL: no memory. */
struct playback;
struct source *source_of_recording(struct playback *playback);

void source_close(struct source *source);	/* NULL is fine */

/* A vm_lookup_t whose ctx is the source. */
char *source_vm(void *source, uint32_t vm, char uuid[GUEST_UUID_SIZE]);

/* As its type does. */
void source_tell_late_names(void *source, name_news_t tell, void *ctx);

#endif
