/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are running: each of three threads waits inside tr_outer > tr_mid for one line. */
#include "trio.h"

#include <pthread.h>
#include <semaphore.h>

#define THREADS 3

static sem_t inside, leave;

static void wait_inside(long x)
{
	if (x < 0) {
		sem_post(&inside);
		sem_wait(&leave);
	}
}

static void *work(void *arg)
{
	long *good = arg;

	*good = tr_outer(-1) == 1;
	for (long i = 0; i < 100; i++)
		*good += tr_outer(i) == i + 2;
	return NULL;
}

int main(void)
{
	pthread_t thread[THREADS];
	long good[THREADS];

	trio_action = wait_inside;
	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	ready();
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, work, &good[i]);
	for (int i = 0; i < THREADS; i++)
		sem_wait(&inside);
	printf("inside\n");
	wait_line();
	for (int i = 0; i < THREADS; i++)
		sem_post(&leave);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	printf("good %ld\n", good[0] + good[1] + good[2]);
	return 0;
}
