/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The client's end of the daemon's socket (../daemon/protocol.h): for people who may not, or need not, attach to the kernel
 * themselves. The daemon may be anybody: what it sends is checked as a recording is.
 */
#ifndef CLI_ATTACH_H
#define CLI_ATTACH_H

#include <stdbool.h>

#include "../model/model.h"
#include "../source/source.h"
#include "../view/status.h"

struct attach;

/*
 * Connects and waits for the model, some seconds at most. utf8: of names, see names.h. NULL: *err and message (of at least 512
 * bytes) say what was tried, what failed, what to do; -ENOENT and -ECONNREFUSED: no daemon is there.
 */
struct attach *attach_open(const char *path, bool utf8, int *err, char *message, size_t size);
void attach_close(struct attach *a);	/* NULL is fine */

/* The daemon's model, as of when it was asked. The caller's from now on (free_user is name_free()); NULL the second time. */
struct model *attach_take_model(struct attach *a);

/* Readable when there is something for attach_drain(). */
int attach_fd(const struct attach *a);

/*
 * Hands on what has come, or much of it: then attach_fd() stays readable. The number of records; -EPIPE: the daemon closed the connection; -EBADMSG: it sends what is no packet;
 * else -errno. After an error there is no more.
 */
int64_t attach_drain(struct attach *a, const struct source_sink *sink);

/* The daemon's probes, counters and CPU. now_ns is when everything has come of, a moment ago. */
void attach_status(const struct attach *a, struct view_status *status);

/* The name that the daemon has for a VM: a name_lookup_t whose ctx is the attach. */
char *attach_name(void *attach, uint32_t vm);

uint32_t attach_pid(const struct attach *a);	/* the daemon's */

#endif
