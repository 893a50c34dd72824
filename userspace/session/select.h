/* SPDX-License-Identifier: Apache-2.0 */
/*
 * select.h - which of the mapped files each rule is about, and which shipped profiles fit.
 *
 *   FUNCTION            the executables; an exact name that none of them has: the libraries that
 *                       have it
 *   FUNCTION@LIBRARY    mapped files whose base name fits the glob, the executables too
 *   usdt:PROVIDER:NAME  every mapped file that has the probe (with @LIBRARY: of those)
 *
 * Decides by looking into the files, changes nothing. Borrows candidates and rules.
 * Control thread only.
 */
#ifndef WF_SELECT_H
#define WF_SELECT_H

#include "userspace/rule/ruleset.h"
#include "userspace/target/candidate.h"

struct wf_selection;

/* How a rule is about a file. */
#define WF_TAKES_AT    0x01 /* its function, opening site or event */
#define WF_TAKES_CLOSE 0x02 /* the closing site of a pair */

/*
 * Files that cannot be opened take no part, and the story of a rule that needed them says why.
 * It is no error that a rule has no file.
 */
int wf_selection_new(struct wf_candidates *candidates, const struct wf_ruleset *rules,
		     struct wf_selection **ret, struct wf_err *err);
void wf_selection_free(struct wf_selection *selection);

/* The files that take part, as a plan wants them. */
struct wf_binary *const *wf_selection_files(const struct wf_selection *selection,
					    uint32_t *ret_count);
/* Index into the candidates of a file that takes part. */
uint32_t wf_selection_candidate(const struct wf_selection *selection, uint32_t file);
/* WF_TAKES_* of one rule (by its place in the set) in one file that takes part. */
uint8_t wf_selection_takes(const struct wf_selection *selection, uint32_t file, uint32_t rule);

/*
 * True where the profile's `requires` hold. Else why (may be NULL) gets the first one that does
 * not: "no mapped file is called 'libpq.so*'".
 */
bool wf_select_profile_fits(struct wf_candidates *candidates, const struct wf_ruleset *profile,
			    struct wf_err *why);

WF_DEFINE_FREEP(wf_selection_freep, struct wf_selection, wf_selection_free)

#endif
