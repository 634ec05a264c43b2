// SPDX-License-Identifier: GPL-2.0-only
/* The sentence about all findings has room for each code, and cuts where there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/inside.h"
#include "view/report/verdict.h"

/* As many findings as a model has, of each code about as many. */
static struct model *model_full(void)
{
	struct model *m = model_new(NULL);

	assert_non_null(m);
	for (size_t i = 0; i < FINDINGS_MAX; i++) {
		enum model_finding_code code = i % FINDING_COUNT;
		const struct model_finding finding = {
			.code = code, .first_ns = i, .vcpu = SDEI_NONE,
			.event = code == FINDING_PENDING_STUCK || code == FINDING_HANDLER_HUNG || code == FINDING_NMI_UNANSWERED ||
				 code == FINDING_DROP_BURST || code == FINDING_UNACCOUNTED ? 7 : SDEI_NONE,
		};

		assert_true(finding_put_back(m, (struct finding_owner){ .vcpu = NULL }, &finding));
	}
	return m;
}

static void test_all_codes(void **state)
{
	struct model *m = model_full();
	char text[VERDICT_SIZE], cut[32];

	verdict_found(text, sizeof(text), m);
	assert_true(strncmp(text, "1024 findings: 43 illegal-transition, ", 38) == 0);
	for (unsigned int code = 0; code < FINDING_COUNT; code++)
		assert_non_null(strstr(text, finding_code_name(code)));
	assert_int_equal(text[strlen(text) - 1], '.');
	memset(cut, 'x', sizeof(cut));
	verdict_found(cut, sizeof(cut) - 1, m);
	assert_int_equal(strlen(cut), sizeof(cut) - 2);
	assert_int_equal(cut[sizeof(cut) - 1], 'x');
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_codes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
