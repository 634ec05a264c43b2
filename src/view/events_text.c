/* SPDX-License-Identifier: GPL-2.0-only */
#include "events_text.h"

#include <inttypes.h>

#include "../model/sdei.h"
#include "escape.h"
#include "record_names.h"

#define NAME_WIDTH 12

void events_text_header(FILE *out)
{
	fprintf(out, "%16s %7s %-*s %4s %-10s %5s %-5s %s\n", "TIME(s)", "VM", NAME_WIDTH, "NAME", "vCPU", "KIND", "EVENT",
		"STATE", "DETAILS");
}

static void put_id(FILE *out, int width, uint32_t id)
{
	if (id == SDEI_NONE)
		fprintf(out, " %*s", width, "-");
	else
		fprintf(out, " %*" PRIu32, width, id);
}

static void put_name(FILE *out, const struct vm_name *name)
{
	unsigned int used;
	size_t bytes = text_cut(name->shown, NAME_WIDTH, &used);

	fprintf(out, " %.*s%*s", (int)bytes, name->shown, (int)(NAME_WIDTH - used), "");
}

static void put_result(FILE *out, int64_t result)
{
	const char *name = result < 0 ? sdei_result_name(result) : NULL;

	if (name)
		fprintf(out, " = %s", name);
	else
		fprintf(out, " = %" PRId64, result);
}

static void put_error(FILE *out, int error)
{
	const char *name = sdei_error_name(error);

	if (error && name)
		fprintf(out, " %s", name);
	else if (error)
		fprintf(out, " %d", error);
}

static void put_cleared(FILE *out, unsigned int cleared)
{
	if (cleared)
		fprintf(out, ", cleared%s%s", cleared & SDEI_PENDING ? " pending" : "", cleared & SDEI_RUNNING ? " running" : "");
}

static void put_signal(FILE *out, const struct sdei_record *r)
{
	fputs(record_outcome(r->outcome), out);
	put_error(out, r->error);
	if (r->origin == SDEI_FROM_GUEST && r->sender != SDEI_NONE)
		fprintf(out, ", from vCPU %" PRIu32, r->sender);
	else
		fprintf(out, ", from %s", record_source(r->origin));
}

static void put_cancel(FILE *out, const struct sdei_record *r)
{
	fputs(r->error ? "refused" : "withdrawn", out);
	put_error(out, r->error);
}

static void put_dispatch(FILE *out, const struct sdei_record *r)
{
	fprintf(out, "interrupts pc 0x%" PRIx64, (uint64_t)r->pc);
}

static void put_complete(FILE *out, const struct sdei_record *r)
{
	fprintf(out, "%s 0x%" PRIx64, r->outcome == SDEI_RESUMED ? "and resume at" : "status", (uint64_t)r->arg);
}

static void put_handler(FILE *out, const struct sdei_record *r)
{
	const struct sdei_record_handler *handler = (const void *)r;

	fprintf(out, "handler 0x%" PRIx64 "(0x%" PRIx64 ")", (uint64_t)handler->ep_addr, (uint64_t)handler->ep_arg);
}

static void put_state(FILE *out, const struct sdei_record *r)
{
	const struct sdei_record_handler *handler = (const void *)r;

	fputs(record_state_reason(r->origin), out);
	put_cleared(out, r->outcome);
	if (!handler->ep_addr)
		return;
	fputs(", ", out);
	put_handler(out, r);
}

static void put_reset(FILE *out, const struct sdei_record *r)
{
	fprintf(out, "%s reset", record_reset_reason(r->origin));
}

/* PE_MASK answers 1 if it was this call that masked. */
static void put_mask(FILE *out, const struct sdei_record *r)
{
	fputs(r->error ? "PE masked" : "PE was masked already", out);
}

static void put_unmask(FILE *out, const struct sdei_record *r)
{
	fputs("PE unmasked", out);
}

static void put_unregister(FILE *out, const struct sdei_record *r)
{
	fputs(r->error ? "when its handler ends" : "done", out);
	put_cleared(out, r->outcome);
}

static void put_call(FILE *out, const struct sdei_record *r)
{
	const struct sdei_record_call *call = (const void *)r;
	const char *name = sdei_call_name(call->function);

	if (name)
		fputs(name, out);
	else
		fprintf(out, "0x%08x", call->function);
	fprintf(out, "(0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64 ")", (uint64_t)call->args[0], (uint64_t)call->args[1],
		(uint64_t)call->args[2]);
	put_result(out, r->result);
}

static void put_place(FILE *out, const struct sdei_record *r)
{
	fprintf(out, "thread %s%s", r->origin == SDEI_DESCHEDULED ? "" : "in ", record_place(r->origin));
}

static void (*const put_kind[SDEI_KIND_COUNT])(FILE *out, const struct sdei_record *r) = {
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
};

void events_text_details(FILE *out, const struct sdei_record *r)
{
	switch (r->kind) {
	case SDEI_REGISTER:
		break;
	case SDEI_STATE:
		fputs(record_state_reason(r->origin), out);
		put_cleared(out, r->outcome);
		break;
	case SDEI_CALL:
		put_result(out, r->result);
		break;
	default:
		if (r->kind < SDEI_KIND_COUNT && put_kind[r->kind])
			put_kind[r->kind](out, r);
	}
}

void events_text_record(FILE *out, const struct sdei_record *r, const struct vm_name *name)
{
	const char *kind = sdei_kind_name(r->kind);
	char letters[6];

	fprintf(out, "%9" PRIu64 ".%06" PRIu64 " %7" PRIu32, (uint64_t)r->time_ns / 1000000000,
		(uint64_t)r->time_ns % 1000000000 / 1000, r->vm);
	put_name(out, name);
	put_id(out, 4, r->vcpu);
	fprintf(out, " %-10s", kind ? kind : "?");
	put_id(out, 5, r->event);
	fprintf(out, " %s", sdei_state_letters(r->state, letters));
	if (r->kind < SDEI_KIND_COUNT && put_kind[r->kind]) {
		putc(' ', out);
		put_kind[r->kind](out, r);
	}
	putc('\n', out);
}

void events_text_lost(FILE *out, const struct sdei_lost_key *key, uint64_t count)
{
	const char *kind = key ? sdei_kind_name(key->kind) : NULL;

	fprintf(out, "LOST %" PRIu64, count);
	if (key) {
		fprintf(out, " %s of VM %" PRIu32 " vCPU %" PRIu32, kind ? kind : "?", key->vm, key->vcpu);
		if (key->event != SDEI_NONE)
			fprintf(out, " event %" PRIu32, key->event);
	}
	putc('\n', out);
}
