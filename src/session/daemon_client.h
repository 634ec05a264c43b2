/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The client's end of the daemon's socket (../daemon/protocol.h): for people who may not, or need not, attach to the kernel
 * themselves. The daemon may be anybody: what it sends is checked as a recording is.
 */
#ifndef SESSION_DAEMON_CLIENT_H
#define SESSION_DAEMON_CLIENT_H

#include <stdbool.h>

#include "model/model.h"
#include "record/counters.h"
#include "record/sink.h"
#include "session/name_book.h"
#include "session/status.h"
#include "source/guest_name.h"
#include "util/error.h"

struct daemon_client;

#define DAEMON_CLIENT_PATIENCE_MS 20000

/*
 * Connects and waits for the model, for DAEMON_CLIENT_PATIENCE_MS in all. A signal that would end the program ends the wait, even if
 * it is blocked: then it stays pending, and *err is -EINTR. utf8: of names, see names.h. NULL: *err and message (of at least 512
 * bytes) say what was tried, what failed, what to do; -ENOENT and -ECONNREFUSED: no daemon is there.
 */
struct daemon_client *daemon_client_open(const char *path, bool utf8, struct error *error);

/* The same with another patience, in ms. */
struct daemon_client *daemon_client_open_within(const char *path, bool utf8, unsigned int patience_ms, struct error *error);
void daemon_client_close(struct daemon_client *a);	/* NULL is fine */

/* The daemon's model, as of when it was asked. The caller's from now on (free_user is name_free()); NULL the second time. */
struct model *daemon_client_take_model(struct daemon_client *a);

/* Readable when there is something for daemon_client_drain(). */
int daemon_client_fd(const struct daemon_client *a);

/*
 * Hands on what has come, or much of it: then daemon_client_fd() stays readable. The number of records; -EPIPE: the daemon closed the connection; -EBADMSG: it sends what is no packet;
 * else -errno. After an error there is no more.
 */
int64_t daemon_client_drain(struct daemon_client *a, const struct record_sink *sink);

/* The daemon's probes, counters and CPU. now_ns is when everything has come of, a moment ago. */
void daemon_client_status(const struct daemon_client *a, struct status *status);

/* The name that the daemon has for a VM: a vm_lookup_t whose ctx is the client. */
char *daemon_client_name(void *client, uint32_t vm, char uuid[GUEST_UUID_SIZE]);

/* As the type of a source does. */
void daemon_client_tell_late_names(struct daemon_client *a, name_news_t tell, void *ctx);

uint32_t daemon_client_pid(const struct daemon_client *a);	/* the daemon's */

#endif
