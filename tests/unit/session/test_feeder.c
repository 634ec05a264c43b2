/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "session/feeder.h"
#include "session/source.h"
#include "session/vm_names.h"

static struct sdei_record signal_at(uint64_t time_ns)
{
	return (struct sdei_record){
		.time_ns = time_ns, .vm = 1, .event = 0, .kind = SDEI_SIGNAL, .sender = SDEI_NONE, .origin = SDEI_FROM_VMM,
		.state = SDEI_REGISTERED | SDEI_PENDING, .outcome = time_ns == 1 ? SDEI_QUEUED : SDEI_COALESCED,
	};
}

/* Several batches and a rest: all arrive, once and in order. */
static void test_all_arrive(void **state)
{
	struct feeder *f = feeder_new(false, NULL);
	const struct model_event *event;

	for (uint64_t i = 1; i <= 1009; i++) {
		struct sdei_record record = signal_at(i);

		feeder_record(f, &record, sizeof(record));
		memset(&record, 0xff, sizeof(record));	/* the source takes it back */
	}
	feeder_flush(f);
	event = model_event(model_vcpu(model_vm(feeder_model(f), 1), 0), 0);
	assert_int_equal(event->count.queued, 1);
	assert_int_equal(event->count.coalesced, 1008);
	assert_int_equal(model_totals(feeder_model(f))->late, 0);
	assert_non_null(model_vm(feeder_model(f), 1)->user);	/* it has a name */
	feeder_free(f);
}

/* Records one by one and runs of any length, in between each other: none is late. */
static void test_runs(void **state)
{
	static const size_t lengths[] = { 1, 31, 32, 200, 5, 256, 40, 3, 255, 64 };
	struct feeder *f = feeder_new(false, NULL);
	uint64_t fed = 0;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct sdei_record records[256], one = signal_at(++fed);
		const struct sdei_record *pointers[256];
		size_t sizes[256];

		feeder_record(f, &one, sizeof(one));
		for (size_t k = 0; k < lengths[i]; k++) {
			records[k] = signal_at(++fed);
			pointers[k] = &records[k];
			sizes[k] = sizeof(records[k]);
		}
		feeder_records(f, pointers, sizes, lengths[i]);
		memset(records, 0xff, sizeof(records));
	}
	feeder_flush(f);
	assert_int_equal(model_totals(feeder_model(f))->records, fed);
	assert_int_equal(model_totals(feeder_model(f))->count.signals, fed);
	assert_int_equal(model_totals(feeder_model(f))->late, 0);
	assert_int_equal(model_totals(feeder_model(f))->unknown, 0);
	feeder_free(f);
}

/* What was lost is told after what came before it. */
static void test_losses(void **state)
{
	struct feeder *f = feeder_new(false, NULL);
	struct sdei_record record = signal_at(1);
	const struct sdei_lost_key key = { .vm = 1, .kind = SDEI_SIGNAL, .outcome = SDEI_COALESCED };

	feeder_record(f, &record, sizeof(record));
	feeder_lost(f, &key, 7);
	assert_int_equal(model_totals(feeder_model(f))->records, 1);
	feeder_lost(f, NULL, 3);
	assert_int_equal(model_totals(feeder_model(f))->lost, 10);
	assert_int_equal(model_totals(feeder_model(f))->count.signals, 8);
	feeder_free(f);
}

static void test_malformed(void **state)
{
	struct feeder *f = feeder_new(false, NULL);
	unsigned char huge[256] = { 0 };
	struct sdei_record record = signal_at(1);

	memcpy(huge, &record, sizeof(record));
	feeder_record(f, (const struct sdei_record *)huge, sizeof(huge));
	feeder_record(f, &record, 8);
	feeder_flush(f);
	assert_int_equal(model_totals(feeder_model(f))->unknown, 2);
	feeder_free(f);
	feeder_free(NULL);
}

/* --- names */

static const char uuid_of_web[GUEST_UUID_SIZE] = "0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d42";

static char *process_name(struct source *source, uint32_t vm, char uuid[GUEST_UUID_SIZE])
{
	if (vm == 2)
		memcpy(uuid, uuid_of_web, sizeof(uuid_of_web));
	return strdup("qemu");
}

static const struct vm_name *name_in(struct feeder *f, uint32_t vm)
{
	struct sdei_record record = signal_at(1);

	record.vm = vm;
	feeder_record(f, &record, sizeof(record));
	feeder_flush(f);
	return name_of(model_vm(feeder_model(f), vm));
}

static void test_uuid(void **state)
{
	const struct source_type type = { .name = process_name };
	struct source source = { .type = &type };
	struct feeder *f = feeder_new(false, NULL);

	feeder_set_source(f, &source);
	assert_string_equal(name_in(f, 1)->uuid, "");
	assert_string_equal(name_in(f, 2)->uuid, uuid_of_web);
	feeder_free(f);
}

/* A FIFO in the place of a command line: it cannot be read until it is written. */
static int lock_cmdline(char *directory, uint32_t vm, char *path, size_t size)
{
	int fd;

	assert_non_null(mkdtemp(directory));
	snprintf(path, size, "%s/%u", directory, vm);
	mkdir(path, 0700);
	snprintf(path, size, "%s/%u/cmdline", directory, vm);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void tell_process_names(struct source *source, name_news_t tell, void *ctx)
{
	guest_name_tell_late(tell, ctx);
}

static void take_name(void *ctx, uint32_t vm, const char *name, const char *uuid)
{
	assert_int_equal(vm, 7);
	snprintf(ctx, 64, "%s %s", name, uuid);
}

/* What a command line says late is the VM's name then, and its UUID; who else wants to know is told. */
static void test_late_name(void **state)
{
	static const char cmdline[] = "qemu\0-name\0web\0-uuid\0" "0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d42";
	const struct source_type type = { .name = process_name, .tell_late_names = tell_process_names };
	struct source source = { .type = &type };
	struct feeder *f = feeder_new(false, NULL);
	char heard[64] = "", directory[] = "/tmp/sdeitop-feeder-XXXXXX", path[64];
	int locked = lock_cmdline(directory, 7, path, sizeof(path));

	feeder_set_source(f, &source);
	feeder_set_late_names(f, take_name, heard);
	assert_string_equal(name_in(f, 7)->raw, "qemu");
	free(guest_name_in(directory, 7, NULL));
	assert_int_equal(write(locked, cmdline, sizeof(cmdline)), sizeof(cmdline));
	close(locked);
	while (strcmp(name_in(f, 7)->raw, "web") != 0)
		sched_yield();
	assert_string_equal(name_in(f, 7)->uuid, uuid_of_web);
	assert_string_equal(heard, "web 0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d42");
	feeder_free(f);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_arrive), cmocka_unit_test(test_runs), cmocka_unit_test(test_losses), cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_uuid), cmocka_unit_test(test_late_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
