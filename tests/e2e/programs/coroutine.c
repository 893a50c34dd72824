/* SPDX-License-Identifier: Apache-2.0 */
/* 100 coroutines on adjacent small stacks, switched by swapcontext inside traced calls. */
#include "traced.h"

#include <sys/mman.h>
#include <ucontext.h>

#define COROUTINES  100
#define TURNS       20
#define STACK_BYTES 65536

static ucontext_t scheduler, context[COROUTINES];
static volatile long switches;

TRACED long tr_step(long id, long turn)
{
	OPAQUE();
	return id + turn;
}

/* Switches away in the middle of a traced call as well. */
TRACED long tr_yield(long id)
{
	OPAQUE();
	switches++;
	swapcontext(&context[id], &scheduler);
	OPAQUE();
	return id;
}

TRACED long tr_coroutine(long id)
{
	long sum = 0;

	for (long turn = 0; turn < TURNS; turn++) {
		sum += tr_step(id, turn);
		sum += tr_yield(id);
	}
	return sum;
}

static void body(int id)
{
	tr_coroutine(id);
}

int main(void)
{
	char *stacks = mmap(NULL, (size_t)COROUTINES * STACK_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stacks == MAP_FAILED)
		return 1;
	ready();
	for (int i = 0; i < COROUTINES; i++) {
		getcontext(&context[i]);
		context[i].uc_stack.ss_sp = stacks + (size_t)i * STACK_BYTES;
		context[i].uc_stack.ss_size = STACK_BYTES;
		context[i].uc_link = &scheduler;
		makecontext(&context[i], (void (*)(void))body, 1, i);
	}
	for (int turn = 0; turn <= TURNS; turn++)
		for (int i = 0; i < COROUTINES; i++)
			swapcontext(&scheduler, &context[i]);
	printf("switches %ld\n", switches);
	return 0;
}
