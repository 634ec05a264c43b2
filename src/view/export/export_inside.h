/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the export and its formats share; nobody else includes it.
 *   export.c		records in, calls of a format out; tracks
 *   export_args.c	what slices and instants say besides their times
 *   export_perfetto.c, export_chrome.c, export_csv.c	the formats
 */
#ifndef VIEW_EXPORT_EXPORT_INSIDE_H
#define VIEW_EXPORT_EXPORT_INSIDE_H

#include "model/slice.h"
#include "record/smccc.h"
#include "view/export/export.h"

/* X(NAME, name): the arguments of slices and instants. */
#define EXPORT_ARGS(X)		\
	X(EVENT, event)		\
	X(OUTCOME, outcome)	\
	X(SIGNALS, signals)	\
	X(BLOCKED_BY, blocked_by)	\
	X(MASKED_NS, masked_ns)		/* in the order of MODEL_BLAMES */ \
	X(DISABLED_NS, disabled_ns)	\
	X(BLOCKED_NS, blocked_ns)	\
	X(ENTRY_NS, entry_ns)		\
	X(DESCHEDULED_NS, descheduled_ns) \
	X(IN_GUEST_NS, in_guest_ns)	\
	X(IN_HOST_NS, in_host_ns)	\
	X(GFN, gfn)		\
	X(TOKEN, token)		\
	X(SIGNAL_NS, signal_ns)		/* in the order of APF_STAGES */ \
	X(DISPATCH_NS, dispatch_ns)	\
	X(HANDLER_NS, handler_ns)	\
	X(WAIT_NS, wait_ns)	\
	X(PAGE_NS, page_ns)	\
	X(PRESENT_NS, present_ns)	\
	X(INITIAL, initial)	\
	X(HANDLER, handler)	\
	X(PC, pc)		\
	X(STATUS, status)	\
	X(RESUME_AT, resume_at)	\
	X(STATE, state)		\
	X(ERROR, error)		\
	X(FROM, from)		\
	X(SENDER, sender)	\
	X(SEVERITY, severity)	\
	X(TEXT, text)		\
	X(COUNT, count)		\
	X(LAST_NS, last_ns)	\
	X(RECORD, record)	\
	X(FUNCTION, function)	\
	X(TARGET, target)	\
	X(RESULT, result)	\
	X(DURATION_NS, duration_ns)

enum export_arg_name {
#define X(NAME, name) ARG_##NAME,
	EXPORT_ARGS(X)
#undef X
	ARG_NAME_COUNT
};

const char *export_arg_name(unsigned int name);

struct export_arg {
	enum export_arg_name name;
	enum { ARG_IS_NUMBER, ARG_IS_SIGNED, ARG_IS_ADDRESS, ARG_IS_BOOL, ARG_IS_TEXT } type;
	uint64_t number;	/* of all but texts */
	const char *text;	/* nothing hostile */
};

struct export_args {
	struct export_arg list[ARG_NAME_COUNT];	/* each at most once */
	unsigned int count;
	char letters[6], error[16], sentence[256], function[12];	/* what list points to */
};

/* X(NAME, name): the instants. Those of PSCI are named by their functions, those of findings by their codes. */
#define EXPORT_INSTANTS(X)	\
	X(COALESCED, coalesced)	\
	X(REJECTED, rejected)	\
	X(CANCELLED, cancelled)	\
	X(CLEARED, cleared)	\
	X(SDEI, SDEI call)

enum export_instant_name {
#define X(NAME, name) INSTANT_##NAME,
	EXPORT_INSTANTS(X)
#undef X
	INSTANT_PSCI,		/* + enum psci_call */
	INSTANT_FINDINGS = INSTANT_PSCI + PSCI_CALL_COUNT,	/* + code */
	INSTANT_COUNT = INSTANT_FINDINGS + FINDING_COUNT
};

const char *export_instant_name(unsigned int name);

/* Of a whole fault: APF_STAGE_total or APF_STAGE_sync. */
static inline const char *export_fault_name(enum apf_stage stage)
{
	return stage == APF_STAGE_sync ? "synchronous page fault" : "page fault";
}

/* Which instant a record is, a drop or a guest's call of kind SMCCC, or -1. */
int export_instant_of(const struct sdei_record *r);

/* pc: where the handler interrupted; 0: unknown. */
void export_args_slice(struct export_args *args, const struct slice *slice, uint64_t pc);
void export_args_fault(struct export_args *args, const struct fault_slice *slice);
void export_args_instant(struct export_args *args, const struct sdei_record *r);	/* one of which there is an instant */
void export_args_finding(struct export_args *args, const struct model_finding *f);

/* --- tracks */

enum export_track_kind {
	TRACK_VM, TRACK_VCPU,		/* instants */
	TRACK_PENDING,			/* of one event */
	TRACK_HANDLERS, TRACK_OTHER_HANDLERS,	/* of one event: those that would overlap others */
	TRACK_MASK,
	TRACK_FAULTS,			/* event: 0, and upwards for those that would overlap others */
	TRACK_PENDING_COUNT, TRACK_LOST_COUNT,	/* counters */
	TRACK_FINDINGS			/* of VMs that are gone */
};

/* Numbers are given once, from 1. */
struct export_track {
	enum export_track_kind kind;
	uint64_t number;
	uint64_t parent;		/* 0: none */
	const struct export_vm *vm;	/* NULL: of none */
	uint32_t vcpu, event;
};

struct export_vm {
	struct export_vcpu *vcpus;	/* the newest first */
	uint64_t number;		/* its track */
	uint32_t pid, instance;
	char *name;			/* NULL: unknown */
	char *shown;			/* as the format writes it */
};

/* A slice as it is to be drawn: on a track where it overlaps none. */
struct export_slice {
	const struct slice *slice;
	const struct export_vm *vm;
	uint64_t vcpu_track, track, event_track;	/* 0 for a format without tracks */
	uint64_t pc;
};

/* A stage of a fault; for formats with tracks only the whole of it (APF_STAGE_total), or APF_STAGE_sync. */
struct export_fault {
	const struct fault_slice *slice;
	const struct export_vm *vm;
	uint64_t vcpu_track, track;	/* 0 for a format without tracks */
};

struct export_format {
	bool binary;
	size_t own_size;	/* of export_state.own */
	/* A new string for vm->shown; name is hostile, NULL if unknown. NULL: no memory. */
	char *(*name)(const char *name);
	void (*begin)(struct export *x);
	void (*slice)(struct export *x, const struct export_slice *slice);
	void (*fault)(struct export *x, const struct export_fault *fault);
	/* The rest may be NULL; track is for formats that want the others, too. */
	void (*track)(struct export *x, const struct export_track *track);
	void (*instant)(struct export *x, const struct export_track *track, uint64_t time_ns, unsigned int name,
			const struct export_args *args);
	void (*count)(struct export *x, const struct export_track *track, uint64_t time_ns, uint64_t count);
	void (*clock)(struct export *x, uint64_t time_ns, int64_t wall_ns);
	void (*end)(struct export *x);
};

/* What formats may look at, and their own. */
struct export_state {
	FILE *out;
	const struct export_options *options;
	void *own;		/* own_size bytes, zero at first */
};
/* The first of what struct export has. */
static inline struct export_state *export_state(struct export *x)
{
	return (struct export_state *)x;
}

/* "event 5 pending", "VM 4711 web"; shown as the format writes it. */
void export_track_name(const struct export_track *track, char *buf, size_t size);

/* What stands for the VM where a process id is wanted: its pid, or, where that is none or was another VM's, one of its own below 2^31. */
uint32_t export_pid(const struct export_vm *vm);

#define EXPORT_NAME_MAX 4096	/* bytes of a track's name, more is cut off */

#endif
