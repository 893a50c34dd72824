/* SPDX-License-Identifier: Apache-2.0 */
/* Works, then takes memory inside a traced call until somebody kills it. */
#include "trio.h"

TRACED long tr_hog(long mebibytes)
{
	long taken = 0;

	for (; taken < mebibytes; taken++) {
		char *block = malloc(1 << 20);

		if (!block)
			break;
		memset(block, 1, 1 << 20);
		tr_after(taken);
	}
	return taken;
}

int main(int argc, char **argv)
{
	ready();
	for (long i = 0; i < 1000; i++)
		tr_outer(i);
	printf("worked %ld\n", trio_total);
	printf("taken %ld\n", tr_hog(argc > 1 ? atol(argv[1]) : 4));
	return 0;
}
