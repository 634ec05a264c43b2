/* SPDX-License-Identifier: GPL-2.0-only */
#include "events_text.h"

#include <inttypes.h>

#include "../model/sdei.h"
#include "escape.h"
#include "piece.h"
#include "record_names.h"

#define NAME_WIDTH 12

void events_text_header(FILE *out)
{
	fprintf(out, "%16s %7s %-*s %4s %-10s %5s %-5s %s\n", "TIME(s)", "VM", NAME_WIDTH, "NAME", "vCPU", "KIND", "EVENT",
		"STATE", "DETAILS");
}

static void put_id(struct piece *p, unsigned int width, uint32_t id)
{
	piece_char(p, ' ');
	if (id == SDEI_NONE)
		piece_right(p, "-", 1, width, ' ');
	else
		piece_u64(p, id, width, ' ');
}

static void put_name(struct piece *p, const struct vm_name *name)
{
	unsigned int used;
	size_t bytes = text_cut(name->shown, NAME_WIDTH, &used);

	piece_char(p, ' ');
	piece_bytes(p, name->shown, bytes);
	piece_left(p, "", NAME_WIDTH - used);
}

static void put_result(struct piece *p, int64_t result)
{
	const char *name = result < 0 ? sdei_result_name(result) : NULL;

	piece_text(p, " = ");
	if (name)
		piece_text(p, name);
	else
		piece_i64(p, result);
}

static void put_error(struct piece *p, int error)
{
	const char *name = sdei_error_name(error);

	if (!error)
		return;
	piece_char(p, ' ');
	if (name)
		piece_text(p, name);
	else
		piece_i64(p, error);
}

static void put_cleared(struct piece *p, unsigned int cleared)
{
	if (!cleared)
		return;
	piece_text(p, ", cleared");
	if (cleared & SDEI_PENDING)
		piece_text(p, " pending");
	if (cleared & SDEI_RUNNING)
		piece_text(p, " running");
}

static void put_signal(struct piece *p, const struct sdei_record *r)
{
	piece_text(p, record_outcome(r->outcome));
	put_error(p, r->error);
	piece_text(p, ", from ");
	if (r->origin == SDEI_FROM_GUEST && r->sender != SDEI_NONE) {
		piece_text(p, "vCPU ");
		piece_u64(p, r->sender, 0, ' ');
	} else {
		piece_text(p, record_source(r->origin));
	}
}

static void put_cancel(struct piece *p, const struct sdei_record *r)
{
	piece_text(p, r->error ? "refused" : "withdrawn");
	put_error(p, r->error);
}

static void put_dispatch(struct piece *p, const struct sdei_record *r)
{
	piece_text(p, "interrupts pc ");
	piece_hex(p, r->pc, 0);
}

static void put_complete(struct piece *p, const struct sdei_record *r)
{
	piece_text(p, r->outcome == SDEI_RESUMED ? "and resume at " : "status ");
	piece_hex(p, r->arg, 0);
}

static void put_handler(struct piece *p, const struct sdei_record *r)
{
	const struct sdei_record_handler *handler = (const void *)r;

	piece_text(p, "handler ");
	piece_hex(p, handler->ep_addr, 0);
	piece_char(p, '(');
	piece_hex(p, handler->ep_arg, 0);
	piece_char(p, ')');
}

/* What of it is in the head. */
static void put_state_head(struct piece *p, const struct sdei_record *r)
{
	piece_text(p, record_state_reason(r->origin));
	put_cleared(p, r->outcome);
}

static void put_state(struct piece *p, const struct sdei_record *r)
{
	const struct sdei_record_handler *handler = (const void *)r;

	put_state_head(p, r);
	if (!handler->ep_addr)
		return;
	piece_text(p, ", ");
	put_handler(p, r);
}

static void put_reset(struct piece *p, const struct sdei_record *r)
{
	piece_text(p, record_reset_reason(r->origin));
	piece_text(p, " reset");
}

/* PE_MASK answers 1 if it was this call that masked. */
static void put_mask(struct piece *p, const struct sdei_record *r)
{
	piece_text(p, r->error ? "PE masked" : "PE was masked already");
}

static void put_unmask(struct piece *p, const struct sdei_record *r)
{
	piece_text(p, "PE unmasked");
}

static void put_unregister(struct piece *p, const struct sdei_record *r)
{
	piece_text(p, r->error ? "when its handler ends" : "done");
	put_cleared(p, r->outcome);
}

static void put_call(struct piece *p, const struct sdei_record *r)
{
	const struct sdei_record_call *call = (const void *)r;
	const char *name = sdei_call_name(call->function);

	if (name)
		piece_text(p, name);
	else
		piece_hex(p, call->function, 8);
	for (int i = 0; i < 3; i++) {
		piece_text(p, i ? ", " : "(");
		piece_hex(p, call->args[i], 0);
	}
	piece_char(p, ')');
	put_result(p, r->result);
}

static void put_place(struct piece *p, const struct sdei_record *r)
{
	piece_text(p, r->origin == SDEI_DESCHEDULED ? "thread " : "thread in ");
	piece_text(p, record_place(r->origin));
}

static void put_apf_head(struct piece *p, const struct sdei_record *r)
{
	const char *outcome = record_apf_outcome(r->origin, r->outcome);

	piece_text(p, record_apf_step(r->origin));
	if (*outcome)
		piece_char(p, ' ');
	piece_text(p, outcome);
}

static void put_apf(struct piece *p, const struct sdei_record *r)
{
	const struct sdei_record_apf *apf = (const void *)r;

	put_apf_head(p, r);
	if (apf->id) {
		piece_text(p, " #");
		piece_u64(p, apf->id, 0, 0);
		piece_text(p, " token ");
		piece_hex(p, r->arg, 0);
	}
	if (apf->gfn) {
		piece_text(p, " gfn ");
		piece_hex(p, apf->gfn, 0);
	}
	if (r->origin == APF_SYNC || apf->queued) {
		piece_char(p, ' ');
		piece_u64(p, apf->queued, 0, 0);
		piece_text(p, r->origin == APF_SYNC ? " ns" : " in flight");
	}
}

static void (*const put_kind[SDEI_KIND_COUNT])(struct piece *p, const struct sdei_record *r) = {
	[SDEI_REGISTER] = put_handler,
	[SDEI_UNREGISTER] = put_unregister,
	[SDEI_MASK] = put_mask,
	[SDEI_UNMASK] = put_unmask,
	[SDEI_RESET] = put_reset,
	[SDEI_SIGNAL] = put_signal,
	[SDEI_CANCEL] = put_cancel,
	[SDEI_DISPATCH] = put_dispatch,
	[SDEI_COMPLETE] = put_complete,
	[SDEI_CALL] = put_call,
	[SDEI_STATE] = put_state,
	[SDEI_PLACE] = put_place,
	[SDEI_APF] = put_apf,
};

static void put_details(struct piece *p, const struct sdei_record *r)
{
	switch (r->kind) {
	case SDEI_REGISTER:
		break;
	case SDEI_STATE:
		put_state_head(p, r);
		break;
	case SDEI_CALL:
		put_result(p, r->result);
		break;
	case SDEI_APF:
		put_apf_head(p, r);
		break;
	default:
		if (r->kind < SDEI_KIND_COUNT && put_kind[r->kind])
			put_kind[r->kind](p, r);
	}
}

void events_text_details(FILE *out, const struct sdei_record *r)
{
	struct piece p;

	piece_begin(&p, out);
	put_details(&p, r);
	piece_end(&p);
}

static void put_time(struct piece *p, uint64_t time_ns)
{
	piece_u64(p, time_ns / 1000000000, 9, ' ');
	piece_char(p, '.');
	piece_u64(p, time_ns % 1000000000 / 1000, 6, '0');
}

void events_text_record(FILE *out, const struct sdei_record *r, const struct vm_name *name)
{
	const char *kind = sdei_kind_name(r->kind);
	char letters[6];
	struct piece p;

	piece_begin(&p, out);
	put_time(&p, r->time_ns);
	piece_char(&p, ' ');
	piece_u64(&p, r->vm, 7, ' ');
	put_name(&p, name);
	put_id(&p, 4, r->vcpu);
	piece_char(&p, ' ');
	piece_left(&p, kind ? kind : "?", 10);
	put_id(&p, 5, r->event);
	piece_char(&p, ' ');
	piece_text(&p, sdei_state_letters(r->state, letters));
	if (r->kind < SDEI_KIND_COUNT && put_kind[r->kind]) {
		piece_char(&p, ' ');
		put_kind[r->kind](&p, r);
	}
	piece_char(&p, '\n');
	piece_end(&p);
}

void events_text_lost(FILE *out, const struct sdei_lost_key *key, uint64_t count)
{
	const char *kind = key ? sdei_kind_name(key->kind) : NULL;

	fprintf(out, "LOST %" PRIu64, count);
	if (key)
		fprintf(out, " %s", kind ? kind : "?");
	if (key && key->vm != SDEI_ANY_VM) {
		fprintf(out, " of VM %" PRIu32 " vCPU %" PRIu32, key->vm, key->vcpu);
		if (key->event != SDEI_NONE)
			fprintf(out, " event %" PRIu32, key->event);
	}
	putc('\n', out);
}
