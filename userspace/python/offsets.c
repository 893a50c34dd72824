/* SPDX-License-Identifier: Apache-2.0 */
#include "offsets.h"

#include <errno.h>
#include <string.h>

#define FIELD_MAX (1U << 24) /* the biggest of these structs has under 1 MiB */

/* Where each field stands in the table. */
enum {
	AT_COOKIE = 0,
	AT_VERSION = 8,
	AT_FREE_THREADED = 16,
	AT_FINALIZING = 32,
	AT_INTERPRETERS = 40,
	AT_INTERP_ID = 56,
	AT_INTERP_NEXT = 64,
	AT_THREADS_HEAD = 72,
	AT_PREVIOUS = 184,
	AT_NEXT = 192,
	AT_INTERP = 200,
};

/* What no table names, by version. */
static const struct unnamed {
	unsigned minor;
	uint32_t support; /* place in the table of what a debugger needs */
	uint32_t thread_depth;
} unnamed[] = {
	{14, 712, 48},
	{15, 840, 52},
};

#define INITIALIZED_BEFORE 8 /* bytes before the word `finalizing` */

static uint64_t field(const uint8_t *bytes, uint32_t at)
{
	uint64_t value;

	memcpy(&value, bytes + at, sizeof(value));
	return value;
}

static bool take(const uint8_t *bytes, uint32_t at, uint32_t *ret)
{
	uint64_t value = field(bytes, at);

	*ret = (uint32_t)value;
	return value < FIELD_MAX;
}

/* Six words: breaker, the debugger's struct, enabled, pending and path within it, path's size. */
static bool take_support(const uint8_t *bytes, uint32_t at, struct wf_offsets *ret)
{
	uint32_t support;

	if (!take(bytes, at, &ret->breaker) || !take(bytes, at + 8, &support) ||
	    !take(bytes, at + 16, &ret->enabled) || !take(bytes, at + 24, &ret->pending) ||
	    !take(bytes, at + 32, &ret->path) || !take(bytes, at + 40, &ret->path_bytes))
		return false;
	ret->pending += support;
	ret->path += support;
	return ret->breaker % 8 == 0 && ret->pending % 4 == 0 && ret->enabled % 4 == 0 &&
	       ret->path_bytes >= 64 && ret->path_bytes <= 4096;
}

static const struct unnamed *find_unnamed(uint32_t version)
{
	for (size_t i = 0; i < sizeof(unnamed) / sizeof(unnamed[0]); i++) {
		if (version >> 16 == (3U << 8 | unnamed[i].minor))
			return &unnamed[i];
	}
	return NULL;
}

int wf_offsets_parse(const uint8_t bytes[WF_OFFSETS_BYTES], struct wf_offsets *ret,
		     struct wf_err *err)
{
	const struct unnamed *known;
	bool good;

	*ret = (struct wf_offsets){0};
	if (memcmp(bytes + AT_COOKIE, "xdebugpy", 8) != 0)
		return wf_err_set(err, ENOENT, "it has no table of offsets");
	ret->version = (uint32_t)field(bytes, AT_VERSION);
	ret->free_threaded = field(bytes, AT_FREE_THREADED) != 0;
	known = find_unnamed(ret->version);
	if (!known)
		return 0;
	good = take(bytes, AT_FINALIZING, &ret->finalizing) &&
	       take(bytes, AT_INTERPRETERS, &ret->interpreters_head) &&
	       take(bytes, AT_INTERP_ID, &ret->interp_id) &&
	       take(bytes, AT_INTERP_NEXT, &ret->interp_next) &&
	       take(bytes, AT_THREADS_HEAD, &ret->threads_head) &&
	       take(bytes, AT_PREVIOUS, &ret->thread_previous) &&
	       take(bytes, AT_NEXT, &ret->thread_next) &&
	       take(bytes, AT_INTERP, &ret->thread_interp) &&
	       take_support(bytes, known->support, ret);
	if (!good || ret->finalizing < AT_INTERP)
		return wf_err_set(err, EBADMSG, "its table of offsets is not the one of 3.%u",
				  known->minor);
	ret->initialized = ret->finalizing - INITIALIZED_BEFORE;
	ret->thread_depth = known->thread_depth;
	return 0;
}
