/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/figures/page_calls.h"

#include <inttypes.h>

#include "model/hist.h"

static void add_time(struct hist **sum, const struct hist *time)
{
	if (!time)
		return;
	if (!*sum)
		*sum = hist_new();
	if (*sum)
		hist_merge(*sum, time);
}

void calls_add_vcpu(struct calls *calls, const struct model_vcpu *vcpu)
{
	model_add_calls(vcpu, calls->count);
	model_add_psci(vcpu, &calls->psci);
	for (unsigned int i = 0; i < SDEI_CALL_COUNT; i++)
		add_time(&calls->time[i], model_call_time(vcpu, SDEI_FN_FIRST + i));
}

void calls_add_vm(struct calls *calls, const struct model_vm *vm)
{
	for (size_t i = 0; i < vm->vcpu_count; i++)
		calls_add_vcpu(calls, vm->vcpus[i]);
}

void calls_release(struct calls *calls)
{
	for (unsigned int i = 0; i < SDEI_CALL_COUNT; i++)
		hist_free(calls->time[i]);
}

bool calls_are_timed(const struct calls *calls)
{
	for (unsigned int i = 0; i < SDEI_CALL_COUNT; i++)
		if (calls->time[i])
			return true;
	return false;
}

static bool is_success(unsigned int class)
{
	return class == model_result_class(0);
}

static bool is_refused(unsigned int class)
{
	return !is_success(class) && class != MODEL_RESULT_FORWARDED;
}

static uint64_t sum(const uint64_t counts[MODEL_RESULT_CLASSES], bool refused)
{
	uint64_t total = 0;

	for (unsigned int class = 0; class < MODEL_RESULT_CLASSES; class++)
		if (!refused || is_refused(class))
			total += counts[class];
	return total;
}

uint64_t calls_refused(const struct calls *calls)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < SDEI_CALL_COUNT; i++)
		total += sum(calls->count[i], true);
	return total;
}

static void put_times(struct page *page, const struct hist *time)
{
	page_put_us(page, hist_quantile(time, 0.5));
	page_put_us(page, hist_quantile(time, 0.99));
	page_put_us(page, hist_max(time));
}

static void put_call(struct page *page, const struct calls *calls, unsigned int i, bool refused, bool timed)
{
	const uint64_t *counts = calls->count[i];

	page_line(page);
	page_put(page, LOOK_PLAIN, "%-26s %10" PRIu64, sdei_call_name(SDEI_FN_FIRST + i), sum(counts, refused));
	if (timed)
		put_times(page, calls->time[i]);
	for (unsigned int class = 0; class < MODEL_RESULT_CLASSES; class++)
		if (counts[class] && (!refused || is_refused(class)))
			page_put(page, is_refused(class) ? LOOK_WARN : LOOK_PLAIN, "  %s %" PRIu64,
				 model_result_class_name(class), counts[class]);
}

static void put_psci_call(struct page *page, enum psci_call call, const uint64_t counts[PSCI_CLASS_COUNT], bool timed)
{
	uint64_t total = 0;

	for (unsigned int class = 0; class < PSCI_CLASS_COUNT; class++)
		total += counts[class];
	if (!total)
		return;
	page_line(page);
	page_put(page, LOOK_PLAIN, "PSCI %-21s %10" PRIu64, psci_call_name(call), total);
	if (timed)
		put_times(page, NULL);
	for (unsigned int class = 0; class < PSCI_CLASS_COUNT; class++)
		if (counts[class])
			page_put(page, LOOK_PLAIN, "  %s %" PRIu64, psci_class_name(class), counts[class]);
}

void page_calls(struct page *page, const struct calls *calls, bool refused)
{
	bool timed = !refused && calls_are_timed(calls);

	page_line(page);
	page_put(page, LOOK_HEAD, "%-26s %10s", "call", refused ? "refused" : "count");
	if (timed)
		page_put(page, LOOK_HEAD, " %8s %8s %8s", "p50us", "p99us", "maxus");
	page_put(page, LOOK_HEAD, "  results");
	for (unsigned int i = 0; i < SDEI_CALL_COUNT; i++)
		if (sum(calls->count[i], refused))
			put_call(page, calls, i, refused, timed);
	for (unsigned int call = 0; call < PSCI_CALL_COUNT && !refused; call++)
		put_psci_call(page, call, calls->psci.count[call], timed);
}
