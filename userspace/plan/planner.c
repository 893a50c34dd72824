/* SPDX-License-Identifier: Apache-2.0 */
#include "planner.h"

#include <errno.h>
#include <stdlib.h>

#include "blueprint.h"
#include "callee.h"
#include "probe.h"

#define STRINGS_MAX (64u << 20) /* names of 50,000 C++ functions */

static int plan_file(struct wf_blueprint *bp, struct wf_probes *probes, struct wf_binary *elf,
		     uint32_t number, struct wf_err *err)
{
	int rc = wf_blueprint_open(bp, elf, number, err);

	if (rc >= 0)
		rc = wf_callee_plan(bp, err);
	if (rc >= 0)
		rc = wf_probes_plan(probes, bp, err);
	if (rc >= 0)
		wf_blueprint_close(bp);
	return rc;
}

static int plan_all(struct wf_blueprint *bp, struct wf_binary *const *files, uint32_t file_count,
		    struct wf_err *err)
{
	struct wf_probes probes;
	int rc = wf_probes_init(&probes, bp->rules, err);

	for (uint32_t i = 0; i < file_count && rc >= 0; i++)
		rc = plan_file(bp, &probes, files[i], i, err);
	if (rc >= 0)
		wf_probes_finish(&probes, bp);
	wf_probes_done(&probes);
	return rc;
}

int wf_plan_new(const struct wf_ruleset *rules, struct wf_binary *const *files, uint32_t file_count,
		const struct wf_plan_options *options, uint32_t *matched, struct wf_plan **ret,
		struct wf_err *err)
{
	wf_auto(wf_plan_freep) struct wf_plan *plan = calloc(1, sizeof(*plan));
	struct wf_blueprint bp = {0};
	int rc;

	if (plan)
		plan->arena = wf_arena_new(STRINGS_MAX);
	if (!plan || !plan->arena)
		return wf_err_set(err, ENOMEM, "out of memory");
	for (uint32_t i = 0; matched && i < rules->count; i++)
		matched[i] = 0;
	rc = wf_blueprint_init(&bp, plan, rules, options, err);
	bp.matched = matched;
	if (rc >= 0)
		rc = plan_all(&bp, files, file_count, err);
	wf_blueprint_done(&bp);
	if (rc < 0)
		return rc;
	*ret = wf_take(plan);
	return 0;
}
