/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.h - is there a CPython in a process, which one, and which way leads into it. Reads only;
 * nothing is stopped or written. Control thread.
 *
 * The interpreter is found by the symbol _PyRuntime in any mapped file (a stripped binary, a
 * library, a program that embeds it), so that neither names nor paths of the target matter.
 */
#ifndef WF_PYTHON_RUNTIME_H
#define WF_PYTHON_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "layout.h"
#include "library.h"
#include "offsets.h"
#include "userspace/base/err.h"
#include "userspace/target/target.h"

#define WF_PYTHON_MINOR_MIN 8
#define WF_PYTHON_MINOR_MAX 15
#define WF_PYTHON_ROOMS_MAX 4

enum wf_python_way {
	WF_PYTHON_NO_WAY,
	WF_PYTHON_SLOT,   /* 3.8 to 3.13: a call in its queue of pending calls */
	WF_PYTHON_REMOTE, /* 3.14 on: the debugger interface of PEP 768 */
};

struct wf_python {
	pid_t pid, inner_pid;
	uint64_t start_time;
	uint32_t uid, gid;
	unsigned major, minor;
	int micro;       /* -1: not told by this version */
	bool embedded;   /* in a program that is no python */
	char file[256];  /* that holds it, as the target names it, cut */
	char soname[64]; /* of the shared library it is in; "" = part of the program */
	bool has_memfd;  /* it was built with os.memfd_create */
	uint64_t runtime;
	uint64_t symbols[WF_PY_SYMBOLS]; /* 0 = not there */
	uint64_t list_type;              /* PyList_Type; 0 = not there */
	const struct wf_layout *layout;  /* up to 3.13 */
	struct wf_offsets offsets;       /* 3.14 on */
	enum wf_python_way way;
	struct wf_python_room rooms[WF_PYTHON_ROOMS_MAX];
	uint32_t room_count;
};

/*
 * Fills ret as far as it gets, also where there is no way in. -ENOENT: no CPython here; -ENOTSUP:
 * one that cannot be entered, and why; -EAGAIN: it starts or ends just now; -ESRCH.
 */
int wf_python_find(const struct wf_target *target, struct wf_python *ret, struct wf_err *err);

/* 3.14 on: the main interpreter, which is the last of a list. -EBADMSG, -ESRCH. */
int wf_python_main(const struct wf_python *python, uint64_t *ret_interp);

/* "3.11.2", or "3.8" where the micro version is not known. */
void wf_python_version(const struct wf_python *python, char *out, size_t size);

#endif
