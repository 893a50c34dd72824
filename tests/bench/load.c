/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - many calls at a steady rate, or many threads. `load THREADS RATE SECONDS` says `ready
 * PID`, waits for a line, makes RATE calls of text() a second and says `calls N`. With RATE 0 each
 * thread makes one call, `calls N` is said, and all wait until stdin ends.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "shape.h"

#define SLICE_NS    1000000
#define THREADS_MAX 4096
#define STACK_BYTES (64 * 1024)

struct load {
	long threads, rate, seconds;
	pthread_barrier_t called, over;
};

static void advance(struct timespec *time)
{
	time->tv_nsec += SLICE_NS;
	if (time->tv_nsec >= 1000000000) {
		time->tv_nsec -= 1000000000;
		time->tv_sec++;
	}
}

/* A slice's calls, then sleep until the next begins; who is late catches up. */
static void *make_calls(void *context)
{
	const struct load *load = context;
	long slices = load->seconds * (1000000000 / SLICE_NS), done = 0;
	long total = load->rate / load->threads * load->seconds;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (long slice = 1; slice <= slices; slice++) {
		for (; done < total * slice / slices; done++)
			text("a twenty byte string", done);
		advance(&next);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	return NULL;
}

static void *call_once(void *context)
{
	struct load *load = context;

	text("a twenty byte string", 1);
	pthread_barrier_wait(&load->called);
	pthread_barrier_wait(&load->over);
	return NULL;
}

static void start(struct load *load, pthread_t *threads)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (long i = 0; i < load->threads; i++) {
		if (pthread_create(&threads[i], &attr, load->rate ? make_calls : call_once, load)) {
			perror("pthread_create");
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	static pthread_t threads[THREADS_MAX];
	static struct load load;

	if (argc != 4)
		return 2;
	load.threads = strtol(argv[1], NULL, 10);
	load.rate = strtol(argv[2], NULL, 10);
	load.seconds = strtol(argv[3], NULL, 10);
	if (load.threads < 1 || load.threads > THREADS_MAX)
		return 2;
	pthread_barrier_init(&load.called, NULL, (unsigned)load.threads + 1);
	pthread_barrier_init(&load.over, NULL, (unsigned)load.threads + 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready %d\n", getpid());
	getchar();
	start(&load, threads);
	if (!load.rate) {
		pthread_barrier_wait(&load.called);
		printf("calls %ld\n", load.threads);
		while (getchar() != EOF)
			;
		pthread_barrier_wait(&load.over);
	}
	for (long i = 0; i < load.threads; i++)
		pthread_join(threads[i], NULL);
	if (load.rate)
		printf("calls %ld\n", load.rate / load.threads * load.seconds * load.threads);
	return 0;
}
