/* SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

#include <stdlib.h>

struct wf_costs wf_plan_default_costs(void)
{
	return (struct wf_costs){
		.emulated_ns = 600, .stepped_ns = 9000, .record_ns = 330, .string_ns = 150};
}

void wf_plan_free(struct wf_plan *plan)
{
	if (!plan)
		return;
	for (uint32_t i = 0; i < plan->file_count; i++)
		free(plan->files[i].sites);
	free(plan->files);
	free(plan->functions);
	free(plan->captures);
	free(plan->guards);
	free(plan->tail_sets);
	wf_arena_free(plan->arena);
	free(plan);
}
