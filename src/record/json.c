/* SPDX-License-Identifier: GPL-2.0-only */
/* One record as JSON: its head, then what its kind has. */
#include "record/json.h"
#include "record/gic.h"
#include "record/names.h"
#include "record/sdei.h"
#include "record/smccc.h"

#define WALL_DECIMALS 6

static void put_error(struct json *j, int error)
{
	json_i64(j, "error", error);
	if (error && sdei_error_name(error))
		json_plain(j, "error_name", sdei_error_name(error));
}

/* SDEI results, which are numbered in their own way. */
static void put_result(struct json *j, int64_t result)
{
	const char *name = sdei_result_name(result);

	json_i64(j, "result", result);
	if (name)
		json_plain(j, "result_name", name);
}

static void put_cleared(struct json *j, unsigned int cleared)
{
	char letters[6];

	json_plain(j, "cleared", sdei_state_letters(cleared, letters));
}

static void put_signal(struct json *j, const struct sdei_record *r)
{
	json_plain(j, "outcome", record_name(LABELS_OUTCOME, r->outcome));
	json_plain(j, "source", record_name(LABELS_SOURCE, r->origin));
	json_id(j, "sender", r->sender);
	put_error(j, r->error);
}

static void put_cancel(struct json *j, const struct sdei_record *r)
{
	put_error(j, r->error);
}

static void put_dispatch(struct json *j, const struct sdei_record *r)
{
	json_address(j, "pc", r->pc);
	if (r->origin & SDEI_UNSIGNALLED)
		json_bool(j, "unsignalled", true);
	if (r->origin & SDEI_CRITICAL)
		json_bool(j, "critical", true);
	if (sdei_role_name(r->origin))
		json_plain(j, "for", sdei_role_name(r->origin));
}

static void put_complete(struct json *j, const struct sdei_record *r)
{
	json_plain(j, "how", record_name(LABELS_HOW, r->outcome));
	json_address(j, "arg", r->arg);
}

static void put_handler(struct json *j, const struct sdei_record *r)
{
	const struct sdei_record_handler *handler = (const void *)r;

	json_address(j, "ep_addr", handler->ep_addr);
	json_address(j, "ep_arg", handler->ep_arg);
}

static void put_state(struct json *j, const struct sdei_record *r)
{
	json_plain(j, "reason", record_name(LABELS_STATE_REASON, r->origin));
	put_cleared(j, r->outcome);
	if (sdei_open_ns(r))
		json_u64(j, "open_ns", sdei_open_ns(r));
	put_handler(j, r);
}

static void put_reset(struct json *j, const struct sdei_record *r)
{
	json_plain(j, "reason", record_name(LABELS_RESET_REASON, r->origin));
}

/* "error" is the record's field: here it is the call's SDEI result, 1 if it was this call that masked. */
static void put_pe(struct json *j, const struct sdei_record *r)
{
	json_i64(j, "error", r->error);
}

static void put_unregister(struct json *j, const struct sdei_record *r)
{
	put_pe(j, r);
	put_cleared(j, r->outcome);
}

static void put_function(struct json *j, uint32_t function)
{
	const char *name = sdei_call_name(function);

	json_address(j, "function", function);
	if (name)
		json_plain(j, "function_name", name);
	else
		json_null(j, "function_name");
}

static void put_call(struct json *j, const struct sdei_record *r)
{
	const struct sdei_record_call *call = (const void *)r;

	put_function(j, call->function);
	json_open(j, "args", '[');
	for (int i = 0; i < 3; i++)
		json_address(j, NULL, call->args[i]);
	json_close(j, ']');
	if (sdei_reads_register(call->function, call->args[0]) && r->result != SDEI_RESULT_DENIED)
		json_i64(j, "result", r->result);
	else
		put_result(j, r->result);
	if (call->duration_ns)
		json_u64(j, "duration_ns", call->duration_ns);
}

static void put_place(struct json *j, const struct sdei_record *r)
{
	json_plain(j, "place", record_name(LABELS_PLACE, r->origin));
}

static void put_apf_head(struct json *j, const struct sdei_record *r)
{
	const char *outcome = record_apf_outcome(r->origin, r->outcome);

	json_plain(j, "step", record_name(LABELS_APF_STEP, r->origin));
	if (*outcome)
		json_plain(j, "outcome", outcome);
	json_address(j, "token", r->origin == APF_QUICK ? 0 : r->arg);
}

static bool lasts(const struct sdei_record *r)
{
	return r->origin == APF_SYNC || r->origin == APF_QUICK || r->origin == APF_WAITING;
}

static void put_apf(struct json *j, const struct sdei_record *r)
{
	const struct sdei_record_apf *apf = (const void *)r;

	put_apf_head(j, r);
	json_u64(j, "id", r->origin == APF_QUICK ? 0 : apf->id);
	if (r->origin == APF_QUICK) {
		json_u64(j, "span_ns", apf->span_ns);
		json_u64(j, "ago_ns", r->arg);
		json_u64(j, "faults", apf->faults);
	} else {
		json_address(j, "gfn", apf->gfn);
	}
	json_u64(j, lasts(r) ? "duration_ns" : "queued", apf->queued);
}

static void put_gic_head(struct json *j, const struct sdei_record *r)
{
	json_plain(j, "step", record_name(LABELS_GIC_STEP, r->origin));
	put_error(j, r->error);
}

/* Its numbers as they are, and what the register or command is called. */
static void put_gic(struct json *j, const struct sdei_record *r)
{
	const struct sdei_record_gic *gic = (const void *)r;
	char name[GIC_NAME_SIZE];

	put_gic_head(j, r);
	if (gic_is_call(r->origin)) {
		json_u64(j, "device", gic->device);
		json_u64(j, "group", gic->group);
		json_plain(j, "register", gic_name(gic, name));
	}
	if (gic_is_call(r->origin) || r->origin == GIC_REGISTERS)
		json_address(j, "attr", gic->attr);
	if (r->origin == GIC_RUN && r->outcome & GIC_HAS_VALUE)
		json_u64(j, "registers", gic->value);
	else if (r->outcome & GIC_HAS_VALUE)
		json_address(j, "value", gic->value);
	if (gic->duration_ns)
		json_u64(j, "duration_ns", gic->duration_ns);
}

/* What of it is in the brief form: which call, and its result where KVM has answered. */
static void put_smccc_head(struct json *j, const struct sdei_record *r, uint32_t function)
{
	const char *interface = smccc_interface(function), *name = smccc_function_name(function);
	const char *result = smccc_result_name(function, r->result);

	json_plain(j, "interface", interface ? interface : "?");
	json_address(j, "function", function);
	if (name)
		json_plain(j, "function_name", name);
	else
		json_null(j, "function_name");
	json_plain(j, "outcome", record_name(LABELS_SMCCC, r->outcome));
	if (r->outcome != SMCCC_ANSWERED)
		return;
	json_i64(j, "result", r->result);
	if (result)
		json_plain(j, "result_name", result);
}

static void put_smccc(struct json *j, const struct sdei_record *r)
{
	const struct sdei_record_smccc *call = (const void *)r;

	put_smccc_head(j, r, call->function);
	if (r->outcome == SMCCC_BEGUN)
		return;
	json_open(j, "args", '[');
	for (int i = 0; i < 2; i++)
		json_address(j, NULL, call->args[i]);
	json_close(j, ']');
	if (psci_call_of(call->function) == PSCI_CPU_ON)
		json_id(j, "target", call->target);
	if (call->duration_ns)
		json_u64(j, "duration_ns", call->duration_ns);
}

static void put_power(struct json *j, const struct sdei_record *r)
{
	json_plain(j, "power", record_name(LABELS_POWER, r->origin));
	if (r->arg)
		json_u64(j, "since_ns", r->arg);
}

static void put_counter_reason(struct json *j, const struct sdei_record *r)
{
	json_plain(j, "reason", record_name(LABELS_COUNTER, r->origin));
}

static void put_counter(struct json *j, const struct sdei_record *r)
{
	const struct sdei_record_counter *counter = (const void *)r;

	put_counter_reason(j, r);
	json_i64(j, "behind", (int64_t)counter->offset);
	json_u64(j, "hz", counter->hz);
}

static void (*const put_kind[SDEI_KIND_COUNT])(struct json *j, const struct sdei_record *r) = {
	[SDEI_REGISTER] = put_handler,
	[SDEI_UNREGISTER] = put_unregister,
	[SDEI_MASK] = put_pe,
	[SDEI_UNMASK] = put_pe,
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

/* What of a kind's own is in the brief form. */
static void put_kind_brief(struct json *j, const struct record_brief *brief)
{
	const struct sdei_record *r = &brief->head;
	char name[GIC_NAME_SIZE];

	switch (r->kind) {
	case SDEI_REGISTER:
		break;
	case SDEI_STATE:
		json_plain(j, "reason", record_name(LABELS_STATE_REASON, r->origin));
		put_cleared(j, r->outcome);
		break;
	case SDEI_CALL:
		put_function(j, brief->function);
		put_result(j, r->result);
		break;
	case SDEI_APF:
		put_apf_head(j, r);
		break;
	case SDEI_GIC:
		put_gic_head(j, r);
		if (gic_is_call(r->origin))
			json_plain(j, "register", gic_brief_name(brief, name));
		break;
	case SDEI_SMCCC:
		put_smccc_head(j, r, brief->function);
		break;
	case SDEI_COUNTER:
		put_counter_reason(j, r);
		break;
	default:
		if (r->kind < SDEI_KIND_COUNT && put_kind[r->kind])
			put_kind[r->kind](j, r);
	}
}

void json_record_brief(struct json *j, const char *key, const struct record_brief *brief)
{
	const struct sdei_record *r = &brief->head;
	const char *kind = sdei_kind_name(r->kind);
	char letters[6];

	json_open(j, key, '{');
	json_u64(j, "time_ns", r->time_ns);
	json_plain(j, "kind", kind ? kind : "?");
	json_id(j, "event", r->event);
	json_plain(j, "state", sdei_state_letters(r->state, letters));
	put_kind_brief(j, brief);
	json_close(j, '}');
}

static void put_wall(struct json *j, struct times_printer *times, uint64_t time_ns)
{
	char wall[TIMES_SIZE];

	json_plain_bytes(j, "wall", wall, times_print(times, wall, time_ns, WALL_DECIMALS));
}

void json_record(FILE *out, struct times_printer *times, const struct sdei_record *r, const char *name)
{
	const char *kind = sdei_kind_name(r->kind);
	char letters[6];
	struct json j;

	json_start(&j, out);
	json_open(&j, NULL, '{');
	json_u64(&j, "time_ns", r->time_ns);
	put_wall(&j, times, r->time_ns);
	json_plain(&j, "kind", kind ? kind : "?");
	json_u64(&j, "vm", r->vm);
	json_text(&j, "name", name);
	json_id(&j, "vcpu", r->vcpu);
	json_id(&j, "event", r->event);
	json_plain(&j, "state", sdei_state_letters(r->state, letters));
	if (r->kind < SDEI_KIND_COUNT && put_kind[r->kind])
		put_kind[r->kind](&j, r);
	json_close_line(&j, '}');
}

void json_lost(FILE *out, const struct sdei_lost_key *key, uint64_t count)
{
	struct json j;

	json_start(&j, out);
	json_open(&j, NULL, '{');
	json_plain(&j, "type", "lost");	/* not a kind: it is no record */
	json_u64(&j, "count", count);
	if (key) {
		const char *kind = sdei_kind_name(key->kind);

		json_plain(&j, "lost_kind", kind ? kind : "?");
	}
	if (key && key->vm != SDEI_ANY_VM) {
		json_u64(&j, "vm", key->vm);
		json_id(&j, "vcpu", key->vcpu);
		json_id(&j, "event", key->event);
	}
	json_close_line(&j, '}');
}
