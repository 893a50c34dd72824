/* SPDX-License-Identifier: Apache-2.0 */
/* pick.h - the functions of a file that a name or glob means, each address once. */
#ifndef WF_PICK_H
#define WF_PICK_H

#include "userspace/rule/rule.h"
#include "userspace/target/binary.h"

/* Negative stops and is handed on. */
typedef int (*wf_pick_found)(void *context, const struct wf_symbol *symbol, struct wf_err *err);

/*
 * Aliases at one address are one function, under the name that fits best. Cold parts and bare
 * labels are only found by their exact name.
 */
int wf_pick_functions(struct wf_binary *elf, const char *pattern, wf_pick_found found,
		      void *context, struct wf_err *err);

/* "ns::Class::run" of a symbol, without parameters; the raw name where it is not mangled. */
void wf_pick_name(struct wf_binary *elf, const struct wf_symbol *symbol, char *out, size_t size);

/* The rule's library glob fits the file, or it has none. */
bool wf_pick_library(const struct wf_binary *elf, const struct wf_where *where);

#endif
