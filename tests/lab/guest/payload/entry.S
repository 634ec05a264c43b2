/* SPDX-License-Identifier: GPL-2.0-only */
/* The payload's assembly: start, SDEI handler entry and exit, exception vectors, the register pattern. */
#include "../layout.h"
#include "registers.h"

#define COMPLETE		0xC4000025
#define COMPLETE_AND_RESUME	0xC4000026

	.section .text.start, "ax"
	.global payload_start
payload_start:				/* x0: struct area; also after a reset and by PSCI CPU_ON */
	b	1f
	nop
	.quad	sdei_entry		/* PAYLOAD_ENTRY, PAYLOAD_RESUME: where the VMM looks them up */
	.quad	sdei_resume
	.quad	el0_code, el0_code_end
1:
#include "boot.h"

/*
 * x1 is the event's struct frame. Everything is kept before it is used: x0..x17 to be looked at, x18..x30 and sp
 * because the dispatcher gives back x0..x17 only.
 */
	.text
	.global sdei_entry
sdei_entry:
	stp	x4, x5, [x1, #FRAME_X + 32]
	mrs	x4, cntvct_el0
	str	x4, [x1, #FRAME_ENTRY]
	mrs	x5, nzcv
	mrs	x4, daif
	orr	x5, x5, x4
	mrs	x4, currentel
	orr	x5, x5, x4
	mrs	x4, spsel
	orr	x5, x5, x4
	str	x5, [x1, #FRAME_PSTATE]
	each	str, x1, FRAME_X, 0, 3
	each	str, x1, FRAME_X, 6, 29
	mov	x4, sp
	stp	x30, x4, [x1, #FRAME_X + 240]
	mov	x19, x1
	ldr	x4, [x1, #FRAME_STACK]
	mov	sp, x4
	mov	x0, x1
	bl	payload_handler		/* 0 complete, 1 complete and resume */
	mov	x2, x19
	each	ldr, x2, FRAME_X, 18, 29
	ldp	x30, x4, [x2, #FRAME_X + 240]
	mov	sp, x4
	ldr	x5, [x2, #FRAME_RUN]
	ldr	x6, [x2, #FRAME_CONDUIT]
	cbnz	x0, 1f
	ldr	x0, =COMPLETE
	ldr	x1, [x2, #FRAME_STATUS]
	b	2f
1:	ldr	x0, =COMPLETE_AND_RESUME
	adr	x1, sdei_resume
2:	isb
	mrs	x4, cntvct_el0
	str	x4, [x5, #RUN_EXIT]
	cbnz	x6, 3f
	hvc	#0
	b	4f
3:	smc	#0
4:	str	x0, [x2, #FRAME_DENIED]	/* it must not come back */
	ldr	x4, [x2, #FRAME_STACK]
	mov	sp, x4
	mov	x0, x2
	b	payload_denied

/*
 * From here to sdei_resume_end ELR_EL1 and SPSR_EL1 are in use: a handler that interrupts it must not resume.
 * COMPLETE_AND_RESUME ends here, as if by an exception: note ELR, SPSR and PSTATE, and go back where the event came.
 */
sdei_resume:
	msr	tpidr_el0, x16
	mrs	x16, tpidr_el1
	stp	x17, x18, [x16, #AREA_SCRATCH]
	mrs	x17, elr_el1
	mrs	x18, spsr_el1
	stp	x17, x18, [x16, #AREA_RESUME_ELR]
	mrs	x17, nzcv
	mrs	x18, daif
	orr	x17, x17, x18
	mrs	x18, currentel
	orr	x17, x17, x18
	mrs	x18, spsel
	orr	x17, x17, x18
	str	x17, [x16, #AREA_RESUME_PSTATE]
	ldp	x17, x18, [x16, #AREA_SCRATCH]
	mrs	x16, tpidr_el0
	eret

#include "vectors.h"
	b	el0_return

/* The timer's, that has ended a nap: switched off already, but a list register may still hold it. */
interrupt:
	mrs	x0, s3_0_c12_c12_0	/* ICC_IAR1_EL1 */
	msr	s3_0_c12_c12_1, x0	/* ICC_EOIR1_EL1 */
	mrs	x0, tpidrro_el0
	eret
/* el0_until(ticks): at EL0, interrupts unmasked, until the counter says so. */
	.global el0_until
el0_until:
	stp	x29, x30, [sp, #-16]!
	adr	x1, el0_code
	msr	elr_el1, x1
	msr	spsr_el1, xzr
	eret
el0_return:
	ldp	x29, x30, [sp], #16
	ret
	.global sdei_resume, sdei_resume_end
sdei_resume_end:

el0_code:
	mrs	x1, cntvct_el0
	cmp	x1, x0
	b.lo	el0_code
	svc	#0
el0_code_end:

/*
 * pattern(area, flags, context): every register that a dispatch may touch gets a known value, NZCV and DAIF `flags` (bit 0:
 * run on SP_EL0), then the doorbell rings; whatever the VMM injects interrupts here. What is left afterwards goes to
 * area->pattern.
 */
	.global pattern
pattern:
	push_kept
	mov	x28, x0			/* kept: area */
	mov	x27, x2
	ldr	x26, =GUEST_DOORBELL
	adr	x25, pattern_rung
	str	x25, [x28, #AREA_PATTERN + 256]
	msr	nzcv, x1
	msr	daif, x1
	tbz	x1, #0, 1f
	msr	spsel, #0
1:
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24
	movz	x\n, #(0x1100 + \n)
	movk	x\n, #(0xa500 + \n), lsl #48
	.endr
	str	w27, [x26]
pattern_rung:
	each	str, x28, AREA_PATTERN, 0, 29
	mrs	x0, nzcv
	mrs	x1, daif
	orr	x0, x0, x1
	mrs	x1, spsel
	eor	x1, x1, #1
	orr	x0, x0, x1
	str	x0, [x28, #AREA_PATTERN + 248]
	msr	spsel, #1
	msr	daifset, #0xf
	pop_kept
	ret

/* smccc(x0..x5, conduit) returns x0 */
	.global smccc
smccc:
	cbnz	x6, 1f
	hvc	#0
	ret
1:	smc	#0
	ret
