/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of SDEI calls and results, from the call table of Arm DEN0054C.
 * The single list of each: text, JSON and every other view use it.
 */
#ifndef RECORD_SDEI_H
#define RECORD_SDEI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"

/* X(function id's low bits, NAME, has an event as first argument) */
#define SDEI_CALLS(X)				\
	X(0x20, VERSION, 0)			\
	X(0x21, EVENT_REGISTER, 1)		\
	X(0x22, EVENT_ENABLE, 1)		\
	X(0x23, EVENT_DISABLE, 1)		\
	X(0x24, EVENT_CONTEXT, 0)		\
	X(0x25, EVENT_COMPLETE, 0)		\
	X(0x26, EVENT_COMPLETE_AND_RESUME, 0)	\
	X(0x27, EVENT_UNREGISTER, 1)		\
	X(0x28, EVENT_STATUS, 1)		\
	X(0x29, EVENT_GET_INFO, 1)		\
	X(0x2a, EVENT_ROUTING_SET, 1)		\
	X(0x2b, PE_MASK, 0)			\
	X(0x2c, PE_UNMASK, 0)			\
	X(0x2d, INTERRUPT_BIND, 0)		\
	X(0x2e, INTERRUPT_RELEASE, 1)		\
	X(0x2f, EVENT_SIGNAL, 1)		\
	X(0x30, FEATURES, 0)			\
	X(0x31, PRIVATE_RESET, 0)		\
	X(0x32, SHARED_RESET, 0)

/* X(value, NAME) */
#define SDEI_RESULTS(X)			\
	X(0, SUCCESS)			\
	X(-1, NOT_SUPPORTED)		\
	X(-2, INVALID_PARAMETERS)	\
	X(-3, DENIED)			\
	X(-5, PENDING)			\
	X(-10, OUT_OF_RESOURCE)

/* EVENT_CONTEXT reads x0 to x17 of what the handler interrupted. */
#define SDEI_CONTEXT_REGISTERS 18

#define SDEI_FN_BASE 0xC4000000U
#define SDEI_FN_FIRST 0xC4000020U
#define SDEI_FN_LAST 0xC4000032U
#define SDEI_CALL_COUNT (SDEI_FN_LAST - SDEI_FN_FIRST + 1)

enum sdei_function {
#define X(id, NAME, has_event) SDEI_FN_##NAME = SDEI_FN_BASE + (id),
	SDEI_CALLS(X)
#undef X
};

enum sdei_result {
#define X(value, NAME) SDEI_RESULT_##NAME = (value),
	SDEI_RESULTS(X)
#undef X
};

/*
 * Is it EVENT_CONTEXT of a register that exists? Then the answer is the register's value, which may be any number, or, only where
 * no handler runs, DENIED.
 */
bool sdei_reads_register(uint32_t function, uint64_t arg);

/* The name of a call without its SDEI_ prefix, or NULL if it is none of SDEI's. */
const char *sdei_call_name(uint32_t function);

/* The name of a negative result; SUCCESS for any other; NULL if unknown. */
const char *sdei_result_name(int64_t result);

/* How long what is open in a recording's snapshot has been open: a handler, else a pending event, else the mask; 0: not known. */
uint64_t sdei_open_ns(const struct sdei_record *r);

/* Of the flags of a DISPATCH, what Linux uses the event for ("NMI", "GHES"), or NULL if it is not known. */
const char *sdei_role_name(unsigned int flags);

/* The name of a record kind as in its tracepoint (after kvm_sdei_), or NULL. */
const char *sdei_kind_name(unsigned int kind);

/* The names of an errno that KVM answers (ENOENT, EBUSY, EPERM, EINVAL), or NULL. */
const char *sdei_error_name(int error);

/* The five letters REUPM of a post-state, '-' for each bit that is clear; buf holds at least 6. */
const char *sdei_state_letters(unsigned int state, char buf[6]);

#endif
