/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arming.h - from processes and rules to live probes, and again when something changes: a child,
 * an exec, a library that was loaded later.
 *
 * Bystanders never pay unasked: a file gets one unfiltered link only if every process that maps
 * it is traced (or --shared), else one filtered link per process. Owns the attacher and the
 * targets; control thread only.
 */
#ifndef WF_ARMING_H
#define WF_ARMING_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/collect/mailbox.h"
#include "userspace/kernel/attach.h"
#include "userspace/target/target.h"
#include "wave.h"

struct wf_arming;

struct wf_arming_config {
	struct wf_wave_config wave;
	struct wf_mailbox *inbox; /* gets DEFINE and RESOURCE records */
};

int wf_arming_new(const struct wf_arming_config *config, struct wf_arming **ret,
		  struct wf_err *err);
void wf_arming_free(struct wf_arming *arming);

/* Take a process in; one that is known already is fine. Fails as wf_target_open does. */
int wf_arming_add_process(struct wf_arming *arming, pid_t pid, struct wf_err *err);
uint32_t wf_arming_process_count(const struct wf_arming *arming);
struct wf_target *const *wf_arming_targets(const struct wf_arming *arming, uint32_t *ret_count);

/* Give the kernel side to it; before the first attach. Traced processes are told to it. */
int wf_arming_use_kernel(struct wf_arming *arming, struct wf_kernel *kernel, struct wf_err *err);
struct wf_attacher *wf_arming_attacher(struct wf_arming *arming);
/* Attach what the wave has and is not attached yet. only: this process (run), 0 = all known. */
int wf_arming_attach(struct wf_arming *arming, const struct wf_wave *wave, pid_t only,
		     struct wf_err *err);

/*
 * A launched program stops itself at its entry point, when its libraries are mapped and nothing of
 * it has run, or at any place of a file: it and no other process, and until it is to stop no more.
 */
int wf_arming_stop_at_start(struct wf_arming *arming, const struct wf_wave *wave, pid_t pid,
			    struct wf_err *err);
int wf_arming_stop_at(struct wf_arming *arming, struct wf_binary *elf, uint64_t offset, pid_t pid,
		      struct wf_err *err);
void wf_arming_stop_no_more(struct wf_arming *arming);
/* It stopped where it starts: attach to what it maps. */
void wf_arming_started(struct wf_arming *arming, pid_t pid);

/* A traced process forked, executed another image, or ended (from PROCESS records). */
void wf_arming_on_process(struct wf_arming *arming, const struct wf_rec_process *event);
/* Do what is due: children that lived on, images and libraries that were loaded since. */
void wf_arming_tick(struct wf_arming *arming, uint64_t now_ns);
/* Is a new process waiting to be looked at, so that the next tick should come soon? */
bool wf_arming_is_waiting(const struct wf_arming *arming);
/* Close every link. */
void wf_arming_detach(struct wf_arming *arming);

/* Functions and processes beside its own, which the announcement counts. */
void wf_arming_add_functions(struct wf_arming *arming, uint32_t count);
/* True where the rule found a function in any process up to now. */
bool wf_arming_found(const struct wf_arming *arming, uint32_t rule);
/* Say what is traced; from now on also what comes later. */
void wf_arming_announce(struct wf_arming *arming);

WF_DEFINE_FREEP(wf_arming_freep, struct wf_arming, wf_arming_free)

#endif
