// SPDX-License-Identifier: GPL-2.0-only
#include "truth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#define ENTRIES(log) ((log)->count < (log)->capacity ? (log)->count : (log)->capacity)

static const char *const call_names[NR_CALLS] = {
	[CALL_VERSION] = "VERSION", [CALL_REGISTER] = "EVENT_REGISTER", [CALL_ENABLE] = "EVENT_ENABLE",
	[CALL_DISABLE] = "EVENT_DISABLE", [CALL_CONTEXT] = "EVENT_CONTEXT", [CALL_COMPLETE] = "EVENT_COMPLETE",
	[CALL_RESUME] = "EVENT_COMPLETE_AND_RESUME", [CALL_UNREGISTER] = "EVENT_UNREGISTER",
	[CALL_STATUS] = "EVENT_STATUS", [CALL_GET_INFO] = "EVENT_GET_INFO", [CALL_ROUTING_SET] = "EVENT_ROUTING_SET",
	[CALL_MASK] = "PE_MASK", [CALL_UNMASK] = "PE_UNMASK", [CALL_BIND] = "INTERRUPT_BIND",
	[CALL_RELEASE] = "INTERRUPT_RELEASE", [CALL_SIGNAL] = "EVENT_SIGNAL", [CALL_FEATURES] = "FEATURES",
	[CALL_PRIVATE_RESET] = "PRIVATE_RESET", [CALL_SHARED_RESET] = "SHARED_RESET",
};

static const char *const result_names[NR_RESULTS] = {
	[RESULT_SUCCESS] = "SUCCESS", [RESULT_NOT_SUPPORTED] = "NOT_SUPPORTED",
	[RESULT_INVALID_PARAMETERS] = "INVALID_PARAMETERS", [RESULT_DENIED] = "DENIED", [RESULT_PENDING] = "PENDING",
	[RESULT_OUT_OF_RESOURCE] = "OUT_OF_RESOURCE", [RESULT_OTHER] = "OTHER",
};

/* counts --------------------------------------------------------------------- */

struct counts {
	int64_t of[NR_COUNTED];
	bool registered, enabled, running, pending;	/* at the end */
};

static void add_guest_signals(struct vm *vm, unsigned int vcpu, unsigned int event, struct counts *counts)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		for (int which = 0; which < NR_CONTEXTS; which++) {
			const struct tally *tally = vm_memory(vm, vm->vcpus[i].area->context[which].tally);

			counts->of[COUNT_SIGNALS] += tally[vcpu].accepted[event] + tally[vcpu].refused[event];
			counts->of[COUNT_REJECTED] += tally[vcpu].refused[event];
		}
}

static void add_vmm_signals(const struct vcpu *vcpu, unsigned int event, struct counts *counts)
{
	counts->of[COUNT_SIGNALS] += vcpu->injected[event] + vcpu->refused[event];
	counts->of[COUNT_REJECTED] += vcpu->refused[event];
	counts->of[COUNT_CANCELLED] = vcpu->cancelled[event];
}

/* The end of the vCPU clears what is pending or running then. */
static void add_cleared(const struct vcpu *vcpu, unsigned int event, struct counts *counts)
{
	counts->of[COUNT_CLEARED] = vcpu->cleared[event] + counts->pending;
	counts->of[COUNT_RUNNING_CLEARED] = vcpu->running_cleared[event] + counts->running;
	for (int which = 0; which < NR_CONTEXTS; which++)
		counts->of[COUNT_CLEARED] += vcpu->area->context[which].cleared[event];
}

static struct counts count_event(struct vcpu *vcpu, unsigned int event)
{
	struct sdei_state state = vcpu_sdei(vcpu);
	const struct area *area = vcpu->area;
	struct counts counts = {
		.registered = state.registered >> event & 1, .enabled = state.enabled >> event & 1,
		.running = state.running >> event & 1, .pending = state.pending >> event & 1,
	};

	add_guest_signals(vcpu->vm, vcpu->id, event, &counts);
	add_vmm_signals(vcpu, event, &counts);
	add_cleared(vcpu, event, &counts);
	counts.of[COUNT_DISPATCHED] = area->begun[event];
	counts.of[COUNT_RESUMED] = area->resumed[event];
	counts.of[COUNT_COMPLETED] = area->ended[event] - area->resumed[event];
	/* Each time it became pending ended in one of these ways; the other accepted signals found it pending. */
	counts.of[COUNT_QUEUED] = counts.of[COUNT_DISPATCHED] + counts.of[COUNT_CANCELLED] + counts.of[COUNT_CLEARED];
	counts.of[COUNT_COALESCED] = counts.of[COUNT_SIGNALS] - counts.of[COUNT_REJECTED] - counts.of[COUNT_QUEUED];
	return counts;
}

uint64_t truth_total(struct vm *vm, enum counted field)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		for (unsigned int event = 0; event < NR_EVENTS; event++)
			total += count_event(&vm->vcpus[i], event).of[field];
	return total;
}

/* checks ---------------------------------------------------------------------- */

static unsigned int check_event(const struct vcpu *vcpu, unsigned int event, const struct counts *counts)
{
	const int64_t *of = counts->of;
	unsigned int wrong = 0;

	if (of[COUNT_COALESCED] < 0) {
		complain("vCPU %u event %u: %" PRId64 " signals accepted, but %" PRId64 " handler runs, cancels and clears", vcpu->id,
			 event, of[COUNT_SIGNALS] - of[COUNT_REJECTED], of[COUNT_QUEUED]);
		wrong++;
	}
	if (of[COUNT_DISPATCHED] != of[COUNT_COMPLETED] + of[COUNT_RESUMED] + of[COUNT_RUNNING_CLEARED]) {
		complain("vCPU %u event %u: %" PRId64 " handler runs, but %" PRId64 " completed, %" PRId64 " resumed, %" PRId64
			 " cut off", vcpu->id, event, of[COUNT_DISPATCHED], of[COUNT_COMPLETED], of[COUNT_RESUMED],
			 of[COUNT_RUNNING_CLEARED]);
		wrong++;
	}
	if (counts->registered != (vcpu->area->registered >> event & 1) || counts->enabled != (vcpu->area->enabled >> event & 1)) {
		complain("vCPU %u event %u: KVM says registered %d, enabled %d; the results of the guest's calls say %d, %d", vcpu->id,
			 event, counts->registered, counts->enabled, vcpu->area->registered >> event & 1,
			 vcpu->area->enabled >> event & 1);
		wrong++;
	}
	return wrong;
}

static unsigned int check_expectations(const struct vcpu *vcpu)
{
	unsigned int wrong = 0;

	for (int which = 0; which < NR_CONTEXTS; which++) {
		const struct pcontext *context = &vcpu->area->context[which];

		if (!context->failures)
			continue;
		complain("vCPU %u: %" PRIu64 " results are not what the script expects; the first, of line %" PRIu64 ", was %" PRId64,
			 vcpu->id, context->failures, context->failed_line, context->failed_got);
		wrong++;
	}
	if (vcpu->area->wrong_event) {
		complain("vCPU %u: %" PRIu64 " handlers were entered with x0 or x1 not as registered", vcpu->id,
			 vcpu->area->wrong_event);
		wrong++;
	}
	return wrong;
}

static unsigned int check_predictions(struct vm *vm, const struct truth *truth)
{
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < truth->script->nr_predictions; i++) {
		const struct prediction *p = &truth->script->predictions[i];
		int64_t got = count_event(&vm->vcpus[p->vcpu], p->event).of[p->field];

		if (got == (int64_t)p->value)
			continue;
		complain("%s, line %u: vCPU %u event %u: %s is %" PRId64 ", predicted %" PRIu64, truth->script->name, p->line, p->vcpu,
			 p->event, counted_names[p->field], got, p->value);
		wrong++;
	}
	return wrong;
}

unsigned int truth_check(struct vm *vm, const struct truth *truth)
{
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < vm->nr_vcpus; i++) {
		for (unsigned int event = 0; event < NR_EVENTS; event++) {
			struct counts counts = count_event(&vm->vcpus[i], event);

			wrong += check_event(&vm->vcpus[i], event, &counts);
		}
		if (truth->complete)
			wrong += check_expectations(&vm->vcpus[i]);
	}
	return wrong + (truth->complete ? check_predictions(vm, truth) : 0);
}

/* which signal began the pending time that a handler run ended --------------------- */

struct signal {
	uint64_t before, after;	/* ns; after 0 where not known */
	uint32_t runs;		/* of the sender, begun before */
	bool self;		/* sent by the target's own program, or by the VMM on its thread */
};

struct signals {
	struct signal *list;
	unsigned int nr, capacity;
	bool all_self;
	uint64_t *clears;	/* when pending was taken away, ns, before it happened */
	unsigned int nr_clears;
};

static void add_signal(struct signals *signals, struct signal signal)
{
	if (signals->nr == signals->capacity) {
		signals->capacity = signals->capacity ? signals->capacity * 2 : 1024;
		signals->list = realloc(signals->list, signals->capacity * sizeof(*signals->list));
		if (!signals->list)
			abort();
	}
	signals->list[signals->nr++] = signal;
	signals->all_self &= signal.self;
}

static void add_clear(struct signals *signals, uint64_t when)
{
	signals->clears = realloc(signals->clears, (signals->nr_clears + 1) * sizeof(*signals->clears));
	if (!signals->clears)
		abort();
	signals->clears[signals->nr_clears++] = when;
}

static void collect_sent(struct signals *signals, struct vcpu *sender, unsigned int vcpu, unsigned int event)
{
	for (int which = 0; which < NR_CONTEXTS; which++) {
		const struct log *log = &sender->area->context[which].sent;
		const struct sent *sent = vm_memory(sender->vm, log->base);

		for (unsigned int i = 0; i < ENTRIES(log); i++)
			if (sent[i].target == vcpu && sent[i].event == event && sent[i].result == 0)
				add_signal(signals, (struct signal){ clock_to_ns(sent[i].before), clock_to_ns(sent[i].after),
								     sent[i].runs, sender->id == vcpu });
	}
}

static void collect_acts(struct signals *signals, const struct vcpu *vcpu, unsigned int event)
{
	for (unsigned int i = 0; i < vcpu->nr_acts; i++) {
		const struct vmm_act *act = &vcpu->acts[i];

		if (act->error || (act->command != DOOR_RESET && act->event != event))
			continue;
		if (act->command == DOOR_INJECT)
			add_signal(signals, (struct signal){ act->before, act->after, act->runs, true });
		else
			add_clear(signals, act->before);
	}
}

static void collect_changes(struct signals *signals, struct vcpu *vcpu, unsigned int event)
{
	for (int which = 0; which < NR_CONTEXTS; which++) {
		const struct log *log = &vcpu->area->context[which].changes;
		const struct change *change = vm_memory(vcpu->vm, log->base);

		for (unsigned int i = 0; i < ENTRIES(log); i++)
			if (change[i].kind == CHANGE_CLEAR && change[i].value >> event & 1)
				add_clear(signals, clock_to_ns(change[i].before));
	}
}

static int compare_signals(const void *a, const void *b)
{
	const struct signal *x = a, *y = b;

	return (x->before > y->before) - (x->before < y->before);
}

static int compare_times(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static struct signals collect_signals(struct vcpu *vcpu, unsigned int event)
{
	struct signals signals = { .all_self = true };

	for (unsigned int i = 0; i < vcpu->vm->nr_vcpus; i++)
		collect_sent(&signals, &vcpu->vm->vcpus[i], vcpu->id, event);
	collect_acts(&signals, vcpu, event);
	collect_changes(&signals, vcpu, event);
	if (signals.nr)
		qsort(signals.list, signals.nr, sizeof(*signals.list), compare_signals);
	if (signals.nr_clears)
		qsort(signals.clears, signals.nr_clears, sizeof(*signals.clears), compare_times);
	return signals;
}

/* Walks the signals beside the runs of one event, in order. */
struct matcher {
	const struct signals *signals;
	unsigned int next, next_clear;
	uint64_t previous_entry;	/* of this event's last run, 0 none */
	uint64_t previous_lowest;	/* its dispatch was not before this */
	uint64_t previous_exit, previous_after;	/* its end, and the main program's first stamp since */
	bool plain_handlers;		/* none of them masks, disables or unregisters */
	uint64_t latest_after;		/* of passed signals not known to precede a dispatch */
	unsigned int previous_index;	/* one past its place among the vCPU's runs */
};

static uint64_t last_clear(struct matcher *m, uint64_t entry)
{
	const struct signals *s = m->signals;

	while (m->next_clear < s->nr_clears && s->clears[m->next_clear] <= entry)
		m->next_clear++;
	return m->next_clear ? s->clears[m->next_clear - 1] : 0;
}

/* Only the vCPU itself signals this event: its own order tells, run by run. */
static const struct signal *match_self(struct matcher *m, unsigned int index, uint64_t entry)
{
	const struct signals *s = m->signals;
	uint64_t cleared = last_clear(m, entry);
	const struct signal *found = NULL;

	while (m->next < s->nr && (s->list[m->next].runs < m->previous_index || s->list[m->next].before < cleared))
		m->next++;
	if (m->next < s->nr && s->list[m->next].runs <= index)
		found = &s->list[m->next];
	m->previous_index = index + 1;
	return found;
}

/*
 * Signals that returned before this cannot have made the event pending again after its last dispatch. If the main
 * program got on between that run and the one at `entry`, nothing was pending when that run ended.
 */
static uint64_t settled_until(const struct matcher *m, uint64_t entry)
{
	bool got_on = m->previous_after && m->previous_after < entry;

	return m->plain_handlers && got_on && m->previous_exit > m->previous_lowest ? m->previous_exit : m->previous_lowest;
}

/* The sender may have been interrupted before its call: what counts is when it was over. */
static void pass(struct matcher *m, const struct signal *signal)
{
	uint64_t after = signal->after ?: UINT64_MAX;

	if (after > m->latest_after)
		m->latest_after = after;
}

/*
 * Others signal too: the first signal that began after the last dispatch was over, unless an earlier one may have
 * happened after that dispatch all the same. `lowest`: this run's dispatch cannot be before (the last handler's exit).
 */
static const struct signal *match_others(struct matcher *m, uint64_t lowest, uint64_t entry)
{
	const struct signals *s = m->signals;
	const struct signal *found = NULL;
	bool doubt;

	for (; m->next < s->nr && s->list[m->next].before <= m->previous_entry; m->next++)
		pass(m, &s->list[m->next]);
	doubt = m->previous_entry && m->latest_after > settled_until(m, entry);
	if (last_clear(m, entry) > m->previous_entry)
		doubt = true;
	if (!doubt && m->next < s->nr && s->list[m->next].before < entry) {
		found = &s->list[m->next++];
		pass(m, found);
	}
	m->previous_entry = entry;
	m->previous_lowest = found && found->before > lowest ? found->before : lowest;
	return found;
}

/* JSON ------------------------------------------------------------------------------ */

static void write_time(FILE *out, const char *name, uint64_t ns)
{
	fprintf(out, "\"%s\":", name);
	if (ns)
		fprintf(out, "%" PRIu64, ns);
	else
		fputs("null", out);
}

static void write_calls(FILE *out, const struct area *area)
{
	const char *separator = "";

	fputs("\"calls\":[", out);
	for (int call = 0; call < CALL_OTHER; call++)
		for (int result = 0; result < NR_RESULTS; result++) {
			uint64_t n = area->context[MAIN].calls[call][result] + area->context[HANDLER].calls[call][result];

			if (!n)
				continue;
			fprintf(out, "%s{\"function\":\"%s\",\"result\":\"%s\",\"count\":%" PRIu64 "}", separator, call_names[call],
				result_names[result], n);
			separator = ",";
		}
	fputs("]", out);
}

/* The main program's first stamp after it, or the next handler's entry if that came first. */
static uint64_t first_after(const struct run *runs, unsigned int nr, unsigned int i)
{
	uint64_t after = runs[i].after;

	if (i + 1 < nr && (!after || runs[i + 1].entry < after))
		after = runs[i + 1].entry;
	return after;
}

static void write_run(FILE *out, const struct run *runs, unsigned int nr, unsigned int i, const struct signal *signal)
{
	fputc('{', out);
	write_time(out, "signal_before_ns", signal ? signal->before : 0);
	fputc(',', out);
	write_time(out, "signal_after_ns", signal ? signal->after : 0);
	fputc(',', out);
	write_time(out, "entry_ns", clock_to_ns(runs[i].entry));
	fputc(',', out);
	write_time(out, "exit_ns", clock_to_ns(runs[i].exit));
	fputc(',', out);
	write_time(out, "after_ns", runs[i].exit ? clock_to_ns(first_after(runs, nr, i)) : 0);
	fputc('}', out);
}

static uint64_t times_called(const struct pcontext *context, enum call call)
{
	uint64_t n = 0;

	for (int result = 0; result < NR_RESULTS; result++)
		n += context->calls[call][result];
	return n;
}

static bool plain_handlers(const struct area *area)
{
	const struct pcontext *handler = &area->context[HANDLER];

	return !times_called(handler, CALL_MASK) && !times_called(handler, CALL_DISABLE) && !times_called(handler, CALL_UNREGISTER);
}

static void write_runs(FILE *out, struct vcpu *vcpu, unsigned int event)
{
	const struct log *log = &vcpu->area->runs;
	const struct run *runs = vm_memory(vcpu->vm, log->base);
	struct signals signals = collect_signals(vcpu, event);
	struct matcher matcher = { .signals = &signals, .plain_handlers = plain_handlers(vcpu->area) };
	unsigned int nr = vcpu->vm->options.logging ? ENTRIES(log) : 0;
	const char *separator = "";

	fputs("\"runs\":[", out);
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t entry = clock_to_ns(runs[i].entry);
		const struct signal *signal;

		if (runs[i].event != event)
			continue;
		signal = signals.all_self ? match_self(&matcher, i, entry) :
			 match_others(&matcher, i ? clock_to_ns(runs[i - 1].exit) : 0, entry);
		matcher.previous_exit = clock_to_ns(runs[i].exit);
		matcher.previous_after = clock_to_ns(runs[i].after);
		fputs(separator, out);
		write_run(out, runs, nr, i, signal);
		separator = ",\n";
	}
	fputs("]", out);
	free(signals.list);
	free(signals.clears);
}

static bool worth_telling(const struct vcpu *vcpu, unsigned int event, const struct counts *counts)
{
	return counts->of[COUNT_SIGNALS] || counts->registered || (vcpu->area->registered >> event & 1);
}

static void write_event(FILE *out, struct vcpu *vcpu, unsigned int event, const struct counts *counts)
{
	static const char *const truth[] = { "false", "true" };

	fprintf(out, "{\"event\":%u,\"registered\":%s,\"enabled\":%s,\"running\":%s,\"pending\":%s,\n\"count\":{", event,
		truth[counts->registered], truth[counts->enabled], truth[counts->running], truth[counts->pending]);
	for (int field = 0; field < NR_COUNTED; field++)
		fprintf(out, "%s\"%s\":%" PRId64, field ? "," : "", counted_names[field], counts->of[field]);
	fputs("},\n", out);
	write_runs(out, vcpu, event);
	fputs("}", out);
}

static void write_events(FILE *out, struct vcpu *vcpu)
{
	const char *separator = "";

	fputs("\"events\":[", out);
	for (unsigned int event = 0; event < NR_EVENTS; event++) {
		struct counts counts = count_event(vcpu, event);

		if (!worth_telling(vcpu, event, &counts))
			continue;
		fputs(separator, out);
		write_event(out, vcpu, event, &counts);
		separator = ",\n";
	}
	fputs("]", out);
}

/* the PE mask -------------------------------------------------------------------------- */

struct moment {			/* of the mask's life */
	uint64_t before, after;	/* ns */
	enum { MASKED, UNMASKED, RESET } what;
};

static int compare_moments(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	return (x->before > y->before) - (x->before < y->before);
}

static struct moment *collect_moments(struct vcpu *vcpu, unsigned int *nr)
{
	unsigned int most = vcpu->nr_acts;
	struct moment *moments;

	for (int which = 0; which < NR_CONTEXTS; which++)
		most += ENTRIES(&vcpu->area->context[which].changes);
	moments = calloc(most + 1, sizeof(*moments));
	if (!moments)
		abort();
	*nr = 0;
	for (int which = 0; which < NR_CONTEXTS; which++) {
		const struct log *log = &vcpu->area->context[which].changes;
		const struct change *change = vm_memory(vcpu->vm, log->base);

		for (unsigned int i = 0; i < ENTRIES(log); i++)
			if (change[i].kind == CHANGE_UNMASK || (change[i].kind == CHANGE_MASK && change[i].value == 1))
				moments[(*nr)++] = (struct moment){ clock_to_ns(change[i].before), clock_to_ns(change[i].after),
								    change[i].kind == CHANGE_MASK ? MASKED : UNMASKED };
	}
	for (unsigned int i = 0; i < vcpu->nr_acts; i++)
		if (vcpu->acts[i].command == DOOR_RESET)
			moments[(*nr)++] = (struct moment){ vcpu->acts[i].before, vcpu->acts[i].after, RESET };
	qsort(moments, *nr, sizeof(*moments), compare_moments);
	return moments;
}

static void write_moment(FILE *out, const char *name, const struct moment *moment)
{
	char full[40];

	snprintf(full, sizeof(full), "%s_before_ns", name);
	write_time(out, full, moment ? moment->before : 0);
	fputc(',', out);
	snprintf(full, sizeof(full), "%s_after_ns", name);
	write_time(out, full, moment ? moment->after : 0);
}

static void write_pair(FILE *out, const char *first, const struct moment *a, const char *second, const struct moment *b)
{
	fputc('{', out);
	write_moment(out, first, a);
	fputc(',', out);
	write_moment(out, second, b);
	fputc('}', out);
}

/* Intervals from a moment of kind `what` to the unmask that ends it; null where something else ended it. */
static void write_intervals(FILE *out, const struct moment *moments, unsigned int nr, int what, const char *first)
{
	const struct moment *since = NULL;
	const char *separator = "";

	for (unsigned int i = 0; i <= nr; i++) {
		const struct moment *end = i < nr && moments[i].what == UNMASKED ? &moments[i] : NULL;

		if (since) {
			fputs(separator, out);
			write_pair(out, first, since, "unmask", end);
			separator = ",\n";
		}
		since = i < nr && (int)moments[i].what == what ? &moments[i] : NULL;
	}
}

static void write_masks(FILE *out, struct vcpu *vcpu)
{
	unsigned int nr;
	struct moment *moments = collect_moments(vcpu, &nr);

	fputs("\"initial_unmask\":", out);
	if (nr && moments[0].what == UNMASKED) {
		fputc('{', out);
		write_time(out, "before_ns", moments[0].before);
		fputc(',', out);
		write_time(out, "after_ns", moments[0].after);
		fputc('}', out);
	} else {
		fputs("null", out);
	}
	fputs(",\n\"mask_intervals\":[", out);
	write_intervals(out, moments, nr, MASKED, "mask");
	fputs("],\n\"reset_intervals\":[", out);
	write_intervals(out, moments, nr, RESET, "reset");
	fputs("]", out);
	free(moments);
}

static uint64_t not_kept(const struct log *log)
{
	return log->count - ENTRIES(log);
}

static void write_vcpu(FILE *out, struct vcpu *vcpu)
{
	const struct area *area = vcpu->area;
	uint64_t lost = not_kept(&area->runs);

	for (int which = 0; which < NR_CONTEXTS; which++)
		lost += not_kept(&area->context[which].sent) + not_kept(&area->context[which].changes);
	fprintf(out, "{\"vcpu\":%u,\"masked\":%s,\"resets\":%" PRIu64 ",\"log_lost\":%" PRIu64 ",\n", vcpu->id,
		vcpu_sdei(vcpu).masked ? "true" : "false", vcpu->resets, vcpu->vm->options.logging ? lost : 0);
	write_calls(out, area);
	fputs(",\n", out);
	write_masks(out, vcpu);
	fputs(",\n", out);
	write_events(out, vcpu);
	fputs("}", out);
}

void truth_write_vcpus(FILE *out, struct vm *vm)
{
	fputs("\"vcpus\":[", out);
	for (unsigned int i = 0; i < vm->nr_vcpus; i++) {
		fputs(i ? ",\n" : "", out);
		write_vcpu(out, &vm->vcpus[i]);
	}
	fputs("]", out);
}

void truth_write_vm(FILE *out, struct vm *vm, unsigned int instance)
{
	fprintf(out, "{\"vm\":%d,\"instance\":%u,", getpid(), instance);
	truth_write_vcpus(out, vm);
	fputs("}", out);
}
