/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that end inside traced frames: pthread_exit, pthread_cancel. */
#include "trio.h"

#include <pthread.h>
#include <semaphore.h>

static sem_t inside;

static void leave(long x)
{
	(void)x;
	pthread_exit((void *)5);
}

static void until_cancelled(long x)
{
	(void)x;
	sem_post(&inside);
	for (;;)
		pause();
}

static void *work(void *arg)
{
	return (void *)tr_outer((long)arg);
}

int main(int argc, char **argv)
{
	int cancel = argc > 1 && !strcmp(argv[1], "cancel");
	long fives = 0, cancelled = 0;

	ready();
	sem_init(&inside, 0, 0);
	for (long i = 0; i < 100; i++) {
		pthread_t thread;
		void *result;

		trio_action = cancel ? until_cancelled : leave;
		pthread_create(&thread, NULL, work, (void *)i);
		if (cancel) {
			sem_wait(&inside);
			pthread_cancel(thread);
		}
		pthread_join(thread, &result);
		fives += result == (void *)5;
		cancelled += result == PTHREAD_CANCELED;
		trio_action = NULL;
		tr_outer(1);
	}
	printf("left %ld cancelled %ld total %ld\n", fives, cancelled, trio_total);
	return 0;
}
