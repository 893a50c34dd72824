/* SPDX-License-Identifier: Apache-2.0 */
/* big.S - a program with FUNCTIONS functions of BYTES bytes; it says `ready PID` and sleeps. */
	.macro big number
	.type big_\number, @function
big_\number:
	.cfi_startproc
	pushq %rbx
	.cfi_def_cfa_offset 16
	.cfi_offset 3, -16
	movq %rdi, %rbx
	testq %rdi, %rdi
	jne 1f
	.skip BYTES - 10, 0x90
1:	popq %rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	.size big_\number, . - big_\number
	.endm

	.text
	.altmacro
	.set count, 0
	.rept FUNCTIONS
	big %count
	.set count, count + 1
	.endr

	.globl main
	.type main, @function
main:
	.cfi_startproc
	pushq %rbx
	.cfi_def_cfa_offset 16
	call getpid@PLT
	movl %eax, %esi
	leaq ready(%rip), %rdi
	xorl %eax, %eax
	call printf@PLT
	xorl %edi, %edi
	call fflush@PLT
1:	call getchar@PLT
	cmpl $-1, %eax
	jne 1b
	xorl %eax, %eax
	popq %rbx
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	.size main, . - main

	.section .rodata
ready:	.asciz "ready %d\n"
	.section .note.GNU-stack, "", @progbits
