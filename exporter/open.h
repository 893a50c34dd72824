/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.h - calls that still run, as the console knows them: announced once by a notice, said again
 * when they are four times as old, forgotten when they end. Pure; time is an argument.
 */
#ifndef WF_OPEN_H
#define WF_OPEN_H

#include "userspace/base/cleanup.h"
#include "userspace/span/span.h"

struct wf_open;

/* At most max calls are remembered. NULL when memory is out. */
struct wf_open *wf_open_new(uint32_t max);
void wf_open_free(struct wf_open *open);

/* A notice. False when it is not remembered. */
bool wf_open_add(struct wf_open *open, const struct wf_span *notice, uint64_t now_ns);
/* The span ended; unknown ones are fine. */
void wf_open_end(struct wf_open *open, const struct wf_span *span);

/*
 * A call that is to be said again, as a notice without attributes, lent until the next call here;
 * NULL when none is. ret_next_ns: when to ask again, UINT64_MAX = after the next notice.
 */
const struct wf_span *wf_open_due(struct wf_open *open, uint64_t now_ns, uint64_t *ret_age_ns,
				  uint64_t *ret_next_ns);

/* The call that runs longest, or NULL; how many there are. */
const struct wf_span *wf_open_oldest(const struct wf_open *open, uint64_t now_ns,
				     uint64_t *ret_age_ns, uint32_t *ret_count);

WF_DEFINE_FREEP(wf_open_freep, struct wf_open, wf_open_free)

#endif
