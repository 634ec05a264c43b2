/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's socket: who connects gets the model and then what comes (protocol.h). Nothing a client does or leaves undone
 * holds up the daemon: nothing waits, what is queued for a client is bounded, and images are made once a second at most.
 */
#ifndef DAEMON_SERVE_H
#define DAEMON_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "recording/packet.h"
#include "session/protocol.h"
#include "util/error.h"

struct serve_calls {
	/*
	 * Fills hello, but for magic, version, answer and image_size, and makes the image (malloc'ed) at a boundary of packets:
	 * the next serve_packet() sends what comes after it. 0 or -ENOMEM.
	 */
	int (*image)(void *ctx, struct protocol_hello *hello, unsigned char **bytes, size_t *size);
	void *ctx;
};

struct serve;

/*
 * group: (gid_t)-1: as it is. A socket that nobody listens to any more is taken over. NULL: *err and message (of at least
 * 512 bytes) say what was tried, what failed, what to do; -EADDRINUSE: another daemon listens.
 */
struct serve *serve_open(const char *path, gid_t group, const struct serve_calls *calls, struct error *error);
void serve_close(struct serve *s);	/* removes the socket, if it is ours and it may; NULL is fine */

/* Epoll-able; when it is readable, serve_turn() is due. */
int serve_fd(const struct serve *s);
void serve_turn(struct serve *s, uint64_t now_ns);

/*
 * To be called a few times a second while there are clients, and each second else: gives those who wait their image, sees to
 * those who are too slow, and listens again after a pause for want of descriptors or memory.
 */
void serve_tick(struct serve *s, uint64_t now_ns);

/* To everybody who has an image. */
void serve_packet(struct serve *s, const struct packet *packet);

/* Clients that want packets, those who wait for an image included. */
size_t serve_clients(const struct serve *s);

struct serve_counters {
	uint64_t accepted, refused, slow, rude;	/* connections; too many; cut off for slowness, for sending something */
	uint64_t pauses;			/* nobody could be accepted for a second */
};
const struct serve_counters *serve_counters(const struct serve *s);

#endif
