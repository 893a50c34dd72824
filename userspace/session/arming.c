/* SPDX-License-Identifier: Apache-2.0 */
#include "arming.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "definition.h"
#include "headroom.h"
#include "process.h"
#include "userspace/base/clock.h"
#include "userspace/base/log.h"
#include "userspace/collect/enrich.h"
#include "userspace/plan/graph.h"

#define LOOK_AGAIN_NS  500000000ull /* maps of traced processes are compared this often */
#define CHILD_DELAY_NS 5000000ull   /* a child that executes another image at once is not linked */
#define STOPS_MAX      4            /* places where a launched program stops, at a time */

/* A file that has probes. */
struct armed_file {
	uint64_t device, inode;
	uint32_t number; /* in the attacher */
	bool filtered, hooks;
	bool by_path; /* planned from a path before anybody mapped it: the device is not known */
};

struct wf_arming {
	struct wf_arming_config config;
	struct wf_kernel *kernel;
	struct wf_attacher *attacher;
	struct wf_processes processes;
	struct armed_file files[WF_FILES_MAX];
	uint32_t file_count;
	uint32_t function_count;
	bool child_missed; /* and told, once */
	bool *found;       /* by rule: something fitted it */
	uint32_t found_count;
	uint64_t looked_ns;
	uint32_t stops[STOPS_MAX]; /* probes that stop a launched program, in the attacher */
	uint32_t stop_count;
	bool announced;
};

int wf_arming_new(const struct wf_arming_config *config, struct wf_arming **ret, struct wf_err *err)
{
	struct wf_arming *arming = calloc(1, sizeof(*arming));

	if (!arming)
		return wf_err_set(err, ENOMEM, "out of memory");
	arming->config = *config;
	*ret = arming;
	return 0;
}

void wf_arming_free(struct wf_arming *arming)
{
	if (!arming)
		return;
	wf_attacher_free(arming->attacher);
	wf_processes_done(&arming->processes);
	free(arming->found);
	free(arming);
}

static void publish_resource(struct wf_arming *arming, const struct wf_target *target)
{
	const struct wf_config *config = arming->config.wave.config;
	wf_auto(wf_freep) char *json = NULL;

	if (wf_enrich_resource_json(target, config->service_name, config->resource.items,
				    config->resource.count, &json) == 0)
		(void)wf_mailbox_put_text(arming->config.inbox, WF_REC_RESOURCE, 0, target->pid,
					  json);
}

int wf_arming_add_process(struct wf_arming *arming, pid_t pid, struct wf_err *err)
{
	int rc;

	if (wf_processes_find(&arming->processes, pid))
		return 0;
	rc = wf_processes_add(&arming->processes, pid, err);
	if (rc < 0)
		return rc;
	publish_resource(arming, wf_processes_find(&arming->processes, pid)->target);
	if (arming->kernel)
		(void)wf_kernel_add_process(arming->kernel, pid);
	return 0;
}

static void forget_process(struct wf_arming *arming, pid_t pid)
{
	struct wf_process *process = wf_processes_find(&arming->processes, pid);

	if (!process)
		return;
	wf_attach_forget(arming->attacher, pid);
	wf_processes_remove(&arming->processes, process);
}

uint32_t wf_arming_process_count(const struct wf_arming *arming)
{
	return arming->processes.count;
}

struct wf_target *const *wf_arming_targets(const struct wf_arming *arming, uint32_t *ret_count)
{
	*ret_count = arming->processes.count;
	return arming->processes.targets;
}

int wf_arming_use_kernel(struct wf_arming *arming, struct wf_kernel *kernel, struct wf_err *err)
{
	arming->kernel = kernel;
	for (uint32_t i = 0; i < arming->processes.count; i++)
		(void)wf_kernel_add_process(kernel, arming->processes.targets[i]->pid);
	wf_kernel_new_epoch(kernel);
	return wf_attacher_new(kernel, &arming->attacher, err);
}

struct wf_attacher *wf_arming_attacher(struct wf_arming *arming)
{
	return arming->attacher;
}

void wf_arming_add_functions(struct wf_arming *arming, uint32_t count)
{
	arming->function_count += count;
}

static bool is_file(const struct armed_file *file, uint64_t device, uint64_t inode)
{
	return file->inode == inode && (file->device == device || file->by_path);
}

static struct armed_file *find_file(struct wf_arming *arming, uint64_t device, uint64_t inode,
				    bool hooks)
{
	for (uint32_t i = 0; i < arming->file_count; i++) {
		struct armed_file *file = &arming->files[i];

		if (file->hooks == hooks && is_file(file, device, inode))
			return file;
	}
	return NULL;
}

static bool maps_file(const struct wf_target *target, uint64_t device, uint64_t inode)
{
	for (size_t i = 0; i < target->mapping_count; i++)
		if (target->mappings[i].device == device && target->mappings[i].inode == inode)
			return true;
	return false;
}

/* True where nobody but traced processes maps the file. */
static bool only_traced(struct wf_arming *arming, const struct wf_candidate *candidate)
{
	wf_auto(wf_freep) pid_t *pids = NULL;
	size_t count = 0;

	if (wf_target_mappers(candidate->device, candidate->inode, &pids, &count, NULL) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!wf_processes_find(&arming->processes, pids[i]))
			return false;
	return count > 0;
}

/* Whose hits count: everybody's, or those of the processes listed in pids. */
static struct wf_attach_scope choose_scope(struct wf_arming *arming,
					   const struct wf_candidate *candidate, bool hooks,
					   pid_t only, pid_t *pids)
{
	struct wf_attach_scope scope = {.pids = pids};

	if (only) {
		pids[0] = only;
		scope.pid_count = 1;
		return scope;
	}
	/* hooks sit on functions that are rare everywhere: a target that forks needs no link a
	 * child */
	if (arming->config.wave.config->shared || (hooks && arming->processes.count > 1) ||
	    only_traced(arming, candidate)) {
		scope.pids = NULL;
		return scope;
	}
	for (uint32_t i = 0; i < arming->processes.count; i++)
		if (maps_file(arming->processes.targets[i], candidate->device, candidate->inode))
			pids[scope.pid_count++] = arming->processes.targets[i]->pid;
	return scope;
}

static int remember_file(struct wf_arming *arming, const struct wf_candidate *candidate,
			 const struct wf_attach_scope *scope, bool hooks, struct wf_err *err)
{
	if (arming->file_count == WF_FILES_MAX)
		return wf_err_set(err, ENOSPC, "more than %d files", WF_FILES_MAX);
	arming->files[arming->file_count++] = (struct armed_file){
		.device = candidate->device,
		.inode = candidate->inode,
		.number = scope->ret_file,
		.filtered = scope->pids != NULL,
		.hooks = hooks,
		.by_path = !candidate->target,
	};
	return 0;
}

/*
 * Attach the files of a plan that have no probes yet. The plan's other files are left out by
 * giving them no sites for the time of the call, so that tables and span ids stay the plan's.
 */
static int attach_plan(struct wf_arming *arming, const struct wf_wave *wave, struct wf_plan *plan,
		       bool hooks, pid_t only, struct wf_err *err)
{
	wf_auto(wf_freep) struct wf_attach_scope *scopes =
		calloc(plan->file_count + 1, sizeof(*scopes));
	wf_auto(wf_freep) uint32_t *span_ids = calloc(plan->span_count + 1, sizeof(*span_ids));
	wf_auto(wf_freep) pid_t *pids =
		calloc((size_t)WF_PROCESSES_MAX * (plan->file_count + 1), sizeof(*pids));
	const struct wf_candidate *candidate;
	int rc;

	if (!scopes || !span_ids || !pids)
		return wf_err_set(err, ENOMEM, "out of memory");
	for (uint32_t f = 0; f < plan->file_count; f++) {
		candidate = wf_wave_candidate(wave, plan->files[f].elf);
		if (find_file(arming, candidate->device, candidate->inode, hooks))
			plan->files[f].site_count = 0;
		scopes[f] = choose_scope(arming, candidate, hooks, only,
					 pids + (size_t)f * WF_PROCESSES_MAX);
	}
	rc = wf_attach_plan(arming->attacher, plan, scopes, span_ids, err);
	for (uint32_t f = 0; rc == 0 && f < plan->file_count; f++) {
		if (!plan->files[f].site_count)
			continue;
		candidate = wf_wave_candidate(wave, plan->files[f].elf);
		rc = remember_file(arming, candidate, &scopes[f], hooks, err);
	}
	for (uint32_t f = 0; rc == 0 && !hooks && f < plan->file_count; f++)
		arming->function_count +=
			wf_definition_publish(wave, plan, f, span_ids, arming->config.inbox);
	return rc;
}

/* The rules are all known when the first wave comes. */
static void note_found(struct wf_arming *arming, const struct wf_wave *wave)
{
	uint32_t count = arming->config.wave.rules->count;

	if (!arming->found) {
		arming->found = calloc(count + 1, sizeof(*arming->found));
		arming->found_count = arming->found ? count : 0;
	}
	for (uint32_t i = 0; i < arming->found_count; i++)
		arming->found[i] |= wave->matched[i] > 0;
}

bool wf_arming_found(const struct wf_arming *arming, uint32_t rule)
{
	return rule < arming->found_count && arming->found[rule];
}

int wf_arming_attach(struct wf_arming *arming, const struct wf_wave *wave, pid_t only,
		     struct wf_err *err)
{
	int rc = wf_headroom_check(wave, arming->processes.targets, arming->processes.count, err);

	if (rc < 0)
		return rc;
	note_found(arming, wave);
	if (only)
		(void)wf_kernel_add_process(arming->kernel, only);
	rc = wave->hooks ? attach_plan(arming, wave, wave->hooks, true, only, err) : 0;

	return rc < 0 ? rc : attach_plan(arming, wave, wave->plan, false, only, err);
}

/* Never on a 5-byte NOP, whatever the function is. */
static bool takes_probe(struct wf_binary *elf, uint64_t offset)
{
	wf_auto(wf_decoder_freep) struct wf_decoder *decoder = NULL;
	struct wf_insn insn;
	uint64_t address;

	return wf_binary_address(elf, offset, &address) == 0 &&
	       wf_decoder_new(&decoder, NULL) == 0 &&
	       wf_graph_peek(elf, decoder, address, &insn, 1) && wf_insn_takes_probe(&insn);
}

int wf_arming_stop_at(struct wf_arming *arming, struct wf_binary *elf, uint64_t offset, pid_t pid,
		      struct wf_err *err)
{
	struct wf_plan_site site = {.spec = {.kind = WF_SITE_START}, .offset = offset};
	struct wf_plan_file file = {.elf = elf, .sites = &site, .site_count = 1};
	struct wf_plan plan = {.files = &file, .file_count = 1};
	struct wf_attach_scope scope = {.pids = &pid, .pid_count = 1};
	uint32_t none[1];
	int rc;

	if (arming->stop_count == STOPS_MAX)
		return wf_err_set(err, ENOSPC, "more than %d places to stop at", STOPS_MAX);
	if (!takes_probe(elf, offset))
		return wf_err_set(err, ENOTSUP, "its first instruction cannot be probed");
	rc = wf_attach_plan(arming->attacher, &plan, &scope, none, err);
	if (rc == 0)
		arming->stops[arming->stop_count++] = scope.ret_file;
	return rc;
}

int wf_arming_stop_at_start(struct wf_arming *arming, const struct wf_wave *wave, pid_t pid,
			    struct wf_err *err)
{
	struct wf_binary *elf = wave->candidates.count ? wave->candidates.items[0].elf : NULL;
	uint64_t entry;

	if (!elf || wf_binary_entry(elf, &entry) < 0)
		return wf_err_set(err, ENOENT, "the program has no entry point");
	return wf_arming_stop_at(arming, elf, entry, pid, err);
}

void wf_arming_stop_no_more(struct wf_arming *arming)
{
	while (arming->stop_count)
		wf_attach_drop(arming->attacher, arming->stops[--arming->stop_count]);
}

/* A process that maps files with filtered links gets links of its own. */
static void link_process(struct wf_arming *arming, const struct wf_target *target)
{
	struct wf_err err = {0};

	for (uint32_t i = 0; i < arming->file_count; i++) {
		struct armed_file *file = &arming->files[i];

		if (!file->filtered || !maps_file(target, file->device, file->inode))
			continue;
		if (file->hooks && arming->processes.count > 1) {
			file->filtered = wf_attach_widen(arming->attacher, file->number, &err) < 0;
			continue;
		}
		if (wf_attach_process(arming->attacher, file->number, target->pid, &err) < 0) {
			if (!arming->child_missed)
				wf_log(WF_LOG_WARN, "arming", "process %d is not traced: %s",
				       target->pid, err.msg);
			arming->child_missed = true;
			return;
		}
	}
}

/* Look at all processes anew and attach what has come. */
static void another_wave(struct wf_arming *arming)
{
	struct wf_err err = {0};
	struct wf_wave wave;
	uint32_t before;

	for (uint32_t i = 0; i < arming->processes.count; i++)
		link_process(arming, arming->processes.targets[i]);
	if (wf_wave_plan(&arming->config.wave, arming->processes.targets, arming->processes.count,
			 &wave, &err) < 0) {
		wf_log(WF_LOG_DEBUG, "arming", "%s", err.msg);
		return;
	}
	before = arming->function_count;
	if (wf_arming_attach(arming, &wave, 0, &err) < 0)
		wf_log(WF_LOG_WARN, "arming", "%s", err.msg);
	else if (arming->announced && arming->function_count > before)
		wf_log(WF_LOG_INFO, "arming", "tracing %u more functions",
		       arming->function_count - before);
	wf_wave_done(&wave);
}

void wf_arming_on_process(struct wf_arming *arming, const struct wf_rec_process *event)
{
	pid_t pid =
		event->event == WF_PROC_FORK ? (pid_t)event->child_tgid : (pid_t)event->head.tgid;
	struct wf_process *process;

	if (event->event == WF_PROC_EXIT) {
		forget_process(arming, pid);
		return;
	}
	if (event->event == WF_PROC_THREAD)
		return;
	if (event->event == WF_PROC_FORK && arming->config.wave.config->no_follow)
		return;
	if (wf_arming_add_process(arming, pid, NULL) < 0)
		return; /* gone already */
	process = wf_processes_find(&arming->processes, pid);
	process->due_ns =
		wf_clock_monotonic_ns() + (event->event == WF_PROC_FORK ? CHILD_DELAY_NS : 0);
	if (event->event == WF_PROC_EXEC)
		process->target->exe = ""; /* whatever it is now, it is another image */
}

void wf_arming_started(struct wf_arming *arming, pid_t pid)
{
	if (wf_arming_add_process(arming, pid, NULL) == 0)
		another_wave(arming);
}

bool wf_arming_is_waiting(const struct wf_arming *arming)
{
	return wf_processes_is_waiting(&arming->processes);
}

void wf_arming_tick(struct wf_arming *arming, uint64_t now_ns)
{
	bool all = now_ns - arming->looked_ns >= LOOK_AGAIN_NS, changed = false;

	if (all)
		arming->looked_ns = now_ns;
	for (uint32_t i = 0; i < arming->processes.count; i++) {
		struct wf_process *process = &arming->processes.items[i];
		bool due = process->due_ns && process->due_ns <= now_ns;

		if (!due && (!all || process->due_ns))
			continue;
		if (due)
			process->due_ns = 0;
		if (wf_processes_has_changed(&arming->processes, i)) {
			changed = true;
			publish_resource(arming, arming->processes.targets[i]);
		} else if (due) {
			link_process(arming, arming->processes.targets[i]);
		}
	}
	if (changed)
		another_wave(arming);
}

void wf_arming_detach(struct wf_arming *arming)
{
	if (arming->attacher)
		wf_attacher_detach(arming->attacher);
}

void wf_arming_announce(struct wf_arming *arming)
{
	arming->announced = true;
	wf_log(WF_LOG_INFO, "arming", "tracing %u functions in %u processes",
	       arming->function_count, arming->processes.count);
}
