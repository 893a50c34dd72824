/* SPDX-License-Identifier: Apache-2.0 */
/* Many short threads; threads started inside a traced call. */
#include "trio.h"

#include <pthread.h>

static volatile long gate;

static void *work(void *arg)
{
	return (void *)tr_outer((long)arg);
}

/* Eight at a time. */
static long run_short(long count)
{
	pthread_t thread[8];
	long good = 0;

	for (long done = 0; done < count; done += 8) {
		for (long i = 0; i < 8; i++)
			pthread_create(&thread[i], NULL, work, (void *)i);
		for (long i = 0; i < 8; i++) {
			void *result;

			pthread_join(thread[i], &result);
			good += (long)result == i + 2;
		}
	}
	return good;
}

TRACED long tr_starts(long x)
{
	pthread_t thread;
	void *result;

	OPAQUE();
	pthread_create(&thread, NULL, work, (void *)x);
	pthread_join(thread, &result);
	return (long)result;
}

static void *work_late(void *arg)
{
	while (!gate)
		usleep(100);
	return (void *)tr_outer((long)arg);
}

/* Its thread calls nothing before this call has returned. */
TRACED long tr_leaves_behind(pthread_t *thread)
{
	OPAQUE();
	return pthread_create(thread, NULL, work_late, (void *)1);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "short";
	long count = argc > 2 ? atol(argv[2]) : 5000, good = 0;

	ready();
	if (!strcmp(mode, "short"))
		good = run_short(count);
	for (long i = 0; !strcmp(mode, "inside") && i < count; i++)
		good += tr_starts(i) == i + 2;
	for (long i = 0; !strcmp(mode, "late") && i < count; i++) {
		pthread_t thread;

		gate = 0;
		tr_leaves_behind(&thread);
		gate = 1;
		good += !pthread_join(thread, NULL);
	}
	printf("good %ld\n", good);
	return 0;
}
