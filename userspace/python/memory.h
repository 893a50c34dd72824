/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - memory of a target: reads, writes, and which of it is code. What is read was written
 * by the target and is hostile input. Control thread.
 */
#ifndef WF_PYTHON_MEMORY_H
#define WF_PYTHON_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

#define WF_MEMORY_TOP (1ULL << 47) /* addresses of user space end here */

/* All of it, or -EFAULT (not mapped), -ESRCH (gone), -EACCES (not allowed). */
int wf_memory_read(pid_t pid, uint64_t address, void *out, size_t len);
/* What went wrong because the process has ended is -ESRCH, with that reason; else rc. */
int wf_memory_explain(pid_t pid, int rc, struct wf_err *err);
/* Data only: what the target itself may not write is -EFAULT. */
int wf_memory_write(pid_t pid, uint64_t address, const void *bytes, size_t len);
/* Private memory that the target itself may not write; not while anything there runs. */
int wf_memory_write_code(pid_t pid, uint64_t address, const void *bytes, size_t len);

int wf_memory_read_u32(pid_t pid, uint64_t address, uint32_t *ret);
int wf_memory_read_u64(pid_t pid, uint64_t address, uint64_t *ret);

struct wf_region {
	uint64_t start, end;
	bool libc;     /* the C library or its loader */
	char name[48]; /* base name of the file, cut; "" = anonymous */
};

/* Every executable range, by address. */
struct wf_regions {
	struct wf_region *list;
	size_t count, capacity;
};

/* -ESRCH, -EACCES, -ENOMEM. */
int wf_regions_read(pid_t pid, struct wf_regions *ret);
void wf_regions_done(struct wf_regions *regions);
/* NULL where the address is no code. */
const struct wf_region *wf_regions_find(const struct wf_regions *regions, uint64_t address);

#endif
