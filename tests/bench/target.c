/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target.c - what is traced. `target CPU` says `ready PID`, then answers each line
 * `NAME COUNT BATCHES` with `NAME NS`: the best batch's time of one call, loop included.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shape.h"

typedef long shape(const char *text, long n);

static const struct {
	const char *name;
	shape *call;
	long exits;
} shapes[] = {
#define ENTRY(name, exits) {#name, name, exits},
	SHAPES(ENTRY)
#undef ENTRY
};

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Each way out is taken equally often. */
static void run(shape *call, long exits, const char *text, long count)
{
	long way = 0;

	for (long i = 1; i <= count; i++) {
		call(text, way ? -way : i);
		if (++way == exits)
			way = 0;
	}
}

static double best_ns(shape *call, long exits, const char *text, long count, long batches)
{
	double best = 1e18;

	for (long batch = 0; batch < batches; batch++) {
		double begin = now_ns(), ns;

		run(call, exits, text, count);
		ns = now_ns() - begin;
		if (ns < best)
			best = ns;
	}
	return best / (double)count;
}

static void answer(const char *name, long count, long batches)
{
	const char *text = strcmp(name, "text_empty") ? "a twenty byte string" : "";

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (strcmp(shapes[i].name, name) == 0)
			printf("%s %.2f\n", name,
			       best_ns(shapes[i].call, shapes[i].exits, text, count, batches));
}

int main(int argc, char **argv)
{
	char line[256], name[64];
	long count, batches;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(argc > 1 ? atoi(argv[1]) : 0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		perror("sched_setaffinity");
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready %d\n", getpid());
	while (fgets(line, sizeof(line), stdin))
		if (sscanf(line, "%63s %ld %ld", name, &count, &batches) == 3)
			answer(name, count, batches);
	return 0;
}
