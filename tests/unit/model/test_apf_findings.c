// SPDX-License-Identifier: GPL-2.0-only
/* Each finding about page faults, raised by a crafted stream: when, how often, until when, in which words, and when not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/apf.h"
#include "tests/unit/lib/one_model.h"

#define S 1000000000ULL

static void feed(const struct sdei_record_apf *r)
{
	assert_int_equal(model_feed(m, &r->head, sizeof(*r)), 0);
}

static struct sdei_record_apf step_of(uint64_t time, unsigned int step, unsigned int outcome, uint64_t id)
{
	return (struct sdei_record_apf) {
		.head = { .time_ns = time, .vm = 7, .event = SDEI_NONE, .kind = SDEI_APF, .origin = step, .outcome = outcome },
		.id = id, .gfn = id ? 0x1000 + id : 0,
	};
}

static void step(uint64_t time, unsigned int step, unsigned int outcome, uint64_t id)
{
	struct sdei_record_apf r = step_of(time, step, outcome, id);

	feed(&r);
}

static void waited(uint64_t end, uint64_t duration, uint64_t gfn)
{
	struct sdei_record_apf r = step_of(end, APF_SYNC, APF_FROM_USERFAULT, 0);

	r.gfn = gfn;
	r.duration_ns = duration;
	feed(&r);
}

static void lost(unsigned int step)
{
	struct sdei_lost_key key = { .vm = 7, .event = SDEI_NONE, .kind = SDEI_APF, .origin = step, .outcome = APF_SIGNALLED };

	assert_int_equal(model_feed_lost(m, &key, 1), 0);
}

static const struct model_finding *findings(size_t expected)
{
	size_t count;
	const struct model_finding *f = model_findings(m, &count);

	assert_int_equal(count, expected);
	return f;
}

static void says(const struct model_finding *f, enum model_finding_code code, const char *expected)
{
	char text[FINDING_TEXT_SIZE];

	assert_string_equal(finding_code_name(f->code), finding_code_name(code));
	assert_int_equal(f->event, SDEI_NONE);
	finding_describe(f, text, sizeof(text));
	assert_string_equal(text, expected);
}

/* --- a page that does not come */

static void test_page_stuck(void **state)
{
	const struct model_finding *f;

	step(100, APF_SETUP, 0, 1);
	step(110, APF_NOT_PRESENT, APF_TOLD, 1);
	model_tick(m, S + 100);
	findings(0);				/* its coming may have been lost */
	model_tick(m, 2 * S + 100);
	f = findings(1);
	assert_int_equal(f->first_ns, S + 100);
	assert_true(f->open);
	says(f, FINDING_PAGE_STUCK, "a page (gfn 0x1001) has not come for 2.00 s");
	step(4 * S + 100, APF_READY, 0, 1);
	says(findings(1), FINDING_PAGE_STUCK, "a page (gfn 0x1001) came after 4.00 s");
	assert_true(f->open && f->has_record);
	assert_int_equal(f->record.head.origin, APF_READY);
	assert_int_equal(f->count, 1);
	step(4 * S + 200, APF_PRESENT, APF_SIGNALLED, 1);
	step(4 * S + 300, APF_ACK, 0, 0);
	model_tick(m, 7 * S);
	assert_false(findings(1)->open);
	assert_int_equal(findings(1)->value, 4 * S);
}

/* All that come late together are one finding; the next one, later, is another. */
static void test_pages_stuck(void **state)
{
	const struct model_finding *f;

	for (uint64_t id = 1; id <= 5; id++)
		step(100 * id, APF_SETUP, 0, id);
	model_tick(m, 3 * S);
	for (uint64_t id = 1; id <= 4; id++)
		step(3 * S + id, APF_READY, 0, id);
	model_tick(m, 6 * S);
	f = findings(1);
	assert_int_equal(f->count, 5);
	assert_true(f->open);
	says(f, FINDING_PAGE_STUCK, "5 pages were late; the slowest (gfn 0x1005) has not come for 6.00 s");
	step(7 * S, APF_PRESENT, APF_SIGNALLED, 5);
	step(7 * S + 1, APF_ACK, 0, 0);
	says(findings(1), FINDING_PAGE_STUCK, "5 pages were late; the slowest (gfn 0x1005) came after 7.00 s");
	step(20 * S, APF_SETUP, 0, 6);
	step(22 * S, APF_READY, 0, 6);
	f = findings(2);
	assert_false(f[0].open);
	assert_int_equal(f[1].first_ns, 21 * S);
}

/* A vCPU that waited itself. Those one after another are one finding, whatever the ticks between them. */
static void test_page_waited_for(void **state)
{
	waited(S, S - 1, 0x10);
	findings(0);
	waited(3 * S, S, 0x11);
	says(findings(1), FINDING_PAGE_STUCK, "a page (gfn 0x11) came after 1.00 s");
	assert_int_equal(findings(1)->first_ns, 3 * S);
	model_tick(m, 4 * S + S / 2);
	assert_true(findings(1)->open);
	waited(4 * S + S / 2, S + S / 2, 0x12);
	says(findings(1), FINDING_PAGE_STUCK, "2 pages were late; the slowest (gfn 0x12) came after 1.50 s");
	model_tick(m, 7 * S);
	assert_false(findings(1)->open);
	waited(9 * S, UINT64_MAX, 0x13);	/* no duration that can be */
	findings(1);
}

static void waits(uint64_t time, uint64_t since, uint64_t gfn)
{
	struct sdei_record_apf r = step_of(time, APF_WAITING, APF_FROM_USERFAULT, 0);

	r.gfn = gfn;
	r.duration_ns = time - since;
	feed(&r);
}

/* A vCPU that still waits: found while it does, once, and no longer when its thread has gone on. */
static void test_page_being_waited_for(void **state)
{
	const struct model_vm *vm;

	waits(S, S / 2, 0x11);
	model_tick(m, S + S / 4);
	findings(0);
	vm = model_vm(m, 7);
	assert_int_equal(model_vcpu_apf(vm->vcpus[0])->oldest_ns, S / 2);
	model_settle(m, 2 * S);
	says(findings(1), FINDING_PAGE_STUCK, "a page (gfn 0x11) has not come for 1.50 s");
	assert_int_equal(findings(1)->first_ns, S / 2 + S);
	assert_true(findings(1)->open);
	waits(9 * S, S / 2, 0x11);
	model_settle(m, 10 * S);
	says(findings(1), FINDING_PAGE_STUCK, "a page (gfn 0x11) has not come for 9.50 s");
	assert_int_equal(findings(1)->count, 1);
	waited(12 * S, 11 * S + S / 2, 0x11);
	says(findings(1), FINDING_PAGE_STUCK, "a page (gfn 0x11) came after 11.5 s");
	assert_int_equal(findings(1)->count, 1);
	assert_int_equal(model_vcpu_apf(vm->vcpus[0])->oldest_ns, 0);
	assert_int_equal(model_vcpu_apf(vm->vcpus[0])->count.sync, 1);
	model_tick(m, 20 * S);
	assert_false(findings(1)->open);
}

/* What shows that its thread has gone on, or may have hidden that, ends it. */
static void test_page_no_longer_waited_for(void **state)
{
	waits(S, S / 2, 0x11);
	step(S + 1, APF_FALLBACK, APF_FALLBACK_OFF, 0);
	model_settle(m, 10 * S);
	findings(0);
	waits(11 * S, 10 * S + S / 2, 0x12);
	lost(APF_SYNC);
	model_settle(m, 20 * S);
	findings(0);
	waits(21 * S, 20 * S + S / 2, 0x13);
	step(21 * S + 1, APF_VCPU_END, 0, 0);
	model_settle(m, 30 * S);
	findings(0);
}

/* That the page is there may have been lost. */
static void test_page_ready_lost(void **state)
{
	step(100, APF_SETUP, 0, 1);
	lost(APF_READY);
	model_settle(m, 10 * S);
	findings(0);
	step(10 * S, APF_SETUP, 0, 2);
	lost(APF_PRESENT);
	model_settle(m, 20 * S);
	findings(0);
	step(20 * S, APF_SETUP, 0, 3);
	model_settle(m, 22 * S);
	says(findings(1), FINDING_PAGE_STUCK, "a page (gfn 0x1003) has not come for 2.00 s");
}

/* --- a guest that does not acknowledge */

static void tell(uint64_t time, uint64_t id)
{
	step(time - 3, APF_SETUP, 0, id);
	step(time - 2, APF_NOT_PRESENT, APF_TOLD, id);
	step(time - 1, APF_READY, 0, id);
	step(time, APF_PRESENT, APF_SIGNALLED, id);
}

static void test_unacked(void **state)
{
	tell(100, 1);
	model_tick(m, S + 100);
	findings(0);
	model_tick(m, 2 * S + 100);
	says(findings(1), FINDING_PAGE_UNACKED, "the guest has not acknowledged for 2.00 s that a page is there");
	assert_int_equal(findings(1)->first_ns, S + 100);
	assert_true(findings(1)->open);
	step(3 * S + 100, APF_ACK, 0, 0);
	says(findings(1), FINDING_PAGE_UNACKED, "the guest did not acknowledge for 3.00 s that a page is there");
	assert_false(findings(1)->open);
	tell(5 * S, 2);
	step(7 * S, APF_ACK, 0, 0);		/* between two ticks */
	model_settle(m, 7 * S);
	assert_int_equal(findings(2)[1].value, 2 * S);
	assert_false(findings(2)[1].open);
}

/* A guest that was woken as a whole acknowledges, too; one that has switched the service off need not. */
static void test_unacked_other(void **state)
{
	step(100, APF_PRESENT, APF_WAKE_ALL, 0);
	model_settle(m, 2 * S);
	assert_true(findings(1)->open);
	step(3 * S, APF_CLEAR, 0, 0);
	assert_false(findings(1)->open);
	model_settle(m, 9 * S);
	findings(1);
	step(10 * S, APF_SETUP, 0, 1);
	step(10 * S, APF_PRESENT, APF_SILENT, 1);
	model_settle(m, 20 * S);
	findings(1);
}

/* Nobody sees acknowledgements where a guest that never gave one is told again. */
static void test_without_acks(void **state)
{
	tell(100, 1);
	tell(200, 2);
	model_settle(m, 10 * S);
	findings(0);
	step(10 * S, APF_ACK, 0, 0);
	tell(11 * S, 3);
	model_settle(m, 20 * S);
	says(findings(1), FINDING_PAGE_UNACKED, "the guest has not acknowledged for 9.00 s that a page is there");
}

static void test_ack_lost(void **state)
{
	tell(100, 1);
	lost(APF_ACK);
	model_settle(m, 10 * S);
	findings(0);
	tell(11 * S, 2);
	step(12 * S + 1, APF_PRESENT, APF_WAKE_ALL, 0);
	lost(APF_ACK);				/* that was why it seemed to take so long */
	model_settle(m, 12 * S + 2);
	findings(0);
}

/* --- a wake-up that is lost */

static void test_wakeup_lost(void **state)
{
	tell(100, 1);
	step(110, APF_ACK, 0, 0);
	tell(200, 2);
	tell(300, 3);
	findings(0);				/* the acknowledgement may be a record that was lost */
	model_tick(m, S);
	says(findings(1), FINDING_WAKEUP_LOST, "1 time the guest was told of a page before it had acknowledged the one before");
	assert_int_equal(findings(1)->first_ns, 300);
	assert_int_equal(findings(1)->record.head.origin, APF_PRESENT);
	assert_true(findings(1)->open);
	tell(S, 4);
	says(findings(1), FINDING_WAKEUP_LOST, "2 times the guest was told of a page before it had acknowledged the one before");
	step(S + 1, APF_ACK, 0, 0);
	tell(S + 100, 5);
	step(S + 101, APF_ACK, 0, 0);
	model_tick(m, 3 * S);
	assert_int_equal(findings(1)->count, 2);
	assert_false(findings(1)->open);
}

static void test_wakeup_not_lost(void **state)
{
	tell(100, 1);
	step(110, APF_ACK, 0, 0);
	tell(200, 2);
	tell(300, 3);
	lost(APF_ACK);
	model_settle(m, S);
	findings(0);
	step(S, APF_ACK, 0, 0);
	tell(S + 100, 4);
	step(S + 90, APF_ACK, 0, 0);		/* late, and of one before */
	step(S + 100, APF_ACK, 0, 0);		/* late no more */
	tell(S + 200, 5);
	model_settle(m, S + 200);
	findings(0);
}

/* --- a burst of fallbacks */

static void test_fallback_burst(void **state)
{
	for (uint64_t i = 0; i < 300; i++)
		step(1000 + i, APF_FALLBACK, APF_FALLBACK_OFF, 0);
	for (uint64_t i = 0; i < 99; i++)
		step(2000 + i, APF_FALLBACK, APF_FALLBACK_NOT_NOW, 0);
	findings(0);
	step(2099, APF_FALLBACK, APF_FALLBACK_FULL, 0);
	says(findings(1), FINDING_FALLBACK_BURST, "100 page faults were not handed to a worker");
	assert_int_equal(findings(1)->first_ns, 2099);
	step(2100, APF_FALLBACK, APF_FALLBACK_FULL, 0);
	assert_int_equal(findings(1)->count, 101);
	model_tick(m, 3 * S);
	assert_false(findings(1)->open);
	for (uint64_t i = 0; i < 200; i++)	/* never so many within a second */
		step(4 * S + i * S / 50, APF_FALLBACK, APF_FALLBACK_FULL, 0);
	findings(1);
}

/* --- limits, and the end */

static void test_limits(void **state)
{
	const struct model_options options = {
		.limits = { .page_ns = 1000, .ack_ns = 2000, .fallbacks = 2, .fallbacks_ns = 10 },
	};

	model_free(m);
	m = model_new(&options);
	waited(10000, 999, 1);
	findings(0);
	waited(20000, 1000, 1);
	findings(1);
	tell(30000, 1);
	step(31999, APF_ACK, 0, 0);
	findings(1);
	tell(40000, 2);
	step(42000, APF_ACK, 0, 0);
	model_settle(m, 42000);
	findings(2);
	step(50000, APF_FALLBACK, APF_FALLBACK_BUSY, 0);
	step(50011, APF_FALLBACK, APF_FALLBACK_BUSY, 0);
	findings(2);
	step(50020, APF_FALLBACK, APF_FALLBACK_BUSY, 0);
	findings(3);
}

static void test_end(void **state)
{
	step(100, APF_SETUP, 0, 1);
	tell(200, 2);
	model_settle(m, 2 * S);
	assert_true(findings(2)[0].open && findings(2)[1].open);
	step(3 * S, APF_VCPU_END, 0, 0);
	assert_false(findings(2)[0].open || findings(2)[1].open);
	model_settle(m, 9 * S);
	findings(2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_page_stuck), TEST(test_pages_stuck), TEST(test_page_waited_for), TEST(test_page_being_waited_for),
		TEST(test_page_no_longer_waited_for), TEST(test_page_ready_lost), TEST(test_unacked),
		TEST(test_unacked_other), TEST(test_without_acks), TEST(test_ack_lost), TEST(test_wakeup_lost), TEST(test_wakeup_not_lost),
		TEST(test_fallback_burst), TEST(test_limits), TEST(test_end),
	};

	return cmocka_run_group_tests_name("findings about page faults", tests, NULL, NULL);
}
