/* SPDX-License-Identifier: Apache-2.0 */
#include "pick.h"

#include <stdio.h>
#include <string.h>

#include "userspace/base/str.h"
#include "userspace/target/demangle.h"

/* Labels in assembly and data symbols in text: a glob does not mean them. */
static bool is_label(struct wf_binary *elf, const struct wf_symbol *symbol)
{
	uint64_t start, size;

	if (!(symbol->flags & WF_SYM_NOTYPE))
		return false;
	return wf_binary_fde(elf, symbol->address, &start, &size) < 0 || start != symbol->address;
}

/* How well the symbol fits, 0 = not at all; -ENOMEM. */
static int fit(struct wf_binary *elf, const struct wf_symbol *symbol, const char *pattern)
{
	int rc;

	if (!strcmp(symbol->name, pattern))
		return 4;
	if (symbol->flags & WF_SYM_COLD || is_label(elf, symbol))
		return 0;
	rc = wf_binary_matches(elf, symbol, pattern);
	if (rc <= 0)
		return rc;
	if (symbol->name[0] == '_' && !wf_is_mangled(symbol->name))
		return 1; /* __libc_open stands behind open */
	return symbol->flags & WF_SYM_CLONE ? 2 : 3;
}

int wf_pick_functions(struct wf_binary *elf, const char *pattern, wf_pick_found found,
		      void *context, struct wf_err *err)
{
	const struct wf_symbol *symbols;
	size_t count, next;
	int rc = wf_binary_symbols(elf, &symbols, &count, err);

	for (size_t i = 0; rc >= 0 && i < count; i = next) {
		const struct wf_symbol *best = NULL;
		int best_fit = 0;

		for (next = i; next < count && symbols[next].address == symbols[i].address;
		     next++) {
			int now = fit(elf, &symbols[next], pattern);

			if (now < 0)
				return wf_err_set(err, -now, "out of memory");
			if (now > best_fit) {
				best = &symbols[next];
				best_fit = now;
			}
		}
		if (best)
			rc = found(context, best, err);
	}
	return rc;
}

void wf_pick_name(struct wf_binary *elf, const struct wf_symbol *symbol, char *out, size_t size)
{
	const char *demangled = wf_binary_demangled(elf, symbol);

	if (!demangled || !wf_demangle_bare(demangled, false, out, size))
		snprintf(out, size, "%s", symbol->name);
}

bool wf_pick_library(const struct wf_binary *elf, const struct wf_where *where)
{
	return !where->library || wf_glob_match(where->library, wf_base_name(wf_binary_shown(elf)));
}
