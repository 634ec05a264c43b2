// SPDX-License-Identifier: GPL-2.0-only
/* VMs that were restored: which VM they were before, how long their vCPUs were silent, and what of their state was lost. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/image.h"
#include "model/inside.h"
#include "model/migration.h"
#include "tests/unit/lib/one_model.h"

#define REG SDEI_REGISTERED
#define S 1000000000ULL
#define HANDLER 0xffff800080010000ULL
#define OLD 100U	/* pids */
#define NEW 200U
#define EVENTS 2

static unsigned int asked;	/* so often */

static struct model_guest guest_named(const void *user)
{
	asked++;
	return (struct model_guest){ .name = user };
}

static struct model_guest guest_known(const void *user)
{
	return *(const struct model_guest *)user;
}

static const struct model_options options = { .guest = guest_named };

static int setup_named(void **state)
{
	m = model_new(&options);
	return m ? 0 : -1;
}

static int setup_known(void **state)
{
	m = model_new(&(struct model_options){ .guest = guest_known });
	return m ? 0 : -1;
}

/* --- records */

static void state(uint64_t time, uint32_t vm, uint32_t vcpu, uint32_t event, uint8_t bits, uint8_t reason, uint8_t cleared, uint64_t address)
{
	struct sdei_record_handler r = {
		.head = { .time_ns = time, .vm = vm, .vcpu = vcpu, .event = event, .kind = SDEI_STATE, .state = bits, .origin = reason,
			  .outcome = cleared },
		.ep_addr = address,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

static void plain(uint64_t time, uint32_t vm, uint32_t vcpu, uint32_t event, uint8_t kind, uint8_t bits, uint8_t outcome, uint8_t origin)
{
	struct sdei_record r = {
		.time_ns = time, .vm = vm, .vcpu = vcpu, .event = event, .kind = kind, .state = bits, .outcome = outcome, .origin = origin,
	};

	if (kind == SDEI_SIGNAL)
		r.sender = origin == SDEI_FROM_GUEST ? 1 : SDEI_NONE;
	assert_int_equal(model_feed(m, &r, sizeof(r)), 0);
}

static void create(uint64_t time, uint32_t vm, unsigned int vcpus, const void *user)
{
	for (unsigned int v = 0; v < vcpus; v++) {
		for (unsigned int e = 0; e < EVENTS; e++)
			state(time, vm, v, e, MASK, SDEI_CREATED, 0, 0);
		plain(time + 1, vm, v, SDEI_NONE, SDEI_RESET, MASK, 0, SDEI_VCPU_RESET);
	}
	model_vm(m, vm)->user = (void *)user;
}

/* As Linux begins: event 0 of one vCPU is there, and the PE is not masked. */
static void boot(uint64_t time, uint32_t vm, uint32_t vcpu, uint64_t address)
{
	struct sdei_record_handler r = {
		.head = { .time_ns = time, .vm = vm, .vcpu = vcpu, .kind = SDEI_REGISTER, .state = REG | MASK }, .ep_addr = address,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	plain(time + 1, vm, vcpu, 0, SDEI_ENABLE, ENA | MASK, 0, 0);
	plain(time + 2, vm, vcpu, SDEI_NONE, SDEI_UNMASK, 0, 0, 0);
}

static void destroy(uint64_t time, uint32_t vm, unsigned int vcpus, uint8_t bits, uint8_t cleared)
{
	for (unsigned int v = 0; v < vcpus; v++)
		for (unsigned int e = 0; e < EVENTS; e++)
			state(time, vm, v, e, (e ? 0 : bits & ~cleared) | (bits & MASK), SDEI_DESTROYED, e ? 0 : cleared, HANDLER);
}

/* What KVM reports while a VMM writes the registers in ascending order: each change. */
static void restore(uint64_t time, uint32_t vm, uint32_t vcpu, uint8_t bits, uint64_t address)
{
	state(time, vm, vcpu, 0, REG | MASK, SDEI_RESTORED, 0, 0);
	if (bits & SDEI_ENABLED)
		state(time + 1, vm, vcpu, 0, ENA | MASK, SDEI_RESTORED, 0, 0);
	if (bits & SDEI_RUNNING)
		state(time + 2, vm, vcpu, 0, RUN | MASK, SDEI_RESTORED, 0, 0);
	if (bits & SDEI_PENDING) {
		plain(time + 3, vm, vcpu, 0, SDEI_SIGNAL, bits | MASK, SDEI_QUEUED, SDEI_FROM_RESTORE);
		state(time + 3, vm, vcpu, 0, bits | MASK, SDEI_RESTORED, 0, 0);
	}
	if (!(bits & MASK)) {
		state(time + 4, vm, vcpu, 0, bits, SDEI_RESTORED, 0, 0);
		state(time + 4, vm, vcpu, 1, 0, SDEI_RESTORED, 0, 0);
	}
	state(time + 5, vm, vcpu, 0, bits, SDEI_RESTORED, 0, address);
}

/* A VM that has run until 10 s (vCPU 0) and 11 s (vCPU 1), and the process that it is to move to. */
static void two_processes(const void *user, const void *new_user)
{
	create(1 * S, OLD, 2, user);
	boot(2 * S, OLD, 0, HANDLER);
	boot(3 * S, OLD, 1, HANDLER);
	create(5 * S, NEW, 2, new_user);
	plain(10 * S, OLD, 0, 0, SDEI_ENABLE, ENA, 0, 0);
	plain(11 * S, OLD, 1, 0, SDEI_ENABLE, ENA, 0, 0);
}

/* Those of this kind: what pends while seconds pass is others'. */
static const struct model_finding *findings(size_t expected)
{
	static struct model_finding ours[8];
	size_t count, kept = 0;
	const struct model_finding *all = model_findings(m, &count);

	for (size_t i = 0; i < count; i++) {
		if (all[i].code != FINDING_RESTORE_LOST)
			continue;
		assert_true(kept < sizeof(ours) / sizeof(ours[0]));
		ours[kept++] = all[i];
	}
	assert_int_equal(kept, expected);
	return ours;
}

static void assert_text(const struct model_finding *f, const char *expected)
{
	char text[FINDING_TEXT_SIZE];

	assert_int_equal(f->code, FINDING_RESTORE_LOST);
	finding_describe(f, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void assert_from(uint32_t vm, enum model_came came, uint32_t from)
{
	assert_int_equal(model_came(model_vm(m, vm)), came);
	assert_int_equal(model_vm(m, vm)->from_pid, from);
}

static void assert_blackout(uint32_t vm, uint32_t vcpu, uint64_t last_ns, uint64_t first_ns)
{
	struct model_blackout b;

	assert_int_equal(model_blackout(model_vcpu(model_vm(m, vm), vcpu), &b), last_ns != 0);
	if (!last_ns)
		return;
	assert_int_equal(b.last_ns, last_ns);
	assert_int_equal(b.first_ns, first_ns);
}

/* --- which VM it was */

static void migrate(void)
{
	restore(12 * S, NEW, 0, ENA, HANDLER);
	restore(12 * S + 100, NEW, 1, ENA, HANDLER);
	plain(13 * S, NEW, 0, 0, SDEI_ENABLE, ENA, 0, 0);
	plain(14 * S, NEW, 1, 0, SDEI_ENABLE, ENA, 0, 0);
}

static void test_migrated(void **ctx)
{
	struct model_blackout b;

	two_processes("a", "a");
	assert_from(NEW, CAME_NEW, 0);
	migrate();
	assert_from(NEW, CAME_RESTORED, 0);
	model_tick(m, 14 * S);
	assert_from(NEW, CAME_FROM_VM, OLD);
	assert_from(OLD, CAME_NEW, 0);
	assert_ptr_equal(model_first_vm(m, model_vm(m, NEW)), model_vm(m, OLD));
	assert_ptr_equal(model_first_vm(m, model_vm(m, OLD)), model_vm(m, OLD));
	assert_int_equal(model_vm(m, NEW)->restored_ns, 12 * S + 105);
	assert_blackout(NEW, 0, 10 * S, 13 * S);
	assert_blackout(NEW, 1, 11 * S, 14 * S);
	assert_blackout(OLD, 0, 0, 0);
	assert_ptr_equal(model_longest_blackout(model_vm(m, NEW), &b), model_vcpu(model_vm(m, NEW), 0));
	assert_int_equal(b.first_ns - b.last_ns, 3 * S);
	destroy(15 * S, OLD, 2, ENA, 0);
	model_tick(m, 20 * S);
	model_expire(m, 20 * S);
	assert_null(model_vm(m, OLD));
	assert_from(NEW, CAME_FROM_VM, OLD);
	assert_ptr_equal(model_first_vm(m, model_vm(m, NEW)), model_vm(m, NEW));
	findings(0);
}

/* The records of its end are no signs of life; nor is the restore. */
static void test_migrated_and_ended(void **ctx)
{
	two_processes("a", "a");
	restore(12 * S, NEW, 0, ENA, HANDLER);
	restore(12 * S, NEW, 1, ENA, HANDLER);
	destroy(12 * S + 500, OLD, 2, ENA, 0);
	model_tick(m, 12 * S + 600);
	assert_from(NEW, CAME_RESTORED, 0);	/* more may be written */
	model_tick(m, 13 * S + 700);
	assert_from(NEW, CAME_FROM_VM, OLD);
	assert_blackout(NEW, 0, 0, 0);		/* not yet */
	plain(14 * S, NEW, 0, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	assert_blackout(NEW, 0, 10 * S, 14 * S);
	assert_blackout(NEW, 1, 0, 0);
	findings(0);
}

/* The recording ends at once. */
static void test_settled(void **ctx)
{
	two_processes("a", "a");
	migrate();
	model_settle(m, 14 * S);
	assert_from(NEW, CAME_FROM_VM, OLD);
}

static void test_twice(void **ctx)
{
	two_processes("a", "a");
	migrate();
	model_tick(m, 15 * S);
	create(16 * S, 300, 2, "a");
	restore(20 * S, 300, 0, ENA, HANDLER);
	restore(20 * S, 300, 1, ENA, HANDLER);
	plain(21 * S, 300, 0, 0, SDEI_ENABLE, ENA, 0, 0);
	model_tick(m, 22 * S);
	assert_from(300, CAME_FROM_VM, NEW);
	assert_ptr_equal(model_first_vm(m, model_vm(m, 300)), model_vm(m, OLD));
	assert_blackout(300, 0, 13 * S, 21 * S);
	assert_from(NEW, CAME_FROM_VM, OLD);
	findings(0);
}

static void test_name_comes_late(void **ctx)
{
	two_processes("a", "process");
	migrate();
	model_tick(m, 14 * S);
	assert_from(NEW, CAME_RESTORED, 0);
	model_vm(m, NEW)->user = (void *)"a";
	model_tick(m, 14 * S + 1);
	assert_from(NEW, CAME_FROM_VM, OLD);
}

static void assert_not_joined(void)
{
	model_tick(m, 14 * S);
	model_tick(m, 30 * S);
	assert_from(NEW, CAME_RESTORED, 0);
	assert_blackout(NEW, 0, 0, 0);
	findings(0);
}

static void test_another_name(void **ctx)
{
	two_processes("a", "b");
	migrate();
	assert_not_joined();
}

static void test_no_name(void **ctx)
{
	two_processes(NULL, "a");
	migrate();
	assert_not_joined();
}

#define UUID "01234567-89ab-cdef-0123-456789abcdef"
#define OTHER_UUID "11234567-89ab-cdef-0123-456789abcdef"

/* The UUID counts where both are known, else the name. */
static void test_uuid(void **ctx)
{
	static const struct {
		struct model_guest was, is;
		bool same;
	} rows[] = {
		{ { "a", NULL }, { "a", NULL }, true }, { { "a", NULL }, { "b", NULL }, false }, { { NULL, NULL }, { NULL, NULL }, false },
		{ { "a", UUID }, { "b", UUID }, true }, { { NULL, UUID }, { NULL, UUID }, true }, { { "a", UUID }, { "a", OTHER_UUID }, false },
		{ { "a", UUID }, { "a", NULL }, true }, { { "a", NULL }, { "a", UUID }, true }, { { "a", UUID }, { "b", NULL }, false },
		{ { UUID, NULL }, { "a", UUID }, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		teardown(ctx);
		setup_known(ctx);
		two_processes(&rows[i].was, &rows[i].is);
		migrate();
		model_tick(m, 14 * S);
		assert_from(NEW, rows[i].same ? CAME_FROM_VM : CAME_RESTORED, rows[i].same ? OLD : 0);
	}
}

/* One has its name, the other one its UUID: who ran last, and of those that ran as long who was seen first. */
static void test_two_that_it_may_be(void **ctx)
{
	static const struct model_guest named = { "a", NULL }, known = { "b", UUID }, both = { "a", UUID };

	for (unsigned int i = 0; i < 4; i++) {
		teardown(ctx);
		setup_known(ctx);
		two_processes(i % 2 ? &known : &named, &both);
		create(6 * S, 300, 2, i % 2 ? &named : &known);
		boot(7 * S, 300, 0, HANDLER);
		boot(8 * S, 300, 1, HANDLER);
		plain(11 * S + i / 2, 300, 1, 0, SDEI_ENABLE, ENA, 0, 0);
		migrate();
		model_tick(m, 14 * S);
		assert_from(NEW, CAME_FROM_VM, i / 2 ? 300 : OLD);
	}
}

#define MANY 1024

/* What each was is found without a look at all the others, tick after tick. */
static void test_many(void **ctx)
{
	static char names[MANY][8];

	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "g%u", i);
		create(1 * S, 1000 + i, 1, names[i]);
		boot(2 * S + 10 * i, 1000 + i, 0, HANDLER);
	}
	for (uint32_t i = MANY; i-- > 0;) {
		create(5 * S, 3000 + i, 1, i ? names[i] : "nobody");
		restore(12 * S, 3000 + i, 0, ENA, HANDLER);
		plain(13 * S, 3000 + i, 0, 0, SDEI_ENABLE, ENA, 0, 0);
	}
	asked = 0;
	model_tick(m, 14 * S);
	assert_in_range(asked, 2 * MANY, 10 * MANY);
	assert_from(3000, CAME_RESTORED, 0);
	for (uint32_t i = 1; i < MANY; i++)
		assert_from(3000 + i, CAME_FROM_VM, 1000 + i);
	asked = 0;
	model_tick(m, 15 * S);	/* the last one still may get its name */
	assert_in_range(asked, 2 * MANY, 3 * MANY);
	model_tick(m, 16 * S);
	asked = 0;
	model_tick(m, 17 * S);
	assert_int_equal(asked, 0);
}

/* Another kernel, or another boot of it. */
static void test_other_handlers(void **ctx)
{
	two_processes("a", "a");
	restore(12 * S, NEW, 0, ENA, HANDLER + 4096);
	restore(12 * S, NEW, 1, ENA, HANDLER + 4096);
	assert_not_joined();
}

static void test_other_vcpus(void **ctx)
{
	create(1 * S, OLD, 1, "a");
	boot(2 * S, OLD, 0, HANDLER);
	create(5 * S, NEW, 2, "a");
	migrate();
	assert_not_joined();
}

/* It is still at work: what was loaded elsewhere is a copy. */
static void test_source_runs_on(void **ctx)
{
	two_processes("a", "a");
	migrate();
	plain(13 * S, OLD, 1, 0, SDEI_ENABLE, ENA, 0, 0);
	assert_not_joined();
}

static void test_nobody_can_say(void **ctx)
{
	two_processes("a", "a");
	migrate();
	assert_not_joined();
}

/* A guest that nothing was saved of. */
static void test_new(void **ctx)
{
	create(1 * S, OLD, 2, "a");
	boot(2 * S, OLD, 0, HANDLER);
	destroy(3 * S, OLD, 2, ENA, 0);
	create(5 * S, NEW, 2, "a");
	boot(6 * S, NEW, 0, HANDLER);
	model_tick(m, 20 * S);
	assert_from(NEW, CAME_NEW, 0);
}

/* loadvm: the VMM resets all vCPUs first. What is not as it was is what has happened since the state was saved. */
static void test_in_place(void **ctx)
{
	create(1 * S, OLD, 2, "a");
	boot(2 * S, OLD, 0, HANDLER);
	boot(3 * S, OLD, 1, HANDLER);
	plain(4 * S, OLD, 0, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	for (uint32_t v = 0; v < 2; v++) {
		state(5 * S, OLD, v, 0, MASK, SDEI_STATE_RESET, v ? 0 : SDEI_PENDING, 0);
		state(5 * S, OLD, v, 1, MASK, SDEI_STATE_RESET, 0, 0);
		plain(5 * S, OLD, v, SDEI_NONE, SDEI_RESET, MASK, 0, SDEI_VCPU_RESET);
	}
	restore(6 * S, OLD, 0, ENA, HANDLER);
	restore(6 * S, OLD, 1, ENA, HANDLER);
	plain(7 * S, OLD, 1, 0, SDEI_ENABLE, ENA, 0, 0);
	model_tick(m, 9 * S);
	assert_from(OLD, CAME_IN_PLACE, OLD);
	assert_blackout(OLD, 1, 3 * S + 2, 7 * S);
	findings(0);
}

/* A vCPU that is turned on later goes on with nothing. */
static void test_turned_on_later(void **ctx)
{
	two_processes("a", "a");
	restore(12 * S, NEW, 0, ENA, HANDLER);
	plain(13 * S, NEW, 0, 0, SDEI_ENABLE, ENA, 0, 0);
	plain(14 * S, NEW, 1, SDEI_NONE, SDEI_RESET, MASK, 0, SDEI_VCPU_RESET);
	boot(15 * S, NEW, 1, HANDLER);
	model_settle(m, 16 * S);
	assert_blackout(NEW, 0, 10 * S, 13 * S);
	assert_blackout(NEW, 1, 0, 0);
}

/* --- what was lost */

static void test_pending_is_lost(void **ctx)
{
	two_processes("a", "a");
	plain(11 * S, OLD, 0, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	migrate();
	model_tick(m, 14 * S);
	assert_text(findings(1), "restored as RE---, not RE-P- as it was: lost pending");
	assert_int_equal(findings(1)->vm, NEW);
	assert_int_equal(findings(1)->vcpu, 0);
	assert_int_equal(findings(1)->event, 0);
	assert_int_equal(findings(1)->first_ns, 12 * S + 105);
	model_tick(m, 16 * S);
	assert_false(findings(1)->open);
}

/* What it shows before it ends counts, whether that was seen to end or not. */
static void test_all_is_lost(void **ctx)
{
	two_processes("a", "a");
	plain(11 * S, OLD, 0, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	restore(12 * S, NEW, 1, ENA, HANDLER);
	state(12 * S + 9, OLD, 0, 0, ENA, SDEI_DESTROYED, SDEI_PENDING, HANDLER);
	state(12 * S + 9, OLD, 0, 1, 0, SDEI_DESTROYED, 0, 0);
	for (uint32_t e = 0; e < EVENTS; e++)
		state(12 * S + 9, OLD, 1, e, e ? 0 : ENA, SDEI_DESTROYED, 0, 0);
	model_settle(m, 13 * S);
	assert_text(&findings(2)[0], "restored as -----, not RE-P- as it was: lost registered, enabled, pending");
	assert_text(&findings(2)[1], "restored as ----M, not ----- as it was: new masked");
	assert_int_equal(findings(2)[1].event, SDEI_NONE);
	assert_int_equal(findings(2)[1].vcpu, 0);
}

static void test_is_there_twice(void **ctx)
{
	two_processes("a", "a");
	restore(12 * S, NEW, 0, PEND, HANDLER);
	restore(12 * S, NEW, 1, RUN, HANDLER);
	model_settle(m, 14 * S);
	assert_text(&findings(2)[0], "restored as RE-P-, not RE--- as it was: new pending");
	assert_text(&findings(2)[1], "restored as REU--, not RE--- as it was: new running");
}

/* What has come since it runs is not what it was restored with. */
static void test_began_whole(void **ctx)
{
	two_processes("a", "a");
	plain(11 * S, OLD, 0, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	restore(12 * S, NEW, 0, PEND, HANDLER);
	restore(12 * S, NEW, 1, ENA, HANDLER);
	plain(13 * S, NEW, 0, 0, SDEI_DISPATCH, RUN, 0, 0);
	plain(13 * S, NEW, 1, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	model_settle(m, 14 * S);
	assert_from(NEW, CAME_FROM_VM, OLD);
	findings(0);
}

static void test_saved_earlier(void **ctx)
{
	two_processes("a", "a");
	plain(11 * S, OLD, 0, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	state(11 * S + 9, OLD, 0, 0, ENA, SDEI_DESTROYED, SDEI_PENDING, HANDLER);
	destroy(11 * S + 9, OLD, 2, ENA, 0);
	migrate();
	model_settle(m, 14 * S);
	assert_from(NEW, CAME_FROM_VM, OLD);
	findings(0);
}

/* A record that was lost explains it. */
static void test_records_lost(void **ctx)
{
	struct sdei_lost_key key = { .vm = OLD, .vcpu = 0, .event = 0, .kind = SDEI_DISPATCH };

	two_processes("a", "a");
	plain(11 * S, OLD, 0, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	assert_int_equal(model_feed_lost(m, &key, 1), 0);
	migrate();
	model_tick(m, 14 * S);
	assert_from(NEW, CAME_FROM_VM, OLD);
	findings(0);
}

/* --- written back */

static void test_signal_is_undone(void **ctx)
{
	create(1 * S, OLD, 2, "a");
	boot(2 * S, OLD, 0, HANDLER);
	for (unsigned int i = 0; i < 2; i++) {
		plain((3 * S) + 10 * i, OLD, 0, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
		state((3 * S) + 10 * i + 5, OLD, 0, 0, ENA, SDEI_RESTORED, SDEI_PENDING, HANDLER);
	}
	model_tick(m, 4 * S);
	assert_text(findings(1), "registers written back have undone a signal: state RE-P- -> RE---, 2 times");
	assert_int_equal(findings(1)->first_ns, 3 * S + 5);
	assert_true(findings(1)->has_record);
	assert_from(OLD, CAME_NEW, 0);
}

/* What is written back changes nothing, or brings something. */
static void test_written_back(void **ctx)
{
	create(1 * S, OLD, 1, "a");
	boot(2 * S, OLD, 0, HANDLER);
	state(3 * S, OLD, 0, 0, ENA, SDEI_RESTORED, 0, HANDLER + 4);
	plain(3 * S + 1, OLD, 0, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_RESTORE);
	state(3 * S + 1, OLD, 0, 0, PEND, SDEI_RESTORED, 0, HANDLER);
	model_settle(m, 4 * S);
	findings(0);
	assert_from(OLD, CAME_NEW, 0);
}

/* It runs already where the tracing begins: no restore. */
static void test_snapshot_runs(void **ctx)
{
	state(1 * S, OLD, 0, 0, PEND, SDEI_SNAPSHOT, 0, HANDLER);
	state(2 * S, OLD, 0, 0, ENA, SDEI_RESTORED, SDEI_PENDING, HANDLER);
	model_settle(m, 3 * S);
	assert_int_equal(findings(1)->code, FINDING_RESTORE_LOST);
	assert_from(OLD, CAME_NEW, 0);
}

/* It waits for a migration there. */
static void test_snapshot_waits(void **ctx)
{
	state(1 * S, NEW, 0, 0, MASK, SDEI_SNAPSHOT, 0, 0);
	restore(2 * S, NEW, 0, ENA, HANDLER);
	model_settle(m, 3 * S);
	assert_from(NEW, CAME_RESTORED, 0);
}

/* --- an image of it */

static void test_image(void **ctx)
{
	const struct image_names names = { 0 };
	unsigned char *bytes = NULL;
	size_t size = 0;
	int err;

	two_processes("a", "a");
	plain(11 * S, OLD, 0, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	migrate();
	model_tick(m, 14 * S);
	assert_int_equal(image_save(m, &names, &bytes, &size), 0);
	model_free(m);
	m = image_load(bytes, size, &options, &names, &err);
	free(bytes);
	assert_non_null(m);
	assert_from(NEW, CAME_FROM_VM, OLD);
	assert_blackout(NEW, 1, 11 * S, 14 * S);
	assert_text(findings(1), "restored as RE---, not RE-P- as it was: lost pending");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_named, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_migrated), TEST(test_migrated_and_ended), TEST(test_settled), TEST(test_twice), TEST(test_name_comes_late),
		TEST(test_another_name), TEST(test_no_name), cmocka_unit_test_setup_teardown(test_uuid, setup_known, teardown),
		cmocka_unit_test_setup_teardown(test_two_that_it_may_be, setup_known, teardown), TEST(test_many), TEST(test_other_handlers), TEST(test_other_vcpus), TEST(test_source_runs_on),
		cmocka_unit_test_setup_teardown(test_nobody_can_say, setup, teardown),
		TEST(test_new), TEST(test_in_place), TEST(test_turned_on_later),
		TEST(test_pending_is_lost), TEST(test_all_is_lost), TEST(test_is_there_twice), TEST(test_began_whole), TEST(test_saved_earlier),
		TEST(test_records_lost), TEST(test_signal_is_undone), TEST(test_written_back), TEST(test_snapshot_runs), TEST(test_snapshot_waits),
		TEST(test_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
