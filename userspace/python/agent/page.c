/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.c - memory that a fork wipes: seeds of the ids, counters, and the table of threads.
 *
 * A child that went on with its parent's seeds would give the same ids to other calls.
 */
#include "agent.h"

#define PROT_RW       3
#define MAP_ANON_PRIV 0x22
#define WIPE_ON_FORK  18
#define CLOCK_MONO    1

struct state state;

static bool syscall_failed(long ret)
{
	return ret < 0 && ret > -4096;
}

uint64_t clock_now(void)
{
	int64_t time[2] = {0, 0};

	if (!clock_gettime || clock_gettime(CLOCK_MONO, time))
		machine_call(__NR_clock_gettime, CLOCK_MONO, (long)time, 0, 0, 0);
	return (uint64_t)time[0] * 1000000000 + (uint64_t)time[1];
}

int page_start(void)
{
	size_t bytes = (sizeof(struct wf_agent_page) + 4095) & ~(size_t)4095;
	long ret;

	if (state.page)
		return 0;
	if (!PyThreadState_GetID) {
		state.thread_tid = PyThread_tss_alloc();
		if (!state.thread_tid || PyThread_tss_create(state.thread_tid))
			return -1;
	}
	ret = machine_call(__NR_mmap, 0, (long)bytes, PROT_RW, MAP_ANON_PRIV, -1);
	if (syscall_failed(ret))
		return -1;
	if (syscall_failed(machine_call(__NR_madvise, ret, (long)bytes, WIPE_ON_FORK, 0, 0))) {
		machine_call(__NR_munmap, ret, (long)bytes, 0, 0, 0);
		return -1;
	}
	state.page = (struct wf_agent_page *)ret;
	wf_agent_anchor.page = (uint64_t)ret;
	page_wake();
	return 0;
}

void page_wake(void)
{
	struct wf_agent_page *page = state.page;
	uint64_t seed[3];

	if (machine_call(__NR_getrandom, (long)seed, sizeof(seed), 0, 0, 0) != sizeof(seed)) {
		seed[0] = clock_now();
		seed[1] = (uint64_t)machine_call(__NR_getpid, 0, 0, 0, 0, 0) << 32 ^ seed[0] >> 7;
		seed[2] = seed[0] ^ (uint64_t)&page;
	}
	page->seed[0] = seed[0] | 1;
	page->seed[1] = seed[1];
	page->alive = seed[2] | 1;
}

/* xorshift128+, never 0: ids need to differ, not to be secret. */
uint64_t page_random(void)
{
	__u64 *seed = state.page->seed;
	uint64_t a = seed[0], b = seed[1], sum;

	seed[0] = b;
	a ^= a << 23;
	seed[1] = a ^ b ^ a >> 17 ^ b >> 26;
	sum = seed[1] + b;
	return sum ? sum : 1;
}

/* A new thread may get the thread pointer of one that ended, so more is needed to know it. */
static uint32_t thread_serial(void)
{
	uintptr_t tid;

	if (PyThreadState_GetID)
		return (uint32_t)PyThreadState_GetID(PyThreadState_Get());
	tid = (uintptr_t)PyThread_tss_get(state.thread_tid);
	if (!tid) { /* a system call for each hit would cost more than all the rest of it */
		tid = (uintptr_t)machine_call(__NR_gettid, 0, 0, 0, 0, 0);
		PyThread_tss_set(state.thread_tid, (void *)tid);
	}
	return (uint32_t)tid;
}

static void thread_fill(struct wf_agent_thread *thread, uint64_t pointer, uint32_t serial)
{
	*thread = (struct wf_agent_thread){
		.thread_pointer = pointer,
		.task_key = page_random(),
		.tid = (uint32_t)machine_call(__NR_gettid, 0, 0, 0, 0, 0),
		.serial = serial,
	};
}

/* Threads that are in no span give their slot to a new one: most of them have ended. */
struct wf_agent_thread *page_thread(void)
{
	uint64_t pointer = machine_thread();
	uint32_t serial = thread_serial(), at = wf_agent_slot_of(pointer);
	struct wf_agent_thread *thread, *room = NULL;

	if (!state.page->alive)
		page_wake();
	for (unsigned i = 0; i <= WF_AGENT_THREAD_PROBES; i++) {
		thread = &state.page->threads[(at + i) & (WF_AGENT_THREADS - 1)];
		if (thread->thread_pointer == pointer) {
			if (thread->serial != serial)
				thread_fill(thread, pointer, serial);
			return thread;
		}
		if (!room && !thread->thread_pointer)
			room = thread;
	}
	for (unsigned i = 0; i <= WF_AGENT_THREAD_PROBES && !room; i++) {
		thread = &state.page->threads[(at + i) & (WF_AGENT_THREADS - 1)];
		if (!thread->id)
			room = thread;
	}
	if (!room) {
		page_count(WF_AGENT_CNT_THREADS);
		return NULL;
	}
	thread_fill(room, pointer, serial);
	return room;
}
