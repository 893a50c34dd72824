/* SPDX-License-Identifier: Apache-2.0 */
/* retry.h - when a request is sent again. Pure: time and randomness are arguments. */
#ifndef WF_RETRY_H
#define WF_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define WF_RETRY_FIRST_NS   1000000000ull   /* first back-off */
#define WF_RETRY_MAX_NS     30000000000ull  /* longest back-off */
#define WF_RETRY_GIVE_UP_NS 300000000000ull /* from the first attempt on */

/* The statuses that OTLP/HTTP lets a client retry: 429, 502, 503, 504. */
bool wf_retry_status(long http_status);

/*
 * The wait before attempt number `attempt` + 1 (the first attempt is 1): 1 s, growing by half up
 * to 30 s, plus or minus half by `random` (any value). A longer retry_after_ns (0 = none) is
 * obeyed, with up to a tenth on top, so that many senders do not come back in the same moment.
 */
uint64_t wf_retry_delay(unsigned attempt, uint64_t retry_after_ns, uint32_t random);

/* True when an attempt after the delay would begin past 5 minutes or past the deadline. */
bool wf_retry_give_up(uint64_t first_ns, uint64_t now_ns, uint64_t delay_ns, uint64_t deadline_ns);

#endif
