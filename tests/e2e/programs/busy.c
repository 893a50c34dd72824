/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two threads call tr_outer until a line comes on stdin, and check every result; `pace` calls are
 * followed by a pause of 100 us, 0 = no pause. Each line `count` is answered with the calls so far.
 */
#include "trio.h"

#include <pthread.h>

static volatile int stop;
static long pace, wrong[2];
static volatile long calls[2];

static void *work(void *arg)
{
	long me = (long)arg;

	for (long i = 0; !stop; i++) {
		wrong[me] += tr_outer(i) != i + 2;
		calls[me]++;
		if (pace && i % pace == pace - 1)
			usleep(100);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread[2];
	char line[64];

	pace = argc > 1 ? atol(argv[1]) : 4;
	ready();
	for (long i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, work, (void *)i);
	while (fgets(line, sizeof(line), stdin) && !strncmp(line, "count", 5))
		printf("count %ld\n", calls[0] + calls[1]);
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	printf("wrong %ld\n", wrong[0] + wrong[1]);
	return 0;
}
