// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bare-metal guest of --apf: a few tasks per vCPU, each of which touches pages that are not there. SDEI event 1 parks
 * the task that has touched one, the page-ready interrupt makes it ready again. Everything is counted; nothing is
 * preempted: a task runs until it parks or ends.
 */
#include "../apf_layout.h"

#define SDEI_REGISTER	0xC4000021
#define SDEI_ENABLE	0xC4000022
#define SDEI_UNMASK	0xC400002C
#define SDEI_SIGNAL	0xC400002F
#define APF_CALL	0xC6000060	/* vendor hypervisor service, function 96 */
enum { OP_FEATURES, OP_ENABLE, OP_DISABLE, OP_ACKNOWLEDGE };
enum { NOT_PRESENT = 1, PAGE_READY, WAKE_ALL };
#define FLAG_KERNEL	1
#define PSTATE_EL1H	0x5
#define ISR_INTERRUPT	(1 << 7)
#define WORK_ROUNDS	5000		/* in a unit of work: some 10 us of a real CPU, much less than a page takes */
#define PARKED_AT_ONCE	4		/* tasks that are parked when a mode does its deed */

void payload_main(struct area *area);
int apf_handler(struct apf_vcpu *v, uint64_t event, uint64_t pc, uint64_t pstate);
void apf_interrupt(struct apf_vcpu *v);
void payload_fault(void) __attribute__((noreturn));
void run_task(struct apf_vcpu *v, struct task *task);
void leave_task(struct apf_vcpu *v) __attribute__((noreturn));
uint32_t touch_at_el0(uint64_t address);
int64_t smccc(uint64_t id, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);
void smccc4(uint64_t id, uint64_t a1, uint64_t results[4]);
extern char sdei_entry[];

#define read_reg(name) ({ uint64_t value_; asm volatile("mrs %0, " #name : "=r"(value_)); value_; })
#define write_reg(name, value) asm volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

static struct area *area_of(const struct apf_vcpu *v)
{
	return (struct area *)((uint64_t)v - APF_AREA);
}

static struct apf_data *data_of(const struct apf_vcpu *v)
{
	return (struct apf_data *)((uint64_t)area_of(v) + APF_DATA);
}

static uint64_t counter(void)
{
	asm volatile("isb" : : : "memory");
	return read_reg(cntvct_el0);
}

static void wrong(struct apf_vcpu *v, enum apf_wrong what)
{
	if (!v->wrong++)
		v->complaint = what;
}

/* asking the VMM -------------------------------------------------------------- */

static int64_t ring(struct area *area, enum door_command command, uint32_t what)
{
	struct door *door = &area->context[MAIN].door;

	door->command = command;
	door->immediate = what;
	door->target = area->vcpu;
	asm volatile("dsb sy" : : : "memory");
	*(volatile uint32_t *)GUEST_DOORBELL = MAIN;
	asm volatile("dsb sy" : : : "memory");
	return door->result;
}

static int64_t ask(struct apf_vcpu *v, enum apf_door what)
{
	return ring(area_of(v), DOOR_CHECK, what);
}

void payload_fault(void)
{
	for (;;)
		ring((struct area *)read_reg(tpidr_el1), DOOR_FAULT, 0);
}

/* the service ------------------------------------------------------------------ */

static void enable(struct apf_vcpu *v)
{
	uint64_t flags = v->mode == APF_USER_ONLY ? 0 : FLAG_KERNEL;

	if (smccc(APF_CALL, OP_ENABLE, (uint64_t)data_of(v), flags, 0, 0))
		wrong(v, WRONG_ENABLE);
}

static void check_features(struct apf_vcpu *v)
{
	uint64_t results[4];

	smccc4(APF_CALL, OP_FEATURES, results);
	if (results[0] || results[1] != FLAG_KERNEL || results[2] != 1 || results[3] != APF_PPI)
		wrong(v, WRONG_FEATURES);
}

static void set_up_event(struct apf_vcpu *v, uint64_t event, bool enabled)
{
	if (smccc(SDEI_REGISTER, event, (uint64_t)sdei_entry, (uint64_t)v, 0, 0))
		wrong(v, WRONG_SDEI);
	if (enabled && smccc(SDEI_ENABLE, event, 0, 0, 0, 0))
		wrong(v, WRONG_SDEI);
}

static void set_up(struct apf_vcpu *v)
{
	if (v->mode == APF_BARE)
		return;
	check_features(v);
	set_up_event(v, 0, true);
	set_up_event(v, 1, v->mode != APF_NO_HANDLER);
	if (v->mode != APF_MASKED)
		smccc(SDEI_UNMASK, 0, 0, 0, 0, 0);
	if (v->mode != APF_OFF)
		enable(v);
}

/* not present, ready ----------------------------------------------------------- */

static void touch_in_handler(struct apf_vcpu *v)
{
	uint32_t page = v->first_page + v->tasks * v->pages + v->handler_touches++;

	if (*(volatile uint32_t *)(v->page_bytes + GUEST_APF_EL1 - GUEST_APF + page * 4096ull) != page)
		wrong(v, WRONG_CONTENT);
}

static bool never_acknowledges(const struct apf_vcpu *v)
{
	return v->mode == APF_NEVER_ACK || (v->mode == APF_RENEW && !v->deeds);
}

static bool parks(const struct apf_vcpu *v)
{
	return v->mode != APF_WAIT && v->mode != APF_UNREAD && !never_acknowledges(v);
}

/* Returns whether the task is to be parked. */
int apf_handler(struct apf_vcpu *v, uint64_t event, uint64_t pc, uint64_t pstate)
{
	struct apf_slot *slot = &data_of(v)->not_present;
	struct task *task = (struct task *)v->current;
	struct touch *touch;

	if (event == 0) {
		v->signalled++;
		return 0;
	}
	v->not_present++;
	if (slot->reason != NOT_PRESENT || !slot->token)
		wrong(v, WRONG_REASON);
	if (v->mode != APF_UNREAD)
		slot->reason = 0;
	if (!task) {
		wrong(v, WRONG_NESTED);
		return 0;
	}
	touch = (struct touch *)task->touch;
	touch->not_present = counter();
	touch->token = slot->token;
	touch->told++;
	if (v->mode == APF_BUSY)
		touch_in_handler(v);
	if (!parks(v)) {
		v->waits++;
		return 0;
	}
	v->parks++;
	touch->parked = 1;
	task->token = slot->token;
	task->state = TASK_PARKED;
	return 1;
}

static void wake(struct apf_vcpu *v, struct task *task)
{
	task->state = TASK_READY;
	task->token = 0;
	((struct touch *)task->touch)->woken = counter();
	v->woken++;
}

static void wake_all(struct apf_vcpu *v)
{
	for (uint32_t i = 0; i < v->tasks; i++)
		if (v->task[i].state == TASK_PARKED)
			wake(v, &v->task[i]);
}

static void wake_token(struct apf_vcpu *v, uint32_t token)
{
	for (uint32_t i = 0; i < v->tasks; i++)
		if (v->task[i].state == TASK_PARKED && v->task[i].token == token) {
			wake(v, &v->task[i]);
			return;
		}
	v->unknown++;
}

static volatile uint32_t *private_interrupts(const struct apf_vcpu *v)
{
	return (volatile uint32_t *)(area_of(v)->gicr + 0x10000);
}

static void acknowledge(struct apf_vcpu *v)
{
	if (never_acknowledges(v)) {
		private_interrupts(v)[0x180 / 4] = 1u << APF_PPI;	/* ICENABLER0: it stays raised */
		asm volatile("dsb sy" : : : "memory");
		return;
	}
	if (smccc(APF_CALL, OP_ACKNOWLEDGE, 0, 0, 0, 0))
		wrong(v, WRONG_ACK);
	v->acks++;
}

static void page_ready(struct apf_vcpu *v)
{
	struct apf_slot *slot = &data_of(v)->ready;
	uint32_t reason = slot->reason;

	slot->reason = 0;
	v->ready++;
	if (reason == WAKE_ALL) {
		v->wake_alls++;
		wake_all(v);
	} else if (reason == PAGE_READY) {
		wake_token(v, slot->token);
	} else {
		wrong(v, WRONG_READY);
	}
	acknowledge(v);
}

void apf_interrupt(struct apf_vcpu *v)
{
	uint64_t intid = read_reg(s3_0_c12_c12_0);	/* ICC_IAR1_EL1 */

	if (intid == APF_PPI)
		page_ready(v);
	else if (intid != 1023)				/* gone meanwhile */
		wrong(v, WRONG_INTERRUPT);
	if (intid != 1023)
		write_reg(s3_0_c12_c12_1, intid);	/* ICC_EOIR1_EL1 */
}

static void gic_init(struct apf_vcpu *v)
{
	volatile uint32_t *ppis = private_interrupts(v);

	*(volatile uint32_t *)GUEST_GICD = 0x12;	/* affinity routing, group 1 */
	ppis[0x80 / 4] = ~0u;				/* IGROUPR0 */
	ppis[0x100 / 4] = 1u << APF_PPI;		/* ISENABLER0 */
	write_reg(s3_0_c12_c12_5, 7);			/* ICC_SRE_EL1 */
	asm volatile("isb");
	write_reg(s3_0_c4_c6_0, 0xff);			/* ICC_PMR_EL1 */
	write_reg(s3_0_c12_c12_7, 1);			/* ICC_IGRPEN1_EL1 */
	asm volatile("isb");
}

/* tasks ---------------------------------------------------------------------- */

static bool at_el1(const struct apf_vcpu *v, const struct touch *touch)
{
	return v->mode == APF_USER_ONLY || v->mode == APF_IRQS_OFF ? touch->page % 2 : touch->task % 2;
}

static uint32_t touch_at_el1(const struct apf_vcpu *v, uint64_t address)
{
	uint32_t content;

	if (v->mode == APF_IRQS_OFF)
		asm volatile("msr daifset, #2" : : : "memory");
	content = *(volatile uint32_t *)address;
	asm volatile("msr daifclr, #2" : : : "memory");
	return content;
}

static void touch_page(struct apf_vcpu *v, struct task *task)
{
	uint32_t page = v->first_page + task->index * v->pages + task->next;
	struct touch *touches = (struct touch *)((uint64_t)area_of(v) + APF_TOUCHES);
	struct touch *touch = &touches[task->index * v->pages + task->next];
	uint64_t address = v->page_bytes + page * 4096ull;
	uint32_t content;

	touch->page = page;
	touch->task = task->index;
	touch->el = at_el1(v, touch);
	task->touch = (uint64_t)touch;
	if (!touch->before)		/* else it was reset */
		touch->before = counter();
	if (touch->el)
		content = touch_at_el1(v, address + GUEST_APF_EL1 - GUEST_APF);
	else
		content = touch_at_el0(address);
	touch->after = counter();
	if (content != page)
		wrong(v, WRONG_CONTENT);
	v->nr_touches++;
}

static void task_main(struct apf_vcpu *v, struct task *task)
{
	for (; task->next < v->pages; task->next++)
		touch_page(v, task);
	asm volatile("msr daifset, #2" : : : "memory");
	task->state = TASK_DONE;
	v->done++;
	leave_task(v);
}

static void start_task(struct apf_vcpu *v, struct task *task)
{
	if (task->state == TASK_DONE)
		return;
	task->x[0] = (uint64_t)v;
	task->x[1] = (uint64_t)task;
	task->sp = task->stack;
	task->pc = (uint64_t)task_main;
	task->pstate = PSTATE_EL1H;
	task->state = TASK_READY;
	task->token = 0;
}

static struct task *pick(struct apf_vcpu *v, uint32_t *last)
{
	for (uint32_t i = 1; i <= v->tasks; i++) {
		struct task *task = &v->task[(*last + i) % v->tasks];

		if (task->state == TASK_READY) {
			*last = task->index;
			return task;
		}
	}
	return NULL;
}

static void take_interrupts(void)
{
	asm volatile("msr daifclr, #2; isb; msr daifset, #2" : : : "memory");
}

static uint32_t parked(const struct apf_vcpu *v)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->tasks; i++)
		n += v->task[i].state == TASK_PARKED;
	return n;
}

static void off_and_on(struct apf_vcpu *v)
{
	if (smccc(APF_CALL, OP_DISABLE, 0, 0, 0, 0))
		wrong(v, WRONG_ENABLE);
	wake_all(v);
	enable(v);
	private_interrupts(v)[0x100 / 4] = 1u << APF_PPI;
}

/* A guest is known to acknowledge, and has nothing to do but to wait for pages. */
static bool is_time_to_forget(const struct apf_vcpu *v)
{
	return v->acks && parked(v) == v->tasks;
}

/* When enough tasks are parked; in APF_RENEW, where they are not, when the first is done. */
static bool is_time(const struct apf_vcpu *v)
{
	if (v->mode == APF_FORGET)
		return is_time_to_forget(v);
	return v->mode == APF_RENEW ? v->done : parked(v) >= PARKED_AT_ONCE || parked(v) == v->tasks;
}

/* The guest, which does not look yet, is told of a page, and then of another one instead. */
static void lose_wakeup(struct apf_vcpu *v)
{
	const struct apf_slot *ready = &data_of(v)->ready;
	uint32_t token = ready->token;

	v->lost_tokens[v->lost++] = token;
	if (ask(v, APF_DOOR_FORGET))
		wrong(v, WRONG_ENABLE);
	while (ready->token == token)
		;
}

/* Those who were not woken, once nobody else is left, as a guest does that looks after its tasks by time. Returns whether there were any. */
static bool wake_lost(struct apf_vcpu *v)
{
	if (v->done + v->lost != v->tasks || !v->lost_tokens[0])
		return false;
	for (uint32_t i = 0; i < v->lost; i++) {
		wake_token(v, v->lost_tokens[i]);
		v->lost_tokens[i] = 0;
	}
	return true;
}

static bool waits_for_interrupt(const struct apf_vcpu *v)
{
	return v->mode == APF_RESTORE_RAISED || v->mode == APF_FORGET;
}

/* What some modes do, once. */
static void do_deed(struct apf_vcpu *v)
{
	if (v->deeds >= (v->mode == APF_FORGET ? APF_LOSSES : 1) || !is_time(v))
		return;
	v->deeds++;
	while (waits_for_interrupt(v) && !(read_reg(isr_el1) & ISR_INTERRUPT))
		;
	v->abandoned = parked(v);
	if ((v->mode == APF_RESTORE || v->mode == APF_RESTORE_RAISED) && ask(v, APF_DOOR_RESTORE))
		wrong(v, WRONG_ENABLE);
	if (v->mode == APF_WRITE_BACK && ask(v, APF_DOOR_WRITE_BACK))
		wrong(v, WRONG_ENABLE);
	if (v->mode == APF_SUSPEND && ask(v, APF_DOOR_SUSPEND))
		wrong(v, WRONG_SUSPEND);
	if (v->mode == APF_FORGET)
		lose_wakeup(v);
	if (v->mode == APF_DISABLE || v->mode == APF_RENEW)
		off_and_on(v);
	if (v->mode == APF_RESET)
		ring(area_of(v), DOOR_RESET, 0);	/* comes back in payload_main() */
	if (v->mode == APF_EXIT)
		ring(area_of(v), DOOR_DONE, 0);
}

static void work_on(struct apf_vcpu *v)
{
	uint64_t x = v->work_done + 1;

	for (uint32_t i = 0; i < WORK_ROUNDS; i++)
		asm volatile("eor %0, %0, %0, lsl #13; eor %0, %0, %0, lsr #7; eor %0, %0, %0, lsl #17" : "+r"(x));
	v->work_parked += parked(v) > 0;
	v->work_done++;
}

static void run_tasks(struct apf_vcpu *v)
{
	uint32_t last = v->tasks - 1;

	while (v->done < v->tasks || v->work_done < v->work) {
		struct task *task = pick(v, &last);

		if (task) {
			v->current = (uint64_t)task;
			run_task(v, task);
			v->current = 0;
			do_deed(v);
		} else if (v->work_done < v->work) {
			work_on(v);
		} else if (!wake_lost(v)) {
			asm volatile("dsb sy; wfi" : : : "memory");
		}
		take_interrupts();
	}
}

/* Late interrupts of faults that nobody waits for any more. */
static void settle(struct apf_vcpu *v)
{
	if (v->mode != APF_BARE && smccc(APF_CALL, OP_DISABLE, 0, 0, 0, 0))
		wrong(v, WRONG_ENABLE);
	take_interrupts();
}

/* The vCPU before this one, until its tasks are done. */
static void signal_all_the_time(struct apf_vcpu *v)
{
	uint32_t target = area_of(v)->vcpu - 1;
	const volatile struct apf_vcpu *other = (const struct apf_vcpu *)APF_OF(target);
	uint64_t mpidr = ((struct control *)GUEST_CONTROL)->mpidr[target];

	while (other->done < other->tasks)
		v->sent += !smccc(SDEI_SIGNAL, 0, mpidr, 0, 0, 0);
}

static void work(struct apf_vcpu *v)
{
	if (v->mode == APF_SIGNALS && area_of(v)->vcpu % 2) {
		v->done = v->tasks;
		signal_all_the_time(v);
		return;
	}
	if (v->mode == APF_NO_ACCESS && ask(v, APF_DOOR_HIDE))
		wrong(v, WRONG_ENABLE);
	v->started = counter();
	run_tasks(v);
	v->ended = counter();
	if (v->mode == APF_NO_ACCESS && ask(v, APF_DOOR_SHOW))
		wrong(v, WRONG_ENABLE);
}

void payload_main(struct area *area)
{
	struct apf_vcpu *v = (struct apf_vcpu *)((uint64_t)area + APF_AREA);

	v->boots++;
	v->current = 0;
	gic_init(v);
	for (uint32_t i = 0; i < v->tasks; i++)
		start_task(v, &v->task[i]);
	if (v->boots == 1)
		ask(v, APF_DOOR_START);
	set_up(v);
	work(v);
	settle(v);
	for (;;)
		ring(area, DOOR_DONE, 0);
}
