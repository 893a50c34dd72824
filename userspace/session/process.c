/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <errno.h>
#include <string.h>

void wf_processes_done(struct wf_processes *processes)
{
	for (uint32_t i = 0; i < processes->count; i++)
		wf_target_free(processes->targets[i]);
	processes->count = 0;
}

struct wf_process *wf_processes_find(struct wf_processes *processes, pid_t pid)
{
	for (uint32_t i = 0; i < processes->count; i++)
		if (processes->targets[i]->pid == pid)
			return &processes->items[i];
	return NULL;
}

int wf_processes_add(struct wf_processes *processes, pid_t pid, struct wf_err *err)
{
	struct wf_target *target;
	int rc;

	if (processes->count == WF_PROCESSES_MAX)
		return wf_err_set(err, ENOSPC, "more than %d processes", WF_PROCESSES_MAX);
	rc = wf_target_open(pid, &target, err);
	if (rc < 0)
		return rc;
	processes->items[processes->count] = (struct wf_process){.target = target};
	processes->targets[processes->count++] = target;
	return 0;
}

void wf_processes_remove(struct wf_processes *processes, struct wf_process *process)
{
	uint32_t index = process - processes->items;

	wf_target_free(process->target);
	processes->items[index] = processes->items[--processes->count];
	processes->targets[index] = processes->targets[processes->count];
}

bool wf_processes_has_changed(struct wf_processes *processes, uint32_t index)
{
	struct wf_process *process = &processes->items[index];
	struct wf_target *fresh = NULL;
	bool changed;

	if (wf_target_open(process->target->pid, &fresh, NULL) < 0)
		return false;
	changed = fresh->mapping_count != process->target->mapping_count ||
		  strcmp(fresh->exe, process->target->exe) != 0;
	wf_target_free(process->target);
	process->target = fresh;
	processes->targets[index] = fresh;
	return changed;
}

bool wf_processes_is_waiting(const struct wf_processes *processes)
{
	for (uint32_t i = 0; i < processes->count; i++)
		if (processes->items[i].due_ns)
			return true;
	return false;
}
