// SPDX-License-Identifier: Apache-2.0
#include "define.h"

#include <errno.h>
#include <jansson.h>

static const char *exit_name(enum wf_exit_method exit)
{
	switch (exit) {
	case WF_EXIT_SITES:
		return "sites";
	case WF_EXIT_MIXED:
		return "mixed";
	case WF_EXIT_RETS:
		return "rets";
	case WF_EXIT_HANDED_OVER:
		return "handed_over";
	case WF_EXIT_TAIL_JUMP:
		return "tail_jump";
	case WF_EXIT_PAIR:
		return "pair";
	default:
		return "none";
	}
}

/* The file that holds the function: the one with a site of it. */
static const struct wf_binary *file_of(const struct wf_plan *plan,
				       const struct wf_plan_function *function)
{
	uint32_t index = function - plan->functions;

	for (uint32_t f = 0; f < plan->file_count; f++)
		for (uint32_t i = 0; i < plan->files[f].site_count; i++)
			if (plan->files[f].sites[i].function == index)
				return plan->files[f].elf;
	return NULL;
}

int wf_define_json(const struct wf_plan *plan, const struct wf_plan_function *function, char **ret)
{
	const struct wf_binary *elf = file_of(plan, function);
	json_t *root =
		json_pack("{s:I, s:s, s:s, s:I, s:s}", "rule", (json_int_t)function->rule->index,
			  "name", function->name, "symbol", function->symbol, "address",
			  (json_int_t)function->address, "exit", exit_name(function->exit));

	if (root && elf) {
		json_object_set_new(root, "file", json_string(wf_binary_shown(elf)));
		json_object_set_new(root, "build_id", json_string(wf_binary_build_id(elf)));
	}
	*ret = root ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	return *ret ? 0 : -ENOMEM;
}
