// SPDX-License-Identifier: GPL-2.0-only
/* VMs that were restored, in words and as JSON; and which names are of one guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/vm_names.h"
#include "view/figures/migration.h"
#include "view/figures/page_event.h"

#define VCPUS 18
#define S 1000000000ULL

static struct model *m;
static const struct times mono = { .form = TIMES_MONO };
static const struct status status = { .times = &mono };

static struct model_vm *add_vm(uint32_t pid, const char *name)
{
	bool utf8 = true;

	for (uint32_t vcpu = 0; vcpu < VCPUS; vcpu++) {
		struct sdei_record_handler r = {
			.head = { .time_ns = 1, .vm = pid, .vcpu = vcpu, .kind = SDEI_STATE, .state = SDEI_MASKED, .origin = SDEI_CREATED },
		};

		assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	}
	model_vm(m, pid)->user = name_from_text(&utf8, name, "");
	assert_non_null(model_vm(m, pid)->user);
	return model_vm(m, pid);
}

static int setup(void **state)
{
	const struct model_options options = { .free_user = name_free };

	m = model_new(&options);
	return m ? 0 : -1;
}

static int teardown(void **state)
{
	model_free(m);
	return 0;
}

static void assert_words(const struct model_vm *vm, const char *expected)
{
	char words[MIGRATION_SIZE];

	assert_string_equal(migration_words(words, sizeof(words), vm, &status), expected);
}

static void assert_text(const char *expected)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	migration_text(out, m, &status);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void assert_json(const struct model_vm *vm, const char *expected)
{
	char *text;
	size_t size;
	struct json j;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	json_start(&j, out);
	json_open(&j, NULL, '{');
	migration_json(&j, vm);
	json_close(&j, '}');
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void test_none(void **state)
{
	struct model_vm *vm = add_vm(7, "a");

	assert_words(vm, "");
	assert_text("");
	assert_json(vm, "{}");
}

static void test_from(void **state)
{
	struct model_vm *vm = add_vm(7, "web\x1b" "1");

	vm->restored_ns = 12 * S;
	vm->from_pid = 5;
	vm->vcpus[1]->source_ns = 10 * S;
	vm->vcpus[1]->first_ns = 13 * S;
	assert_words(vm, "restored from VM 5 at 12.000");
	assert_text("\nrestored VMs\nVM 7 web\\x1b1: restored from VM 5 at 12.000; silent for at most 3.0s (vCPU 1)\n");
	assert_json(vm, "{\"restored\":{\"time_ns\":12000000000,\"from\":{\"vm\":5,\"instance\":0},\"stood_still_ns\":null,\"vcpus\":"
			"[{\"vcpu\":1,\"last_ns\":10000000000,\"first_ns\":13000000000,\"blackout_ns\":3000000000}]}}");
}

/* The page of a vCPU. */
static void test_page(void **state)
{
	const struct page_scope scope = { .status = &status, .width = 100, .rows = 24 };
	struct model_vm *vm = add_vm(7, "a");
	struct page page = { 0 };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	vm->restored_ns = 12 * S;
	vm->from_pid = 5;
	vm->vcpus[1]->source_ns = 10 * S;
	vm->vcpus[1]->first_ns = 13 * S;
	page_event(&page, vm->vcpus[1], NULL, &scope);
	page_print(&page, out);
	page_clear(&page);
	page_event(&page, vm->vcpus[0], NULL, &scope);
	page_print(&page, out);
	page_clear(&page);
	fclose(out);
	assert_non_null(strstr(text, "VM       restored from VM 5 at 12.000; this vCPU was silent for at most 3.0s\n"));
	assert_non_null(strstr(text, "VM       restored from VM 5 at 12.000\n"));
	free(text);
}

static void test_from_elsewhere(void **state)
{
	struct model_vm *vm = add_vm(7, "a");

	vm->restored_ns = 12 * S;
	assert_words(vm, "restored at 12.000");
	assert_json(vm, "{\"restored\":{\"time_ns\":12000000000,\"from\":null,\"stood_still_ns\":null,\"vcpus\":[]}}");
	vm->from_pid = 7;
	assert_words(vm, "restored in place at 12.000");
	vm->from_instance = 1;
	assert_words(vm, "restored from VM 7 at 12.000");
}

static void test_stood_still(void **state)
{
	struct model_vm *vm = add_vm(7, "a"), *moved = add_vm(8, "b");

	vm->stops = 2;
	vm->stood_ns = 3 * S;
	moved->restored_ns = 12 * S;
	moved->begin_hz = moved->source_hz = 1000;
	moved->source_counter = (uint64_t)-200;
	moved->begin_counter = 110;
	assert_text("\nrestored VMs\nVM 8 b: restored at 12.000; its guest stood still for 310ms\n"
		    "\nVMs that their VMM had stopped: not in the times of their events\nVM 7 a: stood still 2 times, 3.0s in all\n");
	assert_json(vm, "{\"stood_still\":{\"count\":2,\"ns\":3000000000}}");
	assert_json(moved, "{\"restored\":{\"time_ns\":12000000000,\"from\":null,\"stood_still_ns\":310000000,\"vcpus\":[]}}");
}

static void test_many_vcpus(void **state)
{
	struct model_vm *vm = add_vm(7, "a");
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	vm->restored_ns = 12 * S;
	for (uint32_t vcpu = 0; vcpu < VCPUS; vcpu++) {
		vm->vcpus[vcpu]->source_ns = 10 * S;
		vm->vcpus[vcpu]->first_ns = 13 * S;
	}
	migration_text(out, m, &status);
	fclose(out);
	assert_non_null(strstr(text, "(vCPU 15), and 2 vCPUs more\n"));
	assert_null(strstr(text, "vCPU 16"));
	free(text);
}

static void test_name_guest(void **state)
{
	struct vm_name name = { .raw = "a" };

	assert_ptr_equal(name_guest(&name).name, name.raw);
	assert_null(name_guest(&name).uuid);
	strcpy(name.uuid, "01234567-89ab-cdef-0123-456789abcdef");
	assert_ptr_equal(name_guest(&name).uuid, name.uuid);
	name.raw = "-";
	assert_null(name_guest(&name).name);
	name.raw = "";
	assert_null(name_guest(&name).name);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_none), TEST(test_from), TEST(test_page), TEST(test_from_elsewhere), TEST(test_stood_still), TEST(test_many_vcpus), cmocka_unit_test(test_name_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
