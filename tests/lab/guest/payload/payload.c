// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bare-metal guest: runs its vCPU's op program, handles SDEI events by the handlers' op programs, counts and stamps.
 * No libc, no writable data of its own: everything is in this vCPU's struct area (layout.h), identity mapped.
 */
#include "../layout.h"

#define PSCI_CPU_OFF	0x84000002
#define PSCI_CPU_ON	0xC4000003
#define PSCI_AFFINITY_INFO	0xC4000004
#define AWAIT_GRACE_NS	20000000	/* how long a wait outlives the VMM's stop */

void payload_main(struct area *area);
int payload_handler(struct frame *frame);
void payload_denied(struct frame *frame) __attribute__((noreturn));
void payload_fault(void) __attribute__((noreturn));
extern char payload_start[], sdei_resume[], sdei_resume_end[];
int64_t smccc(uint64_t id, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t conduit);
void pattern(struct area *area, uint64_t flags, uint64_t context);
void el0_until(uint64_t ticks);

#define read_reg(name) ({ uint64_t value_; asm volatile("mrs %0, " #name : "=r"(value_)); value_; })
#define write_reg(name, value) asm volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

/* The compiler may make these of loops and struct copies. */
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);

void *memcpy(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((volatile char *)to)[i] = ((const char *)from)[i];
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((volatile char *)to)[i] = byte;
	return to;
}

static struct control *control(void)
{
	return (struct control *)GUEST_CONTROL;
}

static struct area *area_of(uint32_t vcpu)
{
	return (struct area *)AREA_OF(vcpu);
}

static uint64_t counter(void)
{
	asm volatile("isb" : : : "memory");
	return read_reg(cntvct_el0);
}

/* A free entry of a log, or NULL if it is full or not kept. */
static void *log_entry(struct area *area, struct log *log, size_t size)
{
	uint32_t n = log->count++;

	if (!area->logging || n >= log->capacity)
		return NULL;
	return (void *)(log->base + n * size);
}

/* The main program's clock: also the first stamp after resuming for the runs that were before it. */
static uint64_t main_stamp(struct area *area)
{
	uint32_t begun = *(volatile uint32_t *)&area->runs.count;
	uint64_t now = counter();
	struct run *runs = (struct run *)area->runs.base;

	if (!area->logging)
		return now;
	for (; area->stamped < begun && area->stamped < area->runs.capacity; area->stamped++)
		runs[area->stamped].after = now;
	return now;
}

static uint64_t stamp(struct area *area, enum context which)
{
	return which == MAIN ? main_stamp(area) : counter();
}

static struct door *ring(struct area *area, enum context which, enum door_command command, const struct op *op)
{
	struct door *door = &area->context[which].door;

	door->command = command;
	door->event = op ? op->event : 0;
	door->target = op ? op->target : area->vcpu;
	door->immediate = op ? op->arg[0] : 0;
	door->value = op ? op->arg[1] : 0;
	asm volatile("dsb sy" : : : "memory");
	*(volatile uint32_t *)GUEST_DOORBELL = which;
	asm volatile("dsb sy" : : : "memory");
	return door;
}

void payload_fault(void)
{
	struct area *area = (struct area *)read_reg(tpidr_el1);

	for (;;)
		ring(area, MAIN, DOOR_FAULT, NULL);
}

void payload_denied(struct frame *frame)
{
	struct area *area = (struct area *)frame->area;

	area->fault[0] = 0;
	area->fault[1] = frame->denied;
	payload_fault();
}

/* calls ------------------------------------------------------------------- */

static enum result result_index(int64_t result)
{
	static const struct { int8_t value, index; } known[] = {
		{ -1, RESULT_NOT_SUPPORTED }, { -2, RESULT_INVALID_PARAMETERS }, { -3, RESULT_DENIED },
		{ -5, RESULT_PENDING }, { -10, RESULT_OUT_OF_RESOURCE },
	};

	if (result >= 0)
		return RESULT_SUCCESS;
	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (result == known[i].value)
			return known[i].index;
	return RESULT_OTHER;
}

static uint32_t call_index(uint64_t id)
{
	uint64_t n = (uint32_t)id - SDEI_FIRST;

	return n < CALL_OTHER ? n : CALL_OTHER;
}

struct made {			/* a call that has been made */
	struct area *area;
	struct pcontext *context;
	const struct op *op;
	uint64_t before, after;
	int64_t result;
	int64_t peeked;		/* pending bits before it */
	uint32_t runs;
};

static void note_change(struct made *made, enum change_kind kind, uint32_t value)
{
	struct change *change = log_entry(made->area, &made->context->changes, sizeof(*change));

	if (change)
		*change = (struct change){ made->before, made->after, kind, value };
}

static void after_signal(struct made *made)
{
	uint64_t event = made->op->arg[1];
	struct tally *tally = (struct tally *)made->context->tally;
	struct sent *sent;

	/* What no vCPU is told of: no such PE, or an event that is not for signalling. */
	if (event || made->op->target == NO_VCPU || made->result == -1)
		return;
	(made->result == 0 ? tally[made->op->target].accepted : tally[made->op->target].refused)[event]++;
	sent = log_entry(made->area, &made->context->sent, sizeof(*sent));
	if (sent)
		*sent = (struct sent){ made->before, made->after, made->op->target, event, made->result, made->runs };
}

static void after_mask(struct made *made)
{
	if (made->result >= 0)
		note_change(made, CHANGE_MASK, made->result);
}

static void after_unmask(struct made *made)
{
	if (made->result >= 0)
		note_change(made, CHANGE_UNMASK, made->result);
}

static void cleared(struct made *made, uint32_t events)
{
	uint32_t lost = made->peeked & events;

	made->area->registered &= ~events;
	made->area->enabled &= ~events;
	for (int i = 0; i < NR_EVENTS; i++)
		made->context->cleared[i] += lost >> i & 1;
	if (lost)
		note_change(made, CHANGE_CLEAR, lost);
}

static void after_unregister(struct made *made)
{
	if ((made->result == 0 || made->result == -5) && made->op->arg[1] < NR_EVENTS)
		cleared(made, 1u << made->op->arg[1]);
}

/* In a handler the answer is DENIED, but what can be done is. */
static void after_reset(struct made *made)
{
	if (made->result == 0 || result_index(made->result) == RESULT_DENIED)
		cleared(made, (1u << NR_EVENTS) - 1);
}

static void after_register(struct made *made)
{
	if (made->result == 0)
		made->area->registered |= 1u << made->op->arg[1];
}

static void after_enable(struct made *made)
{
	if (made->result == 0)
		made->area->enabled |= 1u << made->op->arg[1];
}

static void after_disable(struct made *made)
{
	if (made->result == 0)
		made->area->enabled &= ~(1u << made->op->arg[1]);
}

static void (*const after_call[NR_CALLS])(struct made *) = {
	[CALL_REGISTER] = after_register, [CALL_ENABLE] = after_enable, [CALL_DISABLE] = after_disable,
	[CALL_UNREGISTER] = after_unregister, [CALL_PRIVATE_RESET] = after_reset, [CALL_SIGNAL] = after_signal,
	[CALL_MASK] = after_mask, [CALL_UNMASK] = after_unmask,
};

static void count_call(struct made *made)
{
	uint32_t index = call_index(made->op->arg[0]);

	made->context->calls[index][result_index(made->result)]++;
	if (after_call[index])
		after_call[index](made);
}

static void judge(struct pcontext *context, const struct op *op, int64_t result)
{
	if (op->expect == EXPECT_ANY || (op->expect == EXPECT_OK && result >= 0) || result == op->expect)
		return;
	if (context->failures++)
		return;
	context->failed_line = op->line;
	context->failed_got = result;
}

static bool takes_pending(const struct op *op)
{
	uint32_t index = call_index(op->arg[0]);

	return index == CALL_UNREGISTER || index == CALL_PRIVATE_RESET;
}

static void op_call(struct area *area, enum context which, struct op *op)
{
	struct pcontext *context = &area->context[which];
	struct made made = { .area = area, .context = context, .op = op };
	int64_t *kept;

	if (takes_pending(op))
		made.peeked = ring(area, which, DOOR_PEEK, NULL)->result;
	made.runs = *(volatile uint32_t *)&area->runs.count;
	made.before = stamp(area, which);
	context->call_before = made.before;
	*(volatile uint32_t *)&context->in_call = context->pc;
	made.result = smccc(op->arg[0], op->arg[1], op->arg[2], op->arg[3], op->arg[4], op->arg[5], op->conduit & CONDUIT_SMC);
	*(volatile uint32_t *)&context->in_call = 0;
	made.after = stamp(area, which);
	count_call(&made);
	context->last_result = made.result;
	judge(context, op, made.result);
	kept = log_entry(area, &context->results, sizeof(*kept));
	if (kept)
		*kept = made.result;
}

/* A reset cut a call short: it had been made, since what reset the vCPU was dispatched on its way back. */
static void finish_cut_call(struct area *area)
{
	struct pcontext *context = &area->context[MAIN];
	struct op *ops = (struct op *)area->ops;
	struct made made = { .area = area, .context = context, .before = context->call_before };

	if (!context->in_call)
		return;
	made.op = &ops[context->in_call - 1];
	made.runs = area->runs.count - 1;
	context->in_call = 0;
	count_call(&made);
}

/* time -------------------------------------------------------------------- */

static uint64_t between(struct pcontext *context, const struct op *op)
{
	uint64_t x = context->random;

	if (op->arg[1] <= op->arg[0])
		return op->arg[0];
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	context->random = x;
	return op->arg[0] + x % (op->arg[1] - op->arg[0]);
}

static void op_spin(struct area *area, enum context which, struct op *op)
{
	uint64_t until = stamp(area, which) + between(&area->context[which], op);

	while ((int64_t)(stamp(area, which) - until) < 0)
		;
}

/*
 * Without a GIC the timer wakes nobody: stay awake then. A handler may nap between the main program's setting of the
 * timer and its WFI: leave the timer as it was.
 */
static void nap_until(struct area *area, uint64_t until)
{
	uint64_t compare = read_reg(cntv_cval_el0), enabled = read_reg(cntv_ctl_el0);

	if (!area->gicr)
		return;
	write_reg(cntv_cval_el0, until);
	write_reg(cntv_ctl_el0, 1);
	asm volatile("isb; wfi" : : : "memory");
	write_reg(cntv_cval_el0, compare);
	write_reg(cntv_ctl_el0, enabled & 1);
	asm volatile("isb" : : : "memory");
}

static void op_nap(struct area *area, enum context which, struct op *op)
{
	uint64_t until = stamp(area, which) + between(&area->context[which], op);

	while ((int64_t)(stamp(area, which) - until) < 0)
		nap_until(area, until);
	stamp(area, which);
}

static void op_wfi(struct area *area, enum context which, struct op *op)
{
	asm volatile("wfi" : : : "memory");
	stamp(area, which);
}

static uint64_t ticks(struct area *area, uint64_t ns)
{
	return ns * (area->frequency / 1000000) / 1000;
}

/* Waits for done(), its own events waking it; gives up a grace after the VMM has said stop. False if it gave up. */
static bool wait_for(struct area *area, bool (*done)(struct area *, const struct op *), const struct op *op)
{
	uint64_t stopped = 0;

	while (!done(area, op)) {
		uint64_t now = main_stamp(area);

		if (control()->stop && !stopped)
			stopped = now;
		if (stopped && now - stopped > ticks(area, AWAIT_GRACE_NS))
			return false;
		nap_until(area, now + ticks(area, 200000));
	}
	main_stamp(area);
	return true;
}

static bool all_arrived(struct area *area, const struct op *op)
{
	for (uint32_t i = 0; i < area->nr_vcpus; i++)
		if (area_of(i)->barrier < area->barrier)
			return false;
	return true;
}

static void op_barrier(struct area *area, enum context which, struct op *op)
{
	asm volatile("dmb sy" : : : "memory");
	area->barrier++;
	wait_for(area, all_arrived, op);
	asm volatile("dmb sy" : : : "memory");
}

static uint64_t *awaited(struct area *area, const struct op *op)
{
	return (uint64_t *)area->awaited + (uint64_t)op->target * NR_EVENTS + op->event;
}

static bool enough_runs(struct area *area, const struct op *op)
{
	return area_of(op->target)->ended[op->event] >= *awaited(area, op);
}

static void op_await(struct area *area, enum context which, struct op *op)
{
	*awaited(area, op) += op->arg[0];
	wait_for(area, enough_runs, op);
}

/* the VMM ----------------------------------------------------------------- */

static void op_ask(struct area *area, enum context which, struct op *op)
{
	static const uint8_t command[NR_OPS] = {
		[OP_INJECT] = DOOR_INJECT, [OP_CANCEL] = DOOR_CANCEL, [OP_VCPU_RESET] = DOOR_RESET, [OP_CHECK] = DOOR_CHECK,
		[OP_AWAY] = DOOR_AWAY,
	};
	struct pcontext *context = &area->context[which];

	stamp(area, which);
	context->last_result = ring(area, which, command[op->code], op)->result;
	judge(context, op, context->last_result);
	stamp(area, which);
}

static void op_cpu_off(struct area *area, enum context which, struct op *op)
{
	main_stamp(area);
	smccc(PSCI_CPU_OFF, 0, 0, 0, 0, 0, 0);
	judge(&area->context[which], op, -1);	/* it must not return */
}

/* Waits until the target is off, has the VMM account for what CPU_ON will take away, and turns it on. */
static void op_cpu_on(struct area *area, enum context which, struct op *op)
{
	uint64_t until = stamp(area, which) + ticks(area, 10000000000);
	uint64_t mpidr = control()->mpidr[op->target];

	while (smccc(PSCI_AFFINITY_INFO, mpidr, 0, 0, 0, 0, 0) != 1 && stamp(area, which) < until)
		;
	ring(area, which, DOOR_NOTE_RESET, op);
	judge(&area->context[which], op,
	      smccc(PSCI_CPU_ON, mpidr, (uint64_t)payload_start, AREA_OF(op->target), 0, 0, 0));
}

static void op_pattern(struct area *area, enum context which, struct op *op)
{
	struct door *door = &area->context[which].door;

	door->command = DOOR_CHECK;
	door->target = op->target;
	door->event = op->event;
	door->immediate = CHECK_PATTERN;
	pattern(area, op->arg[1], which);
	main_stamp(area);
}

static void op_el0(struct area *area, enum context which, struct op *op)
{
	el0_until(main_stamp(area) + between(&area->context[which], op));
	main_stamp(area);
}

/* memory that fails --------------------------------------------------------- */

static bool is_lost(const struct pages *pages, uint64_t address)
{
	const struct failure *failures = (const struct failure *)pages->failures;

	for (uint32_t i = 0; i < pages->taken; i++)
		if (failures[i].address == address)
			return true;
	return false;
}

/* A page that is known to be lost is not read. The event of one that is not may come before the instruction that reads it is over. */
static enum touched touch(const struct pages *pages, uint64_t address)
{
	uint64_t word;

	if (is_lost(pages, address))
		return TOUCHED_LOST;
	word = *(volatile uint64_t *)address;
	if (is_lost(pages, address))
		return TOUCHED_LOST;
	return word == address ? TOUCHED_WHOLE : TOUCHED_SPOILT;
}

static void op_touch(struct area *area, enum context which, struct op *op)
{
	struct pages *pages = &area->pages;
	uint32_t page = pages->touched;
	enum touched touched = TOUCHED_NOTHING;

	stamp(area, which);
	if (page < PAGES_OF_VCPU) {
		pages->touched++;
		touched = touch(pages, pages->base + page * PAGE_SIZE);
	}
	judge(&area->context[which], op, touched);
	stamp(area, which);
}

/* All of them: failures for which the event was still pending have no event of their own. */
static void op_take(struct area *area, enum context which, struct op *op)
{
	struct pages *pages = &area->pages;
	struct failure *failures = (struct failure *)pages->failures;

	while (pages->taken < __atomic_load_n(&pages->failed, __ATOMIC_ACQUIRE)) {
		struct failure *failure = &failures[pages->taken];

		failure->taken = stamp(area, which);
		failure->run = area->runs.count - 1;
		pages->taken++;
	}
}

/* the program -------------------------------------------------------------- */

static void op_loop(struct area *area, enum context which, struct op *op)
{
	op->state = op->arg[0];
	if (!op->state)
		area->context[which].pc = op->jump;
}

static bool again(struct op *loop)
{
	uint32_t stop = control()->stop;

	if (loop->code == OP_FOREVER)
		return !stop;
	return stop < 2 && --loop->state;
}

static void op_repeat(struct area *area, enum context which, struct op *op)
{
	if (again((struct op *)area->ops + op->jump))
		area->context[which].pc = op->jump + 1;
}

static void op_every(struct area *area, enum context which, struct op *op)
{
	if (++op->state < op->arg[0])
		area->context[which].pc = op->jump;
	else
		op->state = 0;
}

static void op_once(struct area *area, enum context which, struct op *op)
{
	if (op->state++)
		area->context[which].pc = op->jump;
}

static void (*const ops[NR_OPS])(struct area *, enum context, struct op *) = {
	[OP_CALL] = op_call, [OP_LOOP] = op_loop, [OP_REPEAT] = op_repeat, [OP_EVERY] = op_every, [OP_ONCE] = op_once,
	[OP_SPIN] = op_spin, [OP_NAP] = op_nap, [OP_WFI] = op_wfi, [OP_AWAIT] = op_await, [OP_BARRIER] = op_barrier,
	[OP_INJECT] = op_ask, [OP_CANCEL] = op_ask, [OP_VCPU_RESET] = op_ask, [OP_CHECK] = op_ask,
	[OP_CPU_OFF] = op_cpu_off, [OP_CPU_ON] = op_cpu_on, [OP_PATTERN] = op_pattern, [OP_EL0] = op_el0,
	[OP_TOUCH] = op_touch, [OP_TAKE] = op_take, [OP_AWAY] = op_ask,
};

/* Runs from context->pc to the program's end; returns the op that ended it. */
static struct op *run(struct area *area, enum context which)
{
	struct op *program = (struct op *)area->ops;
	struct pcontext *context = &area->context[which];

	for (;;) {
		struct op *op = &program[context->pc++];

		if (op->code == OP_END || op->code == OP_RESUME)
			return op;
		if (ops[op->code])
			ops[op->code](area, which, op);
	}
}

static struct run *begin_run(struct area *area, struct frame *frame)
{
	struct run *run = log_entry(area, &area->runs, sizeof(*run));

	if (!run)
		run = &area->spare_run;
	*run = (struct run){ .entry = frame->entry, .event = frame->event };
	frame->run = (uint64_t)run;
	area->begun[frame->event]++;
	if (frame->x[0] != frame->event || frame->x[1] != (uint64_t)frame)
		area->wrong_event++;
	return run;
}

/* ELR_EL1 still has the way back from an exception or the last resume: a resume now would lose it. (Linux does the same.) */
static bool in_resume(const struct frame *frame)
{
	return frame->x[2] >= (uint64_t)sdei_resume && frame->x[2] < (uint64_t)sdei_resume_end;
}

int payload_handler(struct frame *frame)
{
	struct area *area = (struct area *)frame->area;
	struct pcontext *context = &area->context[HANDLER];
	struct run *begun = begin_run(area, frame);
	struct op *last;

	context->pc = frame->start;
	last = run(area, HANDLER);
	begun->resumed = last->code == OP_RESUME && !in_resume(frame);
	frame->status = last->arg[0];
	frame->conduit = last->conduit;
	context->calls[begun->resumed ? CALL_RESUME : CALL_COMPLETE][RESULT_SUCCESS]++;
	area->resumed[frame->event] += begun->resumed;
	area->ended[frame->event]++;
	return begun->resumed;
}

/* The timer's interrupt is never taken, it only ends a WFI: PSTATE.I stays set. */
static void gic_init(struct area *area)
{
	volatile uint32_t *sgis = (volatile uint32_t *)(area->gicr + 0x10000);

	if (!area->gicr)
		return;
	*(volatile uint32_t *)GUEST_GICD = 0x12;		/* affinity routing, group 1 */
	sgis[0x80 / 4] = ~0u;					/* IGROUPR0 */
	sgis[0x100 / 4] = 1u << GUEST_TIMER_PPI;		/* ISENABLER0 */
	write_reg(s3_0_c12_c12_5, 7);				/* ICC_SRE_EL1 */
	asm volatile("isb");
	write_reg(s3_0_c4_c6_0, 0xff);				/* ICC_PMR_EL1 */
	write_reg(s3_0_c12_c12_7, 1);				/* ICC_IGRPEN1_EL1 */
	asm volatile("isb");
}

/* After the end nobody starts a signal any more; what is under way still finds its handler. */
static void retire(struct area *area)
{
	area->barrier = UINT64_MAX;
	asm volatile("dsb sy" : : : "memory");
	while (!all_arrived(area, NULL))
		nap_until(area, main_stamp(area) + ticks(area, 200000));
}

void payload_main(struct area *area)
{
	area->boots++;
	gic_init(area);
	write_reg(cntkctl_el1, 2);	/* EL0 may read the virtual counter */
	finish_cut_call(area);
	for (;;) {
		run(area, MAIN);
		retire(area);
		ring(area, MAIN, DOOR_DONE, NULL);
		area->context[MAIN].pc = 0;
	}
}
