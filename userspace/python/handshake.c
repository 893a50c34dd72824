/* SPDX-License-Identifier: Apache-2.0 */
#include "handshake.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/str.h"

#define HEADER_BYTES 8
#define COURIER_MAX  2048

/*
 * Only what is built into every interpreter, under names that no library patches (gevent replaces
 * time.sleep and os.read). sigtimedwait without signals is a sleep. A KeyboardInterrupt that came
 * meanwhile may not leave the text: CPython would take it for an unhandled one. It is raised again
 * by a thread that cannot run before the text has ended.
 */
static const char opening[] = "try:\n"
			      " import posix as o\n"
			      " from _signal import sigtimedwait as w\n"
			      " if o.getpid()==%d:\n"
			      "  f=o.memfd_create('%s');n=0\n"
			      "  try:\n"
			      "   while n<%u and b'1'>o.pread(f,1,0):w((),.001);n+=1\n"
			      "   exec(o.pread(f,int(o.pread(f,8,0)),8),{'f':f,'o':o})\n"
			      "  finally:o.close(f)\n"
			      "except KeyboardInterrupt:\n"
			      " import _thread as t\n"
			      " t.start_new_thread(t.interrupt_main,())\n"
			      "except %s:0\n";

/*
 * Runs in the target: loads nothing itself, makes the image a file of its own, executes the script
 * in fresh globals, writes the answer and then its header, and calls what the script left in
 * `after` for that moment. The numbers are script's place and length, image's place and length,
 * answer's place and its maximum.
 */
static const char courier[] = "g=-1;k='E';d={}\n"
			      "try:\n"
			      " s=o.pread(f,%u,%u);p='';n=%u;m=0\n"
			      " if n:\n"
			      "  g=o.memfd_create('wftrace');p='/proc/self/fd/%%d'%%g\n"
			      "  while m<n:m+=o.sendfile(g,f,%u+m,n-m) or m/0\n"
			      " d={'origin':p,'__name__':'_wftrace'}\n"
			      " exec(compile(s,'<wftrace>','exec',0,True),d)\n"
			      " r=d['result'];k='K'\n"
			      "except Exception as e:\n"
			      " r=type(e).__name__\n"
			      " try:r+=': '+str(e)\n"
			      " except Exception:0\n"
			      "finally:\n"
			      " if g>=0:o.close(g)\n"
			      "if type(r) is not str:k='E';r='TypeError: result is no str'\n"
			      "r=r.encode('utf-8','backslashreplace')[:%u];n=len(r);m=0\n"
			      "while m<n:m+=o.pwrite(f,r[m:],%u+m)\n"
			      "o.pwrite(f,('%%s%%07d'%%(k,n)).encode(),0)\n"
			      "d.get('after',int)()\n";

int wf_handshake_text(const char *nonce, const struct wf_handshake_manner *manner, char *out,
		      size_t size)
{
	int len = snprintf(out, size, opening, (int)manner->inner_pid, nonce, manner->wait_ms,
			   manner->quiet ? "BaseException" : "Exception");

	return len < 0 || (size_t)len >= size ? -E2BIG : 0;
}

/* The kernel's name of such a file: no path, and never a file that has a link. */
static bool is_named(pid_t pid, int number, const char *nonce)
{
	char path[64], link[128], want[96];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, number);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return false;
	link[len] = '\0';
	snprintf(want, sizeof(want), "/memfd:%s (deleted)", nonce);
	return strcmp(link, want) == 0;
}

static uint64_t inode_of(pid_t pid, int number)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, number);
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

bool wf_handshake_is_open(pid_t pid, const struct wf_side *side)
{
	return inode_of(pid, side->number) == side->inode;
}

static bool is_known(const struct wf_side *known, size_t count, uint64_t inode)
{
	for (size_t i = 0; i < count; i++) {
		if (known[i].inode == inode)
			return true;
	}
	return false;
}

static int find_side(pid_t pid, const char *nonce, const struct wf_side *known, size_t known_count,
		     struct wf_side *ret)
{
	struct dirent *entry;
	int rc = -EAGAIN;
	char path[64];
	uint64_t number;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while (rc < 0 && (entry = readdir(dir)) != NULL) {
		if (wf_parse_u64(entry->d_name, &number) < 0 || number > INT32_MAX ||
		    !is_named(pid, (int)number, nonce))
			continue;
		*ret = (struct wf_side){.number = (int)number, .inode = inode_of(pid, (int)number)};
		if (ret->inode && !is_known(known, known_count, ret->inode))
			rc = 0;
	}
	closedir(dir);
	return rc;
}

/*
 * The target's own open file, not a second opening by our rights: what it could not write,
 * we do not write for it.
 */
static int share(pid_t pid, const struct wf_side *side)
{
	wf_auto(wf_closep) int process = (int)syscall(SYS_pidfd_open, pid, 0);
	wf_auto(wf_closep) int fd = -1;
	struct stat st;

	if (process < 0)
		return errno == ESRCH ? -ESRCH : -errno;
	fd = (int)syscall(SYS_pidfd_getfd, process, side->number, 0);
	if (fd < 0)
		return errno == EBADF ? -EAGAIN : -errno;
	if (fstat(fd, &st) < 0 || st.st_ino != side->inode)
		return -EAGAIN;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 0 || fcntl(fd, F_GET_SEALS) < 0)
		return -EBADMSG;
	return wf_take_fd(&fd);
}

int wf_handshake_open(pid_t pid, const char *nonce, const struct wf_side *known, size_t known_count,
		      int *ret_fd, struct wf_side *ret_side)
{
	int rc = find_side(pid, nonce, known, known_count, ret_side);
	int fd;

	if (rc < 0)
		return rc;
	fd = share(pid, ret_side);
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

static int write_all(int fd, const void *bytes, size_t len, uint64_t offset)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = pwrite(fd, at, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* The courier has a fixed length, so that what follows has a fixed place. */
#define SCRIPT_AT (HEADER_BYTES + COURIER_MAX)

static uint64_t answer_place(const struct wf_handshake_body *body)
{
	return SCRIPT_AT + body->script_bytes + body->image_bytes;
}

int wf_handshake_fill(int fd, const struct wf_handshake_body *body, uint32_t *ret_body,
		      struct wf_err *err)
{
	uint64_t image_at = SCRIPT_AT + body->script_bytes;
	char text[COURIER_MAX];
	int len, rc;

	if (body->script_bytes > WF_HANDSHAKE_SCRIPT_MAX ||
	    body->image_bytes > WF_HANDSHAKE_IMAGE_MAX)
		return wf_err_set(err, E2BIG, "the request is too big for a target");
	len = snprintf(text, sizeof(text), courier, (unsigned)body->script_bytes, SCRIPT_AT,
		       (unsigned)body->image_bytes, (unsigned)image_at, WF_HANDSHAKE_ANSWER_MAX,
		       (unsigned)answer_place(body));
	if (len < 0 || (size_t)len >= sizeof(text))
		return wf_err_set(err, E2BIG, "the request is too big for a target");
	rc = write_all(fd, body->image, body->image_bytes, image_at);
	if (rc == 0)
		rc = write_all(fd, body->script, body->script_bytes, SCRIPT_AT);
	if (rc == 0)
		rc = write_all(fd, text, (size_t)len, HEADER_BYTES);
	if (rc < 0)
		return wf_err_set(err, -rc, "the request cannot be written to the target: %s",
				  strerror(-rc));
	*ret_body = (uint32_t)len;
	return 0;
}

int wf_handshake_go(int fd, uint32_t body)
{
	char header[HEADER_BYTES + 1];

	snprintf(header, sizeof(header), "%-8u", (unsigned)body);
	return write_all(fd, header, HEADER_BYTES, 0);
}

int wf_handshake_dismiss(int fd)
{
	int rc = write_all(fd, "0", 1, HEADER_BYTES);

	return rc < 0 ? rc : wf_handshake_go(fd, 1);
}

static bool parse_header(const char header[HEADER_BYTES], bool *ret_failed, size_t *ret_len)
{
	*ret_len = 0;
	*ret_failed = header[0] == 'E';
	if (header[0] != 'K' && header[0] != 'E')
		return false;
	for (size_t i = 1; i < HEADER_BYTES; i++) {
		if (header[i] < '0' || header[i] > '9')
			return false;
		*ret_len = *ret_len * 10 + (size_t)(header[i] - '0');
	}
	return true;
}

/* It stands at the end of the file, which is as long as the target says. */
static int read_answer(int fd, size_t len, char *out)
{
	struct stat st;
	uint64_t at;

	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size < len)
		return -EIO;
	at = (uint64_t)st.st_size - len;
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, out + done, len - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

int wf_handshake_answer(int fd, char **ret, bool *ret_failed, struct wf_err *err)
{
	wf_auto(wf_freep) char *raw = NULL, *text = NULL;
	char header[HEADER_BYTES];
	size_t len;

	if (pread(fd, header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    !parse_header(header, ret_failed, &len))
		return -EAGAIN;
	if (len > WF_HANDSHAKE_ANSWER_MAX)
		return wf_err_set(err, EBADMSG, "the target answers with more than it may");
	raw = malloc(len + 1);
	text = malloc(3 * len + 1);
	if (!raw || !text)
		return wf_err_set(err, ENOMEM, "out of memory");
	if (read_answer(fd, len, raw) < 0)
		return wf_err_set(err, EBADMSG, "the target's answer cannot be read");
	wf_utf8_clean(text, raw, len);
	*ret = wf_take(text);
	return 0;
}
