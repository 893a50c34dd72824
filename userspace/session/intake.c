/* SPDX-License-Identifier: Apache-2.0 */
#include "intake.h"

#include <errno.h>

/* Children that exist already; one that ends meanwhile is no error. */
static void add_children(const struct wf_config *config, struct wf_arming *arming, pid_t pid)
{
	wf_auto(wf_freep) pid_t *children = NULL;
	size_t count = 0;

	if (config->no_follow || wf_target_children(pid, &children, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		(void)wf_arming_add_process(arming, children[i], NULL);
}

/* Of many processes of one name some may end at any time: those that can be traced are. */
static int add_named(struct wf_arming *arming, const pid_t *pids, size_t count, struct wf_err *err)
{
	struct wf_err first = {0};

	for (size_t i = 0; i < count; i++)
		(void)wf_arming_add_process(arming, pids[i], &first);
	if (wf_arming_process_count(arming))
		return 0;
	return wf_err_set(err, first.code ? first.code : ESRCH, "%s", first.msg);
}

int wf_intake_named(const struct wf_config *config, struct wf_arming *arming, struct wf_err *err)
{
	wf_auto(wf_freep) pid_t *named = NULL;
	size_t named_count = 0;
	int rc = 0;

	for (uint32_t i = 0; i < config->pids.count && rc == 0; i++)
		rc = wf_arming_add_process(arming, config->pids.items[i], err);
	if (rc == 0 && config->name)
		rc = wf_target_by_name(config->name, &named, &named_count, err);
	if (rc < 0)
		return rc;
	if (config->name)
		rc = add_named(arming, named, named_count, err);
	for (uint32_t i = 0; i < config->pids.count; i++)
		add_children(config, arming, config->pids.items[i]);
	for (size_t i = 0; i < named_count; i++)
		add_children(config, arming, named[i]);
	return rc;
}

void wf_intake_late(const struct wf_config *config, struct wf_arming *arming)
{
	struct wf_target *const *targets;
	uint32_t count;

	targets = wf_arming_targets(arming, &count);
	for (uint32_t i = 0; i < config->pids.count; i++)
		add_children(config, arming, config->pids.items[i]);
	for (uint32_t i = 0; config->name && i < count; i++)
		add_children(config, arming, targets[i]->pid);
}
