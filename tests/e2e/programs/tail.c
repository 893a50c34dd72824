/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tail calls, as -O2 makes jumps of them: a wrapper, a chain, both ways out of one function,
 * functions that jump to each other, and a hook pointer with a standard twin.
 */
#include "traced.h"

#include <time.h>

static volatile long total;
static long (*volatile hook)(long x);

/* Two milliseconds: a wrapper whose span ends at its jump would be far shorter. */
TRACED long tr_target(long x)
{
	struct timespec pause = {0, 2000000};

	nanosleep(&pause, NULL);
	total += x;
	return x;
}

TRACED long tr_wrapper(long x)
{
	OPAQUE();
	return tr_target(x + 1);
}

TRACED long tr_chain_c(long x)
{
	total += 1;
	return tr_target(x + 1);
}

TRACED long tr_chain_b(long x)
{
	total += 2;
	return tr_chain_c(x + 1);
}

TRACED long tr_chain_a(long x)
{
	total += 3;
	return tr_chain_b(x + 1);
}

TRACED long tr_either(long x)
{
	OPAQUE();
	if (x & 1)
		return tr_target(x);
	total += x;
	return x;
}

TRACED long tr_odd(long x);

TRACED long tr_even(long x)
{
	total += 1;
	if (!x)
		return 1;
	return tr_odd(x - 1);
}

TRACED long tr_odd(long x)
{
	total += 2;
	if (!x)
		return 0;
	return tr_even(x - 1);
}

TRACED long tr_standard(long x)
{
	struct timespec pause = {0, 2000000};

	nanosleep(&pause, NULL);
	total += x;
	return x;
}

TRACED long tr_hooked(long x)
{
	if (hook)
		return hook(x);
	return tr_standard(x);
}

TRACED long tr_my_hook(long x)
{
	struct timespec pause = {0, 2000000};

	nanosleep(&pause, NULL);
	total += 2 * x;
	return x;
}

/* Calls and returns: what follows a tail call in its caller must not become its child. */
TRACED long tr_caller(long x)
{
	long r = tr_wrapper(x);

	total += r;
	r = tr_chain_a(x);
	total += r;
	r = tr_even(6);
	total += r;
	return r;
}

int main(int argc, char **argv)
{
	long loops = argc > 1 ? atol(argv[1]) : 20;
	long sum = 0;

	ready();
	for (long i = 0; i < loops; i++) {
		sum += tr_caller(i);
		sum += tr_either(i);
		hook = NULL;
		sum += tr_hooked(i);
		hook = tr_my_hook;
		sum += tr_hooked(i);
	}
	printf("sum %ld total %ld\n", sum, total);
	return 0;
}
