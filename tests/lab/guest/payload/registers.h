/* SPDX-License-Identifier: GPL-2.0-only */
/* Many registers at once. Text of an assembly file. */

/* each str|ldr, base, at, from, to: x\from … x\to, where x0 would be at base + at and xN is 8 * N behind it. */
	.macro	each op, base, at, from, to
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
	.if	\n >= \from && \n <= \to
	\op	x\n, [\base, #(\at + 8 * \n)]
	.endif
	.endr
	.endm

/* What a function of C finds unchanged when what it has called returns. */
	.macro	push_kept
	stp	x29, x30, [sp, #-96]!
	each	str, sp, 16 - 8 * 19, 19, 28
	.endm

	.macro	pop_kept
	each	ldr, sp, 16 - 8 * 19, 19, 28
	ldp	x29, x30, [sp], #96
	.endm
