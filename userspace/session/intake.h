/* SPDX-License-Identifier: Apache-2.0 */
/* intake.h - the processes of a session: those that -p and -n name, with their children. */
#ifndef WF_INTAKE_H
#define WF_INTAKE_H

#include "arming.h"
#include "userspace/cli/config.h"

/* -ESRCH where there is none, else as wf_target_open. */
int wf_intake_named(const struct wf_config *config, struct wf_arming *arming, struct wf_err *err);
/* Those that were forked after that and before the kernel told of them. */
void wf_intake_late(const struct wf_config *config, struct wf_arming *arming);

#endif
