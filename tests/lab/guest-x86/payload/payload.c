// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest: tasks that touch pages, one page after the other. A vCPU that is told that a page is not present parks the task
 * that touched it and runs another one until it is told that the page is there.
 */
#include <stdbool.h>

#include "../layout.h"

#define MSR_APIC_BASE		0x1b
#define MSR_X2APIC_EOI		0x80b
#define MSR_X2APIC_SPURIOUS	0x80f
#define MSR_KVM_ASYNC_PF_EN	0x4b564d02
#define MSR_KVM_ASYNC_PF_INT	0x4b564d06
#define MSR_KVM_ASYNC_PF_ACK	0x4b564d07

#define IOAPIC			0xfec00000

#define APF_ENABLED		1
#define APF_SEND_ALWAYS		2
#define APF_AS_INTERRUPT	8
#define REASON_NOT_PRESENT	1
#define TOKEN_ALL		0xffffffff

#define PAGE_FAULT		14
#define READY_VECTOR		0x40
#define YIELD_VECTOR		0x41

#define FLAGS_INTERRUPTS	0x200
#define FLAGS_FIXED		2

struct frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error, rip, cs, flags, rsp, ss;
};

extern const char vectors[];
void payload_main(void);
struct frame *handle(struct frame *frame);

/* --- the machine */

static struct area *this_area(void)
{
	struct area *area;

	asm volatile("mov %%gs:0, %0" : "=r"(area));
	return area;
}

static uint64_t now(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static void write_msr(uint32_t msr, uint64_t value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static uint64_t read_msr(uint32_t msr)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (uint64_t)high << 32 | low;
}

static void ask_cpuid(void)
{
	uint32_t leaf = 0, index = 0;

	asm volatile("cpuid" : "+a"(leaf), "+c"(index) : : "rbx", "rdx");
}

/* That of the interrupt controller which KVM has: the VMM is not asked. */
static void read_device(void)
{
	*(volatile uint32_t *)IOAPIC;
}

#define MARK_HERE(mark) asm volatile(".byte 0x0f, 0x1f, 0x80\n\t.long %c0" : : "i"(MARK + (mark)) : "memory")

static uint64_t fault_address(void)
{
	uint64_t address;

	asm volatile("mov %%cr2, %0" : "=r"(address));
	return address;
}

static void say(uint32_t what)
{
	asm volatile("outl %0, %w1" : : "a"(what), "d"(PORT) : "memory");
}

static void yield(void)
{
	asm volatile("int %0" : : "i"(YIELD_VECTOR) : "memory");
}

/* The compiler forgets what it has read: another task ran meanwhile. */
static void forget(void)
{
	asm volatile("" : : : "memory");
}

static void set_up_vectors(struct area *area)
{
	struct {
		uint16_t size;
		uint64_t address;
	} __attribute__((packed)) idt = { sizeof(area->idt) - 1, (uint64_t)area->idt };

	for (unsigned int i = 0; i < 256; i++) {
		uint64_t entry = (uint64_t)vectors + 16 * i;

		/* a present interrupt gate */
		area->idt[i].low = (entry & 0xffff) | CODE_SELECTOR << 16 | 0x8eULL << 40 | (entry >> 16 & 0xffff) << 48;
		area->idt[i].high = entry >> 32;
	}
	asm volatile("lidt %0" : : "m"(idt));
}

static void set_up_apf(struct area *area)
{
	uint64_t always = area->mode == MODE_USER_ONLY ? 0 : APF_SEND_ALWAYS;

	write_msr(MSR_APIC_BASE, read_msr(MSR_APIC_BASE) | 3 << 10);	/* x2APIC */
	write_msr(MSR_X2APIC_SPURIOUS, 0x1ff);				/* enabled, vector 255 */
	write_msr(MSR_KVM_ASYNC_PF_INT, READY_VECTOR);
	write_msr(MSR_KVM_ASYNC_PF_EN, (uint64_t)&area->apf | always | APF_AS_INTERRUPT | APF_ENABLED);
}

/* --- tasks */

/* The next one in turn that can run. */
static unsigned int pick(const struct area *area)
{
	for (unsigned int i = 1; i <= area->tasks; i++) {
		unsigned int task = (area->current == IDLE ? i - 1 : area->current + i) % area->tasks;

		if (area->list[task].state == TASK_RUNNABLE)
			return task;
	}
	return IDLE;
}

static struct frame *switch_from(struct area *area, struct frame *frame)
{
	area->list[area->current].frame = frame;
	area->current = pick(area);
	return area->list[area->current].frame;
}

static void compute(struct area *area, uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++) {
		asm volatile("pause");
		area->work_done++;
	}
}

static void keep_touch(struct area *area, const struct touch *touch)
{
	struct touch *log = (void *)((char *)area + AREA_TOUCHES);

	area->touched++;
	if (area->touches < MAX_TOUCHES)
		log[area->touches++] = *touch;
}

static void touch_page(struct area *area, uint64_t gfn)
{
	struct touch *touch = &area->list[area->current].touch;

	*touch = (struct touch){ .gfn = gfn, .before = now() };
	*(volatile uint64_t *)(gfn << 12) = gfn;
	touch->after = now();
	keep_touch(area, touch);
}

/* What keeps the guest in the host for a moment and has nothing to do with pages. */
static void leave(const struct area *area)
{
	MARK_HERE(MARK_CPUIDS);
	for (uint64_t i = 0; i < area->exits; i++)
		ask_cpuid();
	MARK_HERE(MARK_MSRS);
	for (uint64_t i = 0; i < area->exits; i++)
		write_msr(MSR_KVM_ASYNC_PF_INT, READY_VECTOR);
	MARK_HERE(MARK_DEVICE);
	for (uint64_t i = 0; i < area->exits; i++)
		read_device();
	MARK_HERE(MARK_END);
}

static void run_task(void)
{
	struct area *area = this_area();

	MARK_HERE(MARK_TOUCHES);
	while (area->next_page < area->pages && !area->stop) {
		touch_page(area, area->first_gfn + area->next_page++);
		forget();
		compute(area, area->work);
		forget();
	}
	leave(area);
	area->list[area->current].state = TASK_DONE;
	area->finished++;
	yield();
}

static void start_task(struct area *area, unsigned int task)
{
	uint64_t top = (uint64_t)area + AREA_STACKS + (task + 1) * STACK_SIZE;
	struct frame *frame = (struct frame *)top - 1;

	*frame = (struct frame){
		.rip = (uint64_t)run_task, .cs = CODE_SELECTOR, .ss = DATA_SELECTOR, .rsp = top - 8,
		.flags = FLAGS_FIXED | (area->mode == MODE_IRQS_OFF ? 0 : FLAGS_INTERRUPTS),
	};
	area->list[task].frame = frame;
	area->list[task].state = TASK_RUNNABLE;
}

/* --- exceptions and interrupts; all with interrupts off */

static struct frame *page_fault(struct area *area, struct frame *frame)
{
	struct task *task = &area->list[area->current];

	area->apf.flags = 0;
	area->parks++;
	task->touch.token = fault_address();
	task->touch.told = now();
	task->state = TASK_PARKED;
	return switch_from(area, frame);
}

static unsigned int wake(struct area *area, uint32_t token)
{
	unsigned int woken = 0;

	for (unsigned int i = 0; i < area->tasks; i++) {
		struct task *task = &area->list[i];

		if (task->state != TASK_PARKED || (token != TOKEN_ALL && task->touch.token != token))
			continue;
		task->touch.ready = now();
		task->state = TASK_RUNNABLE;
		woken++;
	}
	return woken;
}

static struct frame *page_ready(struct area *area, struct frame *frame)
{
	uint32_t token = area->apf.token;
	unsigned int woken = wake(area, token);

	write_msr(MSR_X2APIC_EOI, 0);
	if (area->mode == MODE_DEAF)
		return frame;
	area->wakes += woken;
	if (token == TOKEN_ALL)
		area->wake_alls++;
	else if (!woken)
		area->strays++;
	area->apf.token = 0;
	area->acks++;
	write_msr(MSR_KVM_ASYNC_PF_ACK, 1);
	return area->current == IDLE ? switch_from(area, frame) : frame;
}

static struct frame *unexpected(struct area *area, struct frame *frame)
{
	area->unexpected[0] = frame->vector;
	area->unexpected[1] = frame->error;
	area->unexpected[2] = frame->rip;
	area->unexpected[3] = fault_address();
	say(SAYS_UNEXPECTED);
	return frame;
}

struct frame *handle(struct frame *frame)
{
	struct area *area = this_area();

	switch (frame->vector) {
	case PAGE_FAULT:
		if (area->apf.flags & REASON_NOT_PRESENT && area->current != IDLE)
			return page_fault(area, frame);
		return unexpected(area, frame);
	case READY_VECTOR:
		return page_ready(area, frame);
	case YIELD_VECTOR:
		return switch_from(area, frame);
	default:
		return unexpected(area, frame);
	}
}

/* --- the idle loop, which is where a vCPU starts */

static void idle(struct area *area)
{
	if (area->computes) {
		asm volatile("sti; pause" : : : "memory");
		area->idle_work++;
	} else {
		asm volatile("sti; hlt" : : : "memory");
	}
}

/* Looks with interrupts off: what becomes runnable after that ends the halt. */
static void run_tasks(struct area *area)
{
	while (area->finished < area->tasks) {
		asm volatile("cli" : : : "memory");
		if (pick(area) != IDLE)
			yield();
		else
			idle(area);
		forget();
	}
}

void payload_main(void)
{
	struct area *area = this_area();

	set_up_vectors(area);
	area->current = IDLE;
	if (area->mode != MODE_PLAIN && area->mode != MODE_IRQS_OFF)
		set_up_apf(area);
	for (;;) {
		area->next_page = area->finished = 0;
		for (unsigned int i = 0; i < area->tasks; i++)
			start_task(area, i);
		run_tasks(area);
		say(SAYS_PASS);
	}
}
