// SPDX-License-Identifier: GPL-2.0-only
/* What is found about how an interrupt controller is restored: nothing in the order that KVM's documentation asks for, and each mistake by itself. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/restore.h"

#define VM 7
#define ITS_DEVICE 2
#define GIC_DEVICE 1
#define VALID (1ULL << 63)
#define PE(affinity, offset) ((uint64_t)(affinity) << 32 | (offset))
#define TABLE(number) (GITS_BASER + 8 * (number))

static struct restore *restore;
static uint64_t now_ns;

static int setup(void **state)
{
	restore = restore_new();
	now_ns = 1000;
	return restore ? 0 : -1;
}

static int teardown(void **state)
{
	restore_free(restore);
	return 0;
}

static void step(struct sdei_record_gic r)
{
	r.head.kind = SDEI_GIC;
	r.head.vm = r.head.vm ?: VM;
	r.head.event = SDEI_NONE;
	r.head.time_ns = now_ns += 10;
	assert_int_equal(restore_feed(restore, &r.head, sizeof(r)), 0);
}

static void call(uint8_t origin, uint32_t device, uint32_t group, uint64_t attr, uint64_t value, int error)
{
	step((struct sdei_record_gic){
		.head = {
			.origin = origin, .outcome = group == GIC_GRP_CTRL ? 0 : GIC_HAS_VALUE, .error = error, .vcpu = SDEI_NONE,
		},
		.device = device, .group = group, .attr = attr, .value = value, .duration_ns = 3,
	});
}

static void command(uint64_t attr)
{
	call(GIC_ITS_SET, ITS_DEVICE, GIC_GRP_CTRL, attr, 0, 0);
}

static void its(uint64_t reg, uint64_t value)
{
	call(GIC_ITS_SET, ITS_DEVICE, GIC_GRP_ITS_REGS, reg, value, 0);
}

static void redistributor(uint32_t affinity, uint32_t offset, uint32_t value)
{
	call(GIC_SET, GIC_DEVICE, GIC_GRP_REDIST_REGS, PE(affinity, offset), value, 0);
}

static void run(uint32_t vcpu, uint64_t registers)
{
	step((struct sdei_record_gic){ .head = { .origin = GIC_RUN, .outcome = GIC_HAS_VALUE, .vcpu = vcpu }, .value = registers });
}

static void make(void)
{
	call(GIC_ITS_SET, ITS_DEVICE, GIC_GRP_ADDR, 4, 0x8080000, 0);
	command(GIC_CTRL_INIT);
}

static void restore_redistributors(void)
{
	for (uint32_t pe = 0; pe < 2; pe++) {
		redistributor(pe, GICR_PROPBASER, 0x4000070d);
		redistributor(pe, GICR_PROPBASER + 4, 0);
		redistributor(pe, GICR_PENDBASER, 0x41000000);
		redistributor(pe, GICR_PENDBASER + 4, 0);
	}
	for (uint32_t pe = 0; pe < 2; pe++)
		redistributor(pe, GICR_CTLR, 1);
}

static void restore_bases(void)
{
	its(GITS_CBASER, VALID | 0x42000000);
	its(GITS_CREADR, 0x80);
	its(GITS_CWRITER, 0x80);
	for (int i = 0; i < GITS_BASERS; i++)
		its(TABLE(i), i < 2 ? VALID | 0x43000000 : 0);
}

static const struct restore_vm *vm(void)
{
	size_t count;
	const struct restore_vm *const *vms = restore_vms(restore, &count);

	assert_true(count > 0);
	return vms[0];
}

static const struct restore_finding *found(enum model_finding_code code)
{
	return &vm()->findings[code - FINDING_GIC];
}

/* That one was made so often, and no other. */
static void expect(enum model_finding_code code, uint64_t times)
{
	restore_settle(restore);
	for (enum model_finding_code other = FINDING_GIC; other < FINDING_COUNT; other++) {
		if (found(other)->count != (other == code ? times : 0))
			print_message("%s: %d\n", finding_code_name(other), (int)found(other)->count);
		assert_int_equal(found(other)->count, other == code ? times : 0);
	}
}

#define NOTHING FINDING_COUNT

static void restore_in_order(void)
{
	restore_redistributors();
	restore_bases();
	command(GIC_RESTORE_TABLES);
	its(GITS_CTLR, 1);
}

static void test_in_order(void **state)
{
	make();
	restore_in_order();
	run(0, 300);
	run(1, 301);
	expect(NOTHING, 0);
}

/* A snapshot that is loaded into the VM that made it: reset by the VMM, which writes zeros while LPIs are on, as QEMU does. */
static void test_again_in_place(void **state)
{
	make();
	restore_in_order();
	for (int i = 0; i < 2; i++) {
		command(GIC_ITS_RESET);
		for (uint32_t pe = 0; pe < 2; pe++) {
			redistributor(pe, GICR_PROPBASER, 0);
			redistributor(pe, GICR_PENDBASER, 0);
			redistributor(pe, GICR_CTLR, 0);
		}
		restore_in_order();
	}
	expect(NOTHING, 0);
}

static void test_rows(void **state)
{
	const struct restore_row *rows;

	make();
	restore_in_order();
	run(0, 300);
	run(1, 301);
	rows = vm()->rows;
	assert_int_equal(vm()->row_count, 10);
	assert_int_equal(rows[0].part, RESTORE_CREATE);
	assert_int_equal(rows[0].count, 2);
	assert_int_equal(rows[1].part, RESTORE_LPI_TABLES);
	assert_int_equal(rows[1].count, 8);
	assert_int_equal(rows[1].duration_ns, 24);
	assert_int_equal(rows[2].part, RESTORE_REDISTRIBUTORS);
	assert_int_equal(rows[2].count, 2);
	assert_int_equal(rows[3].part, RESTORE_ITS);
	assert_int_equal(rows[3].first.attr, GITS_CBASER);
	assert_int_equal(rows[6].first.attr, GITS_BASER);
	assert_int_equal(rows[6].count, 8);
	assert_int_equal(rows[7].part, RESTORE_RESTORE_TABLES);
	assert_int_equal(rows[8].first.attr, GITS_CTLR);
	assert_int_equal(rows[9].part, RESTORE_RUN);
	assert_int_equal(rows[9].count, 2);
	assert_true(rows[9].registers_known);
	assert_int_equal(rows[9].registers, 601);
	assert_string_equal(restore_part_name(rows[9].part), "run");
}

static void test_creadr_lost(void **state)
{
	make();
	its(GITS_CREADR, 0x80);
	its(GITS_CBASER, VALID | 0x42000000);
	its(GITS_CWRITER, 0x80);
	its(TABLE(0), VALID);
	its(TABLE(1), VALID);
	command(GIC_RESTORE_TABLES);
	its(GITS_CTLR, 1);
	run(0, 1);
	expect(FINDING_CREADR_LOST, 1);
	assert_int_equal(found(FINDING_CREADR_LOST)->first.attr, GITS_CBASER);
}

/* Written once more in time, it is no mistake. */
static void test_creadr_written_again(void **state)
{
	make();
	its(GITS_CREADR, 0x80);
	restore_bases();
	command(GIC_RESTORE_TABLES);
	its(GITS_CTLR, 1);
	run(0, 1);
	expect(NOTHING, 0);
}

static void test_creadr_missing(void **state)
{
	make();
	its(GITS_CBASER, VALID | 0x42000000);
	its(GITS_CWRITER, 0x80);
	its(TABLE(0), VALID);
	its(TABLE(1), VALID);
	command(GIC_RESTORE_TABLES);
	its(GITS_CTLR, 1);
	expect(FINDING_CREADR_MISSING, 1);
}

/* With an empty queue there is nothing to run. */
static void test_creadr_not_needed(void **state)
{
	make();
	its(GITS_CBASER, VALID | 0x42000000);
	its(GITS_CWRITER, 0);
	its(TABLE(0), VALID);
	its(TABLE(1), VALID);
	command(GIC_RESTORE_TABLES);
	its(GITS_CTLR, 1);
	expect(NOTHING, 0);
}

static void test_cwriter_lost(void **state)
{
	make();
	its(GITS_CWRITER, 0x80);
	its(GITS_CBASER, VALID | 0x42000000);
	its(GITS_CREADR, 0);
	its(TABLE(0), VALID);
	its(TABLE(1), VALID);
	command(GIC_RESTORE_TABLES);
	its(GITS_CTLR, 1);
	expect(FINDING_CWRITER_LOST, 1);
}

static void test_not_enabled(void **state)
{
	make();
	its(GITS_CTLR, 1);
	restore_bases();
	command(GIC_RESTORE_TABLES);
	run(0, 1);
	expect(FINDING_ITS_NOT_ENABLED, 1);
}

static void test_enabled_later(void **state)
{
	make();
	its(GITS_CTLR, 1);
	restore_bases();
	command(GIC_RESTORE_TABLES);
	its(GITS_CTLR, 1);
	run(0, 1);
	expect(NOTHING, 0);
}

static void test_base_ignored(void **state)
{
	make();
	restore_in_order();
	its(GITS_CBASER, VALID | 0x45000000);
	its(TABLE(1), VALID | 0x46000000);
	expect(FINDING_ITS_BASE_IGNORED, 1);
	assert_int_equal(found(FINDING_ITS_BASE_IGNORED)->first.value, VALID | 0x46000000);
}

/* What it has already may be written again. */
static void test_base_same(void **state)
{
	make();
	restore_in_order();
	its(GITS_CBASER, VALID | 0x42000000);
	expect(NOTHING, 0);
}

static void test_tables_early(void **state)
{
	make();
	its(GITS_CBASER, VALID | 0x42000000);
	its(GITS_CREADR, 0x80);
	its(GITS_CWRITER, 0x80);
	command(GIC_RESTORE_TABLES);
	its(TABLE(0), VALID);
	its(TABLE(1), VALID);
	its(GITS_CTLR, 1);
	run(0, 1);
	expect(FINDING_ITS_TABLES_EARLY, 1);
	assert_int_equal(found(FINDING_ITS_TABLES_EARLY)->first.attr, GIC_RESTORE_TABLES);
}

/* A guest that does not use its ITS has no tables: all is 0, and is restored. */
static void test_unused_its(void **state)
{
	make();
	restore_redistributors();
	its(GITS_CBASER, 0);
	its(GITS_CREADR, 0);
	its(GITS_CWRITER, 0);
	for (int i = 0; i < GITS_BASERS; i++)
		its(TABLE(i), 0);
	command(GIC_RESTORE_TABLES);
	its(GITS_CTLR, 0);
	run(0, 1);
	expect(NOTHING, 0);
}

static void test_lpi_base_ignored(void **state)
{
	make();
	redistributor(0, GICR_PENDBASER, 0x41000000);
	redistributor(0, GICR_CTLR, 1);
	redistributor(0, GICR_PROPBASER, 0x4000070d);
	redistributor(0, GICR_PENDBASER, 0x41000000);
	run(0, 1);
	expect(FINDING_LPI_BASE_IGNORED, 1);
}

static void test_redistributor_late(void **state)
{
	make();
	restore_bases();
	command(GIC_RESTORE_TABLES);
	its(GITS_CTLR, 1);
	restore_redistributors();
	run(0, 1);
	expect(FINDING_REDISTRIBUTOR_LATE, 1);
}

static void test_refused(void **state)
{
	make();
	call(GIC_ITS_SET, ITS_DEVICE, GIC_GRP_ITS_REGS, GITS_CREADR, 0x80, -EBUSY);
	call(GIC_ITS_SET, ITS_DEVICE, GIC_GRP_CTRL, GIC_RESTORE_TABLES, 0, -EINVAL);
	expect(FINDING_GIC_REFUSED, 2);
	assert_int_equal(found(FINDING_GIC_REFUSED)->first.head.error, -EBUSY);
	assert_int_equal(vm()->row_count, 3);
}

/* As QEMU 7.2 does it: the upper half is another register of its own. */
static void test_half_value(void **state)
{
	make();
	restore_bases();
	command(GIC_RESTORE_TABLES);
	its(GITS_CTLR, 0x4b00043b80000001);
	run(0, 1);
	expect(FINDING_GIC_HALF_VALUE, 1);
	assert_int_equal(finding_severity(FINDING_GIC_HALF_VALUE), FINDING_WARNING);
}

/* After it has run, the guest may have done anything: what is written then is compared with nothing. */
static void test_unknown_after_run(void **state)
{
	make();
	restore_in_order();
	run(0, 1);
	its(GITS_CBASER, VALID | 0x45000000);
	redistributor(0, GICR_PROPBASER, 0x5000070d);
	expect(NOTHING, 0);
}

/* Attached in the middle, what was before is not known. */
static void test_attached_late(void **state)
{
	its(GITS_CTLR, 1);
	run(0, 1);
	expect(NOTHING, 0);
}

static void test_two_devices(void **state)
{
	make();
	call(GIC_ITS_SET, ITS_DEVICE + 1, GIC_GRP_CTRL, GIC_CTRL_INIT, 0, 0);
	restore_in_order();
	call(GIC_ITS_SET, ITS_DEVICE + 1, GIC_GRP_ITS_REGS, GITS_CBASER, VALID, 0);
	expect(NOTHING, 0);
}

static void test_limits(void **state)
{
	struct sdei_record_gic r = { .head = { .kind = SDEI_GIC, .origin = GIC_ITS_SET, .vm = 1 }, .group = GIC_GRP_CTRL };
	struct sdei_record other = { .kind = SDEI_SIGNAL, .vm = 1 };
	size_t count;

	assert_int_equal(restore_feed(restore, &r.head, sizeof(r.head)), -EINVAL);
	assert_int_equal(restore_feed(restore, &r.head, 8), -EINVAL);
	assert_int_equal(restore_feed(restore, &other, sizeof(other)), 0);
	restore_vms(restore, &count);
	assert_int_equal(count, 0);
	for (uint32_t i = 0; i < RESTORE_ROWS_MAX + 5; i++) {
		r.device = i;
		assert_int_equal(restore_feed(restore, &r.head, sizeof(r)), 0);
	}
	assert_int_equal(vm()->row_count, RESTORE_ROWS_MAX);
	assert_int_equal(vm()->rows_left_out, 5);
	r.head.origin = 77;
	r.group = 77;
	assert_int_equal(restore_feed(restore, &r.head, sizeof(r)), 0);
	for (uint32_t i = 2; i < RESTORE_VMS_MAX + 4; i++) {
		r.head.vm = i;
		assert_int_equal(restore_feed(restore, &r.head, sizeof(r)), 0);
	}
	assert_int_equal(restore_left_out(restore), 3);
}

static void test_names(void **state)
{
	char name[GIC_NAME_SIZE];
	struct sdei_record_gic r = { .head = { .origin = GIC_ITS_SET }, .group = GIC_GRP_ITS_REGS, .attr = TABLE(7) };

	assert_string_equal(gic_name(&r, name), "GITS_BASER7");
	r.attr = TABLE(8);
	assert_string_equal(gic_name(&r, name), "GITS 0x140");
	r = (struct sdei_record_gic){ .head = { .origin = GIC_SET }, .group = GIC_GRP_REDIST_REGS, .attr = PE(0x01020304, GICR_CTLR) };
	assert_string_equal(gic_name(&r, name), "GICR_CTLR of 1.2.3.4");
	assert_string_equal(gic_register_name(&r, name), "GICR_CTLR");
	r.attr = UINT64_MAX;
	assert_string_equal(gic_name(&r, name), "GICR 0xffffffff of 255.255.255.255");
	r.group = UINT32_MAX;
	assert_string_equal(gic_name(&r, name), "group 4294967295 0xffffffffffffffff");
	r.head.origin = GIC_REGISTERS;
	assert_string_equal(gic_name(&r, name), "register 0xffffffffffffffff");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_in_order), TEST(test_again_in_place), TEST(test_rows), TEST(test_creadr_lost), TEST(test_creadr_written_again),
		TEST(test_creadr_missing), TEST(test_creadr_not_needed), TEST(test_cwriter_lost), TEST(test_not_enabled),
		TEST(test_enabled_later), TEST(test_base_ignored), TEST(test_base_same), TEST(test_tables_early), TEST(test_unused_its),
		TEST(test_lpi_base_ignored), TEST(test_redistributor_late), TEST(test_refused), TEST(test_half_value),
		TEST(test_unknown_after_run), TEST(test_attached_late), TEST(test_two_devices), TEST(test_limits), TEST(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
