/* SPDX-License-Identifier: Apache-2.0 */
#include "definition.h"

#include <stdlib.h>

#include "userspace/collect/define.h"
#include "userspace/target/srcline.h"

static bool is_live(const struct wf_plan_function *function, uint32_t file,
		    const uint32_t *span_ids)
{
	return function->file == file && function->span && span_ids[function->span];
}

/* NULL where nothing is known about them. */
static struct wf_srclines *find_lines(const struct wf_plan *plan, uint32_t file,
				      const uint32_t *span_ids)
{
	wf_auto(wf_freep) uint64_t *addresses = calloc(plan->function_count, sizeof(*addresses));
	struct wf_srclines *lines = NULL;
	size_t count = 0;

	for (uint32_t i = 0; addresses && i < plan->function_count; i++)
		if (is_live(&plan->functions[i], file, span_ids))
			addresses[count++] = plan->functions[i].address;
	if (count)
		(void)wf_binary_lines(plan->files[file].elf, addresses, count, &lines);
	return lines;
}

uint32_t wf_definition_publish(const struct wf_wave *wave, const struct wf_plan *plan,
			       uint32_t file, const uint32_t *span_ids, struct wf_mailbox *inbox)
{
	const struct wf_candidate *candidate = wf_wave_candidate(wave, plan->files[file].elf);
	wf_auto(wf_srclines_freep) struct wf_srclines *lines = find_lines(plan, file, span_ids);
	uint32_t published = 0;

	for (uint32_t i = 0; i < plan->function_count; i++) {
		const struct wf_plan_function *function = &plan->functions[i];
		wf_auto(wf_freep) char *json = NULL;

		if (!is_live(function, file, span_ids))
			continue;
		published++;
		if (wf_define_json(plan, function, candidate->executable, lines, &json) == 0)
			(void)wf_mailbox_put_text(inbox, WF_REC_DEFINE, span_ids[function->span], 0,
						  json);
	}
	return published;
}
