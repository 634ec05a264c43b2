/* SPDX-License-Identifier: GPL-2.0-only */
/* The payload's assembly: its start in long mode, and the way into and out of every exception and interrupt. */
	.section .text.start, "ax"
	.global payload_start
payload_start:				/* the VMM has set RSP, and GS to the area */
	call	payload_main
1:	hlt
	jmp	1b

/* An entry of 16 bytes for each vector, so that the table of them needs no addresses. */
	.text
	.balign 16
	.global vectors
vectors:
	vector = 0
	.rept 256
	.balign 16
	/* those for which the CPU itself pushes an error code */
	.if vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21 && vector != 29 && vector != 30
	pushq	$0
	.endif
	pushq	$vector
	jmp	save
	vector = vector + 1
	.endr

/* struct frame; handle() answers with the one to go on with. */
save:
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	mov	%rsp, %rbp
	and	$-16, %rsp
	cld
	call	handle
	mov	%rax, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rbx
	pop	%rax
	add	$16, %rsp		/* vector, error code */
	iretq

	.section .note.GNU-stack, "", @progbits
