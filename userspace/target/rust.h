/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rust.h - names that rustc mangled: the legacy scheme (_ZN...17h<hash>E) and v0 (_R...).
 *
 * Bounded in depth, steps and output, so that a hostile name ends in an error. Any thread.
 */
#ifndef WF_RUST_H
#define WF_RUST_H

#include <stdbool.h>

#include "userspace/base/buf.h"

bool wf_rust_is_legacy(const char *raw);
bool wf_rust_is_v0(const char *raw);
/* Append the readable path, without hash and crate disambiguators. -EINVAL, or what buf says. */
int wf_rust_demangle_legacy(const char *raw, struct wf_buf *out);
int wf_rust_demangle_v0(const char *raw, struct wf_buf *out);

#endif
