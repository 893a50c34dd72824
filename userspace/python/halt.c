/* SPDX-License-Identifier: Apache-2.0 */
#include "halt.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "userspace/base/clock.h"
#include "userspace/base/str.h"
#include "userspace/target/proc.h"

#define THREADS_MAX  32768
#define PATIENCE_NS  100000000ULL  /* for all threads to stop */
#define STRAGGLER_NS 5000000000ULL /* for the last ones to be let go, when that failed */
#define PASSES_MAX   64

struct halt_entry {
	struct wf_halt_thread seen;
	bool stopped, gone;
};

struct wf_halt {
	pid_t pid;
	struct halt_entry *entries;
	struct wf_halt_thread *threads; /* filled once all stand still */
	size_t count, capacity;
};

static void rest(long ns)
{
	struct timespec pause = {.tv_nsec = ns};

	nanosleep(&pause, NULL);
}

static int add_entry(struct wf_halt *halt, pid_t tid)
{
	if (halt->count == THREADS_MAX)
		return -E2BIG;
	if (halt->count == halt->capacity) {
		size_t capacity = halt->capacity ? halt->capacity * 2 : 16;
		struct halt_entry *entries;

		entries = reallocarray(halt->entries, capacity, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		halt->entries = entries;
		halt->capacity = capacity;
	}
	halt->entries[halt->count++] = (struct halt_entry){.seen = {.tid = tid, .call = -1}};
	return 0;
}

static bool is_known(const struct wf_halt *halt, pid_t tid)
{
	for (size_t i = 0; i < halt->count; i++) {
		if (halt->entries[i].seen.tid == tid)
			return true;
	}
	return false;
}

/* A leader that has ended stays as a zombie while its threads go on. */
static bool has_ended(pid_t pid, pid_t tid)
{
	wf_auto(wf_freep) char *text = NULL;
	char path[64], *state;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	if (wf_read_file(path, 4096, &text, &len, NULL) < 0)
		return true;
	state = strrchr(text, ')');
	return !state || !state[1] || state[2] == 'Z' || state[2] == 'X';
}

static int seize(struct wf_halt *halt, pid_t tid, struct wf_err *err)
{
	int rc;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
		if (errno == ESRCH || has_ended(halt->pid, tid))
			return 0;
		return wf_err_set(err, errno == EPERM ? EBUSY : errno,
				  "process %d cannot be stopped for an instant: it is traced by "
				  "another process (gdb, strace?), or ptrace is not allowed here",
				  (int)halt->pid);
	}
	/* From here on it is ours, and is let go by the end of the halt. */
	rc = add_entry(halt, tid);
	if (rc < 0) {
		ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
		waitpid(tid, NULL, __WALL);
		ptrace(PTRACE_DETACH, tid, NULL, NULL);
		return wf_err_set(err, -rc, "process %d has too many threads to stop",
				  (int)halt->pid);
	}
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
		halt->entries[halt->count - 1].gone = true;
	return 1;
}

/* One pass over the threads: 1 where there were new ones. */
static int seize_new(struct wf_halt *halt, struct wf_err *err)
{
	char path[64];
	struct dirent *entry;
	int found = 0, rc = 0;
	uint64_t tid;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)halt->pid);
	dir = opendir(path);
	if (!dir)
		return wf_err_set(err, ESRCH, "process %d has ended meanwhile", (int)halt->pid);
	while (rc >= 0 && (entry = readdir(dir)) != NULL) {
		if (wf_parse_u64(entry->d_name, &tid) < 0 || is_known(halt, (pid_t)tid))
			continue;
		rc = seize(halt, (pid_t)tid, err);
		found |= rc > 0;
	}
	closedir(dir);
	return rc < 0 ? rc : found;
}

static void note_stop(struct halt_entry *entry, int status)
{
	if (!WIFSTOPPED(status)) {
		entry->gone = true;
		return;
	}
	entry->stopped = true;
	/* A signal was on its way and would be lost; stops of job control are kept by the kernel.
	 */
	if (status >> 16 == 0)
		entry->seen.signal = WSTOPSIG(status);
}

/* A process that we started: what it ended with is for those who wait for that. */
static bool is_ended_child(const struct wf_halt *halt, pid_t tid)
{
	siginfo_t info = {0};
	struct wf_proc_stat stat;

	return tid == halt->pid &&
	       waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 &&
	       info.si_pid == tid && info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED &&
	       wf_proc_stat(tid, &stat) == 0 && stat.ppid == getpid();
}

static bool check_stop(const struct wf_halt *halt, struct halt_entry *entry)
{
	int status;
	pid_t tid;

	if (!entry->stopped && !entry->gone)
		entry->gone = is_ended_child(halt, entry->seen.tid);
	if (entry->stopped || entry->gone)
		return true;
	tid = waitpid(entry->seen.tid, &status, __WALL | WNOHANG);
	if (tid < 0 && errno != EINTR)
		entry->gone = true;
	else if (tid > 0)
		note_stop(entry, status);
	return entry->stopped || entry->gone;
}

static bool all_stopped(struct wf_halt *halt)
{
	bool all = true;

	for (size_t i = 0; i < halt->count; i++)
		all &= check_stop(halt, &halt->entries[i]);
	return all;
}

static int wait_stopped(struct wf_halt *halt, struct wf_err *err)
{
	uint64_t start = wf_clock_monotonic_ns();

	for (unsigned tries = 0; !all_stopped(halt); tries++) {
		if (wf_clock_monotonic_ns() - start > PATIENCE_NS)
			return wf_err_set(err, EAGAIN,
					  "a thread of process %d does not stop (it waits for a "
					  "disk, or for a child that starts)",
					  (int)halt->pid);
		if (tries > 4)
			rest(20000);
	}
	return 0;
}

/* Make the interrupted call once more: back onto the instruction, with its number. */
static void rewind_call(const struct wf_halt_thread *thread)
{
	struct user_regs_struct regs;
	struct iovec iov = {.iov_base = &regs, .iov_len = sizeof(regs)};

	if (ptrace(PTRACE_GETREGSET, thread->tid, (void *)NT_PRSTATUS, &iov) < 0)
		return;
	regs.rax = regs.orig_rax;
	regs.rip -= 2;
	ptrace(PTRACE_SETREGSET, thread->tid, (void *)NT_PRSTATUS, &iov);
}

static bool has_signal(const struct wf_halt *halt, pid_t tid)
{
	wf_auto(wf_freep) char *text = NULL;
	static const char *const names[] = {"\nSigPnd:\t", "\nShdPnd:\t"};
	char path[64];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)halt->pid, (int)tid);
	if (wf_read_file(path, 65536, &text, &len, NULL) < 0)
		return true;
	for (size_t i = 0; i < 2; i++) {
		const char *at = strstr(text, names[i]);

		if (!at || strspn(at + strlen(names[i]), "0") < 16)
			return true;
	}
	return false;
}

static void read_registers(struct wf_halt_thread *thread)
{
	struct user_regs_struct regs;
	struct iovec iov = {.iov_base = &regs, .iov_len = sizeof(regs)};

	if (ptrace(PTRACE_GETREGSET, thread->tid, (void *)NT_PRSTATUS, &iov) < 0)
		return;
	thread->thread = regs.fs_base;
	thread->stack = regs.rsp;
	thread->call = (int64_t)regs.orig_rax;
	thread->answer = (int64_t)regs.rax;
	thread->arguments[0] = regs.rdi;
	thread->arguments[1] = regs.rsi;
	thread->arguments[2] = regs.rdx;
	thread->arguments[3] = regs.r10;
	thread->arguments[4] = regs.r8;
	thread->arguments[5] = regs.r9;
}

/* Nobody looked at these: what the stop cut short is made again, whoever made it. */
static void repeat_unseen(const struct wf_halt *halt, struct halt_entry *entry)
{
	if (halt->threads || !entry->stopped || entry->gone || entry->seen.signal)
		return;
	read_registers(&entry->seen);
	if (entry->seen.call >= 0 && entry->seen.answer == -EINTR &&
	    !has_signal(halt, entry->seen.tid))
		rewind_call(&entry->seen);
}

static void release(const struct wf_halt *halt, struct halt_entry *entry)
{
	if (!entry->stopped || entry->gone)
		return;
	repeat_unseen(halt, entry);
	ptrace(PTRACE_DETACH, entry->seen.tid, NULL, (void *)(uintptr_t)entry->seen.signal);
	entry->gone = true;
}

/* Those that did not stop in time: the kernel stops them later, and they must not stay so. */
static void release_stragglers(struct wf_halt *halt)
{
	uint64_t start = wf_clock_monotonic_ns();

	while (!all_stopped(halt) && wf_clock_monotonic_ns() - start < STRAGGLER_NS) {
		for (size_t i = 0; i < halt->count; i++)
			release(halt, &halt->entries[i]);
		rest(200000);
	}
	for (size_t i = 0; i < halt->count; i++)
		release(halt, &halt->entries[i]);
}

void wf_halt_end(struct wf_halt *halt)
{
	if (!halt)
		return;
	for (size_t i = 0; i < halt->count && halt->threads; i++) {
		if (halt->threads[i].repeat)
			rewind_call(&halt->threads[i]);
	}
	for (size_t i = 0; i < halt->count; i++)
		release(halt, &halt->entries[i]);
	release_stragglers(halt);
	free(halt->entries);
	free(halt->threads);
	free(halt);
}

/* Only those that stand still are of use from here on. */
static int list_threads(struct wf_halt *halt, struct wf_err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < halt->count; i++) {
		if (halt->entries[i].stopped && !halt->entries[i].gone)
			halt->entries[kept++] = halt->entries[i];
	}
	halt->count = kept;
	if (!kept)
		return wf_err_set(err, ESRCH, "process %d has ended meanwhile", (int)halt->pid);
	halt->threads = calloc(kept, sizeof(*halt->threads));
	if (!halt->threads)
		return wf_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < kept; i++) {
		halt->threads[i] = halt->entries[i].seen;
		read_registers(&halt->threads[i]);
	}
	return 0;
}

int wf_halt_begin(pid_t pid, struct wf_halt **ret, struct wf_err *err)
{
	wf_auto(wf_halt_freep) struct wf_halt *halt = calloc(1, sizeof(*halt));
	int rc;

	if (!halt)
		return wf_err_set(err, ENOMEM, "out of memory");
	halt->pid = pid;
	/* A thread that was not stopped yet may have started another one. */
	for (unsigned pass = 0; pass < PASSES_MAX; pass++) {
		rc = seize_new(halt, err);
		if (rc == 0)
			break;
		if (rc > 0)
			rc = wait_stopped(halt, err);
		if (rc < 0)
			return rc;
	}
	if (rc > 0)
		return wf_err_set(err, EAGAIN, "process %d starts threads too fast to be stopped",
				  (int)pid);
	rc = list_threads(halt, err);
	if (rc < 0)
		return rc;
	*ret = wf_take(halt);
	return 0;
}

const struct wf_halt_thread *wf_halt_threads(const struct wf_halt *halt, size_t *ret_count)
{
	*ret_count = halt->count;
	return halt->threads;
}

void wf_halt_repeat(struct wf_halt *halt, size_t thread)
{
	struct wf_halt_thread *it = &halt->threads[thread];

	/* With a signal to handle, EINTR is the right answer. */
	it->repeat = !halt->entries[thread].seen.signal && !has_signal(halt, it->tid);
}

int wf_halt_write(const struct wf_halt *halt, uint64_t address, const void *bytes, size_t len)
{
	pid_t tid = halt->threads[0].tid;
	const uint8_t *from = bytes;

	while (len) {
		uint64_t start = address & ~7ULL;
		size_t skip = address - start, n = 8 - skip < len ? 8 - skip : len;
		long word;

		errno = 0;
		word = ptrace(PTRACE_PEEKTEXT, tid, (void *)start, NULL);
		if (word == -1 && errno)
			return -EFAULT;
		memcpy((uint8_t *)&word + skip, from, n);
		if (ptrace(PTRACE_POKETEXT, tid, (void *)start, (void *)word) < 0)
			return -EFAULT;
		address += n;
		from += n;
		len -= n;
	}
	return 0;
}
