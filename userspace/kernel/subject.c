// SPDX-License-Identifier: Apache-2.0
#include "subject.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/base/clock.h"
#include "userspace/base/str.h"

#if defined(__x86_64__)
/* Written by hand, so that the instruction under each probe is known. */
asm(".pushsection .text\n"
    ".balign 16\n"
    "wf_subject_cheap:\n"
    "	push %rbx\n"
    "	test %edi, %edi\n"
    "wf_subject_cheap_exit:\n"
    "	jne 1f\n"
    "1:	pop %rbx\n"
    "	ret\n"
    ".balign 16\n"
    "wf_subject_stepped:\n"
    "	.byte 0xf3, 0x0f, 0x1e, 0xfa\n"
    "wf_subject_stepped_exit:\n"
    "	ret\n"
    ".balign 16\n"
    "wf_subject_nop5:\n"
    "	mov %rdi, -8(%rsp)\n"
    "wf_subject_nop5_site:\n"
    "	.byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"
    "	mov -8(%rsp), %rax\n"
    "	ret\n"
    ".popsection\n");
#else
#error "selftest functions are written for x86-64 only"
#endif

extern const char wf_subject_cheap_exit[], wf_subject_stepped_exit[], wf_subject_nop5_site[];
long wf_subject_cheap(long number, const char *text);
long wf_subject_stepped(long number, const char *text);
long wf_subject_nop5(long number);

struct wf_subject {
	pid_t pid;
	int fd;
};

struct order {
	uint64_t work, calls;
};

static const void *const places[WF_SUBJECT_PLACES] = {
	[WF_SUBJECT_CHEAP_ENTRY] = (const void *)wf_subject_cheap,
	[WF_SUBJECT_CHEAP_EXIT] = wf_subject_cheap_exit,
	[WF_SUBJECT_STEPPED_ENTRY] = (const void *)wf_subject_stepped,
	[WF_SUBJECT_STEPPED_EXIT] = wf_subject_stepped_exit,
	[WF_SUBJECT_NOP5] = wf_subject_nop5_site,
};

int wf_subject_offset(enum wf_subject_place place, uint64_t *ret_offset)
{
	uint64_t address = (uintptr_t)places[place], start, end, offset;
	wf_auto(wf_fclosep) FILE *maps = fopen("/proc/self/maps", "re");
	char line[4352];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) != 3)
			continue;
		if (address >= start && address < end) {
			*ret_offset = address - start + offset;
			return 0;
		}
	}
	return -ENOENT;
}

static uint64_t call_many(long (*function)(long, const char *), uint64_t calls)
{
	/* written, so that its page is resident: a read that would fault is given up at a cost */
	char text[] = "twenty bytes of text";
	uint64_t start = wf_clock_monotonic_ns();

	for (uint64_t i = 0; i < calls; i++)
		function(i, text);
	return wf_clock_monotonic_ns() - start;
}

static void *second_thread(void *calls)
{
	call_many(wf_subject_cheap, *(uint64_t *)calls);
	return NULL;
}

static uint64_t call_threads(uint64_t calls)
{
	uint64_t half = calls / 2;
	pthread_t thread;

	if (pthread_create(&thread, NULL, second_thread, &half))
		return 0;
	call_many(wf_subject_cheap, calls - half);
	pthread_join(thread, NULL);
	return calls;
}

static uint64_t call_nop5(uint64_t calls)
{
	uint64_t broken = 0;

	for (uint64_t i = 1; i <= calls; i++)
		broken += wf_subject_nop5(i) != (long)i;
	return broken;
}

static uint64_t fork_nop5(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		/* the expected death is no crash to keep a core of, or to report */
		prctl(PR_SET_DUMPABLE, 0);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGILL, SIG_DFL);
		signal(SIGTRAP, SIG_DFL);
		_exit(wf_subject_nop5(1) ? 0 : 1);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return 0;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static uint64_t answer_to(const struct order *order)
{
	switch (order->work) {
	case WF_SUBJECT_CALL_CHEAP:
		return call_many(wf_subject_cheap, order->calls);
	case WF_SUBJECT_CALL_STEPPED:
		return call_many(wf_subject_stepped, order->calls);
	case WF_SUBJECT_CALL_THREADS:
		return call_threads(order->calls);
	case WF_SUBJECT_CALL_NOP5:
		return call_nop5(order->calls);
	default:
		return fork_nop5();
	}
}

/* The child's life: work when asked, end when the tracer's side is closed. */
static void serve(int fd)
{
	struct order order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (recv(fd, &order, sizeof(order), 0) == (ssize_t)sizeof(order)) {
		uint64_t answer = answer_to(&order);

		if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

int wf_subject_new(struct wf_subject **ret, struct wf_err *err)
{
	wf_auto(wf_subject_freep) struct wf_subject *subject = calloc(1, sizeof(*subject));
	int pair[2];

	if (!subject)
		return wf_err_set(err, ENOMEM, "out of memory");
	subject->fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return wf_err_set(err, errno, "self-test: %s", strerror(errno));
	subject->fd = pair[0];
	subject->pid = fork();
	if (subject->pid == 0) {
		close(pair[0]);
		serve(pair[1]);
	}
	close(pair[1]);
	if (subject->pid < 0)
		return wf_err_set(err, errno, "self-test: fork: %s", strerror(errno));
	*ret = wf_take(subject);
	return 0;
}

void wf_subject_free(struct wf_subject *subject)
{
	if (!subject)
		return;
	if (subject->fd >= 0)
		close(subject->fd);
	if (subject->pid > 0) {
		kill(subject->pid, SIGKILL);
		waitpid(subject->pid, NULL, 0);
	}
	free(subject);
}

pid_t wf_subject_pid(const struct wf_subject *subject)
{
	return subject->pid;
}

int wf_subject_run(struct wf_subject *subject, enum wf_subject_work work, uint64_t calls,
		   uint64_t *ret_answer)
{
	struct order order = {.work = work, .calls = calls};

	if (send(subject->fd, &order, sizeof(order), MSG_NOSIGNAL) < 0 ||
	    recv(subject->fd, ret_answer, sizeof(*ret_answer), 0) != (ssize_t)sizeof(*ret_answer))
		return -EPIPE;
	return 0;
}
