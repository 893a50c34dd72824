/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offer.h - what files offer to trace, without choosing anything: functions counted per file,
 * static probes by name.
 *
 * Writes to the stream it is given; the caller checks the stream for errors.
 */
#ifndef WF_OFFER_H
#define WF_OFFER_H

#include <stdio.h>

#include "userspace/target/candidate.h"

void wf_offer_print(struct wf_candidates *candidates, bool json, FILE *out);

#endif
