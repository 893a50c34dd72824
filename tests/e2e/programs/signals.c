/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signal handlers that call traced functions while a traced function is interrupted: on the same
 * stack, on an alternate stack below and above it, and from a timer at any point.
 */
#include "trio.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#define STACK_BYTES 65536

static char low_stack[STACK_BYTES];
static volatile long handled;

static void on_signal(int number)
{
	(void)number;
	handled++;
	tr_outer(2);
}

static void on_timer(int number)
{
	(void)number;
	handled++;
	tr_after(1);
}

TRACED long tr_interrupted(long x)
{
	OPAQUE();
	if (x & 1)
		raise(SIGUSR1);
	tr_leaf(x);
	return x;
}

static void use_stack(void *stack)
{
	stack_t alternate = {.ss_sp = stack, .ss_size = STACK_BYTES};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = stack ? SA_ONSTACK : 0};

	if (stack)
		sigaltstack(&alternate, NULL);
	sigaction(SIGUSR1, &action, NULL);
}

static void *interrupt_all(void *stack)
{
	use_stack(stack);
	for (long i = 0; i < 1000; i++)
		tr_interrupted(i);
	return NULL;
}

/* A thread's own stack is mapped below the main stack, where the alternate one lies then. */
static void run_above(void)
{
	char high_stack[STACK_BYTES];
	pthread_t thread;

	pthread_create(&thread, NULL, interrupt_all, high_stack);
	pthread_join(thread, NULL);
	OPAQUE();
}

static void run_timer(void)
{
	struct sigaction action = {.sa_handler = on_timer};
	struct itimerval every = {{0, 1000}, {0, 1000}};
	struct itimerval off = {{0, 0}, {0, 0}};
	long rounds = 0;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (; handled < 40; rounds++)
		tr_outer(rounds);
	setitimer(ITIMER_REAL, &off, NULL);
	printf("rounds %ld\n", rounds);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "same";

	ready();
	if (!strcmp(mode, "same"))
		interrupt_all(NULL);
	else if (!strcmp(mode, "below"))
		interrupt_all(low_stack);
	else if (!strcmp(mode, "above"))
		run_above();
	else if (!strcmp(mode, "timer"))
		run_timer();
	printf("handled %ld\n", handled);
	return 0;
}
