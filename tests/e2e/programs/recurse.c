/* SPDX-License-Identifier: Apache-2.0 */
/* Deep recursion through a traced function, three times. */
#include "traced.h"

TRACED long tr_recurse(long n)
{
	long below;

	OPAQUE();
	if (n <= 1)
		return 1;
	below = tr_recurse(n - 1);
	OPAQUE(); /* else -O2 makes a loop of it */
	return 1 + below;
}

int main(int argc, char **argv)
{
	long depth = argc > 1 ? atol(argv[1]) : 10000;

	ready();
	for (int i = 0; i < 3; i++)
		printf("depth %ld\n", tr_recurse(depth));
	return 0;
}
