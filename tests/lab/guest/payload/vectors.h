/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A payload's exception vectors. Text of an assembly file: goes on behind it after an SVC of EL0, x0 being in
 * TPIDRRO_EL0 and x1 lost; at `interrupt`, which is the payload's own, for those of either level; anything else is a
 * fault.
 */
fault:
	mrs	x1, tpidr_el1
	str	x0, [x1, #AREA_FAULT + 32]
	mrs	x2, esr_el1
	mrs	x3, elr_el1
	stp	x2, x3, [x1, #AREA_FAULT]
	mrs	x2, far_el1
	stp	x2, x30, [x1, #AREA_FAULT + 16]
	ldr	x2, [x1, #AREA_STACK]
	mov	sp, x2
	b	payload_fault

	.balign	2048
vectors:
	.set	entry, 0
	.rept	16
	.balign	128
	msr	tpidrro_el0, x0
	mov	x0, #entry
	b	exception
	.set	entry, entry + 1
	.endr

exception:
	cmp	x0, #5			/* interrupt, of EL1 */
	b.eq	interrupt
	cmp	x0, #9			/* and of EL0 */
	b.eq	interrupt
	cmp	x0, #8			/* synchronous, from EL0 */
	b.ne	fault
	mrs	x1, esr_el1
	lsr	x1, x1, #26
	cmp	x1, #0x15		/* SVC */
	b.ne	fault
