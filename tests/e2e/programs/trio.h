/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trio.h - three traced functions that call one another, tr_outer > tr_mid > tr_leaf, and one
 * that is called deeper on the stack than all of them. What tr_mid does first is up to a program.
 */
#ifndef TRIO_H
#define TRIO_H

#include "traced.h"

static volatile long trio_total;
static void (*volatile trio_action)(long x);

TRACED long tr_leaf(long x)
{
	OPAQUE();
	trio_total += x;
	return x;
}

TRACED long tr_mid(long x)
{
	long r;

	OPAQUE();
	if (trio_action)
		trio_action(x);
	r = tr_leaf(x);
	trio_total += r;
	return r + 1;
}

TRACED long tr_outer(long x)
{
	long r;

	OPAQUE();
	r = tr_mid(x);
	trio_total += r;
	return r + 1;
}

/* Called where dead frames of the three may lie above it on the stack. */
TRACED long tr_after(long x)
{
	OPAQUE();
	trio_total += x;
	return x;
}

/* Not traced: 600 bytes of stack a level, so that tr_after runs below what was abandoned. */
__attribute__((noinline, unused)) static long sink_deeper(long levels)
{
	volatile char pad[600];
	long r;

	pad[levels & 511] = 1;
	if (levels <= 0)
		return tr_after(7);
	r = sink_deeper(levels - 1);
	return r + pad[levels & 511];
}

#endif
