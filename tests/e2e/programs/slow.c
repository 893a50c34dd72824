/* SPDX-License-Identifier: Apache-2.0 */
/* Every tenth call of tr_mid takes 300 ms, the others next to nothing. */
#include "trio.h"

#include <time.h>

static void slow_tenth(long x)
{
	struct timespec pause = {0, 300000000};

	if (x % 10 == 9)
		while (nanosleep(&pause, &pause))
			;
}

int main(void)
{
	trio_action = slow_tenth;
	ready();
	for (long i = 0; i < 50; i++)
		tr_outer(i);
	printf("total %ld\n", trio_total);
	return 0;
}
