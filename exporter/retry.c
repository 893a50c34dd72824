/* SPDX-License-Identifier: Apache-2.0 */
#include "retry.h"

bool wf_retry_status(long http_status)
{
	return http_status == 429 || (http_status >= 502 && http_status <= 504);
}

uint64_t wf_retry_delay(unsigned attempt, uint64_t retry_after_ns, uint32_t random)
{
	uint64_t delay = WF_RETRY_FIRST_NS;

	while (attempt-- > 1 && delay < WF_RETRY_MAX_NS)
		delay += delay / 2;
	if (delay > WF_RETRY_MAX_NS)
		delay = WF_RETRY_MAX_NS;
	/* random / 2^32 of the delay, on top of its half: between 0.5 and 1.5 of it. */
	delay = delay / 2 + (delay >> 16) * (random >> 16);
	if (retry_after_ns > WF_RETRY_GIVE_UP_NS)
		retry_after_ns = WF_RETRY_GIVE_UP_NS;
	retry_after_ns += retry_after_ns / 10 / 65536 * (random >> 16);
	return delay > retry_after_ns ? delay : retry_after_ns;
}

bool wf_retry_give_up(uint64_t first_ns, uint64_t now_ns, uint64_t delay_ns, uint64_t deadline_ns)
{
	uint64_t next = now_ns > UINT64_MAX - delay_ns ? UINT64_MAX : now_ns + delay_ns;

	return next > deadline_ns || next - first_ns > WF_RETRY_GIVE_UP_NS;
}
