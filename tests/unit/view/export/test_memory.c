// SPDX-License-Identifier: GPL-2.0-only
/* Each allocation of an export fails once: it says so, and goes on. The allocator is replaced, which sanitizers forbid. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lib/apf_machine.h"
#include "view/export/export.h"

#ifdef __SANITIZE_ADDRESS__
static void test_every_failure(void **state)
{
	skip();
}
#else

#include "tests/unit/lib/failing_malloc.h"

#define STEPS 300

/* Only the export allocates when they are fed. */
#define KEPT_MAX (16 * STEPS)
#include "tests/unit/lib/kept_records.h"

static char *name(void *ctx, uint32_t vm)
{
	char *copy = malloc(4);

	return copy ? strcpy(copy, "web") : NULL;
}

/* Whether the n-th allocation is one that there was. */
static bool run(const struct export_format *format, FILE *out, long n)
{
	const struct export_options options = { .format = format, .out = out, .name = name };
	struct export *x;
	int err = -ENOMEM;

	failing.armed = true;
	failing.failed = false;
	failing.after = n;
	failing.count = 1;
	x = export_new(&options);
	for (size_t i = 0; x && i < kept_count; i++) {
		export_record(x, &kept[i].record.head, kept[i].size);
		if (i % 97 == 0)
			export_tick(x, kept[i].record.head.time_ns, 0);
	}
	if (x)
		err = export_end(x, 1);
	failing.armed = false;
	export_free(x);
	assert_int_equal(err, failing.failed ? -ENOMEM : 0);
	return failing.failed;
}

static void test_every_failure(void **state)
{
	static const struct export_format *const formats[] = { &export_perfetto, &export_chrome, &export_csv };
	static char buffer[4096];
	struct apf_machine *faults;
	struct machine *machine;
	FILE *out;

	out = fopen("/dev/null", "w");
	assert_non_null(out);
	setvbuf(out, buffer, _IOFBF, sizeof(buffer));	/* stdio does without one if it must */
	machine = machine_new(2, 31, keep, NULL);
	for (unsigned int i = 0; i < STEPS; i++)
		machine_step(machine);
	faults = apf_machine_new(2, false, 31, keep, NULL);
	for (unsigned int i = 0; i < STEPS; i++)
		apf_machine_step(faults);
	apf_machine_free(faults);
	for (unsigned int i = 0; i < 3; i++) {
		long n = 0;

		while (run(formats[i], out, n))
			n++;
		assert_true(n > 50);
	}
	machine_free(machine);
	fclose(out);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_failure) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
