// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "record/sdei.h"
#include "view/export/export_inside.h"
#include "record/names.h"

_Static_assert(ARG_PRESENT_NS - ARG_SIGNAL_NS == APF_STAGE_present, "a name for each stage up to present");
_Static_assert(ARG_IN_HOST_NS - ARG_MASKED_NS + 1 == BLAME_COUNT, "a name for each part");

const char *export_arg_name(unsigned int name)
{
	static const char *const names[] = {
#define X(NAME, name) #name,
		EXPORT_ARGS(X)
#undef X
	};

	return names[name];
}

const char *export_instant_name(unsigned int name)
{
	static const char *const names[] = {
#define X(NAME, name) #name,
		EXPORT_INSTANTS(X)
#undef X
#define X(id, NAME) "PSCI " #NAME,
		PSCI_CALLS(X)
#undef X
	};

	return name < INSTANT_FINDINGS ? names[name] : finding_code_name(name - INSTANT_FINDINGS);
}

static void add(struct export_args *args, unsigned int name, unsigned int type, uint64_t number)
{
	args->list[args->count++] = (struct export_arg){ .name = name, .type = type, .number = number };
}

static void add_text(struct export_args *args, unsigned int name, const char *text)
{
	args->list[args->count++] = (struct export_arg){ .name = name, .type = ARG_IS_TEXT, .text = text };
}

static void add_event(struct export_args *args, uint32_t event)
{
	if (event != SDEI_NONE)
		add(args, ARG_EVENT, ARG_IS_NUMBER, event);
}

static void add_error(struct export_args *args, int error)
{
	const char *name = sdei_error_name(error);

	if (!error)
		return;
	snprintf(args->error, sizeof(args->error), "%d", error);
	add_text(args, ARG_ERROR, name ? name : args->error);
}

static void add_state(struct export_args *args, unsigned int state)
{
	add_text(args, ARG_STATE, sdei_state_letters(state, args->letters));
}

/* --- slices */

static void add_blame(struct export_args *args, const struct model_late *late)
{
	add(args, ARG_SIGNALS, ARG_IS_NUMBER, late->signals);
	for (unsigned int part = 0; part < BLAME_COUNT; part++) {
		if (late->blame.ns[part])
			add(args, ARG_MASKED_NS + part, ARG_IS_NUMBER, late->blame.ns[part]);
	}
	if (late->blocked_by != SDEI_NONE)
		add(args, ARG_BLOCKED_BY, ARG_IS_NUMBER, late->blocked_by);
}

static void add_handler(struct export_args *args, const struct slice *slice, uint64_t pc)
{
	if (slice->event->ep_addr)
		add(args, ARG_HANDLER, ARG_IS_ADDRESS, slice->event->ep_addr);
	if (pc)
		add(args, ARG_PC, ARG_IS_ADDRESS, pc);
	if (slice->end == SLICE_COMPLETED)
		add(args, ARG_STATUS, ARG_IS_ADDRESS, slice->record->arg);
	if (slice->end == SLICE_RESUMED)
		add(args, ARG_RESUME_AT, ARG_IS_ADDRESS, slice->record->arg);
}

void export_args_slice(struct export_args *args, const struct slice *slice, uint64_t pc)
{
	args->count = 0;
	if (slice->event)
		add_event(args, slice->event->event);
	add_text(args, ARG_OUTCOME, slice_end_name(slice->end));
	if (slice->blamed)
		add_blame(args, &slice->late);
	if (slice->kind == SLICE_HANDLER)
		add_handler(args, slice, pc);
	if (slice->kind == SLICE_MASK)
		add(args, ARG_INITIAL, ARG_IS_BOOL, slice->initial);
}

static void add_stages(struct export_args *args, const struct apf_fault *fault)
{
	for (unsigned int stage = APF_STAGE_signal; stage <= APF_STAGE_present; stage++) {
		if (fault->stage[stage] != APF_UNKNOWN)
			add(args, ARG_SIGNAL_NS + stage, ARG_IS_NUMBER, fault->stage[stage]);
	}
}

static void add_gfn(struct export_args *args, uint64_t gfn)
{
	if (gfn)
		add(args, ARG_GFN, ARG_IS_ADDRESS, gfn);
}

void export_args_fault(struct export_args *args, const struct fault_slice *slice)
{
	args->count = 0;
	if (slice->stage == APF_STAGE_total)
		add_text(args, ARG_OUTCOME, record_apf_outcome(APF_PRESENT, slice->record->outcome));
	if (slice->stage == APF_STAGE_sync)
		add_gfn(args, ((const struct sdei_record_apf *)slice->record)->gfn);
	if (!slice->fault)
		return;
	add_gfn(args, slice->fault->gfn);
	add(args, ARG_TOKEN, ARG_IS_ADDRESS, slice->fault->token);
	add_stages(args, slice->fault);
}

/* --- instants */

static int call_of(const struct sdei_record_smccc *r)
{
	enum psci_call psci = psci_call_of(r->function);

	if (r->head.outcome == SMCCC_BEGUN)
		return -1;
	return psci < PSCI_CALL_COUNT ? (int)(INSTANT_PSCI + psci) : INSTANT_SDEI;
}

int export_instant_of(const struct sdei_record *r)
{
	switch (r->kind) {
	case SDEI_SIGNAL:
		return r->outcome == SDEI_COALESCED ? INSTANT_COALESCED : r->outcome == SDEI_REJECTED ? INSTANT_REJECTED : -1;
	case SDEI_CANCEL:
		return r->error ? -1 : INSTANT_CANCELLED;
	case SDEI_UNREGISTER:
	case SDEI_STATE:
		return r->outcome & SDEI_PENDING ? INSTANT_CLEARED : -1;
	case SDEI_SMCCC:
		return call_of((const struct sdei_record_smccc *)r);
	default:
		return -1;
	}
}

static void add_result(struct export_args *args, const struct sdei_record_smccc *r)
{
	const char *name = smccc_result_name(r->function, r->head.result);

	if (r->head.outcome == SMCCC_FORWARDED)
		add_text(args, ARG_OUTCOME, record_name(LABELS_SMCCC, SMCCC_FORWARDED));
	else if (name)
		add_text(args, ARG_RESULT, name);
	else
		add(args, ARG_RESULT, ARG_IS_SIGNED, (uint64_t)r->head.result);
}

static void set_call(struct export_args *args, const struct sdei_record_smccc *r)
{
	const char *name = smccc_function_name(r->function);

	snprintf(args->function, sizeof(args->function), "0x%08x", r->function);
	add_text(args, ARG_FUNCTION, name ? name : args->function);
	if (psci_call_of(r->function) == PSCI_CPU_ON && r->target != SDEI_NONE)
		add(args, ARG_TARGET, ARG_IS_NUMBER, r->target);
	add_result(args, r);
	if (r->duration_ns)
		add(args, ARG_DURATION_NS, ARG_IS_NUMBER, r->duration_ns);
}

static void set_drop(struct export_args *args, const struct sdei_record *r)
{
	add_event(args, r->event);
	add_state(args, r->state);
	if (r->kind == SDEI_STATE)
		add_text(args, ARG_RECORD, record_name(LABELS_STATE_REASON, r->origin));
	if (r->kind != SDEI_SIGNAL)
		return;
	add_text(args, ARG_FROM, record_name(LABELS_SOURCE, r->origin));
	add_error(args, r->error);
	if (r->sender != SDEI_NONE)
		add(args, ARG_SENDER, ARG_IS_NUMBER, r->sender);
}

void export_args_instant(struct export_args *args, const struct sdei_record *r)
{
	args->count = 0;
	if (r->kind == SDEI_SMCCC)
		set_call(args, (const struct sdei_record_smccc *)r);
	else
		set_drop(args, r);
}

void export_args_finding(struct export_args *args, const struct model_finding *f)
{
	const char *kind = sdei_kind_name(f->record.head.kind);

	args->count = 0;
	add_event(args, f->event);
	add_text(args, ARG_SEVERITY, severity_name(finding_severity(f->code)));
	finding_describe(f, args->sentence, sizeof(args->sentence));
	add_text(args, ARG_TEXT, args->sentence);
	add(args, ARG_COUNT, ARG_IS_NUMBER, f->count);
	add(args, ARG_LAST_NS, ARG_IS_NUMBER, f->last_ns);
	if (!f->has_record)
		return;
	add_text(args, ARG_RECORD, kind ? kind : "?");
	add_state(args, f->record.head.state);
	if (f->record.head.kind == SDEI_SIGNAL || f->record.head.kind == SDEI_CANCEL)
		add_error(args, f->record.head.error);
	if (f->record.head.kind == SDEI_DISPATCH)
		add(args, ARG_PC, ARG_IS_ADDRESS, f->record.head.pc);
}
