/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup.h - scope-bound release. The only three macros of their kind in the project.
 *
 *   wf_auto(wf_plan_freep) struct wf_plan *plan = NULL;   released when the scope ends
 *   *ret = wf_take(plan);                                 unless ownership leaves
 *   WF_DEFINE_FREEP(wf_plan_freep, struct wf_plan, wf_plan_free)
 *
 * A _free function takes NULL and half-built objects; -1 is the empty fd.
 */
#ifndef WF_BASE_CLEANUP_H
#define WF_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define wf_auto(release) __attribute__((cleanup(release)))

#define wf_take(pointer)                                                                           \
	({                                                                                         \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

#define WF_DEFINE_FREEP(name, type, free_function)                                                 \
	static inline void name(type **object)                                                     \
	{                                                                                          \
		free_function(*object);                                                            \
	}

/* Release functions for what libc gives. */
static inline void wf_freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void wf_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void wf_fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* Give an fd away: returns it and leaves -1 behind. */
static inline int wf_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
