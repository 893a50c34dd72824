/* SPDX-License-Identifier: Apache-2.0 */
#include "lineage.h"

#include <stdlib.h>
#include <string.h>

#include "userspace/base/map.h"

#define HOPS_MAX 256 /* far more than a task has frames; a damaged recording may go in circles */

enum state { UNKNOWN, STAYS, LEAVES };

struct node {
	uint64_t parent_id, start_ns;
	uint32_t rule;
	uint8_t state; /* enum state */
};

struct wf_lineage {
	struct wf_map *index; /* id -> place in nodes */
	struct node *nodes;
	size_t count, capacity, max;
	uint64_t lost;
};

struct wf_lineage *wf_lineage_new(size_t calls_max)
{
	wf_auto(wf_lineage_freep) struct wf_lineage *lineage = calloc(1, sizeof(*lineage));

	if (!lineage)
		return NULL;
	lineage->max = calls_max;
	lineage->index = wf_map_new(calls_max);
	return lineage->index ? wf_take(lineage) : NULL;
}

void wf_lineage_free(struct wf_lineage *lineage)
{
	if (!lineage)
		return;
	wf_map_free(lineage->index);
	free(lineage->nodes);
	free(lineage);
}

static struct node *find(const struct wf_lineage *lineage, uint64_t id)
{
	uint64_t place;

	return id && wf_map_get(lineage->index, id, &place) ? &lineage->nodes[place] : NULL;
}

static bool has_room(struct wf_lineage *lineage)
{
	size_t capacity = lineage->capacity ? 2 * lineage->capacity : 1024;
	struct node *grown;

	if (lineage->count < lineage->capacity)
		return true;
	if (lineage->count >= lineage->max)
		return false;
	grown = reallocarray(lineage->nodes, capacity, sizeof(*grown));
	if (!grown)
		return false;
	lineage->nodes = grown;
	lineage->capacity = capacity;
	return true;
}

void wf_lineage_expect(struct wf_lineage *lineage, uint64_t id)
{
	if (!id || find(lineage, id))
		return;
	if (!has_room(lineage) || wf_map_put(lineage->index, id, lineage->count) < 0) {
		lineage->lost++;
		return;
	}
	lineage->nodes[lineage->count++] = (struct node){.state = UNKNOWN};
}

void wf_lineage_learn(struct wf_lineage *lineage, const struct wf_line *line)
{
	struct node *node = find(lineage, line->id);

	if (node)
		*node = (struct node){
			.parent_id = line->parent_id,
			.start_ns = line->start_ns,
			.rule = line->rule,
			.state = line->stays ? STAYS : LEAVES,
		};
	wf_lineage_expect(lineage, line->parent_id);
}

uint64_t wf_lineage_lost(const struct wf_lineage *lineage)
{
	return lineage->lost;
}

void wf_lineage_trace(const struct wf_lineage *lineage, uint64_t id, struct wf_descent *ret)
{
	unsigned hops = 0;

	memset(ret, 0, sizeof(*ret));
	for (; id; hops++) {
		const struct node *node = find(lineage, id);

		if (!node || node->state == UNKNOWN || hops == HOPS_MAX) {
			/* not known to be left out: it stays where it is */
			ret->id = ret->id ? ret->id : id;
			ret->unknown = true;
			return;
		}
		if (node->state == STAYS) {
			ret->root_id = id;
			ret->root_start_ns = node->start_ns;
		}
		if (node->state == STAYS && !ret->id) {
			ret->id = id;
			ret->start_ns = node->start_ns;
		}
		ret->left_out += !ret->id;
		id = node->parent_id;
	}
}

uint64_t wf_lineage_nearest(const struct wf_lineage *lineage, uint64_t id, uint32_t rule)
{
	for (unsigned hops = 0; hops < HOPS_MAX; hops++) {
		const struct node *node = find(lineage, id);

		if (!node)
			return 0;
		if (node->state == STAYS && node->rule == rule)
			return id;
		id = node->parent_id;
	}
	return 0;
}
