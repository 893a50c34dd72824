/* SPDX-License-Identifier: Apache-2.0 */
/* The plain case: LOOPS calls of tr_outer; with a second argument it waits for a line each round.
 */
#include "trio.h"

int main(int argc, char **argv)
{
	long loops = argc > 1 ? atol(argv[1]) : 1000;
	long rounds = argc > 2 ? atol(argv[2]) : 1;

	ready();
	for (long round = 0; round < rounds; round++) {
		if (round)
			wait_line();
		for (long i = 0; i < loops; i++)
			tr_outer(i);
		printf("round %ld total %ld\n", round, trio_total);
	}
	return 0;
}
