/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments that point where nobody can read: the traced functions never follow them. */
#include "traced.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define LOOPS 50

static volatile long calls;

TRACED void tr_text(long which, const char *text)
{
	OPAQUE();
	calls += which + !text;
}

TRACED void tr_number(long which, const long *number)
{
	OPAQUE();
	calls += which + !number;
}

/* A page whose first touch blocks for ever: nobody answers the userfaultfd. */
static char *blocking_page(long page)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	char *at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	range.range.start = (unsigned long)at;
	range.range.len = page;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range))
		return NULL;
	return at;
}

int main(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *blocked = blocking_page(page);
	char *none = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *two =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const char *where[8] = {
		"good text", NULL,           blocked,        none,
		two + page,  two + page - 8, (char *)-4096L, (char *)0x8000000000000000UL};
	static long number = -77;

	memset(two, 'x', page);
	munmap(two + page, page);
	if (!blocked)
		printf("no userfaultfd\n");
	ready();
	for (int i = 0; i < LOOPS; i++) {
		for (long k = 0; k < 8; k++) {
			tr_text(k, where[k]);
			tr_number(k, k ? (const long *)where[k] : &number);
		}
	}
	printf("calls %ld\n", calls);
	return 0;
}
