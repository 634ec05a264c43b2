/* SPDX-License-Identifier: GPL-2.0-only */
#include "record/text.h"

#include <inttypes.h>

#include "record/gic.h"
#include "record/sdei.h"
#include "record/smccc.h"
#include "util/text.h"
#include "util/line.h"
#include "record/names.h"

#define NAME_WIDTH 12
#define TIME_DECIMALS 6

static unsigned int time_width(const struct times *times)
{
	static const unsigned char widths[] = { [TIMES_UTC] = 27, [TIMES_LOCAL] = 32, [TIMES_MONO] = 16, [TIMES_RELATIVE] = 16 };

	return widths[times->form];
}

void record_text_header(FILE *out, const struct times *times)
{
	fprintf(out, "%*s %7s %-*s %4s %-10s %5s %-5s %s\n", (int)time_width(times), times->form == TIMES_MONO ? "TIME(s)" : "TIME", "VM", NAME_WIDTH, "NAME", "vCPU", "KIND", "EVENT",
		"STATE", "DETAILS");
}

static void put_id(struct line *p, unsigned int width, uint32_t id)
{
	line_char(p, ' ');
	if (id == SDEI_NONE)
		line_right(p, "-", 1, width, ' ');
	else
		line_u64(p, id, width, ' ');
}

static void put_name(struct line *p, const char *name)
{
	unsigned int used;
	size_t bytes = text_cut(name, NAME_WIDTH, &used);

	line_char(p, ' ');
	line_bytes(p, name, bytes);
	line_left(p, "", NAME_WIDTH - used);
}

static void put_result(struct line *p, int64_t result)
{
	const char *name = result < 0 ? sdei_result_name(result) : NULL;

	line_text(p, " = ");
	if (name)
		line_text(p, name);
	else
		line_i64(p, result);
}

/* The version and values of registers are made of bits. A record does not say whether a handler runs. */
static void put_answer(struct line *p, const struct sdei_record_call *call)
{
	int64_t result = call->head.result;
	bool is_register = sdei_reads_register(call->function, call->args[0]);

	if (!is_register && (call->function != SDEI_FN_VERSION || result < 0)) {
		put_result(p, result);
		return;
	}
	line_text(p, " = ");
	line_hex(p, result, 0);
	if (is_register && result == SDEI_RESULT_DENIED)
		line_text(p, " or DENIED");
}

static void put_error(struct line *p, int error)
{
	const char *name = sdei_error_name(error);

	if (!error)
		return;
	line_char(p, ' ');
	if (name)
		line_text(p, name);
	else
		line_i64(p, error);
}

static void put_cleared(struct line *p, unsigned int cleared)
{
	if (!cleared)
		return;
	line_text(p, ", cleared");
	if (cleared & SDEI_PENDING)
		line_text(p, " pending");
	if (cleared & SDEI_RUNNING)
		line_text(p, " running");
}

static void put_signal(struct line *p, const struct sdei_record *r)
{
	line_text(p, record_name(LABELS_OUTCOME, r->outcome));
	put_error(p, r->error);
	line_text(p, ", from ");
	if (r->origin == SDEI_FROM_GUEST && r->sender != SDEI_NONE) {
		line_text(p, "vCPU ");
		line_u64(p, r->sender, 0, ' ');
	} else {
		line_text(p, record_name(LABELS_SOURCE, r->origin));
	}
}

static void put_cancel(struct line *p, const struct sdei_record *r)
{
	line_text(p, r->error ? "refused" : "withdrawn");
	put_error(p, r->error);
}

static void put_dispatch(struct line *p, const struct sdei_record *r)
{
	line_text(p, "interrupts pc ");
	line_hex(p, r->pc, 0);
	if (r->origin & SDEI_UNSIGNALLED)
		line_text(p, ", unsignalled");
	if (r->origin & SDEI_CRITICAL)
		line_text(p, ", critical");
	if (sdei_role_name(r->origin)) {
		line_text(p, ", for ");
		line_text(p, sdei_role_name(r->origin));
	}
}

static void put_complete(struct line *p, const struct sdei_record *r)
{
	if (r->outcome == SDEI_END_UNSEEN) {
		line_text(p, "unseen");
		return;
	}
	line_text(p, r->outcome == SDEI_RESUMED ? "and resume at " : "status ");
	line_hex(p, r->arg, 0);
}

static void put_handler(struct line *p, const struct sdei_record *r)
{
	const struct sdei_record_handler *handler = (const void *)r;

	line_text(p, "handler ");
	line_hex(p, handler->ep_addr, 0);
	line_char(p, '(');
	line_hex(p, handler->ep_arg, 0);
	line_char(p, ')');
}

/* What of it is in the head. */
static void put_state_head(struct line *p, const struct sdei_record *r)
{
	line_text(p, record_name(LABELS_STATE_REASON, r->origin));
	put_cleared(p, r->outcome);
	if (!sdei_open_ns(r))
		return;
	line_text(p, ", for ");
	line_u64(p, sdei_open_ns(r), 0, 0);
	line_text(p, " ns");
}

static void put_state(struct line *p, const struct sdei_record *r)
{
	const struct sdei_record_handler *handler = (const void *)r;

	put_state_head(p, r);
	if (!handler->ep_addr)
		return;
	line_text(p, ", ");
	put_handler(p, r);
}

static void put_reset(struct line *p, const struct sdei_record *r)
{
	line_text(p, record_name(LABELS_RESET_REASON, r->origin));
	line_text(p, " reset");
}

/* PE_MASK answers 1 if it was this call that masked. */
static void put_mask(struct line *p, const struct sdei_record *r)
{
	line_text(p, r->error ? "PE masked" : "PE was masked already");
}

static void put_unmask(struct line *p, const struct sdei_record *r)
{
	line_text(p, "PE unmasked");
}

static void put_unregister(struct line *p, const struct sdei_record *r)
{
	line_text(p, r->error ? "when its handler ends" : "done");
	put_cleared(p, r->outcome);
}

static void put_function(struct line *p, uint32_t function)
{
	const char *name = sdei_call_name(function);

	if (name)
		line_text(p, name);
	else
		line_hex(p, function, 8);
}

/* How long it took, where that is known. */
static void put_took(struct line *p, uint64_t ns)
{
	if (!ns)
		return;
	line_text(p, " in ");
	line_u64(p, ns, 0, 0);
	line_text(p, " ns");
}

static void put_call(struct line *p, const struct sdei_record *r)
{
	const struct sdei_record_call *call = (const void *)r;

	put_function(p, call->function);
	for (int i = 0; i < 3; i++) {
		line_text(p, i ? ", " : "(");
		line_hex(p, call->args[i], 0);
	}
	line_char(p, ')');
	put_answer(p, call);
	put_took(p, call->duration_ns);
}

static void put_place(struct line *p, const struct sdei_record *r)
{
	line_text(p, r->origin == SDEI_DESCHEDULED ? "thread " : "thread in ");
	line_text(p, record_name(LABELS_PLACE, r->origin));
}

static void put_apf_head(struct line *p, const struct sdei_record *r)
{
	const char *outcome = record_apf_outcome(r->origin, r->outcome);

	line_text(p, record_name(LABELS_APF_STEP, r->origin));
	if (*outcome)
		line_char(p, ' ');
	line_text(p, outcome);
}

static bool lasts(const struct sdei_record *r)
{
	return r->origin == APF_SYNC || r->origin == APF_QUICK || r->origin == APF_WAITING;
}

static void put_apf(struct line *p, const struct sdei_record *r)
{
	const struct sdei_record_apf *apf = (const void *)r;

	put_apf_head(p, r);
	if (apf->id && r->origin != APF_QUICK) {
		line_text(p, " #");
		line_u64(p, apf->id, 0, 0);
		line_text(p, " token ");
		line_hex(p, r->arg, 0);
	}
	if (r->origin == APF_QUICK) {
		line_char(p, ' ');
		line_u64(p, apf->faults, 0, 0);
		line_text(p, " faults");
	} else if (apf->gfn) {
		line_text(p, " gfn ");
		line_hex(p, apf->gfn, 0);
	}
	if (lasts(r) || apf->queued) {
		line_char(p, ' ');
		line_u64(p, apf->queued, 0, 0);
		line_text(p, lasts(r) ? " ns" : " in flight");
	}
	if (r->origin == APF_QUICK && apf->span_ns) {
		line_text(p, " within ");
		line_u64(p, apf->span_ns, 0, 0);
		line_text(p, " ns, until ");
		line_u64(p, r->arg, 0, 0);
		line_text(p, " ns ago");
	}
}

static void put_gic_step(struct line *p, const struct sdei_record_gic *gic)
{
	char name[GIC_NAME_SIZE];

	line_text(p, record_name(LABELS_GIC_STEP, gic->head.origin));
	if (gic_is_call(gic->head.origin) || gic->head.origin == GIC_REGISTERS) {
		line_char(p, ' ');
		line_text(p, gic_name(gic, name));
	}
}

static void put_gic(struct line *p, const struct sdei_record *r)
{
	const struct sdei_record_gic *gic = (const void *)r;

	put_gic_step(p, gic);
	if (r->outcome & GIC_HAS_VALUE) {
		line_char(p, ' ');
		if (r->origin == GIC_RUN)
			line_u64(p, gic->value, 0, ' ');
		else
			line_hex(p, gic->value, 0);
	}
	if (r->origin == GIC_RUN && r->outcome & GIC_HAS_VALUE)
		line_text(p, " registers set");
	if (r->error)
		put_error(p, r->error);
}

static void put_smccc_function(struct line *p, uint32_t function)
{
	const char *interface = smccc_interface(function), *name = smccc_function_name(function);

	if (interface) {
		line_text(p, interface);
		line_char(p, ' ');
	}
	if (name)
		line_text(p, name);
	else
		line_hex(p, function, 8);
}

static void put_smccc_answer(struct line *p, const struct sdei_record *r, uint32_t function)
{
	const char *name = r->result < 0 || psci_call_of(function) < PSCI_CALL_COUNT ? smccc_result_name(function, r->result) : NULL;

	if (r->outcome != SMCCC_ANSWERED) {
		line_text(p, r->outcome == SMCCC_BEGUN ? " begins, with the PE masked" : ", left to the VMM");
		return;
	}
	line_text(p, " = ");
	if (name)
		line_text(p, name);
	else
		line_i64(p, r->result);
}

static void put_smccc(struct line *p, const struct sdei_record *r)
{
	const struct sdei_record_smccc *call = (const void *)r;

	put_smccc_function(p, call->function);
	if (r->outcome == SMCCC_BEGUN) {
		put_smccc_answer(p, r, call->function);
		return;
	}
	line_char(p, '(');
	line_hex(p, call->args[0], 0);
	line_text(p, ", ");
	line_hex(p, call->args[1], 0);
	line_char(p, ')');
	if (psci_call_of(call->function) == PSCI_CPU_ON && call->target != SDEI_NONE) {
		line_text(p, " of vCPU ");
		line_u64(p, call->target, 0, ' ');
	}
	put_smccc_answer(p, r, call->function);
	put_took(p, call->duration_ns);
}

static void put_power(struct line *p, const struct sdei_record *r)
{
	line_text(p, record_name(LABELS_POWER, r->origin));
	if (r->arg && r->arg <= r->time_ns) {
		line_text(p, " for ");
		line_u64(p, r->time_ns - r->arg, 0, 0);
		line_text(p, " ns");
	}
}

static void put_counter_reason(struct line *p, const struct sdei_record *r)
{
	line_text(p, record_name(LABELS_COUNTER, r->origin));
}

static void put_counter(struct line *p, const struct sdei_record *r)
{
	const struct sdei_record_counter *counter = (const void *)r;

	put_counter_reason(p, r);
	line_text(p, " behind the host's by ");
	line_i64(p, (int64_t)counter->offset);
	line_text(p, " of ");
	line_u64(p, counter->hz, 0, 0);
	line_text(p, " Hz");
}

static void (*const put_kind[SDEI_KIND_COUNT])(struct line *p, const struct sdei_record *r) = {
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
	[SDEI_GIC] = put_gic,
	[SDEI_SMCCC] = put_smccc,
	[SDEI_POWER] = put_power,
	[SDEI_COUNTER] = put_counter,
};

static void put_gic_brief(struct line *p, const struct record_brief *brief)
{
	const struct sdei_record_gic gic = { .head = brief->head, .group = brief->group, .attr = brief->attr };

	put_gic_step(p, &gic);
	if (brief->head.error)
		put_error(p, brief->head.error);
}

static void put_details(struct line *p, const struct record_brief *brief)
{
	const struct sdei_record *r = &brief->head;

	switch (r->kind) {
	case SDEI_REGISTER:
		break;
	case SDEI_STATE:
		put_state_head(p, r);
		break;
	case SDEI_CALL:
		put_function(p, brief->function);
		put_result(p, r->result);
		break;
	case SDEI_APF:
		put_apf_head(p, r);
		break;
	case SDEI_GIC:
		put_gic_brief(p, brief);
		break;
	case SDEI_SMCCC:
		put_smccc_function(p, brief->function);
		put_smccc_answer(p, r, brief->function);
		break;
	case SDEI_COUNTER:
		put_counter_reason(p, r);
		break;
	default:
		if (r->kind < SDEI_KIND_COUNT && put_kind[r->kind])
			put_kind[r->kind](p, r);
	}
}

void record_text_details(FILE *out, const struct record_brief *brief)
{
	struct line p;

	line_begin(&p, out);
	put_details(&p, brief);
	line_end(&p);
}

static void put_time(struct line *p, struct times_printer *times, uint64_t time_ns)
{
	char text[TIMES_SIZE];

	line_right(p, text, times_print(times, text, time_ns, TIME_DECIMALS), time_width(times->times), ' ');
}

void record_text_record(FILE *out, struct times_printer *times, const struct sdei_record *r, const char *name)
{
	const char *kind = sdei_kind_name(r->kind);
	char letters[6];
	struct line p;

	line_begin(&p, out);
	put_time(&p, times, r->time_ns);
	line_char(&p, ' ');
	line_u64(&p, r->vm, 7, ' ');
	put_name(&p, name);
	put_id(&p, 4, r->vcpu);
	line_char(&p, ' ');
	line_left(&p, kind ? kind : "?", 10);
	put_id(&p, 5, r->event);
	line_char(&p, ' ');
	line_text(&p, sdei_state_letters(r->state, letters));
	if (r->kind < SDEI_KIND_COUNT && put_kind[r->kind]) {
		line_char(&p, ' ');
		put_kind[r->kind](&p, r);
	}
	line_char(&p, '\n');
	line_end(&p);
}

void record_text_lost(FILE *out, const struct sdei_lost_key *key, uint64_t count)
{
	const char *kind = key ? sdei_kind_name(key->kind) : NULL;

	fprintf(out, "LOST %" PRIu64, count);
	if (key)
		fprintf(out, " %s", kind ? kind : "?");
	if (key && key->vm != SDEI_ANY_VM) {
		fprintf(out, " of VM %" PRIu32, key->vm);
		if (key->vcpu != SDEI_NONE)
			fprintf(out, " vCPU %" PRIu32, key->vcpu);
		if (key->event != SDEI_NONE)
			fprintf(out, " event %" PRIu32, key->event);
	}
	putc('\n', out);
}
