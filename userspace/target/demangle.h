/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demangle.h - C++ and Rust names for people and for patterns. Input is hostile: lengths are
 * capped, nothing recurses without a limit. Any thread.
 */
#ifndef WF_DEMANGLE_H
#define WF_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

#include "userspace/base/arena.h"

#define WF_DEMANGLE_RAW_MAX                                                                        \
	2048 /* longer names stay raw: the demangler needs stack by the square */
#define WF_DEMANGLE_TEXT_MAX 65536

/* True where the name looks mangled (_Z..., _R..., also with one more '_' in front). */
bool wf_is_mangled(const char *raw);

/* As c++filt shows it: C++ with parameters, Rust without its hash. NULL = not mangled or broken. */
char *wf_demangle(const char *raw, struct wf_arena *arena);
/* The same, to be freed. */
char *wf_demangle_alloc(const char *raw);

/*
 * "ns::Class::method" of a demangled name: without return type, parameters, qualifiers, ABI tags
 * and, unless keep_arguments, template arguments. Writes at most size bytes; returns the length,
 * 0 where it does not fit.
 */
size_t wf_demangle_bare(const char *demangled, bool keep_arguments, char *out, size_t size);

#endif
