/* SPDX-License-Identifier: Apache-2.0 */
#include "trampoline.h"

#include <assert.h>
#include <string.h>

/*
 * int call(const char *text)
 * {
 *	dict = PyDict_New();
 *	if (dict && (result = PyRun_StringFlags(text, Py_file_input, dict, dict, NULL)))
 *		Py_DecRef(result);
 *	foreign = PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception);
 *	if (!foreign)
 *		PyErr_Clear();
 *	Py_DecRef(dict);
 *	return foreign ? -1 : 0;
 * }
 *
 * It is data here: never run in wftrace. The words behind the code are filled for each target.
 */
__asm__(".pushsection .rodata\n"
	".globl wf_trampoline_start, wf_trampoline_idle, wf_trampoline_words, wf_trampoline_end\n"
	".hidden wf_trampoline_start, wf_trampoline_idle, wf_trampoline_words, wf_trampoline_end\n"
	".p2align 3\n"
	"wf_trampoline_start:\n"
	"	endbr64\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	push %r13\n"
	"	mov %rdi, %rbx\n"
	"	xor %r13d, %r13d\n"
	"	call *wf_trampoline_words+0(%rip)\n"
	"	mov %rax, %r12\n"
	"	test %rax, %rax\n"
	"	jz 1f\n"
	"	mov %rbx, %rdi\n"
	"	mov $257, %esi\n"
	"	mov %r12, %rdx\n"
	"	mov %r12, %rcx\n"
	"	xor %r8d, %r8d\n"
	"	call *wf_trampoline_words+8(%rip)\n"
	"	mov %rax, %rdi\n"
	"	test %rax, %rax\n"
	"	jz 1f\n"
	"	call *wf_trampoline_words+16(%rip)\n"
	"1:	call *wf_trampoline_words+32(%rip)\n"
	"	test %rax, %rax\n"
	"	jz 2f\n"
	"	mov wf_trampoline_words+48(%rip), %rax\n"
	"	mov (%rax), %rdi\n"
	"	call *wf_trampoline_words+40(%rip)\n"
	"	test %eax, %eax\n"
	"	jnz 2f\n"
	"	dec %r13d\n"
	"	jmp 3f\n"
	"2:	call *wf_trampoline_words+24(%rip)\n"
	"3:	mov %r12, %rdi\n"
	"	call *wf_trampoline_words+16(%rip)\n"
	"	mov %r13d, %eax\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	ret\n"
	"wf_trampoline_idle:\n"
	"	endbr64\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	".p2align 3\n"
	"wf_trampoline_words:\n"
	"	.fill 7, 8, 0\n"
	"wf_trampoline_end:\n"
	".popsection\n");

extern const uint8_t wf_trampoline_start[], wf_trampoline_idle[], wf_trampoline_words[],
	wf_trampoline_end[];

size_t wf_trampoline_build(const struct wf_python *python, uint8_t out[WF_TRAMPOLINE_MAX])
{
	size_t len = (size_t)(wf_trampoline_end - wf_trampoline_start);
	size_t words = (size_t)(wf_trampoline_words - wf_trampoline_start);

	_Static_assert(WF_PY_DICT_NEW == 0 && WF_PY_RUN_STRING == 1 && WF_PY_DEC_REF == 2 &&
			       WF_PY_ERR_CLEAR == 3 && WF_PY_ERR_OCCURRED == 4 &&
			       WF_PY_ERR_MATCHES == 5 && WF_PY_EXCEPTION == 6,
		       "the code above names the words by number");
	assert(len <= WF_TRAMPOLINE_MAX);
	memcpy(out, wf_trampoline_start, len);
	memcpy(out + words, python->symbols, sizeof(python->symbols));
	return len;
}

size_t wf_trampoline_nothing(void)
{
	return (size_t)(wf_trampoline_idle - wf_trampoline_start);
}
