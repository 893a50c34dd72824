/* SPDX-License-Identifier: Apache-2.0 */
/* A library that comes and goes. */
#include "traced.h"

TRACED long plug_inner(long x)
{
	OPAQUE();
	return x + 1;
}

TRACED long plug_call(long x)
{
	long r = plug_inner(x);

	OPAQUE();
	return r + 1;
}
