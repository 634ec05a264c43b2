// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU time of a redraw of the live screen, every row having other figures than before: median of some, as a line of JSON on standard
 * error. Standard input and output are the terminal. Arguments: vCPUs, of which eight make a VM, and redraws.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "session/vm_names.h"
#include "view/screen/top.h"
#include "tests/bench/lib/clock.h"

#define SECOND_NS 1000000000ULL
#define WARM 3

static char *name(void *ctx, uint32_t vm, char uuid[GUEST_UUID_SIZE])
{
	char text[32];

	snprintf(text, sizeof(text), "guest-%u", vm);
	return strdup(text);
}

static void feed(struct model *m, uint64_t t, uint32_t vcpu, uint8_t kind, uint8_t state)
{
	struct sdei_record r = {
		.time_ns = t, .vm = 1000 + vcpu / 8, .vcpu = vcpu % 8, .kind = kind, .state = state | SDEI_REGISTERED | SDEI_ENABLED,
	};

	r.outcome = kind == SDEI_SIGNAL ? SDEI_QUEUED : kind == SDEI_COMPLETE ? SDEI_COMPLETED : 0;
	model_feed(m, &r, sizeof(r));
}

/* Some episodes of each vCPU, of other lengths each second. */
static void live(struct model *m, uint32_t vcpus, uint64_t second)
{
	uint64_t t = (1 + second) * SECOND_NS;

	for (uint32_t i = 0; i < vcpus; i++) {
		for (uint32_t k = 0; k <= (i + second) % 4; k++) {
			feed(m, t += 1000, i, SDEI_SIGNAL, SDEI_PENDING);
			feed(m, t += 1000 + (i * 7919 + k * 15485863ULL + second * 104729) % 60000, i, SDEI_DISPATCH, SDEI_RUNNING);
			feed(m, t += 1000, i, SDEI_COMPLETE, 0);
		}
	}
	names_adopt(m, name, NULL, true);
	model_tick(m, (2 + second) * SECOND_NS);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void redraw(struct top *top, struct model *m, uint32_t vcpus, unsigned int count, uint64_t *took)
{
	struct status status = { .delay_ns = SECOND_NS, .host = "bench", .probes_attached = 14, .probes_total = 14 };

	for (unsigned int i = 0; i < WARM + count; i++) {
		uint64_t start;

		live(m, vcpus, i);
		status.now_ns = (2 + i) * SECOND_NS;
		status.wall_ns = 1700000000 * SECOND_NS + status.now_ns;
		start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		top_draw(top, m, &status);
		if (i >= WARM)
			took[i - WARM] = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	}
}

int main(int argc, char **argv)
{
	const struct model_options plain = { .free_user = name_free };
	const struct top_options options = { .utf8 = true, .delay_ms = 1000 };
	uint32_t vcpus = argc == 3 ? strtoul(argv[1], NULL, 0) : 0, count = argc == 3 ? strtoul(argv[2], NULL, 0) : 0;
	uint64_t *took = calloc(count + 1, sizeof(*took));
	struct model *m = model_new(&plain);
	struct top *top;

	if (!vcpus || !count || !m || !took) {
		fprintf(stderr, "usage: %s VCPUS REDRAWS\n", argv[0]);
		return 2;
	}
	model_keep_intervals(m, true);
	model_keep_recent(m, true);
	top = top_open(&options);
	if (!top)
		return 1;
	redraw(top, m, vcpus, count, took);
	top_close(top);
	qsort(took, count, sizeof(*took), by_value);
	fprintf(stderr, "{\"median_ns\":%llu,\"worst_ns\":%llu}\n", (unsigned long long)took[count / 2],
		(unsigned long long)took[count - 1]);
	model_free(m);
	free(took);
	return 0;
}
