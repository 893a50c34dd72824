/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h - what the agent needs of the machine, since it has no libc: system calls, the thread
 * pointer, and the code of a probe site. */
#ifndef WF_AGENT_MACHINE_H
#define WF_AGENT_MACHINE_H

#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)

static inline long machine_call(long number, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = 0;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline uint64_t machine_thread(void)
{
	uint64_t ret;

	__asm__ volatile("mov %%fs:0, %0" : "=r"(ret));
	return ret;
}

#define MACHINE_NOP "nop\n"

#elif defined(__aarch64__)

static inline long machine_call(long number, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = 0;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

static inline uint64_t machine_thread(void)
{
	uint64_t ret;

	__asm__ volatile("mrs %0, tpidr_el0" : "=r"(ret));
	return ret;
}

#define MACHINE_NOP "nop\n"

#endif

#endif
