/* SPDX-License-Identifier: Apache-2.0 */
/* longjmp and siglongjmp out of traced frames; built with glibc and with musl. */
#include "trio.h"

#include <setjmp.h>
#include <signal.h>

static jmp_buf plain;
static sigjmp_buf with_mask;
static long jumps;

static void jump_odd(long x)
{
	if (x & 1)
		longjmp(plain, 1);
}

static void sigjump_odd(long x)
{
	if (x & 1)
		siglongjmp(with_mask, 1);
}

static void on_signal(int number)
{
	(void)number;
	siglongjmp(with_mask, 1);
}

/* The signal is sent from a traced frame, the handler jumps out of it and of the signal frame. */
static void raise_odd(long x)
{
	if (x & 1)
		raise(SIGUSR1);
}

static void run_plain(void)
{
	trio_action = jump_odd;
	for (volatile long i = 0; i < 1000; i++) {
		if (!setjmp(plain)) {
			tr_outer(i);
		} else {
			jumps++;
			sink_deeper(3);
		}
	}
}

static void run_sig(void (*action)(long))
{
	trio_action = action;
	for (volatile long i = 0; i < 1000; i++) {
		if (!sigsetjmp(with_mask, 1)) {
			tr_outer(i);
		} else {
			jumps++;
			sink_deeper(3);
		}
	}
}

/* The target of the jump is itself a traced frame, which goes on and returns. */
TRACED long tr_lands(long x)
{
	OPAQUE();
	if (!setjmp(plain))
		return tr_outer(x);
	jumps++;
	return sink_deeper(2);
}

static void run_inside(void)
{
	trio_action = jump_odd;
	for (long i = 0; i < 1000; i++)
		tr_lands(i);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "longjmp";

	ready();
	signal(SIGUSR1, on_signal);
	if (!strcmp(mode, "longjmp"))
		run_plain();
	else if (!strcmp(mode, "siglongjmp"))
		run_sig(sigjump_odd);
	else if (!strcmp(mode, "handler"))
		run_sig(raise_odd);
	else if (!strcmp(mode, "inside"))
		run_inside();
	printf("jumps %ld total %ld\n", jumps, trio_total);
	return 0;
}
