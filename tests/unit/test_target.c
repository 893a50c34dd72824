/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "sleeper.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/str.h"
#include "userspace/target/proc.h"
#include "userspace/target/target.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct child {
	pid_t pid;
	int ready, go; /* it writes one byte when ready, and ends at the end of input */
};

/* Ready, then wait until the test lets go. */
static void child_wait(int ready, int go)
{
	char byte = 1;

	(void)!write(ready, &byte, 1);
	(void)!read(go, &byte, 1);
	_exit(0);
}

static void child_start(struct child *child, void (*work)(int ready, int go))
{
	int ready[2], go[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (child->pid == 0) {
		close(ready[0]);
		close(go[1]);
		work(ready[1], go[0]);
		_exit(1);
	}
	close(ready[1]);
	close(go[0]);
	child->ready = ready[0];
	child->go = go[1];
	assert_int_equal(read(child->ready, &byte, 1), 1);
}

/* Start one, and look at it. */
static void child_open(struct child *child, void (*work)(int ready, int go), struct wf_target **ret)
{
	struct wf_err err = {0};

	child_start(child, work);
	if (wf_target_open(child->pid, ret, &err) < 0)
		fail_msg("%s", err.msg);
}

static void child_stop(struct child *child)
{
	close(child->go);
	close(child->ready);
	waitpid(child->pid, NULL, 0);
}

static void copy_file(const char *from, const char *to)
{
	char chunk[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		assert_int_equal(write(out, chunk, (size_t)n), n);
	fchmod(out, 0755);
	close(in);
	close(out);
}

static void a_process_is_read_as_it_is(void **state)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	const struct wf_mapping *mapping;
	struct child child;

	(void)state;
	child_open(&child, child_wait, &target);
	assert_int_equal(target->ppid, getpid());
	assert_int_equal(target->inner_pid, child.pid);
	assert_int_equal(target->uid, geteuid());
	assert_int_equal(target->gid, getegid());
	assert_false(target->exe_deleted);
	assert_true(target->mapping_count >= 2);
	mapping = wf_target_find(target, NULL, NULL);
	assert_non_null(mapping);
	assert_string_equal(mapping->path, target->exe);
	assert_non_null(strstr(mapping->open_path, "/exe"));
	mapping = wf_target_find(target, "libc.so*", NULL);
	assert_non_null(mapping);
	assert_int_equal(access(mapping->open_path, R_OK), 0);
	assert_false(mapping->executable_file);
	assert_ptr_equal(wf_target_find(target, "libcmocka", NULL),
			 wf_target_find(target, "libcmocka.so.*", NULL));
	assert_null(wf_target_find(target, "libcmo", NULL));
	assert_null(wf_target_find(target, "libc.so*", mapping));
	assert_true(wf_target_alive(target));
	child_stop(&child);
	assert_false(wf_target_alive(target));
}

static void odd_rename(int ready, int go)
{
	prctl(PR_SET_NAME, ") R 1 (a\nb");
	child_wait(ready, go);
}

static void a_name_with_parentheses_and_newlines_does_no_harm(void **state)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	wf_auto(wf_freep) pid_t *pids = NULL;
	struct wf_err err = {0};
	struct child child;
	size_t count;

	(void)state;
	child_open(&child, odd_rename, &target);
	assert_string_equal(target->comm, ") R 1 (a\nb");
	assert_int_equal(target->ppid, getpid());
	assert_int_equal(wf_target_by_name(") R 1 (a\nb", &pids, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(pids[0], child.pid);
	child_stop(&child);
}

static void what_cannot_be_traced_is_refused_in_words(void **state)
{
	struct wf_target *target = NULL;
	struct wf_err err = {0};
	struct wf_proc_stat stat;
	pid_t pid;

	(void)state;
	assert_int_equal(wf_target_open(getpid(), &target, &err), -ENOTSUP);
	assert_non_null(strstr(err.msg, "itself"));
	assert_int_equal(wf_target_open(0, &target, &err), -ESRCH);
	assert_int_equal(wf_target_open(-5, &target, &err), -ESRCH);
	assert_int_equal(wf_target_open(4194303, &target, &err), -ESRCH);
	assert_non_null(strstr(err.msg, "no process 4194303"));
	pid = fork();
	if (pid == 0)
		_exit(0);
	while (wf_proc_stat(pid, &stat) == 0 && stat.state != 'Z')
		sched_yield();
	assert_int_equal(wf_target_open(pid, &target, &err), -ESRCH);
	assert_non_null(strstr(err.msg, "zombie"));
	waitpid(pid, NULL, 0);
	if (wf_proc_stat(2, &stat) == 0 && stat.kernel_thread) {
		assert_int_equal(wf_target_open(2, &target, &err), -ENOTSUP);
		assert_non_null(strstr(err.msg, "kernel thread"));
	}
	assert_null(target);
}

static void a_32_bit_program_is_refused(void **state)
{
	/* exit(0): header, one segment, code. */
	static const unsigned char program[] = {
		0x7f, 'E', 'L', 'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 1, 0, 0, 0,
		0x54, 0x80, 0x04, 0x08, 52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 52, 0, 32, 0, 1, 0, 40,
		0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x04, 0x08, 0, 0x80, 0x04, 0x08,
		0x60, 0, 0, 0, 0x60, 0, 0, 0, 5, 0, 0, 0, 0, 0x10, 0, 0,
		/* pause(), again and again */
		0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7, 0, 0, 0};
	char path[] = "/tmp/wftrace-test-XXXXXX";
	struct wf_target *target = NULL;
	struct wf_err err = {0};
	int fd = mkstemp(path), rc;
	pid_t pid;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, program, sizeof(program)), sizeof(program));
	fchmod(fd, 0755);
	close(fd);
	pid = sleeper_start(path, environ);
	rc = wf_target_open(pid, &target, &err);
	unlink(path);
	sleeper_stop(pid);
	if (rc == -ESRCH)
		skip(); /* this kernel runs no 32-bit programs */
	assert_int_equal(rc, -ENOTSUP);
	assert_non_null(strstr(err.msg, "32-bit"));
}

static void a_deleted_program_can_be_opened(void **state)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	const struct wf_mapping *mapping;
	char path[] = "/tmp/wftrace-test-XXXXXX";
	struct wf_err err = {0};
	pid_t pid;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	copy_file("/bin/sleep", path);
	pid = sleeper_start(path, environ);
	unlink(path);
	assert_int_equal(wf_target_open(pid, &target, &err), 0);
	assert_true(target->exe_deleted);
	assert_string_equal(target->exe, path);
	mapping = wf_target_find(target, NULL, NULL);
	assert_non_null(mapping);
	assert_true(mapping->deleted);
	assert_string_equal(mapping->path, path);
	assert_int_equal(access(mapping->open_path, R_OK), 0);
	sleeper_stop(pid);
}

/* One page of a file, executable; then the file goes away. */
static void map_and_unlink(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0700);

	if (fd < 0 || ftruncate(fd, 4096) < 0 ||
	    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		_exit(2);
	close(fd);
	unlink(path);
}

static void map_odd_files(int ready, int go)
{
	char path[64];
	int fd = memfd_create("code", MFD_CLOEXEC);

	snprintf(path, sizeof(path), "/tmp/wf %d\nodd (deleted)", (int)getpid());
	map_and_unlink(path);
	if (fd < 0 || ftruncate(fd, 4096) < 0 ||
	    mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED)
		_exit(2);
	child_wait(ready, go);
}

static void odd_paths_and_memory_files_are_found(void **state)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	const struct wf_mapping *mapping;
	struct child child;
	struct stat st;

	(void)state;
	child_open(&child, map_odd_files, &target);
	mapping = wf_target_find(target, "*\nodd (deleted)", NULL);
	assert_non_null(mapping);
	assert_true(mapping->deleted);
	mapping = wf_target_find(target, "memfd:code", NULL);
	assert_non_null(mapping);
	assert_true(mapping->deleted);
	if (geteuid() == 0) {
		assert_int_equal(stat(mapping->open_path, &st), 0);
		assert_int_equal(st.st_ino, mapping->inode);
	}
	child_stop(&child);
}

/* A program's text moved to anonymous memory at the same address, as for huge pages. */
static void remap_text(int ready, int go)
{
	int fd = open("/bin/sleep", O_RDONLY | O_CLOEXEC);
	char *base = mmap(NULL, 5 * 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	if (base == MAP_FAILED ||
	    mmap(base + 4096, 2 * 4096, PROT_READ | PROT_EXEC, flags, -1, 0) == MAP_FAILED)
		_exit(2);
	child_wait(ready, go);
}

static void text_that_moved_to_other_memory_is_flagged(void **state)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	const struct wf_mapping *mapping;
	struct child child;

	(void)state;
	child_open(&child, remap_text, &target);
	mapping = wf_target_find(target, "sleep", NULL);
	assert_non_null(mapping);
	assert_int_equal(mapping->remapped_offset, 4096);
	assert_int_equal(mapping->remapped_bytes, 2 * 4096);
	assert_int_equal(wf_target_find(target, "libc.so*", NULL)->remapped_bytes, 0);
	child_stop(&child);
}

static void be_traced(int ready, int go)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(2);
	child_wait(ready, go);
}

static void a_debugger_is_named(void **state)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	struct child child;

	(void)state;
	child_open(&child, be_traced, &target);
	assert_true(target->traced_by_debugger);
	assert_int_equal(target->debugger, getpid());
	child_stop(&child);
}

static pid_t grandchild_of(pid_t parent)
{
	wf_auto(wf_freep) pid_t *pids = NULL;
	struct wf_proc_stat stat;
	size_t count = 0;

	assert_int_equal(wf_target_children(parent, &pids, &count, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		if (wf_proc_stat(pids[i], &stat) == 0 && stat.ppid == parent)
			return pids[i];
	}
	return 0;
}

static void enter_namespaces(int ready, int go)
{
	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0) {
		(void)!write(ready, "x", 1);
		_exit(0);
	}
	if (fork() == 0)
		child_wait(ready, go);
	waitpid(-1, NULL, 0);
	_exit(0);
}

static void a_pid_of_another_namespace_is_answered_with_the_hosts(void **state)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	char where[256], wanted[32];
	struct wf_err err = {0};
	struct child child;
	pid_t inner;

	(void)state;
	if (geteuid() != 0)
		skip();
	child_start(&child, enter_namespaces);
	inner = grandchild_of(child.pid);
	if (!inner) {
		child_stop(&child);
		skip();
	}
	assert_int_equal(wf_target_open(inner, &target, &err), 0);
	assert_int_equal(target->inner_pid, 1);
	assert_int_not_equal(target->pid, 1);
	wf_target_in_other_namespace(1, where, sizeof(where));
	snprintf(wanted, sizeof(wanted), "-p %d ", (int)inner);
	assert_non_null(strstr(where, wanted));
	child_stop(&child);
}

static void fork_two_deep(int ready, int go)
{
	if (fork() == 0) {
		if (fork() == 0)
			child_wait(ready, go);
		waitpid(-1, NULL, 0);
		_exit(0);
	}
	waitpid(-1, NULL, 0);
	_exit(0);
}

static void descendants_are_found_and_nobody_else(void **state)
{
	wf_auto(wf_freep) pid_t *pids = NULL;
	struct child child;
	size_t count = 0;

	(void)state;
	child_start(&child, fork_two_deep);
	assert_int_equal(wf_target_children(child.pid, &pids, &count, NULL), 0);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++)
		assert_int_not_equal(pids[i], child.pid);
	child_stop(&child);
}

static void processes_are_found_by_name_and_by_file(void **state)
{
	char path[] = "/tmp/wftrace-named-XXXXXX";
	wf_auto(wf_freep) pid_t *pids = NULL;
	wf_auto(wf_freep) pid_t *mappers = NULL;
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	const struct wf_mapping *mapping;
	struct wf_err err = {0};
	size_t count = 0;
	int fd = mkstemp(path);
	pid_t pid;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	copy_file("/bin/sleep", path);
	pid = sleeper_start(path, environ);
	unlink(path);
	assert_int_equal(wf_target_by_name(strrchr(path, '/') + 1, &pids, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(pids[0], pid);
	assert_int_equal(wf_target_open(pid, &target, &err), 0);
	mapping = wf_target_find(target, NULL, NULL);
	assert_int_equal(wf_target_mappers(mapping->device, mapping->inode, &mappers, &count, &err),
			 0);
	assert_int_equal(count, 1);
	assert_int_equal(mappers[0], pid);
	sleeper_stop(pid);
	free(pids);
	pids = NULL;
	assert_int_equal(wf_target_by_name("no such name", &pids, &count, &err), -ESRCH);
	assert_non_null(strstr(err.msg, "no such name"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_is_read_as_it_is),
		cmocka_unit_test(a_name_with_parentheses_and_newlines_does_no_harm),
		cmocka_unit_test(what_cannot_be_traced_is_refused_in_words),
		cmocka_unit_test(a_32_bit_program_is_refused),
		cmocka_unit_test(a_deleted_program_can_be_opened),
		cmocka_unit_test(odd_paths_and_memory_files_are_found),
		cmocka_unit_test(text_that_moved_to_other_memory_is_flagged),
		cmocka_unit_test(a_debugger_is_named),
		cmocka_unit_test(a_pid_of_another_namespace_is_answered_with_the_hosts),
		cmocka_unit_test(descendants_are_found_and_nobody_else),
		cmocka_unit_test(processes_are_found_by_name_and_by_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
