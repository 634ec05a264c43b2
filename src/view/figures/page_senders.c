// SPDX-License-Identifier: GPL-2.0-only
#include "view/figures/page_senders.h"

#include <inttypes.h>
#include <stdlib.h>

#include "model/senders.h"
#include "view/figures/format.h"

static void put_waiting(struct page *page, uint64_t ns)
{
	char age[FORMAT_SIZE];

	page_put(page, ns ? LOOK_BAD : LOOK_PLAIN, " %8s", ns ? format_age(age, sizeof(age), ns) : "-");
}

static void put_pair(struct page *page, const struct model_pair *pair, const struct status *status)
{
	const struct model_sender *s = pair->sender;
	char last[FORMAT_SIZE];

	page_line(page);
	page_put(page, LOOK_PLAIN, "%5" PRIu32 " %5" PRIu32, s->sender, pair->target->id);
	put_waiting(page, pair->waiting_ns);
	page_put(page, LOOK_PLAIN, " %9" PRIu64 " %10" PRIu64, s->signals, s->dispatched);
	page_put(page, s->unanswered ? LOOK_WARN : LOOK_PLAIN, " %10" PRIu64, s->unanswered);
	page_put_us(page, hist_quantile(s->latency, 0.99));
	page_put_us(page, s->worst_ns);
	page_put(page, LOOK_PLAIN, "  %s", format_clock(last, sizeof(last), status, s->last_ns, 3));
}

void page_senders(struct page *page, const struct model_vm *vm, const struct model_vcpu *vcpu, const struct status *status, size_t most)
{
	size_t count, shown = 0, left_out = 0;
	int err;
	struct model_pair *pairs = model_pairs(vm, status->now_ns, &count, &err);

	page_line(page);
	page_put(page, LOOK_HEAD, "%5s %5s %8s %9s %10s %10s %8s %8s  %s", "from", "to", "waiting", "signals", "dispatched", "unanswered",
		 "p99us", "maxus", "last");
	for (size_t i = 0; i < count; i++) {
		if (vcpu && pairs[i].target != vcpu)
			continue;
		if (shown == most) {
			left_out++;
			continue;
		}
		put_pair(page, &pairs[i], status);
		shown++;
	}
	if (left_out) {
		page_line(page);
		page_put(page, LOOK_DIM, "and %zu more", left_out);
	}
	page->no_memory |= err != 0;
	free(pairs);
}
