/* SPDX-License-Identifier: GPL-2.0-only */
/* How a payload starts, x0 being its vCPU's struct area: stack, vectors, MMU, then payload_main(area). Text of an assembly file. */
	msr	daifset, #0xf
	msr	spsel, #1
	msr	tpidr_el1, x0
	ldr	x1, [x0, #AREA_STACK]
	mov	sp, x1
	adr	x1, vectors
	msr	vbar_el1, x1
	ldr	x1, =0xff00		/* attribute 0 device-nGnRnE, 1 normal write-back */
	msr	mair_el1, x1
	ldr	x1, =0x200803519	/* T0SZ 25, 4 KiB, inner shareable write-back, EPD1, 40 bits of output */
	msr	tcr_el1, x1
	ldr	x1, =GUEST_TABLE
	msr	ttbr0_el1, x1
	tlbi	vmalle1
	dsb	nsh
	isb
	mrs	x1, sctlr_el1
	ldr	x2, =0x1005		/* MMU, data and instruction cache */
	orr	x1, x1, x2
	msr	sctlr_el1, x1
	isb
	bl	payload_main
1:	wfi
	b	1b
