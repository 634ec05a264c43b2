// SPDX-License-Identifier: GPL-2.0-only
/* What is wrong with how interrupt controllers are restored, as findings of the model: of whom, how often, until when, and when not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/image.h"
#include "model/inside.h"
#include "record/gic.h"
#include "tests/unit/lib/one_model.h"

#define VM 7
#define GRACE FINDING_GRACE_NS

static int feed(uint64_t time, uint32_t vm, struct sdei_record_gic r)
{
	r.head.kind = SDEI_GIC;
	r.head.vm = vm;
	r.head.vcpu = SDEI_NONE;
	r.head.event = SDEI_NONE;
	r.head.time_ns = time;
	return model_feed(m, &r.head, sizeof(r));
}

static void its(uint64_t time, uint64_t reg, uint64_t value)
{
	assert_int_equal(feed(time, VM, (struct sdei_record_gic){
		.head = { .origin = GIC_ITS_SET, .outcome = GIC_HAS_VALUE }, .device = 1, .group = GIC_GRP_ITS_REGS, .attr = reg, .value = value,
	}), 0);
}

static void refused(uint64_t time)
{
	assert_int_equal(feed(time, VM, (struct sdei_record_gic){
		.head = { .origin = GIC_ITS_SET, .error = -EBUSY }, .device = 1, .group = GIC_GRP_ITS_REGS, .attr = GITS_CREADR,
	}), 0);
}

static void run(uint64_t time)
{
	assert_int_equal(feed(time, VM, (struct sdei_record_gic){ .head = { .origin = GIC_RUN } }), 0);
}

/* A vCPU of that VM is created or destroyed. */
static void vcpu(uint64_t time, unsigned int reason)
{
	struct sdei_record_handler r = { .head = { .time_ns = time, .vm = VM, .kind = SDEI_STATE, .origin = reason } };

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

static const struct model_finding *findings(size_t expected)
{
	size_t count;
	const struct model_finding *f = model_findings(m, &count);

	assert_int_equal(count, expected);
	return f;
}

static void says(const struct model_finding *f, const char *expected)
{
	char text[FINDING_TEXT_SIZE];

	finding_describe(f, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_refused(void **state)
{
	const struct model_finding *f;

	refused(1000);
	refused(2000);
	model_tick(m, 1000 + GRACE - 1);
	findings(0);
	model_tick(m, 1000 + GRACE);
	f = findings(1);
	assert_int_equal(f->code, FINDING_GIC_REFUSED);
	assert_int_equal(f->vm, VM);
	assert_int_equal(f->vcpu, SDEI_NONE);
	assert_int_equal(f->event, SDEI_NONE);
	assert_int_equal(f->count, 2);
	assert_int_equal(f->first_ns, 1000);
	assert_int_equal(f->last_ns, 2000);
	assert_true(f->open);
	assert_int_equal(model_totals(m)->found[FINDING_GIC_REFUSED], 1);
	says(f, "KVM refused a step: GITS_CREADR EBUSY, 2 times");
}

/* After a second without another it is over, and the next one is another finding. */
static void test_over(void **state)
{
	refused(1000);
	model_tick(m, 1000 + GRACE);
	model_tick(m, 1001 + SECOND_NS);
	assert_false(findings(1)->open);
	refused(2 * SECOND_NS);
	model_tick(m, 2 * SECOND_NS + GRACE);
	assert_true(findings(2)[1].open);
	assert_int_equal(model_totals(m)->found[FINDING_GIC_REFUSED], 2);
}

/* GITS_CREADR is set to 0, for good once the VM runs: unless it is written once more. */
static void lose_creadr(bool again)
{
	its(1000, GITS_CREADR, 0x80);
	its(1010, GITS_CBASER, 1ULL << 63);
	if (again)
		its(1020, GITS_CREADR, 0x80);
	model_tick(m, 1010 + GRACE);
	findings(0);
	run(1020 + GRACE);
	model_tick(m, 1020 + 2 * GRACE);
}

static void test_run(void **state)
{
	lose_creadr(false);
	assert_int_equal(findings(1)->code, FINDING_CREADR_LOST);
	assert_int_equal(findings(1)->first_ns, 1010);
	says(findings(1), "GITS_CBASER was written after GITS_CREADR, which that sets to 0");
}

static void test_put_right(void **state)
{
	lose_creadr(true);
	findings(0);
}

/* A stream that ends here is enough. */
static void test_settle(void **state)
{
	its(1000, GITS_CREADR, 0x80);
	its(1010, GITS_CBASER, 1ULL << 63);
	model_settle(m, 1010);
	assert_int_equal(findings(1)->code, FINDING_CREADR_LOST);
}

/* The end of its VM ends it. */
static void test_end(void **state)
{
	vcpu(500, SDEI_CREATED);
	refused(1000);
	model_tick(m, 1000 + GRACE);
	assert_true(findings(1)->open);
	its(2000 + GRACE, GITS_CREADR, 0x80);
	its(2010 + GRACE, GITS_CBASER, 1ULL << 63);
	vcpu(3000 + GRACE, SDEI_DESTROYED);
	assert_false(findings(1)->open);
	model_tick(m, 3000 + 2 * GRACE);
	assert_int_equal(findings(2)[1].code, FINDING_CREADR_LOST);
	assert_false(findings(2)[1].open);
	assert_int_equal(findings(2)[1].instance, 0);
}

/* What comes then is of the next VM with that pid. */
static void test_instance(void **state)
{
	vcpu(500, SDEI_CREATED);
	vcpu(600, SDEI_DESTROYED);
	refused(3 * SECOND_NS);
	model_tick(m, 3 * SECOND_NS + GRACE);
	assert_int_equal(findings(1)->instance, 1);
}

static uint64_t refusals_of_vm(void)
{
	return model_vm(m, VM)->restore_found[FINDING_GIC_REFUSED - FINDING_GIC];
}

/* They are counted for their VM, those from before it was seen, too; the next VM with that pid has its own. */
static void test_of_vm(void **state)
{
	refused(1000);
	model_tick(m, 1000 + GRACE);
	findings(1);
	vcpu(2000 + GRACE, SDEI_CREATED);
	assert_int_equal(refusals_of_vm(), 1);
	refused(5 * SECOND_NS);
	model_tick(m, 5 * SECOND_NS + GRACE);
	findings(2);
	assert_int_equal(refusals_of_vm(), 2);
	vcpu(6 * SECOND_NS, SDEI_DESTROYED);
	refused(8 * SECOND_NS);
	model_tick(m, 8 * SECOND_NS + GRACE);
	vcpu(9 * SECOND_NS, SDEI_CREATED);
	assert_int_equal(refusals_of_vm(), 1);
	model_expire(m, 10 * SECOND_NS);
	assert_int_equal(refusals_of_vm(), 1);
}

static void lose(uint32_t vm, unsigned int kind)
{
	const struct sdei_lost_key key = { .vm = vm, .vcpu = SDEI_NONE, .event = SDEI_NONE, .kind = kind };

	assert_int_equal(model_feed_lost(m, kind ? &key : NULL, 1), 0);
}

/* A step that was lost explains what looks wrong, for a second: of that VM, or of any. */
static void test_lost(void **state)
{
	refused(1000);
	lose(VM, SDEI_GIC);
	model_tick(m, 1000 + GRACE);
	findings(0);
	refused(2000);
	model_tick(m, 2000 + GRACE);
	findings(0);
	refused(2 * SECOND_NS);
	lose(VM + 1, SDEI_GIC);
	model_tick(m, 2 * SECOND_NS + GRACE);
	findings(1);
	refused(4 * SECOND_NS);
	lose(0, SDEI_KIND_NONE);
	model_tick(m, 4 * SECOND_NS + GRACE);
	findings(1);
}

/* What had been written is not known any more. */
static void test_forgotten(void **state)
{
	its(1000, GITS_CREADR, 0x80);
	lose(VM, SDEI_GIC);
	its(2 * SECOND_NS, GITS_CBASER, 1ULL << 63);
	model_settle(m, 2 * SECOND_NS);
	findings(0);
}

/* VMs are forgotten when nothing comes of them, and what was found of them stays. */
static void test_many(void **state)
{
	for (uint32_t vm = 1; vm <= GICS_MAX; vm++)
		assert_int_equal(feed(1000, vm, (struct sdei_record_gic){ .head = { .origin = GIC_ITS_SET, .error = -EBUSY } }), 0);
	assert_int_equal(feed(1000, GICS_MAX + 1, (struct sdei_record_gic){ .head = { .origin = GIC_RUN } }), -E2BIG);
	assert_int_equal(model_totals(m)->crowded, 1);
	model_tick(m, 1000 + GRACE);
	findings(GICS_MAX);
	model_expire(m, 1000);
	assert_true(findings(GICS_MAX)->open);
	model_expire(m, 1001);
	assert_false(findings(GICS_MAX)->open);
	assert_int_equal(feed(2000, GICS_MAX + 1, (struct sdei_record_gic){ .head = { .origin = GIC_RUN } }), 0);
}

static void test_reset(void **state)
{
	refused(1000);
	model_tick(m, 1000 + GRACE);
	model_reset(m, 1000 + GRACE);
	findings(0);
	refused(2000 + GRACE);
	model_tick(m, 2000 + 2 * GRACE);
	assert_int_equal(findings(1)->count, 1);
}

static const char *no_text(const void *name)
{
	return "";
}

/* Who shows the figures of another process sees them; what is only suspected comes with a later image. */
static void test_image(void **state)
{
	const struct image_names names = { .text = no_text };
	unsigned char *bytes = NULL;
	size_t size = 0;
	struct model *read;
	int err;

	refused(1000);
	model_tick(m, 1000 + GRACE);
	refused(3 * SECOND_NS);
	assert_int_equal(image_save(m, &names, &bytes, &size), 0);
	read = image_load(bytes, size, NULL, &names, &err);
	assert_int_equal(err, 0);
	model_free(m);
	m = read;
	free(bytes);
	assert_int_equal(findings(1)->code, FINDING_GIC_REFUSED);
	assert_int_equal(findings(1)->record.attr, GITS_CREADR);
	says(findings(1), "KVM refused a step: GITS_CREADR EBUSY");
	model_tick(m, 4 * SECOND_NS);
	findings(1);
}

/* Each says what comes of it, and has room for all that it says. */
static void test_words(void **state)
{
	char text[FINDING_TEXT_SIZE + 1];

	for (enum model_finding_code code = 0; code < FINDING_COUNT; code++) {
		struct model_finding f = {
			.code = code, .count = UINT64_MAX, .has_record = true,
			.record = { .head = { .origin = GIC_SET, .error = -EINVAL }, .group = GIC_GRP_REDIST_REGS, .attr = UINT64_MAX },
		};

		assert_true(!finding_cost(code) == (code < FINDING_GIC));
		finding_describe(&f, text, sizeof(text));
		if (code >= FINDING_GIC)
			assert_in_range(strlen(text), 1, FINDING_TEXT_SIZE - 1);
	}
	assert_null(finding_cost(FINDING_COUNT));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refused), TEST(test_over), TEST(test_run), TEST(test_put_right), TEST(test_settle), TEST(test_end),
		TEST(test_instance), TEST(test_of_vm), TEST(test_lost), TEST(test_forgotten), TEST(test_many), TEST(test_reset), TEST(test_image), TEST(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
