/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of layouts.h themselves. Only for layouts.c, which looks them up, and for codec.c and codec_get.c, whose compiler
 * makes straight code of each narrow layout because it sees what they are.
 */
#ifndef RECORDING_LAYOUTS_TABLE_H
#define RECORDING_LAYOUTS_TABLE_H

#include "recording/layouts.h"

/* --- fields */

#define AT(member) offsetof(struct recording_item, member)
#define BYTES(member) sizeof(((struct recording_item *)0)->member)
#define FIELD(name, member, ...) { name, AT(member), BYTES(member), __VA_ARGS__ }

#define FIELD_VM	FIELD("vm", record.head.vm, .implied = 0)
#define FIELD_VCPU	FIELD("vcpu", record.head.vcpu, .implied = 0)
#define FIELD_EVENT	FIELD("event", record.head.event, .implied = SDEI_NONE)
#define FIELD_STATE	FIELD("state", record.head.state, .implied = 0)
#define FIELD_CLEARED	FIELD("cleared", record.head.outcome, .implied = 0)
#define FIELD_ERROR	FIELD("error", record.head.error, .is_signed = true)
#define FIELD_EP_ADDR	FIELD("ep_addr", record.handler.ep_addr, .is_hex = true)
#define FIELD_EP_ARG	FIELD("ep_arg", record.handler.ep_arg, .is_hex = true)
#define FIELD_HEAD	FIELD_VM, FIELD_VCPU, FIELD_EVENT, FIELD_STATE

static const struct field register_fields[] = { FIELD_HEAD, FIELD_EP_ADDR, FIELD_EP_ARG, { 0 } };
static const struct field unregister_fields[] = { FIELD_HEAD, FIELD_CLEARED, FIELD_ERROR, { 0 } };
static const struct field plain_fields[] = { FIELD_HEAD, { 0 } };
static const struct field result_fields[] = { FIELD_HEAD, FIELD_ERROR, { 0 } };
static const struct field reset_fields[] = { FIELD_HEAD, FIELD("reason", record.head.origin, .labels = LABELS_RESET_REASON), { 0 } };
static const struct field signal_fields[] = {
	FIELD_HEAD,
	FIELD("outcome", record.head.outcome, .labels = LABELS_OUTCOME),
	FIELD("source", record.head.origin, .labels = LABELS_SOURCE),
	FIELD("sender", record.head.sender, .implied = SDEI_NONE),
	FIELD_ERROR,
	{ 0 }
};
static const struct field dispatch_fields[] = { FIELD_HEAD, FIELD("pc", record.head.pc, .is_hex = true), { 0 } };
static const struct field client_dispatch_fields[] = {
	FIELD_HEAD, FIELD("pc", record.head.pc, .is_hex = true), FIELD("flags", record.head.origin, .implied = 0), { 0 }
};
static const struct field complete_fields[] = {
	FIELD_HEAD,
	FIELD("how", record.head.outcome, .labels = LABELS_HOW),
	FIELD("arg", record.head.arg, .is_hex = true),
	{ 0 }
};
static const struct field call_fields[] = {
	FIELD_HEAD,
	FIELD("function", record.call.function, .labels = LABELS_FUNCTION),
	FIELD("result", record.head.result, .is_signed = true),
	FIELD("arg0", record.call.args[0], .is_hex = true),
	FIELD("arg1", record.call.args[1], .is_hex = true),
	FIELD("arg2", record.call.args[2], .is_hex = true),
	{ 0 }
};
static const struct field client_call_fields[] = {
	FIELD_HEAD,
	FIELD("function", record.call.function, .labels = LABELS_FUNCTION),
	FIELD("result", record.head.result, .is_signed = true),
	FIELD("arg0", record.call.args[0], .is_hex = true),
	FIELD("arg1", record.call.args[1], .is_hex = true),
	FIELD("arg2", record.call.args[2], .is_hex = true),
	FIELD("duration_ns", record.call.duration_ns, .implied = 0),
	{ 0 }
};
static const struct field state_fields[] = {
	FIELD_HEAD, FIELD_CLEARED, FIELD("reason", record.head.origin, .labels = LABELS_STATE_REASON), FIELD_EP_ADDR, FIELD_EP_ARG, { 0 }
};
static const struct field since_fields[] = {
	FIELD_HEAD, FIELD_CLEARED, FIELD("reason", record.head.origin, .labels = LABELS_STATE_REASON), FIELD_EP_ADDR, FIELD_EP_ARG,
	FIELD("since_ns", record.head.arg, .implied = 0), { 0 }
};
static const struct field place_fields[] = { FIELD_HEAD, FIELD("place", record.head.origin, .labels = LABELS_PLACE), { 0 } };

static const struct field apf_fields[] = {
	FIELD_VM,
	FIELD_VCPU,
	FIELD("step", record.head.origin, .labels = LABELS_APF_STEP),
	FIELD("outcome", record.head.outcome, .implied = 0),
	FIELD("token", record.head.arg, .is_hex = true),
	FIELD("id", record.apf.id, .implied = 0),
	FIELD("gfn", record.apf.gfn, .is_hex = true),
	FIELD("queued", record.apf.queued, .implied = 0),
	FIELD_EVENT,
	FIELD_STATE,
	{ 0 }
};

static const struct field gic_fields[] = {
	FIELD_HEAD,
	FIELD("step", record.head.origin, .labels = LABELS_GIC_STEP),
	FIELD("flags", record.head.outcome, .implied = 0),
	FIELD_ERROR,
	FIELD("device", record.gic.device, .implied = 0),
	FIELD("group", record.gic.group, .implied = 0),
	FIELD("attr", record.gic.attr, .is_hex = true),
	FIELD("value", record.gic.value, .is_hex = true),
	FIELD("duration_ns", record.gic.duration_ns, .implied = 0),
	{ 0 }
};

static const struct field smccc_fields[] = {
	FIELD_HEAD,
	FIELD("outcome", record.head.outcome, .labels = LABELS_SMCCC),
	FIELD("function", record.smccc.function, .is_hex = true),
	FIELD("result", record.head.result, .is_signed = true),
	FIELD("arg0", record.smccc.args[0], .is_hex = true),
	FIELD("arg1", record.smccc.args[1], .is_hex = true),
	FIELD("target", record.smccc.target, .implied = SDEI_NONE),
	FIELD("duration_ns", record.smccc.duration_ns, .implied = 0),
	{ 0 }
};

static const struct field power_fields[] = {
	FIELD_HEAD, FIELD("power", record.head.origin, .labels = LABELS_POWER), FIELD("since_ns", record.head.arg, .implied = 0), { 0 }
};

static const struct field counter_fields[] = {
	FIELD_HEAD,
	FIELD("reason", record.head.origin, .labels = LABELS_COUNTER),
	FIELD("behind", record.counter.offset, .implied = 0),
	FIELD("hz", record.counter.hz, .implied = 0),
	{ 0 }
};

static const struct field lost_fields[] = {
	FIELD("vm", lost.key.vm, .implied = 0),
	FIELD("vcpu", lost.key.vcpu, .implied = 0),
	FIELD("event", lost.key.event, .implied = 0),
	FIELD("kind", lost.key.kind, .labels = LABELS_KIND),
	FIELD("outcome", lost.key.outcome, .implied = 0),
	FIELD("origin", lost.key.origin, .implied = 0),
	FIELD("error", lost.key.error, .is_signed = true),
	FIELD("function", lost.key.function, .labels = LABELS_FUNCTION),
	FIELD("known", lost.key_known, .is_bool = true),
	FIELD("count", lost.count, .implied = 0),
	{ 0 }
};
static const struct field name_fields[] = { FIELD("vm", name.vm, .implied = 0), { 0 } };
#define FIELDS_STATUS							\
	FIELD("wall_ns", status.wall_ns, .is_signed = true),		\
	FIELD("attempted", status.attempted, .implied = 0),		\
	FIELD("lost", status.lost, .implied = 0),			\
	FIELD("read", status.read, .implied = 0),			\
	FIELD("malformed", status.malformed, .implied = 0),		\
	FIELD("late", status.late, .implied = 0),			\
	FIELD("unrecorded", status.unrecorded, .implied = 0),		\
	FIELD("probes_attached", status.probes_attached, .implied = 0),	\
	FIELD("probes_total", status.probes_total, .implied = 0),	\
	FIELD("cpu_permille", status.cpu_permille, .implied = 0),	\
	FIELD("end", status.end, .is_bool = true)

static const struct field status_fields[] = { FIELDS_STATUS, { 0 } };
static const struct field clock_fields[] = {
	FIELDS_STATUS,
	FIELD("counter", status.counter.ticks, .implied = 0),
	FIELD("counter_ns", status.counter.time_ns, .implied = 0),
	FIELD("counter_error_ns", status.counter.error_ns, .implied = 0),
	FIELD("hz", status.counter.hz, .implied = 0),
	{ 0 }
};

/* --- events */

#define RECORD(NAME, name, fields, ...) \
	[SDEI_##NAME] = { "kvm_sdei_" #name, ITEM_RECORD, SDEI_##NAME, fields, { __VA_ARGS__ } }

static const struct event_class records[SDEI_KIND_COUNT] = {
	RECORD(REGISTER, register, register_fields, 23, 40),
	RECORD(UNREGISTER, unregister, unregister_fields, 24, 41),
	RECORD(ENABLE, enable, plain_fields, 25, 42),
	RECORD(DISABLE, disable, plain_fields, 26, 43),
	RECORD(MASK, mask, result_fields, 9, 35),
	RECORD(UNMASK, unmask, result_fields, 10, 36),
	RECORD(RESET, reset, reset_fields, 27, 44),
	RECORD(SIGNAL, signal, signal_fields, 1, 2, 3, 32),
	RECORD(CANCEL, cancel, result_fields, 28, 45),
	RECORD(DISPATCH, dispatch, dispatch_fields, 4, 5, 33),
	RECORD(COMPLETE, complete, complete_fields, 6, 7, 8, 34),
	RECORD(CALL, call, call_fields, 11, 12, 13, 14, 15, 16, 37),
	RECORD(STATE, state, state_fields, 17, 18, 19, 38),
	RECORD(PLACE, place, place_fields, 29, 46),
	[SDEI_APF] = { "kvm_apf", ITEM_RECORD, SDEI_APF, apf_fields, { 30, 31, 47 } },
	[SDEI_GIC] = { "kvm_gic", ITEM_RECORD, SDEI_GIC, gic_fields, { 69 } },
	[SDEI_SMCCC] = { "kvm_smccc", ITEM_RECORD, SDEI_SMCCC, smccc_fields, { 71 } },
	[SDEI_POWER] = { "kvm_power", ITEM_RECORD, SDEI_POWER, power_fields, { 72 } },
	[SDEI_COUNTER] = { "kvm_counter", ITEM_RECORD, SDEI_COUNTER, counter_fields, { 74 } },
};

/* Of the client, where they say more than those of KVM. */
static const struct event_class client_dispatch = {
	"sdei_client_dispatch", ITEM_RECORD, SDEI_DISPATCH, client_dispatch_fields, { 67 }
};
static const struct event_class client_call = { "sdei_client_call", ITEM_RECORD, SDEI_CALL, client_call_fields, { 68 } };

static const struct event_class snapshot = { "kvm_sdei_snapshot", ITEM_SNAPSHOT, SDEI_STATE, state_fields, { 20, 21, 22, 39 } };
static const struct event_class since = { "kvm_sdei_since", ITEM_SNAPSHOT, SDEI_STATE, since_fields, { 70 } };
static const struct event_class power_snapshot = { "kvm_power_snapshot", ITEM_SNAPSHOT, SDEI_POWER, power_fields, { 73 } };
static const struct event_class counter_snapshot = { "kvm_counter_snapshot", ITEM_SNAPSHOT, SDEI_COUNTER, counter_fields, { 75 } };
static const struct event_class lost = { "sdeitop_lost", ITEM_LOST, 0, lost_fields, { 65 } };
static const struct event_class name = { "sdeitop_name", ITEM_NAME, 0, name_fields, { LAYOUT_NAME_ID } };
static const struct event_class guest = { "sdeitop_guest", ITEM_NAME, 0, name_fields, { LAYOUT_GUEST_ID } };
static const struct event_class status = { "sdeitop_status", ITEM_STATUS, 0, status_fields, { 66 } };
static const struct event_class clocks = { "sdeitop_clock", ITEM_STATUS, 0, clock_fields, { 76 } };

/*
 * --- layouts. Each takes whole bytes, vm and vcpu 32 bits together: a pid is below 2^22, and hardly a VM has more than
 * 1024 vCPUs.
 */

#define NARROW(number, class, ...) [number] = { number, &(class), { 22, 10, __VA_ARGS__ }, false }
#define WIDE(number, class) [number] = { number, &(class), { 0 }, true }

static const struct layout table[LAYOUT_IDS] = {
	NARROW(1, records[SDEI_SIGNAL], 6, 5, 2, 3),			/* from the host */
	NARROW(2, records[SDEI_SIGNAL], 12, 5, 2, 3, 10),		/* from a guest */
	NARROW(3, records[SDEI_SIGNAL], 6, 5, 2, 3, 0, 8),		/* refused */
	WIDE(32, records[SDEI_SIGNAL]),
	NARROW(4, records[SDEI_DISPATCH], 6, 5, 37),
	NARROW(5, records[SDEI_DISPATCH], 11, 5, 64),
	WIDE(33, records[SDEI_DISPATCH]),
	NARROW(6, records[SDEI_COMPLETE], 6, 5, 2, 3),
	NARROW(7, records[SDEI_COMPLETE], 6, 5, 2, 35),
	NARROW(8, records[SDEI_COMPLETE], 9, 5, 2, 64),
	WIDE(34, records[SDEI_COMPLETE]),
	NARROW(9, records[SDEI_MASK], 0, 5, 3),
	WIDE(35, records[SDEI_MASK]),
	NARROW(10, records[SDEI_UNMASK], 0, 5, 3),
	WIDE(36, records[SDEI_UNMASK]),
	NARROW(11, records[SDEI_CALL], 0, 5, 6, 5, 8, 8, 8),
	NARROW(12, records[SDEI_CALL], 6, 5, 6, 7, 8, 16, 8),
	NARROW(13, records[SDEI_CALL], 0, 5, 6, 5, 8, 32, 16),
	NARROW(14, records[SDEI_CALL], 6, 5, 6, 7, 8, 32, 16),
	NARROW(15, records[SDEI_CALL], 12, 5, 6, 17, 64, 64, 64),
	NARROW(16, records[SDEI_CALL], 0, 5, 6, 5, 64, 64, 64),
	WIDE(37, records[SDEI_CALL]),
	NARROW(17, records[SDEI_STATE], 0, 5, 5, 6),
	NARROW(18, records[SDEI_STATE], 11, 5, 5, 3),
	NARROW(19, records[SDEI_STATE], 11, 5, 5, 3, 64, 64),
	WIDE(38, records[SDEI_STATE]),
	NARROW(20, snapshot, 0, 5, 5, 6),
	NARROW(21, snapshot, 11, 5, 5, 3),
	NARROW(22, snapshot, 11, 5, 5, 3, 64, 64),
	WIDE(39, snapshot),
	NARROW(23, records[SDEI_REGISTER], 11, 5, 64, 64),
	WIDE(40, records[SDEI_REGISTER]),
	NARROW(24, records[SDEI_UNREGISTER], 6, 5, 5, 8),
	WIDE(41, records[SDEI_UNREGISTER]),
	NARROW(25, records[SDEI_ENABLE], 11, 5),
	WIDE(42, records[SDEI_ENABLE]),
	NARROW(26, records[SDEI_DISABLE], 11, 5),
	WIDE(43, records[SDEI_DISABLE]),
	NARROW(27, records[SDEI_RESET], 0, 5, 3),
	WIDE(44, records[SDEI_RESET]),
	NARROW(28, records[SDEI_CANCEL], 11, 5, 8),
	WIDE(45, records[SDEI_CANCEL]),
	NARROW(29, records[SDEI_PLACE], 0, 5, 3),
	WIDE(46, records[SDEI_PLACE]),
	NARROW(30, records[SDEI_APF], 4, 4, 32, 32, 40, 8),		/* of a fault that has an id */
	NARROW(31, records[SDEI_APF], 4, 4, 0, 0, 48, 40),		/* one that kept the vCPU in the host */
	WIDE(47, records[SDEI_APF]),
	WIDE(LAYOUT_NAME_ID, name),
	WIDE(65, lost),
	WIDE(66, status),
	WIDE(67, client_dispatch),
	WIDE(68, client_call),
	WIDE(69, records[SDEI_GIC]),
	WIDE(70, since),
	WIDE(71, records[SDEI_SMCCC]),
	WIDE(72, records[SDEI_POWER]),
	WIDE(73, power_snapshot),
	WIDE(74, records[SDEI_COUNTER]),
	WIDE(75, counter_snapshot),
	WIDE(76, clocks),
	WIDE(LAYOUT_GUEST_ID, guest),
};

/* All narrow layouts: X(id). */
#define LAYOUTS_NARROW(X) \
	X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) \
	X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)

#endif
