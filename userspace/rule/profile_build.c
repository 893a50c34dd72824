/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_build.h"

#include <errno.h>

void wf_profile_parser(struct wf_profile_builder *builder, const struct wf_yaml *node,
		       struct wf_parser *parser)
{
	wf_parser_init(parser, builder->rules->arena, &node->place, 0, builder->err,
		       &builder->later);
}

int wf_profile_no_memory(struct wf_profile_builder *builder)
{
	return wf_err_set(builder->err, ENOMEM, "out of memory, or the rules are too large");
}
