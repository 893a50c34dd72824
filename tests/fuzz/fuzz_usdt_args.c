/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/target/usdt_args.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct wf_usdt_arg args[WF_USDT_ARGS_MAX];
	char *text = malloc(len + 1);
	struct wf_err err = {0};
	size_t count = 0;

	if (!text)
		return 0;
	memcpy(text, bytes, len);
	text[len] = '\0';
	if (wf_usdt_args_parse(text, args, &count, &err) == 0) {
		for (size_t i = 0; i < count; i++) {
			const struct wf_source *source = &args[i].source;

			/* What the kernel program relies on. */
			if (source->steps > WF_STEPS_MAX || !source->type ||
			    (source->scale & (source->scale - 1)) || source->scale > 8 ||
			    (source->reg > WF_REG_R15 && source->reg != WF_REG_NONE))
				abort();
		}
	}
	free(text);
	return 0;
}
