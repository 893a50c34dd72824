/* SPDX-License-Identifier: Apache-2.0 */
#include "sleeper.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "userspace/base/str.h"

#define STACK_WORDS 64

/* By number; those with `option` only where the socket has that time-out. */
static const struct call {
	long number;
	const char *name;
	int option;
} calls[] = {
	{SYS_epoll_wait, "epoll_wait", 0},
	{SYS_epoll_pwait, "epoll_pwait", 0},
	{SYS_epoll_pwait2, "epoll_pwait2", 0},
	{SYS_rt_sigtimedwait, "sigtimedwait", 0},
	{SYS_semop, "semop", 0},
	{SYS_semtimedop, "semtimedop", 0},
	{SYS_io_getevents, "io_getevents", 0},
	{SYS_io_uring_enter, "io_uring_enter", 0},
	{SYS_accept, "accept", SO_RCVTIMEO},
	{SYS_accept4, "accept4", SO_RCVTIMEO},
	{SYS_read, "read", SO_RCVTIMEO},
	{SYS_readv, "readv", SO_RCVTIMEO},
	{SYS_recvfrom, "recv", SO_RCVTIMEO},
	{SYS_recvmsg, "recvmsg", SO_RCVTIMEO},
	{SYS_recvmmsg, "recvmmsg", SO_RCVTIMEO},
	{SYS_connect, "connect", SO_SNDTIMEO},
	{SYS_write, "write", SO_SNDTIMEO},
	{SYS_writev, "writev", SO_SNDTIMEO},
	{SYS_sendto, "send", SO_SNDTIMEO},
	{SYS_sendmsg, "sendmsg", SO_SNDTIMEO},
	{SYS_sendmmsg, "sendmmsg", SO_SNDTIMEO},
};

static const struct call *find_call(int64_t number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i].number == number)
			return &calls[i];
	}
	return NULL;
}

/* A copy of the target's own descriptor can be asked without disturbing it. */
static bool has_timeout(pid_t pid, int fd, int option)
{
	wf_auto(wf_closep) int process = (int)syscall(SYS_pidfd_open, pid, 0);
	wf_auto(wf_closep) int copy = -1;
	struct timeval timeout = {0};
	socklen_t len = sizeof(timeout);

	if (process < 0)
		return false;
	copy = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	return copy >= 0 && getsockopt(copy, SOL_SOCKET, option, &timeout, &len) == 0 &&
	       (timeout.tv_sec || timeout.tv_usec);
}

/* Code that is known to make the call again: the interpreter, its own modules, libuv. */
static bool repeats(const struct wf_sleepers *process, const struct wf_region *region)
{
	static const char *const own[] = {"select.cpython-", "_socket.cpython-", "_ssl.cpython-",
					  "loop.cpython-", "libuv.so"};

	if (strncmp(region->name, process->interpreter, sizeof(region->name) - 1) == 0)
		return true;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strncmp(region->name, own[i], strlen(own[i])) == 0)
			return true;
	}
	return false;
}

/* Who called the C library: the first word on the stack that points into other code. */
static bool is_repeated(const struct wf_sleepers *process, uint64_t stack)
{
	uint64_t words[STACK_WORDS];
	size_t n = STACK_WORDS;

	while (n && wf_memory_read(process->pid, stack, words, n * sizeof(words[0])) < 0)
		n /= 2;
	for (size_t i = 0; i < n; i++) {
		const struct wf_region *region = wf_regions_find(process->regions, words[i]);

		if (region && !region->libc)
			return repeats(process, region);
	}
	return false;
}

static bool is_disturbing(const struct wf_sleepers *process, int64_t number, uint64_t argument,
			  uint64_t stack)
{
	const struct call *call = find_call(number);

	if (!call || (call->option && !has_timeout(process->pid, (int)argument, call->option)))
		return false;
	return !is_repeated(process, stack);
}

bool wf_sleeper_disturbed(const struct wf_sleepers *process, const struct wf_halt_thread *thread)
{
	return thread->answer == -EINTR &&
	       is_disturbing(process, thread->call, thread->arguments[0], thread->stack);
}

static bool look_at(const struct wf_sleepers *process, pid_t tid, struct wf_sleeper *ret)
{
	wf_auto(wf_freep) char *text = NULL, *comm = NULL;
	unsigned long long arguments[6], stack, code;
	char path[64];
	long number;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)process->pid, (int)tid);
	if (wf_read_file(path, 4096, &text, &len, NULL) < 0 ||
	    sscanf(text, "%ld 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx", &number,
		   &arguments[0], &arguments[1], &arguments[2], &arguments[3], &arguments[4],
		   &arguments[5], &stack, &code) != 9 ||
	    !is_disturbing(process, number, arguments[0], stack))
		return false;
	*ret = (struct wf_sleeper){.tid = tid};
	snprintf(ret->call, sizeof(ret->call), "%s", find_call(number)->name);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", (int)process->pid, (int)tid);
	if (wf_read_file(path, 4096, &comm, &len, NULL) == 0)
		snprintf(ret->comm, sizeof(ret->comm), "%.*s", (int)strcspn(comm, "\n"), comm);
	return true;
}

bool wf_sleeper_find(const struct wf_sleepers *process, struct wf_sleeper *ret)
{
	struct dirent *entry;
	bool found = false;
	char path[64];
	uint64_t tid;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)process->pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)) != NULL) {
		if (wf_parse_u64(entry->d_name, &tid) == 0)
			found = look_at(process, (pid_t)tid, ret);
	}
	closedir(dir);
	return found;
}
