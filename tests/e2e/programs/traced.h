/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traced.h - what the traced programs share. A traced function is never inlined, cloned or
 * dropped; ready() tells the test our PID and waits until the tracer is there.
 */
#ifndef TRACED_H
#define TRACED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __clang__
#define TRACED_ATTRIBUTES __attribute__((noinline, used))
#else
#define TRACED_ATTRIBUTES __attribute__((noipa, used))
#endif
#ifdef __cplusplus
#define TRACED extern "C" TRACED_ATTRIBUTES
#else
#define TRACED TRACED_ATTRIBUTES
#endif

/* Keeps the compiler from seeing through a call. */
#define OPAQUE() __asm__ volatile("" ::: "memory")

static inline void wait_line(void)
{
	char line[64];

	if (!fgets(line, sizeof(line), stdin))
		exit(3);
}

static inline void ready(void)
{
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready %d\n", (int)getpid());
	wait_line();
}

#endif
