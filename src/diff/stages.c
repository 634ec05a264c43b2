// SPDX-License-Identifier: GPL-2.0-only
#include "diff/stages.h"

#define BIT(stage) (1ULL << STAGE_##stage)
#define X(field, help) | BIT(field)
#define PARTS (0 MODEL_BLAMES(X))

/* A part is nobody's consequence but for these two: who holds the event up is a stage of its own. */
#define FOLLOWS_masked BIT(mask)
#define FOLLOWS_blocked BIT(handler)
#define FOLLOWS_disabled 0
#define FOLLOWS_entry 0
#define FOLLOWS_descheduled 0
#define FOLLOWS_in_guest 0
#define FOLLOWS_in_host 0

/* Of page faults: the guest is told by an event, whose stages have rows of their own. */
#define FOLLOWS_apf_signal 0
#define FOLLOWS_apf_dispatch BIT(dispatch)
#define FOLLOWS_apf_handler BIT(handler)
#define FOLLOWS_apf_wait 0
#define FOLLOWS_apf_page 0
#define FOLLOWS_apf_present 0
#define FOLLOWS_apf_ack 0
#define FOLLOWS_apf_total (BIT(apf_wait) | BIT(apf_page) | BIT(apf_present))
#define FOLLOWS_apf_halt FOLLOWS_apf_total
#define FOLLOWS_apf_sync BIT(apf_halt)

const struct stage diff_stages[STAGE_COUNT] = {
	[STAGE_dispatch] = { "dispatch", STAGE_TIME, PARTS, "first queued signal of an episode to its dispatch" },
#undef X
#define X(field, help) [STAGE_##field] = { #field, STAGE_TIME, FOLLOWS_##field, "part of dispatch: " help },
	MODEL_BLAMES(X)
#undef X
	[STAGE_handler] = { "handler", STAGE_TIME, 0, "dispatch to complete" },
	[STAGE_total] = { "total", STAGE_TIME, BIT(dispatch) | BIT(handler), "first queued signal to complete" },
	[STAGE_coalesce_age] = { "coalesce_age", STAGE_TIME, BIT(dispatch), "age of the pending episode when a signal was coalesced into it" },
	[STAGE_mask] = { "mask", STAGE_TIME, 0, "PE_MASK to PE_UNMASK" },
	[STAGE_initial_mask] = { "initial_mask", STAGE_TIME, 0, "creation or reset of a vCPU to its first PE_UNMASK" },
#define X(field, help) [STAGE_apf_##field] = { "apf_" #field, STAGE_TIME, FOLLOWS_apf_##field, "page faults: " help },
	APF_STAGES(X)
#undef X
	[STAGE_signals] = { "signals", STAGE_LOAD, 0, "signals a second, whatever became of them" },
	[STAGE_coalesced] = { "coalesced", STAGE_RATE, BIT(dispatch), "signals a second that found the event pending already" },
	[STAGE_rejected] = { "rejected", STAGE_RATE, 0, "signals a second that were refused" },
	[STAGE_cancelled] = { "cancelled", STAGE_RATE, 0, "pending signals a second that were withdrawn" },
	[STAGE_cleared] = { "cleared", STAGE_RATE, 0, "pending signals a second lost to unregister, reset or the end of the vCPU" },
	[STAGE_refused] = { "refused", STAGE_RATE, 0, "SDEI calls a second that were refused" },
	[STAGE_apf_setup] = { "apf_setup", STAGE_LOAD, 0, "page faults a second that were handed to a worker" },
	[STAGE_apf_halted] = { "apf_halted", STAGE_RATE, 0, "page faults a second for which the vCPU was halted" },
	[STAGE_apf_untold] = { "apf_untold", STAGE_RATE, 0, "page faults a second that the guest's state did not let it be told" },
	[STAGE_apf_fallback] = { "apf_fallback", STAGE_RATE, 0, "page faults a second that were not handed to a worker" },
};
