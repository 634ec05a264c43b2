/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/lib/view_scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/apf.h"
#include "model/power.h"
#include "record/gic.h"
#include "record/kinds.h"
#include "record/sdei.h"
#include "session/vm_names.h"
#include "source/client_state.h"

#define MS 1000000ULL
#define US 1000ULL
#define START (1000ULL * 1000 * MS)
#define WALL (1767225600LL * 1000 * 1000000 + 123 * 1000000)	/* 2026-01-01T00:00:00.123Z */
#define RE (SDEI_REGISTERED | SDEI_ENABLED)

/* What the names of the scenes' VMs are. */
static char *lookup(void *ctx, uint32_t pid, char uuid[GUEST_UUID_SIZE])
{
	static const struct {
		uint32_t pid;
		const char *name;
	} names[] = {
		{ SDEI_THIS_MACHINE, "this host, firmware" }, { 1201, "web-1" }, { 4312, "db" }, { 51007, "a-guest-with-quite-a-long-name" },
		{ 66, "evil\033[2J\033]0;x\007\n\r\xff\xe2\x80\xae" "txt" }, { 67, "\xe6\xbc\xa2\xe5\xad\x97\xe5\x90\x8d" },
		{ 70, "leaving" }, { 71, "staying" }, { 68, "caf\xc3\xa9 \"q\" \\" },
	};

	if (pid == 4312)
		strcpy(uuid, "0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d42");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].pid == pid)
			return strdup(names[i].name);
	return strdup("qemu-system-aar");
}

static void feed(struct model *m, uint64_t time_ns, uint32_t vm, uint32_t vcpu, uint32_t event, uint8_t kind,
		 uint8_t state, uint8_t outcome, uint8_t origin)
{
	struct sdei_record_handler r = {
		.head = {
			.time_ns = time_ns, .vm = vm, .vcpu = vcpu, .event = event, .kind = kind, .state = state,
			.outcome = outcome, .origin = origin,
		},
		.ep_addr = 0xffff800080010000, .ep_arg = 0x40,
	};
	bool large = kind == SDEI_REGISTER || kind == SDEI_STATE;

	if (kind == SDEI_SIGNAL)
		r.head.sender = origin == SDEI_FROM_GUEST ? vcpu : SDEI_NONE;
	if (kind == SDEI_SIGNAL && outcome == SDEI_REJECTED)
		r.head.error = -2;
	if (kind == SDEI_MASK)
		r.head.error = 1;
	assert_int_equal(model_feed(m, &r.head, large ? sizeof(r) : sizeof(r.head)), 0);
}

static void create(struct model *m, uint64_t t, uint32_t vm, uint32_t vcpu)
{
	for (uint32_t event = 0; event < 4; event++)
		feed(m, t, vm, vcpu, event, SDEI_STATE, SDEI_MASKED, 0, SDEI_CREATED);
}

static void enable(struct model *m, uint64_t t, uint32_t vm, uint32_t vcpu, uint32_t event)
{
	feed(m, t, vm, vcpu, event, SDEI_REGISTER, SDEI_REGISTERED | SDEI_MASKED, 0, 0);
	feed(m, t + 10 * US, vm, vcpu, event, SDEI_ENABLE, RE | SDEI_MASKED, 0, 0);
}

static void set_up(struct model *m, uint64_t t, uint32_t vm, uint32_t vcpu, uint32_t event)
{
	enable(m, t, vm, vcpu, event);
	feed(m, t + 20 * US, vm, vcpu, SDEI_NONE, SDEI_UNMASK, 0, 0, 0);
}

/* A call whose end is at t; took 0: not known. */
static void timed_call(struct model *m, uint64_t t, uint32_t vm, uint32_t vcpu, uint32_t function, int64_t result, uint32_t took)
{
	struct sdei_record_call r = {
		.head = { .time_ns = t, .vm = vm, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_CALL, .result = result },
		.function = function, .duration_ns = took,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

static void call(struct model *m, uint64_t t, uint32_t vm, uint32_t vcpu, uint32_t function, int64_t result)
{
	timed_call(m, t, vm, vcpu, function, result, 0);
}

/* Signals one event extra + 1 times, dispatches it after wait and completes it after work. */
static void episode(struct model *m, uint64_t t, uint32_t vm, uint32_t vcpu, uint32_t event, uint64_t wait, uint64_t work,
		    unsigned int extra)
{
	feed(m, t, vm, vcpu, event, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED, SDEI_FROM_GUEST);
	for (unsigned int i = 0; i < extra; i++)
		feed(m, t + (i + 1) * wait / (extra + 1), vm, vcpu, event, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_COALESCED,
		     SDEI_FROM_VMM);
	feed(m, t + wait, vm, vcpu, event, SDEI_DISPATCH, RE | SDEI_RUNNING, 0, 0);
	feed(m, t + wait + work, vm, vcpu, event, SDEI_COMPLETE, RE, SDEI_COMPLETED, 0);
}

static void web(struct model *m, uint64_t t)
{
	for (uint32_t vcpu = 0; vcpu < 2; vcpu++) {
		create(m, t, 1201, vcpu);
		set_up(m, t + 100 * US, 1201, vcpu, 0);
		call(m, t + 130 * US, 1201, vcpu, 0xC4000021, 0);
		call(m, t + 140 * US, 1201, vcpu, 0xC400002F, -2);
	}
	for (int i = 0; i < 101; i++)
		episode(m, t + (1 + i * 9) * MS, 1201, 0, 0, (8 + i % 7) * US, 20 * US, i % 10 == 0);
	for (int i = 0; i < 13; i++)
		episode(m, t + (1 + i * 70) * MS, 1201, 1, 0, (i == 11 ? 41337 : 12) * US, 25 * US, 0);
	feed(m, t + 990 * MS, 1201, 1, 2, SDEI_SIGNAL, 0, SDEI_REJECTED, SDEI_FROM_VMM);
}

/* Masked at the end; and with its handler still running. */
static void db(struct model *m, uint64_t t)
{
	create(m, t, 4312, 0);
	enable(m, t + 100 * US, 4312, 0, 0);
	set_up(m, t + 200 * US, 4312, 0, 1);
	for (int i = 0; i < 499; i++)
		episode(m, t + (1 + i) * MS, 4312, 0, 1, (90 + i) * US, 100 * US, 3);
	feed(m, t + 700 * MS, 4312, 0, SDEI_NONE, SDEI_MASK, SDEI_MASKED, 0, 0);
	feed(m, t + 710 * MS, 4312, 0, 0, SDEI_SIGNAL, RE | SDEI_PENDING | SDEI_MASKED, SDEI_QUEUED, SDEI_FROM_GUEST);
}

static void lossy(struct model *m, uint64_t t)
{
	const struct sdei_lost_key key = {
		.vm = 51007, .vcpu = 17, .event = 0, .kind = SDEI_SIGNAL, .outcome = SDEI_COALESCED, .origin = SDEI_FROM_GUEST,
	};

	create(m, t, 51007, 17);
	set_up(m, t + MS, 51007, 17, 0);
	episode(m, t + 5 * MS, 51007, 17, 0, 30 * US, 40 * US, 0);
	model_feed_lost(m, &key, 1009);
	create(m, t, 51007, 18);
	for (uint32_t event = 0; event < 4; event++)
		feed(m, t + 900 * MS, 51007, 18, event, SDEI_STATE, 0, 0, SDEI_DESTROYED);
}

static void scene_small(struct model *m, uint64_t t)
{
	web(m, t);
	db(m, t);
	lossy(m, t);
}

static void scene_hostile(struct model *m, uint64_t t)
{
	for (uint32_t pid = 66; pid <= 68; pid++) {
		create(m, t, pid, 0);
		set_up(m, t + MS, pid, 0, 0);
		episode(m, t + (5 + pid) * MS, pid, 0, 0, 30 * US, 40 * US, 0);
	}
}

/* Two VMs, of which the first ends. */
static void scene_leaving(struct model *m, uint64_t t)
{
	for (uint32_t pid = 70; pid <= 71; pid++) {
		create(m, t, pid, 0);
		set_up(m, t + MS, pid, 0, 0);
		episode(m, t + 5 * MS, pid, 0, 0, 30 * US, 40 * US, 0);
	}
	for (uint32_t event = 0; event < 4; event++)
		feed(m, t + 900 * MS, 70, 0, event, SDEI_STATE, 0, 0, SDEI_DESTROYED);
}

/* The only VM ends. */
static void scene_gone(struct model *m, uint64_t t)
{
	create(m, t, 1201, 0);
	set_up(m, t + MS, 1201, 0, 0);
	episode(m, t + 5 * MS, 1201, 0, 0, 30 * US, 40 * US, 0);
	for (uint32_t event = 0; event < 4; event++)
		feed(m, t + 900 * MS, 1201, 0, event, SDEI_STATE, 0, 0, SDEI_DESTROYED);
}

static void scene_many(struct model *m, uint64_t t)
{
	for (uint32_t i = 0; i < 2000; i++) {
		create(m, t, 2000000 + i / 100, i % 100);
		set_up(m, t + MS, 2000000 + i / 100, i % 100, 0);
		episode(m, t + 5 * MS, 2000000 + i / 100, i % 100, 0, (10 + i) * US, 40 * US, 0);
	}
}

/* Event 1 is signalled first; event 0 gets in before it and blocks it, then there is a mask. */
static void blocked_episode(struct model *m, uint64_t t, uint64_t block, uint64_t mask)
{
	const uint32_t vm = 1201;

	feed(m, t, vm, 0, 0, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED, SDEI_FROM_GUEST);
	feed(m, t + 5 * US, vm, 0, 0, SDEI_DISPATCH, RE | SDEI_RUNNING, 0, 0);
	feed(m, t + 10 * US, vm, 0, 1, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED, SDEI_FROM_VMM);
	feed(m, t + 10 * US + block, vm, 0, 0, SDEI_COMPLETE, RE, SDEI_COMPLETED, 0);
	feed(m, t + 15 * US + block, vm, 0, SDEI_NONE, SDEI_MASK, SDEI_MASKED, 0, 0);
	feed(m, t + 15 * US + block + mask, vm, 0, SDEI_NONE, SDEI_UNMASK, 0, 0, 0);
	feed(m, t + 40 * US + block + mask, vm, 0, 1, SDEI_DISPATCH, RE | SDEI_RUNNING, 0, 0);
	feed(m, t + 70 * US + block + mask, vm, 0, 1, SDEI_COMPLETE, RE, SDEI_COMPLETED, 0);
}

/* Half a minute in which latencies grow, and then everything that is found. */
static void scene_trouble(struct model *m, uint64_t t)
{
	create(m, t, 1201, 0);
	enable(m, t + 100 * US, 1201, 0, 0);
	set_up(m, t + 200 * US, 1201, 0, 1);
	create(m, t, 4312, 3);
	enable(m, t + 100 * US, 4312, 3, 2);
	set_up(m, t + 150 * US, 4312, 3, 0);
	create(m, t, 4312, 4);
	set_up(m, t + 100 * US, 4312, 4, 0);
	create(m, t, 4312, 5);
	set_up(m, t + 100 * US, 4312, 5, 0);
	for (int second = 0; second < 29; second++) {
		uint64_t now = t + second * 1000 * MS;

		for (int i = 0; i < 37; i++)
			blocked_episode(m, now + (20 + i * 25) * MS, (100 + 40 * second + i * i) * US, i % 7 * 30 * US);
		if (second == 3)
			feed(m, now + 990 * MS, 4312, 3, 0, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED, SDEI_FROM_VMM);
		for (int i = 0; second == 7 && i < 211; i++)
			feed(m, now + (800 + i) * MS, 4312, 3, 0, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_COALESCED, SDEI_FROM_VMM);
		if (second == 9)
			feed(m, now + 990 * MS, 4312, 3, 0, SDEI_DISPATCH, RE | SDEI_RUNNING, 0, 0);
		if (second == 12)
			feed(m, now + 990 * MS, 4312, 4, SDEI_NONE, SDEI_MASK, SDEI_MASKED, 0, 0);
		for (int i = 0; second == 15 && i < 13; i++)
			call(m, now + (970 + i) * MS, 4312, 5, 0xC400002F, -2);
		if (second == 17)
			feed(m, now + 990 * MS, 4312, 5, 0, SDEI_DISPATCH, RE | SDEI_RUNNING, 0, 0);
		if (second == 17)
			feed(m, now + 995 * MS, 4312, 5, 0, SDEI_COMPLETE, RE, SDEI_COMPLETED, 0);
		model_tick(m, now + 1000 * MS);
	}
	blocked_episode(m, t + 29500 * MS, 4100 * US, 300 * US);
}

static void apf(struct model *m, uint64_t t, uint32_t vm, uint32_t vcpu, uint8_t step, uint8_t outcome, uint64_t id)
{
	struct sdei_record_apf r = {
		.head = {
			.time_ns = t, .vm = vm, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_APF, .origin = step, .outcome = outcome,
			.arg = id << 12 | vcpu,
		},
		.id = id, .gfn = id ? 0x40000 + id * 7 : 0,
	};

	if (step == APF_SYNC)
		r.duration_ns = 1700 * US;
	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

/* A fault whose page takes page to come; told by event 1, whose handler is entered after 9 us. */
static void fault_by_sdei(struct model *m, uint64_t t, uint32_t vm, uint32_t vcpu, uint64_t id, uint64_t page)
{
	apf(m, t, vm, vcpu, APF_SETUP, 0, id);
	feed(m, t + 2 * US, vm, vcpu, 1, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED, SDEI_FROM_APF);
	apf(m, t + 3 * US, vm, vcpu, APF_NOT_PRESENT, APF_TOLD, id);
	feed(m, t + 12 * US, vm, vcpu, 1, SDEI_DISPATCH, RE | SDEI_RUNNING, 0, 0);
	apf(m, t + 15 * US, vm, vcpu, APF_WORKING, 0, id);
	feed(m, t + 30 * US, vm, vcpu, 1, SDEI_COMPLETE, RE, SDEI_RESUMED, 0);
	apf(m, t + 15 * US + page, vm, vcpu, APF_READY, 0, id);
	apf(m, t + 40 * US + page, vm, vcpu, APF_PRESENT, APF_SIGNALLED, id);
	apf(m, t + 48 * US + page, vm, vcpu, APF_ACK, 0, 0);
}

/* As a host without SDEI has them: the vCPU may have to be halted. */
static void fault_by_exception(struct model *m, uint64_t t, uint32_t vm, uint64_t id, uint64_t page, bool told)
{
	apf(m, t, vm, 0, APF_SETUP, 0, id);
	apf(m, t + 1 * US, vm, 0, APF_NOT_PRESENT, told ? APF_TOLD : APF_HALTED, id);
	apf(m, t + 11 * US, vm, 0, APF_WORKING, 0, id);
	apf(m, t + 11 * US + page, vm, 0, APF_READY, 0, id);
	apf(m, t + 19 * US + page, vm, 0, APF_PRESENT, told ? APF_SIGNALLED : APF_SILENT, id);
}

/* One VM is told by SDEI, the others as on x86; something is in flight, records were lost, and the last VM ends. */
static void scene_apf(struct model *m, uint64_t t)
{
	const struct sdei_lost_key key = {
		.vm = 4312, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_SYNC,
	};

	for (uint32_t vcpu = 0; vcpu < 2; vcpu++) {
		create(m, t, 1201, vcpu);
		set_up(m, t + 100 * US, 1201, vcpu, 1);
	}
	for (int i = 0; i < 101; i++)
		fault_by_sdei(m, t + (1 + i * 9) * MS, 1201, 0, 1 + i, (700 + i * 80) * US);
	for (int i = 0; i < 13; i++)
		fault_by_sdei(m, t + (2 + i * 70) * MS, 1201, 1, 201 + i, (i == 11 ? 41337 : 650) * US);
	for (int i = 0; i < 7; i++)
		apf(m, t + (950 + i) * MS, 1201, 1, APF_FALLBACK, i < 5 ? APF_FALLBACK_BUSY : APF_FALLBACK_MASKED, 0);
	apf(m, t + 960 * MS, 1201, 1, APF_SETUP, 0, 300);
	for (int i = 0; i < 53; i++)
		fault_by_exception(m, t + (1 + i * 11) * MS, 4312, 400 + i, (90 + 10 * i) * US, i % 5);
	for (int i = 0; i < 3; i++)
		apf(m, t + (600 + i) * MS, 4312, 0, APF_SETUP, 0, 500 + i);
	for (int i = 0; i < 17; i++)
		apf(m, t + (700 + i) * MS, 4312, 0, APF_FALLBACK, APF_FALLBACK_NOT_NOW, 0);
	for (int i = 0; i < 11; i++)
		apf(m, t + (750 + 3 * i) * MS, 4312, 0, APF_SYNC, 0, 0);
	apf(m, t + 800 * MS, 4312, 0, APF_PRESENT, APF_WAKE_ALL, 0);
	model_feed_lost(m, &key, 2);
	apf(m, t + 800 * MS, 51007, 0, APF_SETUP, 0, 600);
	apf(m, t + 810 * MS, 51007, 0, APF_VCPU_END, 0, 0);
}

/* The only VM that had any is gone. */
static void scene_apf_ended(struct model *m, uint64_t t)
{
	fault_by_exception(m, t + 1 * MS, 4312, 400, 90 * US, true);
	apf(m, t + 10 * MS, 4312, 0, APF_VCPU_END, 0, 0);
}

/* A host whose guests have no SDEI. */
static void scene_apf_only(struct model *m, uint64_t t)
{
	for (int i = 0; i < 53; i++)
		fault_by_exception(m, t + (1 + i * 11) * MS, 4312, 400 + i, (90 + 10 * i) * US, i % 5);
	for (int i = 0; i < 17; i++)
		apf(m, t + (700 + i) * MS, 1201, 0, APF_FALLBACK, APF_FALLBACK_NOT_NOW, 0);
}

/* A register of the ITS is set; or, GIC_RUN, the VM runs first. */
static void restore_step(struct model *m, uint64_t t, uint32_t vm, uint8_t step, uint64_t reg, uint64_t value, int error)
{
	struct sdei_record_gic r = {
		.head = {
			.time_ns = t, .vm = vm, .vcpu = SDEI_NONE, .event = SDEI_NONE, .kind = SDEI_GIC, .origin = step,
			.outcome = step == GIC_RUN ? 0 : GIC_HAS_VALUE, .error = error,
		},
		.device = 1, .group = GIC_GRP_ITS_REGS, .attr = reg, .value = value,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

/* A VM that was restored in the wrong order, before it is seen otherwise, and another one whose VMM does not look at errors. */
static void scene_restored(struct model *m, uint64_t t)
{
	restore_step(m, t + 10 * MS, 4312, GIC_ITS_SET, GITS_CREADR, 0x80, 0);
	restore_step(m, t + 11 * MS, 4312, GIC_ITS_SET, GITS_CBASER, 1ULL << 63, 0);
	restore_step(m, t + 12 * MS, 4312, GIC_ITS_SET, GITS_CTLR, 1, 0);
	restore_step(m, t + 13 * MS, 4312, GIC_RUN, 0, 0, 0);
	create(m, t + 13 * MS, 4312, 0);
	enable(m, t + 14 * MS, 4312, 0, 0);
	create(m, t + 20 * MS, 1201, 0);
	enable(m, t + 21 * MS, 1201, 0, 0);
	restore_step(m, t + 30 * MS, 1201, GIC_ITS_SET, GITS_CREADR, 0x80, -EBUSY);
}

/* --- a machine that is a client of SDEI */

#define HARDWARE_ERROR 804	/* an event that its firmware raises by itself */

/* A record as the client's programs make it: the states are worked out as of a live one. */
static void client_feed(struct model *m, struct client_state *states, uint64_t t, struct sdei_record head)
{
	struct sdei_record_handler r = { .head = head };

	r.head.time_ns = t;
	r.head.vm = SDEI_THIS_MACHINE;
	assert_int_equal(client_state_fill(states, &r.head), 0);
	assert_int_equal(model_feed(m, &r.head, kind_sizes[r.head.kind]), 0);
}

/* CPU 0 signals another one. */
static void client_signal(struct model *m, struct client_state *states, uint64_t t, uint32_t cpu)
{
	client_feed(m, states, t, (struct sdei_record) {
		.kind = SDEI_SIGNAL, .vcpu = cpu, .sender = 0, .origin = SDEI_FROM_GUEST, .outcome = SDEI_QUEUED,
	});
	timed_call(m, t + 3 * US, SDEI_THIS_MACHINE, 0, SDEI_FN_EVENT_SIGNAL, 0, 3000);
}

static void client_handler(struct model *m, struct client_state *states, uint64_t t, uint32_t cpu, uint32_t event, uint8_t flags, uint64_t work)
{
	client_feed(m, states, t, (struct sdei_record) { .kind = SDEI_DISPATCH, .vcpu = cpu, .event = event, .origin = flags });
	client_feed(m, states, t + work, (struct sdei_record) {
		.kind = SDEI_COMPLETE, .vcpu = cpu, .event = event, .outcome = SDEI_COMPLETED,
	});
}

/*
 * 30 NMIs, which CPUs 1 and 2 take after 20 us and CPU 3, which has a fifth of them, after 5 ms; handlers take 30 us. The NMI of CPU 3 is
 * sent twice each time. Two hardware errors, whose handlers take 200 us; 15 calls that firmware refuses; CPU 3 is masked for 60 ms.
 */
static void client_time(struct model *m, uint64_t t)
{
	struct client_state *states = client_state_new();

	assert_non_null(states);
	for (int i = 0; i < 30; i++, t += 12 * MS) {
		uint32_t cpu = i % 5 == 4 ? 3 : 1 + i % 2;

		client_signal(m, states, t + 1 * MS, cpu);
		if (cpu == 3)
			client_signal(m, states, t + 2 * MS, cpu);
		client_handler(m, states, t + 1 * MS + (cpu == 3 ? 5 * MS : 20 * US), cpu, 0, SDEI_FOR_NMI, 30 * US);
		if (i % 15 == 14)
			client_handler(m, states, t + 8 * MS, 2, HARDWARE_ERROR, SDEI_FOR_GHES, 200 * US);
		if (i % 2)
			timed_call(m, t + 9 * MS, SDEI_THIS_MACHINE, 0, SDEI_FN_EVENT_REGISTER, SDEI_RESULT_DENIED, 7000);
	}
	client_feed(m, states, t + 1 * MS, (struct sdei_record) { .kind = SDEI_MASK, .vcpu = 3, .event = SDEI_NONE });
	client_feed(m, states, t + 61 * MS, (struct sdei_record) { .kind = SDEI_UNMASK, .vcpu = 3, .event = SDEI_NONE });
	client_state_free(states);
}

/* Its four CPUs come. */
static void scene_client(struct model *m, uint64_t t)
{
	struct client_state *states = client_state_new();

	assert_non_null(states);
	for (uint32_t cpu = 0; cpu < 4; cpu++)
		client_feed(m, states, t, (struct sdei_record) { .kind = SDEI_UNMASK, .vcpu = cpu, .event = SDEI_NONE });
	client_state_free(states);
	client_time(m, t + 100 * MS);
}

/* --- calls of guests that KVM's SDEI does not see: of SDEI where it has none, of PSCI anywhere */

#define PSCI_FN_CPU_OFF 0x84000002
#define PSCI_FN_CPU_ON 0xC4000003
#define PSCI_FN_SYSTEM_RESET 0x84000009

/* target: of CPU_ON. */
static void smccc(struct model *m, uint64_t t, uint32_t vm, uint32_t vcpu, uint32_t function, uint8_t outcome, int64_t result, uint32_t target)
{
	struct sdei_record_smccc r = {
		.head = {
			.time_ns = t, .vm = vm, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_SMCCC, .outcome = outcome, .result = result,
		},
		.function = function, .target = target, .duration_ns = 1000,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

/* What was found when sdeid attached. */
static void power(struct model *m, uint64_t t, uint32_t vm, uint32_t vcpu, uint8_t state)
{
	const struct sdei_record r = { .time_ns = t, .vm = vm, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_POWER, .origin = state };

	assert_int_equal(model_feed(m, &r, sizeof(r)), 0);
}

/*
 * web-1 asks for SDEI, which is refused 12 times; it turns vCPU 1 off and on again, and on once more. Of db, the VMM answers SDEI: two
 * calls are forwarded; and it reboots.
 */
static void guest_calls(struct model *m, uint64_t t)
{
	for (int i = 0; i < 12; i++)
		smccc(m, t + i * 500 * US, 1201, 0, SDEI_FN_VERSION, SMCCC_ANSWERED, SDEI_RESULT_NOT_SUPPORTED, SDEI_NONE);
	smccc(m, t + 10 * MS, 1201, 1, PSCI_FN_CPU_OFF, SMCCC_ANSWERED, 0, SDEI_NONE);
	smccc(m, t + 20 * MS, 1201, 0, PSCI_FN_CPU_ON, SMCCC_ANSWERED, 0, 1);
	smccc(m, t + 30 * MS, 1201, 0, PSCI_FN_CPU_ON, SMCCC_ANSWERED, -4, 1);
	smccc(m, t + 40 * MS, 4312, 0, SDEI_FN_VERSION, SMCCC_FORWARDED, 0, SDEI_NONE);
	smccc(m, t + 50 * MS, 4312, 0, SDEI_FN_PE_MASK, SMCCC_FORWARDED, 0, SDEI_NONE);
	smccc(m, t + 60 * MS, 4312, 0, PSCI_FN_SYSTEM_RESET, SMCCC_FORWARDED, 0, SDEI_NONE);
	smccc(m, t + 70 * MS, 4312, 0, SDEI_FN_VERSION, SMCCC_FORWARDED, 0, SDEI_NONE);	/* it runs again */
}

/* Stock KVM: of web-1, vCPUs 2 and 3 were off when sdeid came. */
static void scene_calls(struct model *m, uint64_t t)
{
	for (uint32_t vcpu = 0; vcpu < 4; vcpu++)
		power(m, t, 1201, vcpu, vcpu < 2 ? SDEI_POWER_ON : SDEI_POWER_OFF);
	power(m, t, 4312, 0, SDEI_POWER_ON);
	guest_calls(m, t + 100 * MS);
}

static void scene_empty(struct model *m, uint64_t t)
{
}

static const struct scene {
	const char *name;
	void (*play)(struct model *m, uint64_t t);
	unsigned int seconds;
} scenes[] = {
	{ "small", scene_small, 1 }, { "hostile", scene_hostile, 1 }, { "many", scene_many, 1 }, { "empty", scene_empty, 1 },
	{ "trouble", scene_trouble, 30 }, { "leaving", scene_leaving, 1 }, { "gone", scene_gone, 1 }, { "apf", scene_apf, 1 },
	{ "apf-ended", scene_apf_ended, 1 }, { "apf-only", scene_apf_only, 1 }, { "restored", scene_restored, 5 },
	{ "client", scene_client, 1 }, { "calls", scene_calls, 1 },
};

static void tick(struct model *m, struct status *status, uint64_t now_ns)
{
	status->now_ns = now_ns;
	status->wall_ns = WALL + (now_ns - START);
	model_tick(m, now_ns);
	names_adopt(m, lookup, NULL, true);
}

struct model *scene_new(const char *name, struct status *status)
{
	const struct model_options options = { .free_user = name_free };
	struct model *m = model_new(&options);

	*status = (struct status){
		.host = "golden", .probes_attached = 12, .probes_total = 13, .cpu_percent = 0.34, .delay_ns = 1000 * MS,
	};
	status->counters.attempted[SDEI_SIGNAL] = 5;
	status->counters.lost[SDEI_SIGNAL] = 1;
	status->counters.read = 4;
	model_keep_intervals(m, true);
	model_keep_recent(m, true);
	model_tick(m, START);
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		if (strcmp(scenes[i].name, name) != 0)
			continue;
		scenes[i].play(m, START);
		tick(m, status, START + scenes[i].seconds * 1000 * MS);
		return m;
	}
	model_free(m);
	return NULL;
}

static void more_faults(struct model *m, uint64_t t)
{
	for (int i = 0; i < 23; i++)
		fault_by_sdei(m, t + (1 + i * 9) * MS, 1201, 0, 1001 + i, 900 * US);
	for (int i = 0; i < 5; i++)
		apf(m, t + (300 + i) * MS, 1201, 1, APF_FALLBACK, APF_FALLBACK_BUSY, 0);
	for (int i = 0; i < 7; i++)
		fault_by_exception(m, t + (1 + i * 11) * MS, 4312, 1101 + i, 250 * US, i % 3);
	for (int i = 0; i < 3; i++)
		apf(m, t + (400 + 3 * i) * MS, 4312, 0, APF_SYNC, 0, 0);
}

static void more_events(struct model *m, uint64_t t)
{
	for (int i = 0; i < 211; i++)
		episode(m, t + (1 + i) * MS, 1201, 0, 0, 7777 * US / 10, 11 * US, 0);
}

/* Has db made calls of PSCI? */
static bool has_psci(const struct model *m)
{
	const struct model_vm *vm = model_vm(m, 4312);

	return vm && vm->vcpu_count && model_has_psci(vm->vcpus[0]);
}

void scene_go_on(struct model *m, struct status *status)
{
	uint64_t now = status->now_ns;

	if (model_has_apf(m))
		more_faults(m, now);
	else if (model_vm(m, SDEI_THIS_MACHINE))
		client_time(m, now);
	else if (has_psci(m))
		guest_calls(m, now);
	else
		more_events(m, now);
	tick(m, status, now + 500 * MS);
}

static char *read_file(const char *path)
{
	FILE *in = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!in)
		return strdup("");
	if (getdelim(&text, &size, '\0', in) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(in);
	return text;
}

/* The golden files are beside this one, wherever that is. */
static const char *golden_path(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%.*s/../../golden/%s", (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__, name);
	return path;
}

bool is_golden(const char *name, const char *text)
{
	char *golden = read_file(golden_path(name));
	bool same = !getenv("UPDATE_GOLDEN") && strcmp(golden, text) == 0;

	free(golden);
	return same;
}

static void update_golden(const char *name, const char *text)
{
	FILE *out = fopen(golden_path(name), "w");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

void assert_golden(const char *name, const char *text)
{
	char *golden;

	if (getenv("UPDATE_GOLDEN"))
		update_golden(name, text);
	golden = read_file(golden_path(name));
	if (strcmp(golden, text) != 0)
		print_error("%s differs (UPDATE_GOLDEN=1 writes it); this is what came:\n%s\n", golden_path(name), text);
	assert_string_equal(golden, text);
	free(golden);
}
