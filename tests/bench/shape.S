/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions whose every instruction is known: long f(const char *text, long n). An `untraced_` one
 * is only called or jumped to. The exits of each are named behind it.
 */
	.macro function name
	.text
	.p2align 4
	.globl \name
	.type \name, @function
\name:
	.cfi_startproc
	.endm

	.macro end name
	.cfi_endproc
	.size \name, . - \name
	.endm

	.macro push_rbx
	pushq %rbx
	.cfi_def_cfa_offset 16
	.cfi_offset 3, -16
	.endm

	.macro pop_rbx_ret
	popq %rbx
	.cfi_def_cfa_offset 8
	ret
	.endm

	/* emulated entry and one branch that leaves both ways: the cheapest call there is */
	.macro cheap name, landing=0
	function \name
	.if \landing
	endbr64
	.endif
	push_rbx
	movq %rsi, %rbx
	testq %rsi, %rsi
	jne 1f
	incq %rbx
1:	movq %rbx, %rax
	pop_rbx_ret
	end \name
	.endm

	cheap plain
	cheap text
	cheap text_two
	cheap text_empty
	cheap numbers
	cheap guarded
	cheap landed, 1

	/* a one-byte nop, and a branch at which the frame is the caller's */
	function nop_entry
	nop
	movq %rsi, %rax
	testq %rsi, %rsi
	jne 1f
	incq %rax
1:	ret
	end nop_entry

	/* a jump into the epilogue */
	function jump_exit
	push_rbx
	leaq 1(%rsi), %rbx
	jmp 1f
	int3
1:	movq %rbx, %rax
	pop_rbx_ret
	end jump_exit

	/* no branch at all: the RET is probed */
	function straight
	push_rbx
	leaq 1(%rsi), %rbx
	movq %rbx, %rax
	pop_rbx_ret
	end straight

	/* the same behind an entry that is stepped too */
	function stepped
	leaq 1(%rsi), %rax
	imulq $3, %rax, %rax
	ret
	end stepped

	function landed_stepped
	endbr64
	leaq 1(%rsi), %rax
	imulq $3, %rax, %rax
	ret
	end landed_stepped

	/* two RETs, each behind a branch of its own; the second one is taken */
	function two_exits
	push_rbx
	movq %rsi, %rbx
	cmpq $-1, %rsi
	je 1f
	testq %rsi, %rsi
	jne 2f
	incq %rbx
2:	movq %rbx, %rax
	.cfi_remember_state
	pop_rbx_ret
	.cfi_restore_state
1:	xorl %eax, %eax
	pop_rbx_ret
	end two_exits

	function three_exits
	push_rbx
	movq %rsi, %rbx
	cmpq $-1, %rsi
	je 1f
	cmpq $-2, %rsi
	je 3f
	testq %rsi, %rsi
	jne 2f
	incq %rbx
2:	movq %rbx, %rax
	.cfi_remember_state
	pop_rbx_ret
	.cfi_restore_state
	.cfi_remember_state
1:	xorl %eax, %eax
	pop_rbx_ret
	.cfi_restore_state
3:	movl $1, %eax
	pop_rbx_ret
	end three_exits

	/* one RET by a branch, and one behind a call that is not taken */
	function mixed
	push_rbx
	movq %rsi, %rbx
	cmpq $-1, %rsi
	je 1f
	testq %rsi, %rsi
	jne 2f
	incq %rbx
2:	movq %rbx, %rax
	.cfi_remember_state
	pop_rbx_ret
	.cfi_restore_state
1:	call untraced_callee
	pop_rbx_ret
	end mixed

	/* the last branch is a loop's, so it does not count */
	function loop
	push_rbx
	movl $4, %ecx
	movq %rsi, %rbx
1:	addq %rcx, %rbx
	decq %rcx
	jne 1b
	movq %rbx, %rax
	pop_rbx_ret
	end loop

	/* a call inside, and a branch behind it */
	function calling
	push_rbx
	movq %rsi, %rbx
	call untraced_callee
	testq %rax, %rax
	jne 1f
	incq %rbx
1:	movq %rbx, %rax
	pop_rbx_ret
	end calling

	/* a frame pointer */
	function framed
	pushq %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset 6, -16
	movq %rsp, %rbp
	.cfi_def_cfa_register 6
	subq $32, %rsp
	movq %rsi, -8(%rbp)
	testq %rsi, %rsi
	jne 1f
	incq -8(%rbp)
1:	movq -8(%rbp), %rax
	leave
	.cfi_def_cfa 7, 8
	ret
	end framed

	/* no push: room on the stack */
	function room
	subq $24, %rsp
	.cfi_def_cfa_offset 32
	movq %rsi, 8(%rsp)
	testq %rsi, %rsi
	jne 1f
	incq 8(%rsp)
1:	movq 8(%rsp), %rax
	addq $24, %rsp
	.cfi_def_cfa_offset 8
	ret
	end room

	/* hands its frame over, to a branch and to a RET */
	function tail_branch
	push_rbx
	movq %rsi, %rbx
	incq %rsi
	popq %rbx
	.cfi_def_cfa_offset 8
	jmp untraced_leaf
	end tail_branch

	function tail_straight
	push_rbx
	movq %rsi, %rbx
	incq %rsi
	popq %rbx
	.cfi_def_cfa_offset 8
	jmp untraced_straight
	end tail_straight

	/* hands it to whatever a register says */
	function tail_pointer
	push_rbx
	leaq untraced_leaf(%rip), %rax
	popq %rbx
	.cfi_def_cfa_offset 8
	jmp *%rax
	end tail_pointer

	.macro leaf name
	function \name
	movq %rsi, %rax
	testq %rsi, %rsi
	jne 1f
	incq %rax
1:	ret
	end \name
	.endm

	/* one that is jumped to, so that it gets exits of a caller, and one that is only called */
	leaf untraced_leaf
	leaf untraced_callee

	function untraced_straight
	leaq 1(%rsi), %rax
	ret
	end untraced_straight

	.section .note.GNU-stack, "", @progbits
