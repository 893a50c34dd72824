/* SPDX-License-Identifier: Apache-2.0 */
/* A main loop that reports what it does at one place, and recovers from errors by longjmp. */
#include "traced.h"

#include <setjmp.h>

static jmp_buf top;
static volatile long reported;

TRACED void ph_state(int state)
{
	OPAQUE();
	reported += state;
}

TRACED long ph_step(long x)
{
	OPAQUE();
	return x + 1;
}

TRACED long ph_work(long x)
{
	OPAQUE();
	if (x == 13)
		longjmp(top, 1);
	return ph_step(x) + 1;
}

/* Two reports, the work, a report of the next, its work, and the end: states 1 1 w 2 w 0. */
static void turn(long x)
{
	ph_state(1);
	ph_step(x);
	ph_state(1);
	ph_work(x);
	ph_state(2);
	ph_work(x);
	ph_state(0);
}

int main(int argc, char **argv)
{
	long turns = argc > 1 ? atol(argv[1]) : 20;

	ready();
	for (volatile long x = 0; x < turns; x++) {
		if (!setjmp(top)) {
			turn(x);
		} else {
			ph_step(x);
			ph_state(0);
		}
	}
	printf("reported %ld\n", reported);
	return 0;
}
