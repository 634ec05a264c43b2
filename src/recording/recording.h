/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a recording is: a CTF 1.8 directory with one stream of items in time
 * order, cut into packets. The terms that writer, reader and commands share.
 *
 *   DIR/metadata		plain TSDL text; generated from the tables of codec.h
 *   DIR/sdei-000000[.gz]	packets 0 … of the one stream, one behind the other; compressed as gzip_blocks.h says;
 *   DIR/sdei-000001[.gz]	rotation starts the next file, always with a snapshot
 *
 * The format is append-only: ids and their layouts never change, new ones get new ids.
 */
#ifndef RECORDING_RECORDING_H
#define RECORDING_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "util/counter.h"

/* A reader takes every recording of its major version, whatever the minor one. */
#define RECORDING_MAJOR 1
#define RECORDING_MINOR 8	/* 1: kvm_apf; 2: its narrow layouts; 3: kvm_gic; 4: kvm_sdei_since; 5: kvm_smccc; 6: kvm_counter, sdeitop_clock; 7: sdeitop_guest; 8: kvm_smccc of a call that begins */

/* A packet of ours never exceeds this; a reader takes no packet that claims more. */
#define RECORDING_PACKET_MAX (64U << 10)
#define RECORDING_PACKET_CLAIM_MAX (256U << 10)

#define RECORDING_NAME_MAX 255	/* bytes of a VM's name, see guest_name() */
#define RECORDING_UUID_SIZE 37	/* of a VM's UUID as text, with its end */

/*
 * How well was watched, at a moment: one at the start, one every second, one at the end (end is set). What a view_status
 * needs in a replay; they are the replay's ticks, too.
 */
struct recording_status {
	uint64_t time_ns;	/* CLOCK_MONOTONIC */
	int64_t wall_ns;	/* CLOCK_REALTIME at the same moment */
	uint64_t attempted, lost, read, malformed, late;	/* the source's counters, all kinds together */
	uint32_t unrecorded;	/* items that the recorder could not write (disk full), so far; saturates */
	uint16_t probes_attached, probes_total;
	uint16_t cpu_permille;	/* the recorder's, of one CPU; UINT16_MAX: unknown */
	bool end;		/* the recording ends here, as it was meant to */
	struct counter_look counter;	/* hz 0: this machine has none that a guest or a host of it could read, too */
};

enum recording_item_kind {
	ITEM_RECORD,		/* a record as the source gave it */
	ITEM_SNAPSHOT,		/* a record of kind STATE, POWER or COUNTER that repeats what is known: only a reader that starts here needs it */
	ITEM_LOST,		/* count records like key were lost; key_known false: nobody knows which */
	ITEM_NAME,		/* the VM is called this, from here on; before its first record, and once more if its name comes late */
	ITEM_STATUS,
};

/* One item; small, as many go from CPU to CPU. A decoded name lies where it was decoded from, all else can be kept. */
struct recording_item {
	enum recording_item_kind kind;
	uint32_t size;		/* of a record: what its kind takes */
	uint64_t time_ns;	/* of ITEM_LOST and ITEM_NAME: when it was noticed */
	union {
		union {
			struct sdei_record head;
			struct sdei_record_handler handler;
			struct sdei_record_call call;
			struct sdei_record_apf apf;
			struct sdei_record_gic gic;
			struct sdei_record_smccc smccc;
			struct sdei_record_counter counter;
		} record;
		struct {
			struct sdei_lost_key key;
			uint64_t count;
			bool key_known;
		} lost;
		struct {
			uint32_t vm;
			char uuid[RECORDING_UUID_SIZE];	/* hostile, too; "": not known */
			const char *text;	/* hostile, see escape.h; at most RECORDING_NAME_MAX bytes count */
		} name;
		struct recording_status status;
	};
};

/* Where and with what it was made: the environment section of the metadata. Texts are hostile. Empty or 0: unknown. */
struct recording_about {
	uint8_t uuid[16];
	unsigned int major, minor;
	char version[32];	/* of sdeitop */
	char host[65], kernel[65], kernel_version[65], machine[65];	/* uname() */
	char boot_id[40];
	int64_t clock_offset_ns;	/* CLOCK_REALTIME - CLOCK_MONOTONIC at the start */
	uint32_t cpus;
	char probes[1024];	/* "kvm_sdei_signal kvm_sdei_dispatch …": those that were attached */
	char probes_missing[1024];
	char filter[256];	/* the command line's filters, "" for none */
	char reason[128];	/* a flight recording: why it was saved */
};

#endif
