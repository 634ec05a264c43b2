// SPDX-License-Identifier: GPL-2.0-only
#include "record/kinds.h"

#include <stddef.h>

/*
 * Ranks: counters of some arm64 machines tick every 40 ns, so two CPUs can show
 * the same time for a signal and the dispatch that it led to. First what makes
 * an event deliverable, then the signal, then where that found the vCPU, then
 * its consequences.
 */
static const struct kind kinds[SDEI_KIND_COUNT] = {
	[SDEI_STATE]	  = { "kvm_sdei_state", 7, KIND_SIZE(SDEI_STATE), 0 },
	[SDEI_REGISTER]	  = { "kvm_sdei_register", 5, KIND_SIZE(SDEI_REGISTER), 1 },
	[SDEI_ENABLE]	  = { "kvm_sdei_enable", 3, KIND_SIZE(SDEI_ENABLE), 2 },
	[SDEI_UNMASK]	  = { "kvm_sdei_unmask", 4, KIND_SIZE(SDEI_UNMASK), 3 },
	[SDEI_SIGNAL]	  = { "kvm_sdei_signal", 7, KIND_SIZE(SDEI_SIGNAL), 4 },
	[SDEI_PLACE]	  = { NULL, 0, KIND_SIZE(SDEI_PLACE), 5 },
	[SDEI_CANCEL]	  = { "kvm_sdei_cancel", 4, KIND_SIZE(SDEI_CANCEL), 6 },
	[SDEI_DISPATCH]	  = { "kvm_sdei_dispatch", 5, KIND_SIZE(SDEI_DISPATCH), 7 },
	[SDEI_COMPLETE]	  = { "kvm_sdei_complete", 5, KIND_SIZE(SDEI_COMPLETE), 8 },
	[SDEI_MASK]	  = { "kvm_sdei_mask", 4, KIND_SIZE(SDEI_MASK), 9 },
	[SDEI_DISABLE]	  = { "kvm_sdei_disable", 3, KIND_SIZE(SDEI_DISABLE), 10 },
	[SDEI_UNREGISTER] = { "kvm_sdei_unregister", 5, KIND_SIZE(SDEI_UNREGISTER), 11 },
	[SDEI_RESET]	  = { "kvm_sdei_reset", 4, KIND_SIZE(SDEI_RESET), 12 },
	[SDEI_CALL]	  = { "kvm_sdei_call", 10, KIND_SIZE(SDEI_CALL), 13 },
	[SDEI_APF]	  = { NULL, 0, KIND_SIZE(SDEI_APF), 14 },
	[SDEI_GIC]	  = { NULL, 0, KIND_SIZE(SDEI_GIC), 15 },
	[SDEI_SMCCC]	  = { NULL, 0, KIND_SIZE(SDEI_SMCCC), 16 },
	[SDEI_POWER]	  = { NULL, 0, KIND_SIZE(SDEI_POWER), 17 },
	[SDEI_COUNTER]	  = { NULL, 0, KIND_SIZE(SDEI_COUNTER), 18 },
};

const uint8_t kind_sizes[UINT8_MAX + 1] = {
#define X(NAME, name) [SDEI_##NAME] = KIND_SIZE(SDEI_##NAME),
	SDEI_KINDS(X)
#undef X
};

const struct kind *kind_of(unsigned int number)
{
	return number < SDEI_KIND_COUNT && kinds[number].size ? &kinds[number] : NULL;
}

#define GUEST_KINDS (1U << SDEI_REGISTER | 1U << SDEI_UNREGISTER | 1U << SDEI_ENABLE | 1U << SDEI_DISABLE | 1U << SDEI_MASK | 1U << SDEI_UNMASK | \
		     1U << SDEI_RESET | 1U << SDEI_DISPATCH | 1U << SDEI_COMPLETE | 1U << SDEI_CALL)
#define GUEST_STEPS (1U << APF_SETUP | 1U << APF_ACK | 1U << APF_FALLBACK | 1U << APF_SYNC | 1U << APF_QUICK)

bool record_shows_on(const struct sdei_record *r)
{
	if (r->kind == SDEI_APF)
		return r->origin < 32 && GUEST_STEPS & 1U << r->origin;
	return r->kind < SDEI_KIND_COUNT && GUEST_KINDS & 1U << r->kind;
}
