// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs that come and go, without end: what sdeid holds for them all is given back, to the last allocation, when they are
 * forgotten. SDEI_CHURN=N: so many instead of some thousand. Under sanitizers only the figures are looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/lib/directory.h"
#include "tests/unit/lib/sdei_machine.h"
#include "session/feeder.h"
#include "daemon/exporter.h"
#include "daemon/finding_log.h"
#include "recording/flight.h"
#include "recording/packetizer.h"

#ifdef __SANITIZE_ADDRESS__
static const struct { long live; } failing;
#else
#include "tests/unit/lib/failing_malloc.h"
#endif

#define SECOND 1000000000ULL
#define TOGETHER 50
#define FIRST_PID 1000
#define VCPUS 2
#define STEPS 200

struct churn {
	struct feeder *feeder;
	struct flight *flight;
	struct packetizer *pack;
	struct exporter *exporter;
	struct finding_log news;
	uint64_t now_ns;
	uint32_t vm;		/* whose machine steps */
};

static char directory[] = "/tmp/sdeitop-churn-XXXXXX";

static int set_up(void **state)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
	return remove_tree(directory);
}

static char *look_up(void *ctx, uint32_t vm, char *uuid)
{
	char *name = NULL;

	return asprintf(&name, "guest-%u", vm) < 0 ? NULL : name;
}

static void take(void *ctx, const struct sdei_record *record, size_t size)
{
	struct churn *c = ctx;
	struct sdei_record_call copy;

	memcpy(&copy, record, size);
	copy.head.vm = c->vm;
	copy.head.time_ns = c->now_ns += 1000;
	feeder_record(c->feeder, &copy.head, size);
	packetizer_record(c->pack, &copy.head, size);
}

static void churn_open(struct churn *c)
{
	const struct daemon_config config = { .textfile = directory, .max_series = 100000 };
	struct packetizer_options options = { .uuid = { 1 }, .take = flight_take, .name = look_up };

	*c = (struct churn){ .now_ns = SECOND };
	c->flight = options.ctx = flight_new(1 << 20);
	c->feeder = feeder_new(true, NULL);
	c->pack = packetizer_new(&options);
	c->exporter = exporter_open(&config);
	assert_true(c->flight && c->feeder && c->pack && c->exporter);
	feeder_set_names(c->feeder, look_up, NULL);
}

static void churn_close(struct churn *c)
{
	exporter_close(c->exporter, true);
	packetizer_free(c->pack);
	flight_free(c->flight);
	feeder_free(c->feeder);
}

/* A second and a scrape of the daemon. */
static void tick(struct churn *c)
{
	const struct status status = { .now_ns = c->now_ns += SECOND };
	struct recording_status packed = { .time_ns = c->now_ns };

	feeder_flush(c->feeder);
	packetizer_status(c->pack, &packed);
	if (flight_wants_snapshot(c->flight, packetizer_snapshot_size(c->pack)))
		packetizer_snapshot(c->pack, 0);
	model_tick(feeder_model(c->feeder), c->now_ns);
	exporter_write(c->exporter, feeder_model(c->feeder), &status);
	exporter_wait(c->exporter);
}

/* The kernel tells of each event of a vCPU that goes. */
static void destroy(struct churn *c)
{
	struct sdei_record_handler gone = { .head = { .kind = SDEI_STATE, .origin = SDEI_DESTROYED, .state = SDEI_MASKED } };

	for (gone.head.vcpu = 0; gone.head.vcpu < VCPUS; gone.head.vcpu++)
		for (gone.head.event = 0; gone.head.event < MACHINE_EVENTS; gone.head.event++)
			take(c, &gone.head, sizeof(gone));
}

static void live(struct churn *c, uint32_t vm)
{
	struct machine *m;

	c->vm = vm;
	m = machine_new(VCPUS, vm, take, c);
	for (int i = 0; i < STEPS; i++)
		machine_step(m);
	machine_free(m);
	destroy(c);
}

static void forget(struct churn *c)
{
	model_expire(feeder_model(c->feeder), c->now_ns + 1);
	model_expire_findings(feeder_model(c->feeder), c->now_ns + 1);
	tick(c);
}

static void live_together(struct churn *c, uint32_t first_pid)
{
	for (unsigned int i = 0; i < TOGETHER; i++)
		live(c, first_pid + i);
	tick(c);
}

static size_t vms_known(const struct churn *c)
{
	size_t count;

	model_vms(feeder_model(c->feeder), &count);
	return count;
}

static void test_memory(void **state)
{
	const char *asked = getenv("SDEI_CHURN");
	unsigned int lives = asked ? strtoul(asked, NULL, 10) : 5000;
	long level, peak = 0;
	struct churn c;

	churn_open(&c);
	live_together(&c, FIRST_PID);
	forget(&c);
	level = failing.live;
	for (unsigned int pid = FIRST_PID + TOGETHER; pid < FIRST_PID + lives; pid += TOGETHER) {
		live_together(&c, pid);
		assert_int_equal(vms_known(&c), TOGETHER);
		peak = failing.live > peak ? failing.live : peak;
		forget(&c);
		assert_int_equal(vms_known(&c), 0);
	}
	print_message("%u lives: %ld allocations at first, %ld at most, %ld at last\n", lives, level, peak, failing.live);
#ifndef __SANITIZE_ADDRESS__
	assert_true(peak > level + 10 * TOGETHER);
#endif
	assert_int_equal(failing.live, level);
	assert_true(model_totals(feeder_model(c.feeder))->records > (uint64_t)lives * STEPS / 2);
	churn_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory) };

	return cmocka_run_group_tests_name("churn", tests, set_up, tear_down);
}
