/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes as a YAML profile. A refusal has a message and leaves the set as it was. */
#include <stdint.h>
#include <stdlib.h>

#include "userspace/rule/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wf_ruleset *rules = NULL;
	struct wf_err err = {0};

	if (wf_ruleset_new(&rules, &err) < 0)
		return 0;
	if (wf_ruleset_add_yaml(rules, "fuzz.yaml", (const char *)data, size, &err) < 0 &&
	    (!err.msg[0] || rules->count > 0 || rules->source_count > 0))
		abort();
	wf_ruleset_free(rules);
	return 0;
}
