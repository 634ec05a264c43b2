// SPDX-License-Identifier: GPL-2.0-only
#include "source/client_state.h"

#include <errno.h>
#include <stdlib.h>

#include "util/idmap.h"

#define ONLINE (SDEI_REGISTERED | SDEI_ENABLED)
#define KNOWN 0x100	/* in what is kept, so that it is not NULL */

struct client_state {
	struct idmap events;	/* by CPU and event: the bits of enum sdei_state; of the PE (SDEI_NONE): SDEI_MASKED */
};

struct client_state *client_state_new(void)
{
	return calloc(1, sizeof(struct client_state));
}

void client_state_free(struct client_state *s)
{
	if (!s)
		return;
	idmap_release(&s->events);
	free(s);
}

static uint64_t key_of(const struct sdei_record *r, uint32_t event)
{
	return (uint64_t)r->vcpu << 32 | event;
}

static unsigned int get(const struct client_state *s, const struct sdei_record *r, uint32_t event)
{
	uintptr_t kept = (uintptr_t)idmap_find(&s->events, key_of(r, event));

	if (kept)
		return kept & ~(uintptr_t)KNOWN;
	return event == SDEI_NONE ? 0 : ONLINE;
}

static int put(struct client_state *s, const struct sdei_record *r, uint32_t event, unsigned int state)
{
	return idmap_put(&s->events, key_of(r, event), (void *)(uintptr_t)(state | KNOWN));
}

/* Firmware of SDEI 1.0 answers 0 to every PE_MASK. */
static unsigned int mask(struct sdei_record *r, unsigned int masked)
{
	if (!masked)
		r->error = 1;
	return SDEI_MASKED;
}

/* The PE mask after r. */
static unsigned int mask_after(struct sdei_record *r, unsigned int masked)
{
	switch (r->kind) {
	case SDEI_MASK:
		return mask(r, masked);
	case SDEI_UNMASK:
	case SDEI_DISPATCH:
		return 0;
	default:
		return masked;
	}
}

static unsigned int signal(struct sdei_record *r, unsigned int state)
{
	r->outcome = state & SDEI_PENDING ? SDEI_COALESCED : SDEI_QUEUED;
	return state | SDEI_REGISTERED | SDEI_PENDING;
}

/* Of a signal that was coalesced nothing is left to be withdrawn. */
static unsigned int cancel(struct sdei_record *r, unsigned int state)
{
	r->error = state & SDEI_PENDING ? 0 : -ENOENT;
	return state & ~SDEI_PENDING;
}

static unsigned int dispatch(struct sdei_record *r, unsigned int state)
{
	if (!(state & SDEI_PENDING))
		r->origin |= SDEI_UNSIGNALLED;
	return ONLINE | SDEI_RUNNING;
}

static unsigned int unregister(struct sdei_record *r, unsigned int state)
{
	r->outcome = state & SDEI_PENDING;
	return state & SDEI_RUNNING;
}

/* The state of its event after r. */
static unsigned int state_after(struct sdei_record *r, unsigned int state)
{
	switch (r->kind) {
	case SDEI_REGISTER:
		return (state & SDEI_RUNNING) | SDEI_REGISTERED;
	case SDEI_UNREGISTER:
		return unregister(r, state);
	case SDEI_ENABLE:
		return state | ONLINE;
	case SDEI_DISABLE:
		return state & ~SDEI_ENABLED;
	case SDEI_SIGNAL:
		return signal(r, state);
	case SDEI_CANCEL:
		return cancel(r, state);
	case SDEI_DISPATCH:
		return dispatch(r, state);
	case SDEI_COMPLETE:
		return state & ~SDEI_RUNNING;
	default:
		return state;
	}
}

int client_state_fill(struct client_state *s, struct sdei_record *r)
{
	unsigned int before = get(s, r, SDEI_NONE), masked = mask_after(r, before), state = 0, was;
	int err = masked == before ? 0 : put(s, r, SDEI_NONE, masked);

	if (r->event != SDEI_NONE) {
		was = get(s, r, r->event);
		state = state_after(r, was);
		if (state != was && put(s, r, r->event, state))
			err = -ENOMEM;
	}
	r->state = state | masked;
	return err;
}

void client_state_fill_lost(struct sdei_lost_key *key)
{
	if (key->kind == SDEI_DISPATCH && key->event)	/* software signals event 0 only */
		key->origin |= SDEI_UNSIGNALLED;
}
