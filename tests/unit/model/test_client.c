// SPDX-License-Identifier: GPL-2.0-only
/* The SDEI client: states from what happened, fed to the model as a source does; addresses; what the machine is called. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/model.h"
#include "record/kinds.h"
#include "source/client.h"
#include "source/client_state.h"
#include "source/kallsyms.h"
#include "tests/unit/lib/directory.h"

#define ONLINE (SDEI_REGISTERED | SDEI_ENABLED)
#define RAS 804			/* an event of firmware's own */

struct scene {
	struct client_state *states;
	struct model *model;
	uint64_t time_ns;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	s->states = client_state_new();
	s->model = model_new(NULL);
	*state = s;
	return s->states && s->model ? 0 : -1;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	client_state_free(s->states);
	model_free(s->model);
	free(s);
	return 0;
}

/* --- records as the programs write them, 1000 ns apart; each returns what becomes of it */

static struct sdei_record feed(struct scene *s, struct sdei_record head)
{
	struct sdei_record_handler r = { .head = head };

	r.head.time_ns = s->time_ns += 1000;
	r.head.vm = SDEI_THIS_MACHINE;
	assert_int_equal(client_state_fill(s->states, &r.head), 0);
	assert_int_equal(model_feed(s->model, &r.head, kind_sizes[r.head.kind]), 0);
	return r.head;
}

static struct sdei_record signal_to(struct scene *s, uint32_t cpu, uint32_t sender)
{
	return feed(s, (struct sdei_record) {
		.kind = SDEI_SIGNAL, .vcpu = cpu, .sender = sender, .origin = SDEI_FROM_GUEST, .outcome = SDEI_QUEUED,
	});
}

static struct sdei_record simple(struct scene *s, unsigned int kind, uint32_t cpu, uint32_t event)
{
	return feed(s, (struct sdei_record) { .kind = kind, .vcpu = cpu, .event = event });
}

static struct sdei_record dispatch(struct scene *s, uint32_t cpu, uint32_t event, unsigned int flags)
{
	return feed(s, (struct sdei_record) { .kind = SDEI_DISPATCH, .vcpu = cpu, .event = event, .origin = flags, .pc = 0xffff });
}

static struct sdei_record complete(struct scene *s, uint32_t cpu, uint32_t event, unsigned int how)
{
	return feed(s, (struct sdei_record) { .kind = SDEI_COMPLETE, .vcpu = cpu, .event = event, .outcome = how });
}

static struct sdei_record of_pe(struct scene *s, unsigned int kind, uint32_t cpu, int result)
{
	return feed(s, (struct sdei_record) { .kind = kind, .vcpu = cpu, .event = SDEI_NONE, .error = result });
}

static const struct model_event *event_of(struct scene *s, uint32_t cpu, uint32_t event)
{
	const struct model_event *e = model_event(model_vcpu(model_vm(s->model, SDEI_THIS_MACHINE), cpu), event);

	assert_non_null(e);
	return e;
}

/* Nothing was wrong with the records, and nothing is missing. */
static void check_sound(struct scene *s, uint32_t cpu, uint32_t event)
{
	const struct model_event *e = event_of(s, cpu, event);
	size_t count;

	model_settle(s->model, s->time_ns);
	model_findings(s->model, &count);
	assert_int_equal(count, 0);
	assert_int_equal(model_unaccounted(e), 0);
	assert_int_equal(model_unaccounted_handlers(e), 0);
	assert_int_equal(model_totals(s->model)->misfits, 0);
}

/* --- states */

static void test_nmi(void **state)
{
	struct scene *s = *state;
	const struct model_event *e;

	assert_int_equal(signal_to(s, 3, 1).state, ONLINE | SDEI_PENDING);
	assert_int_equal(dispatch(s, 3, 0, 0).state, ONLINE | SDEI_RUNNING);
	assert_int_equal(complete(s, 3, 0, SDEI_RESUMED).state, ONLINE);
	check_sound(s, 3, 0);
	e = event_of(s, 3, 0);
	assert_int_equal(e->count.signals, 1);
	assert_int_equal(e->unsignalled, 0);
	assert_int_equal(hist_max(e->dispatch), 1000);
	assert_int_equal(hist_max(e->handler), 1000);
	assert_int_equal(hist_max(e->total), 2000);
}

/* The second signal comes before the first is dispatched, whoever sends it; the third is one of its own. */
static void test_coalesced(void **state)
{
	struct scene *s = *state;
	const struct model_event *e;

	assert_int_equal(signal_to(s, 3, 1).outcome, SDEI_QUEUED);
	assert_int_equal(signal_to(s, 3, 2).outcome, SDEI_COALESCED);
	dispatch(s, 3, 0, 0);
	assert_int_equal(signal_to(s, 3, 2).outcome, SDEI_QUEUED);
	complete(s, 3, 0, SDEI_COMPLETED);
	dispatch(s, 3, 0, 0);
	complete(s, 3, 0, SDEI_COMPLETED);
	check_sound(s, 3, 0);
	e = event_of(s, 3, 0);
	assert_int_equal(e->count.signals, 3);
	assert_int_equal(e->count.coalesced, 1);
	assert_int_equal(e->count.dispatched, 2);
}

/* Firmware had the one dispatched before the other came, but the handler showed that late. */
static void test_coalesced_by_looks(void **state)
{
	struct scene *s = *state;

	signal_to(s, 3, 1);
	signal_to(s, 3, 2);
	dispatch(s, 3, 0, 0);
	complete(s, 3, 0, SDEI_RESUMED);
	assert_int_equal(dispatch(s, 3, 0, 0).origin, SDEI_UNSIGNALLED);
	complete(s, 3, 0, SDEI_RESUMED);
	check_sound(s, 3, 0);
	assert_int_equal(event_of(s, 3, 0)->count.dispatched, 2);
}

static void test_refused_signal(void **state)
{
	struct scene *s = *state;

	signal_to(s, 3, 1);
	assert_int_equal(simple(s, SDEI_CANCEL, 3, 0).error, 0);
	check_sound(s, 3, 0);
	assert_int_equal(event_of(s, 3, 0)->count.cancelled, 1);
	assert_int_equal(event_of(s, 3, 0)->state, ONLINE);
}

/* An event that firmware raises by itself has no signal: no latency, and still nothing is unaccounted for. */
static void test_unsignalled(void **state)
{
	struct scene *s = *state;
	const struct model_event *e;

	for (int i = 0; i < 7; i++) {
		assert_int_equal(dispatch(s, 2, RAS, 0).origin, SDEI_UNSIGNALLED);
		complete(s, 2, RAS, SDEI_RESUMED);
	}
	check_sound(s, 2, RAS);
	e = event_of(s, 2, RAS);
	assert_int_equal(e->count.signals, 0);
	assert_int_equal(e->count.dispatched, 7);
	assert_int_equal(e->unsignalled, 7);
	assert_null(e->dispatch);
	assert_int_equal(hist_count(e->handler), 7);
}

/* What Linux uses an event for is known once its handler was entered, and stays. */
static void test_role(void **state)
{
	struct scene *s = *state;

	signal_to(s, 1, 0);
	assert_null(sdei_role_name(event_of(s, 1, 0)->role));
	dispatch(s, 1, 0, SDEI_FOR_NMI);
	complete(s, 1, 0, SDEI_RESUMED);
	assert_string_equal(sdei_role_name(event_of(s, 1, 0)->role), "NMI");
	dispatch(s, 2, RAS, SDEI_FOR_GHES | SDEI_CRITICAL);
	complete(s, 2, RAS, SDEI_RESUMED);
	assert_string_equal(sdei_role_name(event_of(s, 2, RAS)->role), "GHES");
	dispatch(s, 2, RAS + 1, 0);
	complete(s, 2, RAS + 1, SDEI_END_UNSEEN);
	assert_null(sdei_role_name(event_of(s, 2, RAS + 1)->role));
	model_reset(s->model, s->time_ns);
	assert_string_equal(sdei_role_name(event_of(s, 1, 0)->role), "NMI");
	check_sound(s, 1, 0);
	check_sound(s, 2, RAS);
}

/* A critical event comes while the handler of a normal one runs. */
static void test_critical(void **state)
{
	struct scene *s = *state;

	signal_to(s, 2, 0);
	dispatch(s, 2, 0, 0);
	assert_int_equal(dispatch(s, 2, RAS, SDEI_CRITICAL).origin, SDEI_CRITICAL | SDEI_UNSIGNALLED);
	complete(s, 2, RAS, SDEI_COMPLETED);
	complete(s, 2, 0, SDEI_RESUMED);
	check_sound(s, 2, RAS);
	check_sound(s, 2, 0);
	assert_int_equal(hist_max(event_of(s, 2, 0)->handler), 3000);
}

/* But one that is not critical must not. */
static void test_normal_in_handler(void **state)
{
	struct scene *s = *state;
	const struct model_finding *found;
	size_t count;

	complete(s, 2, RAS, SDEI_COMPLETED);	/* both have been seen */
	signal_to(s, 2, 0);
	dispatch(s, 2, 0, 0);
	dispatch(s, 2, RAS, 0);
	model_settle(s->model, s->time_ns);
	found = model_findings(s->model, &count);
	assert_int_equal(count, 1);
	assert_int_equal(found->code, FINDING_ILLEGAL_TRANSITION);
	assert_int_equal(found->rule, RULE_DISPATCHED_BUSY);
}

/* A handler that has no program at its end counts, but its time is not known. */
static void test_end_unseen(void **state)
{
	struct scene *s = *state;

	signal_to(s, 2, 0);
	dispatch(s, 2, 0, 0);
	complete(s, 2, 0, SDEI_END_UNSEEN);
	check_sound(s, 2, 0);
	assert_int_equal(event_of(s, 2, 0)->count.completed, 1);
	assert_int_equal(hist_count(event_of(s, 2, 0)->dispatch), 1);
	assert_null(event_of(s, 2, 0)->handler);
	assert_null(event_of(s, 2, 0)->total);
}

/* A CPU goes offline and comes back: as the driver has it. A signal that was under way ends with the registration. */
static void test_hotplug(void **state)
{
	struct scene *s = *state;
	struct sdei_record r;

	signal_to(s, 1, 0);
	r = simple(s, SDEI_UNREGISTER, 1, 0);
	assert_int_equal(r.outcome, SDEI_PENDING);
	assert_int_equal(r.state, 0);
	assert_int_equal(of_pe(s, SDEI_MASK, 1, 1).state, SDEI_MASKED);
	assert_int_equal(simple(s, SDEI_REGISTER, 1, 0).state, SDEI_REGISTERED | SDEI_MASKED);
	assert_int_equal(simple(s, SDEI_ENABLE, 1, 0).state, ONLINE | SDEI_MASKED);
	assert_int_equal(of_pe(s, SDEI_UNMASK, 1, 0).state, 0);
	assert_int_equal(simple(s, SDEI_DISABLE, 1, 0).state, SDEI_REGISTERED);
	assert_int_equal(event_of(s, 1, 0)->count.cleared, 1);
	assert_int_equal(model_unaccounted(event_of(s, 1, 0)), 0);
}

/* Firmware of SDEI 1.0 answers 0 to every PE_MASK, later ones 1 if it was that call that masked. */
static void test_mask(void **state)
{
	static const int answers[] = { 0, 1 };
	struct scene *s = *state;

	for (uint32_t cpu = 0; cpu < 2; cpu++) {
		of_pe(s, SDEI_UNMASK, cpu, 0);
		assert_int_equal(of_pe(s, SDEI_MASK, cpu, answers[cpu]).error, 1);
		assert_int_equal(of_pe(s, SDEI_MASK, cpu, 0).error, 0);
		of_pe(s, SDEI_UNMASK, cpu, 0);
		assert_int_equal(hist_count(model_vcpu(model_vm(s->model, SDEI_THIS_MACHINE), cpu)->mask), 1);
		assert_int_equal(hist_max(model_vcpu(model_vm(s->model, SDEI_THIS_MACHINE), cpu)->mask), 2000);
	}
}

/* --- what was lost */

static void lose(struct scene *s, struct sdei_lost_key key, uint64_t count)
{
	key.vm = SDEI_THIS_MACHINE;
	client_state_fill_lost(&key);
	assert_int_equal(model_feed_lost(s->model, &key, count), 0);
}

static void test_lost(void **state)
{
	struct scene *s = *state;

	dispatch(s, 2, RAS, 0);
	complete(s, 2, RAS, SDEI_RESUMED);
	lose(s, (struct sdei_lost_key) { .vcpu = 2, .event = RAS, .kind = SDEI_DISPATCH }, 5);
	lose(s, (struct sdei_lost_key) { .vcpu = 2, .event = RAS, .kind = SDEI_COMPLETE, .outcome = SDEI_RESUMED }, 5);
	assert_int_equal(event_of(s, 2, RAS)->count.dispatched, 6);
	assert_int_equal(model_unaccounted(event_of(s, 2, RAS)), 0);
	signal_to(s, 2, 0);
	lose(s, (struct sdei_lost_key) { .vcpu = 2, .kind = SDEI_DISPATCH }, 1);
	assert_int_equal(event_of(s, 2, 0)->unsignalled, 0);
	assert_int_equal(model_unaccounted(event_of(s, 2, 0)), 0);
}

static void lose_any(struct scene *s, const struct sdei_lost_key *key, uint64_t count)
{
	struct sdei_lost_key filled = *key;

	client_state_fill_lost(&filled);
	assert_int_equal(model_feed_lost(s->model, &filled, count), 0);
}

/* Programs on calls that a handler has interrupted: nobody knows which call it was. */
static void test_missed_calls(void **state)
{
	const struct sdei_lost_key key = { .vm = SDEI_ANY_VM, .vcpu = SDEI_NONE, .event = SDEI_NONE, .kind = SDEI_CALL };
	struct scene *s = *state;

	signal_to(s, 2, 0);
	assert_int_equal(model_feed_lost(s->model, &key, 3), 0);
	assert_int_equal(model_totals(s->model)->lost_by[SDEI_CALL], 3);
	assert_int_equal(model_totals(s->model)->unknown, 0);
	assert_int_equal(model_totals(s->model)->vms, 1);
	assert_false(event_of(s, 2, 0)->inexact);
}

/* A signal, and that it was refused, to a CPU that the kernel's map of them does not have. */
static void test_signal_to_nobody(void **state)
{
	struct sdei_lost_key key = { .vm = SDEI_ANY_VM, .vcpu = SDEI_NONE, .event = SDEI_NONE, .kind = SDEI_SIGNAL };
	struct scene *s = *state;

	signal_to(s, 2, 0);
	lose_any(s, &key, 2);
	key.kind = SDEI_CANCEL;
	lose_any(s, &key, 1);
	assert_int_equal(model_totals(s->model)->lost_by[SDEI_SIGNAL], 2);
	assert_int_equal(model_totals(s->model)->lost_by[SDEI_CANCEL], 1);
	assert_int_equal(model_totals(s->model)->lost, 3);
	assert_true(model_totals(s->model)->inexact);
	assert_int_equal(model_totals(s->model)->unknown, 0);
	assert_int_equal(model_totals(s->model)->vms, 1);
	assert_null(model_vm(s->model, SDEI_ANY_VM));
	assert_int_equal(event_of(s, 2, 0)->count.signals, 1);
}

/* --- symbols */

static void test_kallsyms(void **state)
{
	static const char text[] =
		"ffff800080010000 T _text\n"
		"ffff800081a3b4c8 D __cpu_logical_map\n"
		"ffff800081a3b4d0 d __cpu_logical_map_not\n"
		"nonsense\n\n"
		"ffff8000807f1230 t sdei_nmi_handler\n"
		"ffff8000007f1230 t ghes\t[ghes]\n"
		"ffff8000807f9999 t sdei_nmi_handler\n";
	static const char *const names[] = { "sdei_nmi_handler", "__cpu_logical_map", "ghes", "none" };
	uint64_t addresses[4];
	FILE *file = fmemopen((void *)text, strlen(text), "r");

	assert_non_null(file);
	kallsyms_find_in(file, names, addresses, 4);
	fclose(file);
	assert_int_equal(addresses[0], 0xffff8000807f1230);
	assert_int_equal(addresses[1], 0xffff800081a3b4c8);
	assert_int_equal(addresses[2], 0);	/* of a module */
	assert_int_equal(addresses[3], 0);
}

/* --- /sys */

static void make_folder(const char *root, const char *path)
{
	char whole[512];

	for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
		snprintf(whole, sizeof(whole), "%s/%.*s", root, (int)(at - path), path);
		mkdir(whole, 0700);
	}
}

static void put_file(const char *root, const char *path, const void *bytes, size_t size)
{
	char whole[512];
	FILE *file;

	make_folder(root, path);
	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	file = fopen(whole, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static void put_link(const char *root, const char *path)
{
	char whole[512];

	make_folder(root, path);
	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	assert_int_equal(symlink("../../devices/sdei", whole), 0);
}

static void check_name(const char *root, const char *expected)
{
	char *name = client_name_in(root);

	assert_non_null(name);
	assert_string_equal(name, expected);
	free(name);
}

static void test_machine(void **state)
{
	static const unsigned char fadt[276] = { [129] = 3 };
	char root[] = "/tmp/sdeitop-client-XXXXXX";

	assert_non_null(mkdtemp(root));
	assert_false(client_is_bound_in(root));
	check_name(root, "this machine");
	put_file(root, "bus/platform/drivers/sdei/bind", "", 0);
	put_link(root, "bus/platform/drivers/sdei/module");
	assert_false(client_is_bound_in(root));
	put_link(root, "bus/platform/drivers/sdei/firmware:sdei");
	assert_true(client_is_bound_in(root));
	put_file(root, "firmware/acpi/tables/FACP", fadt, 100);	/* of ACPI 1.0 */
	check_name(root, "this machine");
	put_file(root, "firmware/acpi/tables/FACP", fadt, sizeof(fadt));
	check_name(root, "this guest, KVM");
	put_file(root, "firmware/devicetree/base/firmware/sdei/method", "smc", 4);
	check_name(root, "this host, firmware");
	put_file(root, "firmware/devicetree/base/firmware/sdei/method", "hvc", 4);
	check_name(root, "this guest, KVM");
	assert_int_equal(remove_tree(root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_nmi), TEST(test_coalesced), TEST(test_coalesced_by_looks), TEST(test_refused_signal), TEST(test_unsignalled), TEST(test_role),
		TEST(test_critical), TEST(test_normal_in_handler), TEST(test_end_unseen), TEST(test_hotplug), TEST(test_mask),
		TEST(test_lost), TEST(test_missed_calls), TEST(test_signal_to_nobody), cmocka_unit_test(test_kallsyms), cmocka_unit_test(test_machine),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
