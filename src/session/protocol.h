/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What goes over the daemon's socket, little-endian, from the daemon to a client only:
 *
 *   struct protocol_hello
 *   image		image_size bytes: the model as it is now, see ../model/image.h
 *   packets		for as long as both want: what comes from then on, as in a recording, see ../trace/packet.h; those of
 *			kind PACKET_SNAPSHOT are left out
 *
 * A client that feeds the packets to the image's model has the daemon's figures. It sends nothing: a daemon closes the
 * connection to one that does, that takes its bytes too slowly, or when it ends.
 */
#ifndef SESSION_PROTOCOL_H
#define SESSION_PROTOCOL_H

#include <stdint.h>

#include "bpf/record.h"

#define PROTOCOL_MAGIC 0x4449454453ULL		/* "SDEID" */
#define PROTOCOL_VERSION 1
#define PROTOCOL_SOCKET "/run/sdeid/socket"	/* where it is unless set */
#define PROTOCOL_IMAGE_MAX (1ULL << 32)

enum protocol_answer {
	PROTOCOL_WELCOME,
	PROTOCOL_FULL,		/* too many clients, of this user or at all; nothing follows */
	PROTOCOL_NO_MEMORY,	/* for the image; nothing follows */
};

struct protocol_hello {
	uint64_t magic;
	uint32_t version;
	uint32_t answer;		/* enum protocol_answer */
	uint64_t image_size;
	uint64_t time_ns;		/* CLOCK_MONOTONIC, when the image was made */
	uint16_t probes_attached, probes_total;
	uint16_t cpu_permille;		/* as in recording_status */
	uint16_t kinds;			/* SDEI_KIND_COUNT: how many of the next two count */
	uint32_t pid, reserved;		/* the daemon's; 0 */
	/* the source's counters, of what is in the image */
	uint64_t attempted[32], lost[32];
	uint64_t read, malformed, late;
} __attribute__((packed));

_Static_assert(SDEI_KIND_COUNT <= 32, "of another protocol version");
_Static_assert(sizeof(struct protocol_hello) == 584, "the protocol's");

#endif
