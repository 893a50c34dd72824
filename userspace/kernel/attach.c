// SPDX-License-Identifier: Apache-2.0
#include "attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"

#define LINKS_MAX  1024
#define AGENTS_MAX 512                /* processes whose Python agent has an image of its own */
#define AGENT_SLOT (WF_FILES_MAX - 1) /* all of them share it, and the three specs */
#define NO_SLOT    WF_FILES_MAX

/* The sites of one file as the kernel wants them; kept for children that come later. */
struct site_list {
	char *path;
	uint64_t *offsets, *ref_counters, *cookies;
	uint32_t count, slot;
	bool has_ref_counters;
};

struct link {
	struct wf_link_probe link;
	pid_t pid; /* 0 = unfiltered */
	uint32_t list;
};

struct wf_attacher {
	struct wf_kernel *kernel;
	struct site_list lists[WF_FILES_MAX + AGENTS_MAX];
	uint32_t list_count, slot_count;
	struct link links[LINKS_MAX];
	uint32_t link_count;
	uint32_t spec_next, capture_next, guard_next, tail_set_next;
	uint32_t perf_sites;
	uint32_t agent_spec; /* first of the three specs, 0 = not written yet */
	uint32_t agent_generation;
};

int wf_attacher_new(struct wf_kernel *kernel, struct wf_attacher **ret, struct wf_err *err)
{
	struct wf_attacher *attacher = calloc(1, sizeof(*attacher));

	if (!attacher)
		return wf_err_set(err, ENOMEM, "out of memory");
	attacher->kernel = kernel;
	attacher->spec_next = 1; /* 0 means none */
	attacher->tail_set_next = 1;
	*ret = attacher;
	return 0;
}

static void close_links_from(struct wf_attacher *attacher, uint32_t first)
{
	for (uint32_t i = first; i < attacher->link_count; i++)
		wf_link_close(&attacher->links[i].link);
	attacher->link_count = first;
}

static void free_list(struct site_list *list)
{
	free(list->path);
	free(list->offsets);
	free(list->ref_counters);
	free(list->cookies);
	memset(list, 0, sizeof(*list));
}

static void drop_lists_from(struct wf_attacher *attacher, uint32_t first)
{
	for (uint32_t i = first; i < attacher->list_count; i++) {
		if (attacher->lists[i].slot != NO_SLOT) {
			wf_kernel_close_slot(attacher->kernel, attacher->lists[i].slot);
			attacher->slot_count--;
		}
		free_list(&attacher->lists[i]);
	}
	attacher->list_count = first;
}

void wf_attacher_detach(struct wf_attacher *attacher)
{
	close_links_from(attacher, 0);
}

void wf_attacher_free(struct wf_attacher *attacher)
{
	if (!attacher)
		return;
	wf_attacher_detach(attacher);
	drop_lists_from(attacher, 0);
	free(attacher);
}

uint32_t wf_attacher_link_count(const struct wf_attacher *attacher)
{
	return attacher->link_count;
}

static int add_link(struct wf_attacher *attacher, uint32_t list_index, pid_t pid, const char *shown,
		    struct wf_err *err)
{
	const struct site_list *list = &attacher->lists[list_index];
	struct wf_link_sites sites = {
		.path = list->path,
		.offsets = list->offsets,
		.cookies = list->cookies,
		.ref_counters = list->has_ref_counters ? list->ref_counters : NULL,
		.count = list->count,
	};
	struct link *link = &attacher->links[attacher->link_count];
	int rc;

	if (attacher->link_count == LINKS_MAX)
		return wf_err_set(err, ENOSPC, "more than %d links", LINKS_MAX);
	if (wf_kernel_tier(attacher->kernel) != WF_TIER_FULL) {
		if (attacher->perf_sites + list->count > WF_REDUCED_SITES_MAX)
			return wf_err_set(
				err, E2BIG,
				"'%s': %u probe sites; without uprobe_multi (Linux 6.6) at most %d "
				"are attached: choose fewer functions",
				shown, list->count, WF_REDUCED_SITES_MAX);
		attacher->perf_sites += list->count;
	}
	rc = wf_link_open(attacher->kernel, &sites, pid, shown, &link->link, err);
	if (rc < 0)
		return rc;
	link->pid = pid;
	link->list = list_index;
	attacher->link_count++;
	return 0;
}

/* Several sites may share an instruction. Consumers registered later run first, and an entry must
 * be seen before an exit at the same place, so exits come first in the list. */
static int order_sites(const void *a, const void *b)
{
	const struct wf_plan_site *left = *(const struct wf_plan_site *const *)a;
	const struct wf_plan_site *right = *(const struct wf_plan_site *const *)b;
	bool left_opens = left->spec.kind == WF_SITE_ENTER || left->spec.kind == WF_SITE_OPEN;
	bool right_opens = right->spec.kind == WF_SITE_ENTER || right->spec.kind == WF_SITE_OPEN;

	if (left->offset != right->offset)
		return left->offset < right->offset ? -1 : 1;
	return (int)left_opens - (int)right_opens;
}

static int put_spec(struct wf_attacher *attacher, const struct wf_plan_site *site, uint32_t index,
		    uint32_t slot, const uint32_t *span_ids)
{
	struct wf_spec spec = site->spec;

	spec.span = span_ids[spec.span];
	if (spec.tail_set)
		spec.tail_set += attacher->tail_set_next - 1;
	spec.capture_first += attacher->capture_next;
	spec.guard_first += attacher->guard_next;
	spec.file = slot;
	return wf_kernel_put_spec(attacher->kernel, index, &spec);
}

static int take_slot(struct wf_attacher *attacher, uint32_t *ret, struct wf_err *err)
{
	if (attacher->slot_count == AGENT_SLOT)
		return wf_err_set(err, ENOSPC, "more than %d files", AGENT_SLOT);
	*ret = attacher->slot_count++;
	return 0;
}

/* An empty list at the end, with room for the sites. */
static int new_list(struct wf_attacher *attacher, const char *path, uint32_t sites,
		    struct wf_err *err)
{
	struct site_list *list = &attacher->lists[attacher->list_count];

	if (attacher->list_count == WF_FILES_MAX + AGENTS_MAX)
		return wf_err_set(err, ENOSPC, "more than %d files", WF_FILES_MAX + AGENTS_MAX);
	memset(list, 0, sizeof(*list));
	list->slot = NO_SLOT;
	attacher->list_count++;
	list->path = strdup(path);
	list->offsets = calloc(sites, sizeof(uint64_t));
	list->ref_counters = calloc(sites, sizeof(uint64_t));
	list->cookies = calloc(sites, sizeof(uint64_t));
	if (!list->path || !list->offsets || !list->ref_counters || !list->cookies)
		return wf_err_set(err, ENOMEM, "out of memory");
	return 0;
}

/* Write one file's specs and remember its sites. first_spec: index of its first site's spec. */
static int add_file(struct wf_attacher *attacher, const struct wf_plan_file *file,
		    uint32_t first_spec, const uint32_t *span_ids, struct wf_err *err)
{
	wf_auto(wf_freep) const struct wf_plan_site **order =
		calloc(file->site_count + 1, sizeof(*order));
	struct site_list *list = &attacher->lists[attacher->list_count];
	uint32_t generation;
	int rc = new_list(attacher, wf_binary_path(file->elf), file->site_count, err);

	if (rc == 0)
		rc = take_slot(attacher, &list->slot, err);
	if (rc < 0)
		return rc;
	if (!order)
		return wf_err_set(err, ENOMEM, "out of memory");
	generation = wf_kernel_open_slot(attacher->kernel, list->slot);
	for (uint32_t i = 0; i < file->site_count; i++)
		order[i] = &file->sites[i];
	qsort(order, file->site_count, sizeof(*order), order_sites);
	for (uint32_t i = 0; i < file->site_count; i++) {
		uint32_t index = first_spec + (uint32_t)(order[i] - file->sites);

		rc = put_spec(attacher, order[i], index, list->slot, span_ids);
		if (rc < 0)
			return wf_err_set(err, -rc, "spec table: %s", strerror(-rc));
		list->offsets[i] = order[i]->offset;
		list->ref_counters[i] = order[i]->ref_counter;
		list->has_ref_counters |= order[i]->ref_counter != 0;
		list->cookies[i] = (uint64_t)generation << 32 | index;
		list->count++;
	}
	return 0;
}

/* A span's id is the index of its first opening spec. */
static void map_spans(const struct wf_plan *plan, uint32_t first_spec, uint32_t *span_ids)
{
	uint32_t index = first_spec;

	memset(span_ids, 0, (plan->span_count + 1) * sizeof(*span_ids));
	for (uint32_t f = 0; f < plan->file_count; f++) {
		for (uint32_t i = 0; i < plan->files[f].site_count; i++, index++) {
			const struct wf_spec *spec = &plan->files[f].sites[i].spec;
			bool defines = spec->kind == WF_SITE_ENTER || spec->kind == WF_SITE_OPEN ||
				       spec->kind == WF_SITE_EVENT;

			if (defines && spec->span && !span_ids[spec->span])
				span_ids[spec->span] = index;
		}
	}
}

static int put_tables(struct wf_attacher *attacher, const struct wf_plan *plan,
		      const uint32_t *span_ids)
{
	int rc = 0;

	for (uint32_t i = 0; i < plan->capture_count && rc == 0; i++)
		rc = wf_kernel_put_capture(attacher->kernel, attacher->capture_next + i,
					   &plan->captures[i]);
	for (uint32_t i = 0; i < plan->guard_count && rc == 0; i++)
		rc = wf_kernel_put_guard(attacher->kernel, attacher->guard_next + i,
					 &plan->guards[i]);
	for (uint32_t i = 1; i < plan->tail_set_count && rc == 0; i++) {
		struct wf_tail_set set = plan->tail_sets[i];

		for (uint32_t j = 0; j < set.count && j < WF_TAIL_SET_MAX; j++)
			set.span[j] = span_ids[set.span[j]];
		rc = wf_kernel_put_tail_set(attacher->kernel, attacher->tail_set_next + i - 1,
					    &set);
	}
	return rc;
}

static int check_room(const struct wf_attacher *attacher, const struct wf_plan *plan,
		      uint32_t site_count, struct wf_err *err)
{
	const struct wf_kernel_config *config = wf_kernel_get_config(attacher->kernel);

	if (attacher->spec_next + site_count > config->spec_max ||
	    attacher->capture_next + plan->capture_count > config->capture_max ||
	    attacher->guard_next + plan->guard_count > config->guard_max ||
	    attacher->tail_set_next + plan->tail_set_count > config->tail_set_max)
		return wf_err_set(
			err, ENOSPC,
			"no room for %u more probe sites (%u are in use): detach and attach "
			"again",
			site_count, attacher->spec_next - 1);
	return 0;
}

static int link_file(struct wf_attacher *attacher, const struct wf_plan_file *file, uint32_t list,
		     const struct wf_attach_scope *scope, struct wf_err *err)
{
	const char *shown = wf_binary_shown(file->elf);
	struct wf_err one = {0};
	uint32_t linked = 0;
	int rc = 0;

	if (!scope->pids)
		return add_link(attacher, list, 0, shown, err);
	if (scope->pid_count > WF_LINKS_PER_FILE_MAX)
		return wf_err_set(
			err, E2BIG,
			"'%s': %u processes, and others map the file too: at most %d are "
			"filtered one by one; choose fewer, or accept with --shared that every "
			"user of the file pays for the probes",
			shown, scope->pid_count, WF_LINKS_PER_FILE_MAX);
	for (uint32_t i = 0; i < scope->pid_count && rc == 0; i++) {
		bool last = i + 1 == scope->pid_count;

		/* One of several that ended meanwhile is no reason to leave the others alone. */
		rc = add_link(attacher, list, scope->pids[i], shown, last && !linked ? err : &one);
		linked += rc == 0;
		if (rc == -ESRCH && (!last || linked))
			rc = 0;
		else if (rc < 0 && one.code)
			return wf_err_set(err, one.code, "%s", one.msg);
		one.code = 0;
	}
	return rc;
}

static int attach_files(struct wf_attacher *attacher, const struct wf_plan *plan,
			struct wf_attach_scope *scopes, const uint32_t *span_ids,
			struct wf_err *err)
{
	uint32_t index = attacher->spec_next;
	int rc = put_tables(attacher, plan, span_ids);

	if (rc < 0)
		return wf_err_set(err, -rc, "probe tables: %s", strerror(-rc));
	for (uint32_t f = 0; f < plan->file_count; f++) {
		uint32_t list = attacher->list_count;

		if (!plan->files[f].site_count)
			continue;
		rc = add_file(attacher, &plan->files[f], index, span_ids, err);
		scopes[f].ret_file = list;
		if (rc == 0)
			rc = link_file(attacher, &plan->files[f], list, &scopes[f], err);
		if (rc < 0)
			return rc;
		index += plan->files[f].site_count;
	}
	return 0;
}

int wf_attach_plan(struct wf_attacher *attacher, const struct wf_plan *plan,
		   struct wf_attach_scope *scopes, uint32_t *ret_span_ids, struct wf_err *err)
{
	uint32_t links = attacher->link_count, lists = attacher->list_count, sites = 0;
	int rc;

	for (uint32_t f = 0; f < plan->file_count; f++)
		sites += plan->files[f].site_count;
	rc = check_room(attacher, plan, sites, err);
	if (rc < 0)
		return rc;
	map_spans(plan, attacher->spec_next, ret_span_ids);
	rc = attach_files(attacher, plan, scopes, ret_span_ids, err);
	if (rc < 0) {
		close_links_from(attacher, links);
		drop_lists_from(attacher, lists);
		return wf_err_wrap(err, rc, "attach");
	}
	attacher->spec_next += sites;
	attacher->capture_next += plan->capture_count;
	attacher->guard_next += plan->guard_count;
	attacher->tail_set_next += plan->tail_set_count ? plan->tail_set_count - 1 : 0;
	return 0;
}

int wf_attach_process(struct wf_attacher *attacher, uint32_t file, pid_t pid, struct wf_err *err)
{
	uint32_t links = 0;

	for (uint32_t i = 0; i < attacher->link_count; i++) {
		if (attacher->links[i].list != file)
			continue;
		if (!attacher->links[i].pid || attacher->links[i].pid == pid)
			return 0;
		links++;
	}
	if (links >= WF_LINKS_PER_FILE_MAX)
		return wf_err_set(err, E2BIG,
				  "'%s': others map the file too, and %u processes are filtered "
				  "one by one already; --shared lifts the limit",
				  attacher->lists[file].path, links);
	return add_link(attacher, file, pid, attacher->lists[file].path, err);
}

/* Close the links of a list (~0u: of any) that are filtered to a process (0: to any). */
static void drop_links(struct wf_attacher *attacher, uint32_t list, pid_t pid)
{
	for (uint32_t i = 0; i < attacher->link_count;) {
		const struct link *link = &attacher->links[i];

		if (!link->pid || (list != ~0u && link->list != list) ||
		    (pid && link->pid != pid)) {
			i++;
			continue;
		}
		wf_link_close(&attacher->links[i].link);
		attacher->links[i] = attacher->links[--attacher->link_count];
	}
}

int wf_attach_widen(struct wf_attacher *attacher, uint32_t file, struct wf_err *err)
{
	int rc = add_link(attacher, file, 0, attacher->lists[file].path, err);

	if (rc == 0)
		drop_links(attacher, file, 0);
	return rc;
}

void wf_attach_forget(struct wf_attacher *attacher, pid_t pid)
{
	drop_links(attacher, ~0u, pid);
}

/* The specs of an agent's sites are the same for all. */
static int put_agent_specs(struct wf_attacher *attacher, struct wf_err *err)
{
	struct wf_plan none = {0};
	int rc = check_room(attacher, &none, WF_AGENT_SITES, err);

	if (rc < 0 || attacher->agent_spec)
		return attacher->agent_spec ? 0 : rc;
	for (uint32_t i = 0; i < WF_AGENT_SITES; i++) {
		struct wf_spec spec = {.kind = WF_SITE_AGENT_SPAN + i, .file = AGENT_SLOT};

		rc = wf_kernel_put_spec(attacher->kernel, attacher->spec_next + i, &spec);
		if (rc < 0)
			return wf_err_set(err, -rc, "spec table: %s", strerror(-rc));
	}
	attacher->agent_generation = wf_kernel_open_slot(attacher->kernel, AGENT_SLOT);
	attacher->agent_spec = attacher->spec_next;
	attacher->spec_next += WF_AGENT_SITES;
	return 0;
}

int wf_attach_agent(struct wf_attacher *attacher, const struct wf_agent_sites *sites,
		    uint32_t *ret_agent, struct wf_err *err)
{
	struct site_list *list;
	int rc = put_agent_specs(attacher, err);

	if (rc == 0)
		rc = new_list(attacher, sites->path, WF_AGENT_SITES, err);
	if (rc < 0)
		return rc;
	list = &attacher->lists[attacher->list_count - 1];
	list->has_ref_counters = true;
	list->count = WF_AGENT_SITES;
	for (uint32_t i = 0; i < WF_AGENT_SITES; i++) {
		list->offsets[i] = sites->offsets[i];
		list->ref_counters[i] = sites->gate_offset;
		list->cookies[i] =
			(uint64_t)attacher->agent_generation << 32 | (attacher->agent_spec + i);
	}
	*ret_agent = attacher->list_count - 1;
	return add_link(attacher, *ret_agent, 0, "the Python agent", err);
}

void wf_attach_drop(struct wf_attacher *attacher, uint32_t file)
{
	for (uint32_t i = 0; i < attacher->link_count; i++) {
		if (attacher->links[i].list != file)
			continue;
		wf_link_close(&attacher->links[i].link);
		attacher->links[i] = attacher->links[--attacher->link_count];
		break;
	}
	/* slots are taken in order, and given back from the end */
	if (file + 1 == attacher->list_count)
		drop_lists_from(attacher, file);
}
