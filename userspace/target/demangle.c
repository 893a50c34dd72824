/* SPDX-License-Identifier: Apache-2.0 */
#include "demangle.h"

#include <setjmp.h>
#include <string.h>

#include "rust.h"
#include "userspace/base/buf.h"

/*
 * libstdc++'s demangler as a callback: unlike __cxa_demangle it allocates nothing, so it can be
 * left in the middle. That matters, since a name of 300 bytes can expand to gigabytes. It lives in
 * the static library only.
 */
int __gcclibcxx_demangle_callback(const char *mangled,
				  void (*write)(const char *text, size_t len, void *state),
				  void *state);

struct sink {
	struct wf_buf buf;
	jmp_buf full;
};

static void sink_write(const char *text, size_t len, void *state)
{
	struct sink *sink = state;

	if (wf_buf_append(&sink->buf, text, len) < 0)
		longjmp(sink->full, 1);
}

static bool demangle_cplus(const char *raw, struct sink *sink)
{
	if (setjmp(sink->full))
		return false;
	return __gcclibcxx_demangle_callback(raw, sink_write, sink) == 0;
}

bool wf_is_mangled(const char *raw)
{
	return raw[0] == '_' && (raw[1] == 'Z' || wf_rust_is_v0(raw));
}

char *wf_demangle_alloc(const char *raw)
{
	struct sink sink;
	bool good;

	if (!wf_is_mangled(raw) || strnlen(raw, WF_DEMANGLE_RAW_MAX + 1) > WF_DEMANGLE_RAW_MAX)
		return NULL;
	wf_buf_init(&sink.buf, WF_DEMANGLE_TEXT_MAX);
	if (wf_rust_is_v0(raw))
		good = wf_rust_demangle_v0(raw, &sink.buf) == 0;
	else if (wf_rust_is_legacy(raw))
		good = wf_rust_demangle_legacy(raw, &sink.buf) == 0;
	else
		good = demangle_cplus(raw, &sink);
	if (good && sink.buf.data && sink.buf.len && !sink.buf.failed)
		return sink.buf.data;
	wf_buf_done(&sink.buf);
	return NULL;
}

char *wf_demangle(const char *raw, struct wf_arena *arena)
{
	wf_auto(wf_freep) char *text = wf_demangle_alloc(raw);

	return text ? wf_arena_strdup(arena, text) : NULL;
}
