/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a source to packets: takes what a source delivers, names VMs before their first record, and hands on each
 * packet that is full. Whoever takes the packets says when a snapshot is due.
 */
#ifndef RECORDING_PACKETIZER_H
#define RECORDING_PACKETIZER_H

#include "record/sink.h"
#include "recording/packet.h"

/* Takes a closed packet. 0, or -errno: it could not be kept; its items count as unrecorded. */
typedef int (*pack_take_t)(void *ctx, const struct packet *packet);

struct packetizer_options {
	uint8_t uuid[16];
	pack_take_t take;
	void *ctx;
	/* The name of a VM: a new string, NULL: no memory; and its UUID, if that is known: uuid is "" before. */
	char *(*name)(void *ctx, uint32_t vm, char uuid[RECORDING_UUID_SIZE]);
	void *name_ctx;
};

struct packetizer;

struct packetizer *packetizer_new(const struct packetizer_options *options);	/* NULL: no memory */
void packetizer_free(struct packetizer *p);		/* NULL is fine; what is not flushed is lost */

/* Puts all that it gets into packets. */
struct record_sink packetizer_sink(struct packetizer *p);

/* The calls of that. */
void packetizer_record(void *p, const struct sdei_record *record, size_t size);
void packetizer_lost(void *p, const struct sdei_lost_key *key, uint64_t count);

/*
 * What comes from now on is from before the recording begins: nothing of it is put into packets, but the next snapshot, which is the
 * begin, has the states and names that it leaves.
 */
void packetizer_learn(struct packetizer *p);

/*
 * From time_ns on the VM is called that, for all that another recorder knew of it. If it has another name by now, it is one that
 * has ended, unseen, and another one has its pid.
 */
void packetizer_name(struct packetizer *p, uint32_t vm, const char *name, const char *uuid, uint64_t time_ns);

/* The name of a VM that lives has come late, or its UUID: it is called that from now on. Nothing if the VM is not known. */
void packetizer_rename(struct packetizer *p, uint32_t vm, const char *name, const char *uuid);

/* Adds to status->unrecorded, appends it and closes the packet: to be called at the start, every second and at the end. */
void packetizer_status(struct packetizer *p, struct recording_status *status);

/* Closes the packet and hands it on, if there is anything in it. */
void packetizer_flush(struct packetizer *p);

/*
 * Closes the packet and hands on the snapshot, of time_ns or of the newest item if that is later, as packets of their own. Due before the first record of each file and
 * wherever else a reader may start.
 */
void packetizer_snapshot(struct packetizer *p, uint64_t time_ns);

/* Whether a snapshot is worth its bytes by now: it costs readers nothing, and a file little. */
bool packetizer_wants_snapshot(const struct packetizer *p);

/* About the bytes that a snapshot would take now. */
size_t packetizer_snapshot_size(const struct packetizer *p);

struct packetizer_counters {
	uint64_t items, packets, bytes;		/* handed on and kept */
	uint64_t snapshot_bytes;		/* of bytes, those in snapshots */
	uint64_t unrecorded;			/* items that take() refused, or for which there was no memory */
	uint64_t lost;				/* records that the source lost */
};
const struct packetizer_counters *packetizer_counters(const struct packetizer *p);

#endif
