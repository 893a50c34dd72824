/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match.h - does a name or glob fit a symbol, raw or demangled? Demangling is the expensive part,
 * so a symbol whose raw name cannot hold the pattern's longest word is passed over. Pure.
 */
#ifndef WF_MATCH_H
#define WF_MATCH_H

#include <stdbool.h>

#include "binary.h"
#include "userspace/base/cleanup.h"

struct wf_matcher;

struct wf_matcher *wf_matcher_new(const char *pattern);
void wf_matcher_free(struct wf_matcher *matcher);
const char *wf_matcher_pattern(const struct wf_matcher *matcher);

/* A plain name or glob against one text; a name that equals the pattern fits in any case. */
bool wf_matcher_fits(const struct wf_matcher *matcher, const char *text);
/* The pattern against raw name, base name and bare demangled name. */
bool wf_matcher_takes(const struct wf_matcher *matcher, const struct wf_symbol *symbol);

/* The bare name of a symbol in out; the base name where it is not mangled. */
void wf_symbol_bare(const struct wf_symbol *symbol, bool keep_arguments, char *out, size_t size);

WF_DEFINE_FREEP(wf_matcher_freep, struct wf_matcher, wf_matcher_free)

#endif
