// SPDX-License-Identifier: GPL-2.0-only
#include "record/kinds.h"

#include <stddef.h>

#define PLAIN	sizeof(struct sdei_record)
#define HANDLER	sizeof(struct sdei_record_handler)
#define CALL	sizeof(struct sdei_record_call)
#define APF	sizeof(struct sdei_record_apf)

/*
 * Ranks: counters of some arm64 machines tick every 40 ns, so two CPUs can show
 * the same time for a signal and the dispatch that it led to. First what makes
 * an event deliverable, then the signal, then where that found the vCPU, then
 * its consequences.
 */
static const struct kind kinds[SDEI_KIND_COUNT] = {
	[SDEI_STATE]	  = { "kvm_sdei_state", 7, HANDLER, 0 },
	[SDEI_REGISTER]	  = { "kvm_sdei_register", 5, HANDLER, 1 },
	[SDEI_ENABLE]	  = { "kvm_sdei_enable", 3, PLAIN, 2 },
	[SDEI_UNMASK]	  = { "kvm_sdei_unmask", 4, PLAIN, 3 },
	[SDEI_SIGNAL]	  = { "kvm_sdei_signal", 7, PLAIN, 4 },
	[SDEI_PLACE]	  = { NULL, 0, PLAIN, 5 },
	[SDEI_CANCEL]	  = { "kvm_sdei_cancel", 4, PLAIN, 6 },
	[SDEI_DISPATCH]	  = { "kvm_sdei_dispatch", 5, PLAIN, 7 },
	[SDEI_COMPLETE]	  = { "kvm_sdei_complete", 5, PLAIN, 8 },
	[SDEI_MASK]	  = { "kvm_sdei_mask", 4, PLAIN, 9 },
	[SDEI_DISABLE]	  = { "kvm_sdei_disable", 3, PLAIN, 10 },
	[SDEI_UNREGISTER] = { "kvm_sdei_unregister", 5, PLAIN, 11 },
	[SDEI_RESET]	  = { "kvm_sdei_reset", 4, PLAIN, 12 },
	[SDEI_CALL]	  = { "kvm_sdei_call", 10, CALL, 13 },
	[SDEI_APF]	  = { NULL, 0, APF, 14 },
};

const struct kind *kind_of(unsigned int number)
{
	return number < SDEI_KIND_COUNT && kinds[number].size ? &kinds[number] : NULL;
}
