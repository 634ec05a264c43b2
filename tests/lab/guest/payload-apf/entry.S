/* SPDX-License-Identifier: GPL-2.0-only */
/* The assembly of --apf's payload: start, SDEI handler, vectors, and switching between tasks. */
#include "../apf_layout.h"
#include "../payload/registers.h"

#define COMPLETE		0xC4000025
#define COMPLETE_AND_RESUME	0xC4000026

	.section .text.start, "ax"
	.global payload_start
payload_start:				/* x0: struct area; also after a reset */
#include "../payload/boot.h"

/*
 * x0 event, x1 struct apf_vcpu, x2 interrupted PC, x3 PSTATE. x0..x17 come back by themselves, x19..x29 by the compiler's
 * convention (x18 it leaves alone), x30 and sp here.
 */
	.text
	.global sdei_entry
sdei_entry:
	mov	x4, sp
	ldr	x5, [x1, #APF_HANDLER_SP]
	mov	sp, x5
	stp	x4, x30, [sp, #-16]!
	mov	x4, x0
	mov	x0, x1
	mov	x1, x4
	bl	apf_handler		/* 0: complete; 1: complete and park the task */
	mov	x6, x0
	ldp	x4, x30, [sp], #16
	mov	sp, x4
	cbnz	x6, 1f
	ldr	x0, =COMPLETE
	mov	x1, #0
	hvc	#0
	b	.
1:	ldr	x0, =COMPLETE_AND_RESUME
	adr	x1, park
	hvc	#0
	b	.

/* As if the task had taken an exception: keep all of it, and go back to the scheduler. */
park:
	msr	tpidr_el0, x16
	mrs	x16, tpidr_el1
	add	x16, x16, #(APF_AREA >> 12), lsl #12
	ldr	x16, [x16, #APF_CURRENT]
	each	str, x16, TASK_X, 0, 15
	mrs	x0, tpidr_el0
	stp	x0, x17, [x16, #TASK_X + 128]
	each	str, x16, TASK_X, 18, 29
	mov	x0, sp
	stp	x30, x0, [x16, #TASK_X + 240]
	mrs	x0, elr_el1
	mrs	x1, spsr_el1
	stp	x0, x1, [x16, #TASK_PC]
	mrs	x0, tpidr_el1
	add	x0, x0, #(APF_AREA >> 12), lsl #12

/* leave_task(struct apf_vcpu): does not come back; run_task() does. Interrupts are masked. */
	.global leave_task
leave_task:
	ldr	x1, [x0, #APF_SCHED_SP]
	mov	sp, x1
	pop_kept
	ret

/* run_task(struct apf_vcpu, struct task): until the task parks or ends. */
	.global run_task
run_task:
	push_kept
	mov	x2, sp
	str	x2, [x0, #APF_SCHED_SP]
	ldp	x2, x3, [x1, #TASK_PC]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	ldp	x30, x2, [x1, #TASK_X + 240]
	mov	sp, x2
	each	ldr, x1, TASK_X, 2, 29
	ldp	x0, x1, [x1, #TASK_X]
	eret

#include "../payload/vectors.h"
	mrs	x0, tpidrro_el0
	ldp	x29, x30, [sp], #16
	msr	daifclr, #2
	ret

/* On the stack of whom it interrupts; the scheduler takes interrupts only where it asks for them. */
interrupt:
	mrs	x0, tpidrro_el0
	sub	sp, sp, #192
	each	str, sp, 0, 0, 17
	mrs	x0, elr_el1
	mrs	x1, spsr_el1
	stp	x0, x1, [sp, #144]
	stp	x29, x30, [sp, #160]
	mrs	x0, tpidr_el1
	add	x0, x0, #(APF_AREA >> 12), lsl #12
	bl	apf_interrupt
	ldp	x29, x30, [sp, #160]
	ldp	x0, x1, [sp, #144]
	msr	elr_el1, x0
	msr	spsr_el1, x1
	each	ldr, sp, 0, 0, 17
	add	sp, sp, #192
	eret

/* touch_at_el0(address) returns the word that is there. */
	.global touch_at_el0
touch_at_el0:
	msr	daifset, #2
	stp	x29, x30, [sp, #-16]!
	adr	x1, el0_code
	msr	elr_el1, x1
	msr	spsr_el1, xzr
	eret
el0_code:
	ldr	x0, [x0]
	svc	#0

/* smccc(x0..x5) returns x0; smccc4(x0, x1, results) keeps x0..x3 */
	.global smccc, smccc4
smccc:
	hvc	#0
	ret
smccc4:
	mov	x9, x2
	hvc	#0
	stp	x0, x1, [x9]
	stp	x2, x3, [x9, #16]
	ret
