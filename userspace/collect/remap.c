/* SPDX-License-Identifier: Apache-2.0 */
#include "remap.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lineage.h"
#include "overlap.h"
#include "userspace/base/arena.h"
#include "userspace/base/json.h"
#include "userspace/base/map.h"
#include "userspace/base/str.h"
#include "userspace/span/wire.h"

#define NOTES_BYTES_MAX  (256u * 1024)
#define ARENA_BYTES_MAX  (64u << 20)
#define RECORD_BYTES_MAX 65535 /* of a record, by its size's width */

struct wf_remap {
	const struct wf_ruleset *recorded, *wanted;
	struct wf_matcher **matchers; /* by wanted rule */
	bool *matched;                /* by wanted rule */
	struct wf_arena *arena;       /* overlaps */
	struct wf_map *overlaps;      /* recorded rule << 32 | wanted rule */
	struct wf_map *definitions;   /* span id -> overlap, NULL = left out */
	struct wf_lineage *lineage;
	struct wf_buf notes;
	struct wf_remap_counters counters;
	_Alignas(8) unsigned char room[RECORD_BYTES_MAX + 1];
};

static const struct wf_remap_limits default_limits = {
	.definitions_max = 100000,
	.calls_max = 8000000,
};

void wf_remap_free(struct wf_remap *remap)
{
	if (!remap)
		return;
	for (uint32_t i = 0; remap->matchers && i < remap->wanted->count; i++)
		wf_matcher_free(remap->matchers[i]);
	free(remap->matchers);
	free(remap->matched);
	wf_map_free(remap->overlaps);
	wf_map_free(remap->definitions);
	wf_lineage_free(remap->lineage);
	wf_arena_free(remap->arena);
	wf_buf_done(&remap->notes);
	free(remap);
}

static bool make_matchers(struct wf_remap *remap)
{
	uint32_t count = remap->wanted->count;

	remap->matchers = calloc(count + 1, sizeof(*remap->matchers));
	remap->matched = calloc(count + 1, sizeof(*remap->matched));
	if (!remap->matchers || !remap->matched)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		remap->matchers[i] = wf_matcher_new(remap->wanted->rules[i].at.function);
		if (!remap->matchers[i])
			return false;
	}
	return true;
}

int wf_remap_new(const struct wf_ruleset *recorded, const struct wf_ruleset *wanted,
		 const struct wf_remap_limits *limits, struct wf_remap **ret, struct wf_err *err)
{
	wf_auto(wf_remap_freep) struct wf_remap *remap = calloc(1, sizeof(*remap));

	if (!remap)
		return wf_err_set(err, ENOMEM, "out of memory");
	limits = limits ? limits : &default_limits;
	remap->recorded = recorded;
	remap->wanted = wanted;
	wf_buf_init(&remap->notes, NOTES_BYTES_MAX);
	remap->arena = wf_arena_new(ARENA_BYTES_MAX);
	remap->overlaps = wf_map_new(limits->definitions_max);
	remap->definitions = wf_map_new(limits->definitions_max);
	remap->lineage = wf_lineage_new(limits->calls_max);
	if (!make_matchers(remap) || !remap->arena || !remap->overlaps || !remap->definitions ||
	    !remap->lineage)
		return wf_err_set(err, ENOMEM, "out of memory");
	*ret = wf_take(remap);
	return 0;
}

/* Made, and told, once for each two rules that meet. NULL when memory is out. */
static const struct wf_overlap *overlap_of(struct wf_remap *remap, const struct wf_rule *recorded,
					   const struct wf_rule *wanted)
{
	uint64_t key = (uint64_t)recorded->index << 32 | wanted->index;
	struct wf_overlap *overlap = wf_map_get_ptr(remap->overlaps, key);

	if (overlap)
		return overlap;
	overlap = wf_arena_alloc(remap->arena, sizeof(*overlap));
	if (!overlap || wf_map_put_ptr(remap->overlaps, key, overlap) < 0)
		return NULL;
	wf_overlap_make(recorded, wanted, overlap);
	wf_overlap_say(overlap, &remap->notes);
	return overlap;
}

/*
 * Several recorded rules may have traced one probe, and one wanted rule must not get it twice: the
 * one that captured most for it serves. A function is traced by one rule only.
 */
static bool is_best(struct wf_remap *remap, const struct wf_rule *recorded,
		    const struct wf_rule *wanted, const struct wf_sighting *sighting)
{
	struct wf_overlap ours, other;

	if (recorded->kind == WF_RULE_CALL)
		return true;
	wf_overlap_make(recorded, wanted, &ours);
	for (uint32_t i = 0; i < remap->recorded->count; i++) {
		const struct wf_rule *rule = &remap->recorded->rules[i];
		wf_auto(wf_matcher_freep) struct wf_matcher *matcher = NULL;
		uint32_t least = wf_overlap_score(&ours) + (i > recorded->index);

		if (i == recorded->index ||
		    !wf_overlap_fits(wanted, remap->matchers[wanted->index], rule, sighting))
			continue;
		wf_overlap_make(rule, wanted, &other);
		if (wf_overlap_score(&other) < least)
			continue;
		matcher = wf_matcher_new(rule->at.function);
		if (matcher && wf_overlap_fits(rule, matcher, recorded, sighting))
			return false;
	}
	return true;
}

/* The first wanted rule that means it has it, as at capture. */
static const struct wf_overlap *choose(struct wf_remap *remap, const struct wf_rule *recorded,
				       const struct wf_sighting *sighting)
{
	for (uint32_t i = 0; i < remap->wanted->count; i++) {
		const struct wf_rule *wanted = &remap->wanted->rules[i];

		if (!wf_overlap_fits(wanted, remap->matchers[i], recorded, sighting))
			continue;
		remap->matched[i] = true;
		if (is_best(remap, recorded, wanted, sighting))
			return overlap_of(remap, recorded, wanted);
	}
	return NULL;
}

static const struct wf_overlap *read_definition(struct wf_remap *remap, const json_t *object)
{
	const json_t *rule = json_object_get(object, "rule");
	struct wf_sighting sighting = {
		.symbol = json_string_value(json_object_get(object, "symbol")),
		.file = json_string_value(json_object_get(object, "file")),
		.executable = json_is_true(json_object_get(object, "executable")),
	};
	json_int_t index = json_is_integer(rule) ? json_integer_value(rule) : -1;

	if (!sighting.symbol)
		sighting.symbol = json_string_value(json_object_get(object, "name"));
	if (!sighting.symbol || index < 0 || index >= remap->recorded->count)
		return NULL;
	return choose(remap, &remap->recorded->rules[index], &sighting);
}

/* *ret_object is the DEFINE's JSON where it stays, to be released. */
static int define(struct wf_remap *remap, const struct wf_rec_text *record, json_t **ret_object)
{
	wf_auto(json_decrefp) json_t *object = NULL;
	const struct wf_overlap *overlap;
	int rc = wf_json_read((const char *)(record + 1), record->len, &object, NULL);

	*ret_object = NULL;
	if (rc == -ENOMEM)
		return rc;
	overlap = read_definition(remap, object);
	rc = wf_map_put(remap->definitions, record->head.span, (uint64_t)(uintptr_t)overlap);
	if (rc < 0 || !overlap)
		return rc;
	*ret_object = object;
	object = NULL;
	return json_object_set_new(*ret_object, "rule", json_integer(overlap->wanted->index));
}

static const struct wf_overlap *overlap_at(const struct wf_remap *remap, uint32_t span)
{
	return wf_map_get_ptr(remap->definitions, span);
}

static bool stays(const struct wf_remap *remap, const struct wf_rec_span *record)
{
	const struct wf_overlap *overlap = overlap_at(remap, record->head.span);

	return overlap && record->head.kind != WF_REC_TOMBSTONE &&
	       wf_overlap_keeps(overlap, record);
}

static void learn_call(struct wf_remap *remap, const struct wf_rec_span *record)
{
	const struct wf_overlap *overlap = overlap_at(remap, record->head.span);
	struct wf_line line = {
		.id = record->id,
		.parent_id = record->parent_id,
		.start_ns = record->start_ns,
		.rule = overlap ? overlap->wanted->index : UINT32_MAX,
		.stays = stays(remap, record),
	};

	wf_lineage_learn(remap->lineage, &line);
}

int wf_remap_learn(struct wf_remap *remap, const struct wf_rec_head *record)
{
	json_t *object;
	int rc = 0;

	switch (record->kind) {
	case WF_REC_DEFINE:
		rc = define(remap, (const struct wf_rec_text *)record, &object);
		json_decref(object);
		return rc == -ENOMEM ? rc : 0;
	case WF_REC_SPAN:
	case WF_REC_OPEN:
	case WF_REC_UNFINISHED:
	case WF_REC_TOMBSTONE:
		learn_call(remap, (const struct wf_rec_span *)record);
		return 0;
	case WF_REC_EVENT:
		wf_lineage_expect(remap->lineage, ((const struct wf_rec_span *)record)->id);
		return 0;
	case WF_REC_PROCESS:
		wf_lineage_expect(remap->lineage, ((const struct wf_rec_process *)record)->span_id);
		return 0;
	default:
		return 0;
	}
}

void wf_remap_begin(struct wf_remap *remap)
{
	/* a span id may have been used again */
	wf_map_clear(remap->definitions);
}

static const struct wf_rec_head *carry_definition(struct wf_remap *remap,
						  const struct wf_rec_text *record)
{
	struct wf_rec_text *out = (struct wf_rec_text *)remap->room;
	wf_auto(json_decrefp) json_t *object = NULL;
	wf_auto(wf_freep) char *text = NULL;
	size_t len;

	if (define(remap, record, &object) < 0 || !object)
		return NULL;
	text = json_dumps(object, JSON_COMPACT);
	len = text ? strlen(text) : SIZE_MAX;
	if (len > RECORD_BYTES_MAX - sizeof(*out))
		return NULL;
	*out = *record;
	out->len = (uint32_t)len;
	out->head.size = (uint16_t)(sizeof(*out) + len);
	memcpy(out + 1, text, len);
	return &out->head;
}

/* A tree that begins with an inner call of a recorded one is a trace of its own. */
static void move_to_root(const struct wf_descent *descent, __u64 *root_id, __u64 *trace_hi,
			 __u64 *trace_lo)
{
	if (descent->unknown || !descent->root_id || descent->root_id == *root_id)
		return;
	*root_id = descent->root_id;
	*trace_hi = wf_mix64(*trace_hi ^ descent->root_id);
	*trace_lo = wf_mix64(*trace_lo + descent->root_id) | 1;
}

/* What is above this call now; it is the outermost itself where nothing stays above it. */
static void set_place(const struct wf_remap *remap, struct wf_rec_span *record)
{
	struct wf_descent above;

	wf_lineage_trace(remap->lineage, record->parent_id, &above);
	if (!above.root_id) {
		above.root_id = record->id;
		above.root_start_ns = record->start_ns;
	}
	record->parent_id = above.id;
	record->depth -= above.left_out < record->depth ? above.left_out : record->depth;
	record->flags &= (uint8_t)~WF_SPAN_HELD; /* which ancestors stay is known */
	if (above.unknown)
		return;
	if (!above.id)
		record->flags |= WF_SPAN_ROOT;
	if (above.root_id != record->root_id)
		record->root_start_ns = above.root_start_ns;
	move_to_root(&above, &record->root_id, &record->trace_hi, &record->trace_lo);
}

/* Append a value under another slot; one that does not fit any more is left out. */
static void carry_value(struct wf_rec_span *out, const struct wf_wire_attr *from, uint8_t slot,
			uint16_t max_bytes)
{
	struct wf_rec_attr attr = {from->type, slot, from->len, from->full_len};
	unsigned char *at = (unsigned char *)(out + 1) + out->attr_bytes;
	size_t padded;

	if (attr.type == WF_VAL_STRING && attr.len > max_bytes)
		attr.len = max_bytes;
	padded = ((size_t)attr.len + 7) & ~(size_t)7;
	if (sizeof(*out) + out->attr_bytes + sizeof(attr) + padded > RECORD_BYTES_MAX) {
		out->flags |= WF_SPAN_ATTR_LOST;
		return;
	}
	memcpy(at, &attr, sizeof(attr));
	memset(at + sizeof(attr), 0, padded);
	memcpy(at + sizeof(attr), from->payload, attr.len);
	out->attr_bytes += (uint16_t)(sizeof(attr) + padded);
}

static void carry_values(const struct wf_overlap *overlap, const struct wf_rec_span *record,
			 struct wf_rec_span *out)
{
	const struct wf_rule *wanted = overlap->wanted;
	struct wf_wire_attr attr;
	size_t cursor = 0;

	out->attr_bytes = 0;
	while (wf_wire_next(record, &cursor, &attr) > 0) {
		for (uint8_t i = 0; i < wanted->operand_count; i++) {
			if (overlap->slots[i] == attr.slot)
				carry_value(out, &attr, i, wanted->operands[i].max_bytes);
		}
	}
	out->head.size = (uint16_t)(sizeof(*out) + out->attr_bytes);
}

static struct wf_rec_span *carry(struct wf_remap *remap, const struct wf_rec_span *record)
{
	struct wf_rec_span *out = (struct wf_rec_span *)remap->room;

	*out = *record;
	carry_values(overlap_at(remap, record->head.span), record, out);
	return out;
}

static const struct wf_rec_head *carry_call(struct wf_remap *remap,
					    const struct wf_rec_span *record)
{
	struct wf_rec_span *out;

	if (!stays(remap, record)) {
		remap->counters.spans += wf_wire_is_span(&record->head);
		return NULL;
	}
	out = carry(remap, record);
	set_place(remap, out);
	return &out->head;
}

/* The span that gets the event: the nearest of its rule, or the innermost that stays. */
static const struct wf_rec_head *carry_event(struct wf_remap *remap,
					     const struct wf_rec_span *record)
{
	const struct wf_overlap *overlap = overlap_at(remap, record->head.span);
	struct wf_descent owner;
	struct wf_rec_span *out;
	uint64_t id = record->id;

	if (overlap && overlap->wanted->nearest >= 0)
		id = wf_lineage_nearest(remap->lineage, id, (uint32_t)overlap->wanted->nearest);
	wf_lineage_trace(remap->lineage, id, &owner);
	if (!owner.id || !stays(remap, record)) {
		remap->counters.events++;
		return NULL;
	}
	out = carry(remap, record);
	out->id = owner.id;
	move_to_root(&owner, &out->root_id, &out->trace_hi, &out->trace_lo);
	return &out->head;
}

/* A child began within a span: within the nearest one that stays. */
static const struct wf_rec_head *carry_process(struct wf_remap *remap,
					       const struct wf_rec_process *record)
{
	struct wf_rec_process *out = (struct wf_rec_process *)remap->room;
	struct wf_descent owner;

	wf_lineage_trace(remap->lineage, record->span_id, &owner);
	if (owner.id == record->span_id && (owner.unknown || owner.root_id == record->root_id))
		return &record->head;
	*out = *record;
	out->span_id = owner.id;
	out->span_start_ns = owner.start_ns;
	move_to_root(&owner, &out->root_id, &out->trace_hi, &out->trace_lo);
	return &out->head;
}

const struct wf_rec_head *wf_remap_record(struct wf_remap *remap, const struct wf_rec_head *record)
{
	switch (record->kind) {
	case WF_REC_DEFINE:
		return carry_definition(remap, (const struct wf_rec_text *)record);
	case WF_REC_SPAN:
	case WF_REC_OPEN:
	case WF_REC_UNFINISHED:
	case WF_REC_TOMBSTONE:
		return carry_call(remap, (const struct wf_rec_span *)record);
	case WF_REC_EVENT:
		return carry_event(remap, (const struct wf_rec_span *)record);
	case WF_REC_PROCESS:
		return carry_process(remap, (const struct wf_rec_process *)record);
	default:
		return record;
	}
}

void wf_remap_say(const struct wf_remap *remap, struct wf_buf *out)
{
	uint64_t lost = wf_lineage_lost(remap->lineage);

	for (uint32_t i = 0; i < remap->wanted->count; i++) {
		if (!remap->matched[i])
			wf_buf_printf(out, "not captured: %s: nothing that was recorded fits\n",
				      remap->wanted->rules[i].origin);
	}
	if (remap->notes.data)
		wf_buf_puts(out, remap->notes.data);
	if (lost)
		wf_buf_printf(out,
			      "the recording has too many calls: the callers of %" PRIu64
			      " are not followed, and some parents are missing\n",
			      lost);
}

uint32_t wf_remap_matched(const struct wf_remap *remap)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < remap->wanted->count; i++)
		count += remap->matched[i];
	return count;
}

const struct wf_remap_counters *wf_remap_counters(const struct wf_remap *remap)
{
	return &remap->counters;
}
