/* SPDX-License-Identifier: Apache-2.0 */
#include "overlap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bpf/source.h"
#include "userspace/base/str.h"
#include "userspace/rule/operand.h"
#include "userspace/span/wire.h"
#include "userspace/target/symbol.h"

/* As at capture: a pattern without a library means the executable, a name any file. */
static bool library_fits(const struct wf_where *where, const struct wf_sighting *sighting)
{
	if (where->library)
		return sighting->file &&
		       wf_glob_match(where->library, wf_base_name(sighting->file));
	return where->type == WF_WHERE_USDT || sighting->executable ||
	       !wf_glob_is_pattern(where->function);
}

static bool probe_fits(const struct wf_where *where, const char *symbol)
{
	size_t len = strcspn(symbol, ":");
	char provider[256];

	if (!symbol[len] || len >= sizeof(provider))
		return false;
	memcpy(provider, symbol, len);
	provider[len] = '\0';
	return wf_glob_match(where->provider, provider) &&
	       wf_glob_match(where->function, symbol + len + 1);
}

static bool function_fits(const struct wf_matcher *matcher, const char *name)
{
	struct wf_symbol symbol = {.name = name, .base = name};
	size_t len = strlen(name), base = wf_symbol_base_length(name, len, &symbol.flags);
	wf_auto(wf_freep) char *cut = base < len ? strndup(name, base) : NULL;

	if (cut)
		symbol.base = cut;
	return wf_matcher_takes(matcher, &symbol);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool glob_covers(const char *glob, const char *other)
{
	return same_text(glob, other) ||
	       (glob && other && !wf_glob_is_pattern(other) && wf_glob_match(glob, other));
}

/* Which probe closed a recorded pair is known by its rule only. */
static bool close_fits(const struct wf_where *wanted, const struct wf_where *recorded)
{
	return wanted->type == recorded->type &&
	       glob_covers(wanted->function, recorded->function) &&
	       (wanted->type != WF_WHERE_USDT ||
		glob_covers(wanted->provider, recorded->provider)) &&
	       (!wanted->library || glob_covers(wanted->library, recorded->library));
}

bool wf_overlap_fits(const struct wf_rule *wanted, const struct wf_matcher *matcher,
		     const struct wf_rule *recorded, const struct wf_sighting *sighting)
{
	if (wanted->kind != recorded->kind || wanted->at.type != recorded->at.type ||
	    !library_fits(&wanted->at, sighting))
		return false;
	if (wanted->kind == WF_RULE_PAIR && !close_fits(&wanted->close, &recorded->close))
		return false;
	return wanted->at.type == WF_WHERE_USDT ? probe_fits(&wanted->at, sighting->symbol)
						: function_fits(matcher, sighting->symbol);
}

/* The captured value for an operand; of several lengths of one text, the longest. */
static uint8_t find_slot(const struct wf_rule *recorded, const struct wf_operand *operand)
{
	uint8_t best = WF_NO_SLOT;

	for (uint8_t i = 0; i < recorded->operand_count; i++) {
		if (wf_operand_same(&recorded->operands[i], operand) &&
		    (best == WF_NO_SLOT ||
		     recorded->operands[i].max_bytes > recorded->operands[best].max_bytes))
			best = i;
	}
	return best;
}

static bool same_guard(const struct wf_rule_guard *a, const struct wf_rule_guard *b)
{
	return wf_operand_same(&a->operand, &b->operand) && a->compare == b->compare &&
	       a->value == b->value;
}

static bool has_guard(const struct wf_rule *rule, const struct wf_rule_guard *guard)
{
	for (uint8_t i = 0; i < rule->guard_count; i++) {
		if (same_guard(&rule->guards[i], guard))
			return true;
	}
	return false;
}

static bool joined_by_or(const struct wf_rule *rule)
{
	return rule->guard_any && rule->guard_count > 1;
}

static bool has_all_guards(const struct wf_rule *of, const struct wf_rule *in)
{
	for (uint8_t i = 0; i < of->guard_count; i++) {
		if (!has_guard(in, &of->guards[i]))
			return false;
	}
	return true;
}

/* True where the wanted condition, too, is false for every call that capture left out. */
static bool left_out_rightly(const struct wf_rule *recorded, const struct wf_rule *wanted)
{
	if (!recorded->guard_count)
		return true;
	if (!wanted->guard_count)
		return false;
	if (!joined_by_or(recorded))
		return !joined_by_or(wanted) && has_all_guards(recorded, wanted);
	if (joined_by_or(wanted) || wanted->guard_count == 1)
		return has_all_guards(wanted, recorded);
	for (uint8_t i = 0; i < wanted->guard_count; i++) {
		if (has_guard(recorded, &wanted->guards[i]))
			return true;
	}
	return false;
}

void wf_overlap_make(const struct wf_rule *recorded, const struct wf_rule *wanted,
		     struct wf_overlap *ret)
{
	bool same = recorded->guard_any == wanted->guard_any &&
		    recorded->guard_count == wanted->guard_count &&
		    has_all_guards(wanted, recorded);

	memset(ret, WF_NO_SLOT, sizeof(*ret));
	ret->recorded = recorded;
	ret->wanted = wanted;
	for (uint8_t i = 0; i < wanted->operand_count; i++)
		ret->slots[i] = find_slot(recorded, &wanted->operands[i]);
	for (uint8_t i = 0; i < wanted->guard_count; i++) {
		const struct wf_rule_guard *guard = &wanted->guards[i];
		bool held = same || (!joined_by_or(recorded) && has_guard(recorded, guard));

		ret->guards[i] = held ? WF_HELD_SLOT : find_slot(recorded, &guard->operand);
	}
}

uint32_t wf_overlap_score(const struct wf_overlap *overlap)
{
	uint32_t score = 0;

	for (uint8_t i = 0; i < overlap->wanted->operand_count; i++)
		score += overlap->slots[i] != WF_NO_SLOT;
	for (uint8_t i = 0; i < overlap->wanted->guard_count; i++)
		score += overlap->guards[i] != WF_NO_SLOT;
	return score;
}

static bool is_self(const struct wf_operand *operand)
{
	return operand->origin == WF_FROM_ARG && !operand->number;
}

static bool uses_self(const struct wf_rule *rule)
{
	for (uint8_t i = 0; i < rule->operand_count; i++) {
		if (is_self(&rule->operands[i]))
			return true;
	}
	for (uint8_t i = 0; i < rule->guard_count; i++) {
		if (is_self(&rule->guards[i].operand))
			return true;
	}
	return false;
}

/* As the user wrote it: beside `self` the first argument is arg1. */
static void operand_text(const struct wf_rule *rule, const struct wf_operand *operand,
			 char out[static WF_OPERAND_TEXT_BYTES])
{
	struct wf_operand written = *operand;

	if (written.origin == WF_FROM_ARG && written.number > 1 && uses_self(rule))
		written.number--;
	wf_operand_text(&written, out);
}

static void say_guard(const struct wf_rule *rule, uint8_t index, struct wf_buf *out)
{
	static const char *const signs[] = {
		[WF_CMP_EQ] = "==", [WF_CMP_NE] = "!=", [WF_CMP_LT] = "<",
		[WF_CMP_LE] = "<=", [WF_CMP_GT] = ">",  [WF_CMP_GE] = ">=",
	};
	const struct wf_rule_guard *guard = &rule->guards[index];
	char text[WF_OPERAND_TEXT_BYTES];
	bool is_signed = guard->operand.type <= WF_SRC_I64;

	operand_text(rule, &guard->operand, text);
	wf_buf_printf(out, "%s %s ", text, signs[guard->compare]);
	if (is_signed)
		wf_buf_printf(out, "%" PRId64, guard->value);
	else
		wf_buf_printf(out, "%" PRIu64, (uint64_t)guard->value);
}

static void say_filtered(const struct wf_overlap *overlap, struct wf_buf *out)
{
	const struct wf_rule *recorded = overlap->recorded, *wanted = overlap->wanted;

	if (!left_out_rightly(recorded, wanted)) {
		wf_buf_printf(out, "filtered at capture: %s: only calls with ", wanted->origin);
		for (uint8_t i = 0; i < recorded->guard_count; i++) {
			if (i)
				wf_buf_puts(out, recorded->guard_any ? " or " : " and ");
			say_guard(recorded, i, out);
		}
		wf_buf_puts(out, " were recorded\n");
	}
	if (recorded->min_duration_ns > wanted->min_duration_ns)
		wf_buf_printf(out,
			      "filtered at capture: %s: calls shorter than %g ms were not "
			      "recorded\n",
			      wanted->origin, (double)recorded->min_duration_ns / 1e6);
}

static void say_operand(const struct wf_overlap *overlap, uint8_t i, struct wf_buf *out)
{
	const struct wf_operand *operand = &overlap->wanted->operands[i];
	uint8_t slot = overlap->slots[i];
	char text[WF_OPERAND_TEXT_BYTES];

	operand_text(overlap->wanted, operand, text);
	if (slot == WF_NO_SLOT)
		wf_buf_printf(out, "not captured: %s: %s\n", overlap->wanted->origin, text);
	else if (overlap->recorded->operands[slot].max_bytes < operand->max_bytes)
		wf_buf_printf(out, "cut at capture: %s: %s to %u bytes\n", overlap->wanted->origin,
			      text, overlap->recorded->operands[slot].max_bytes);
}

void wf_overlap_say(const struct wf_overlap *overlap, struct wf_buf *out)
{
	const struct wf_rule *wanted = overlap->wanted;

	for (uint8_t i = 0; i < wanted->operand_count; i++)
		say_operand(overlap, i, out);
	for (uint8_t i = 0; i < wanted->guard_count; i++) {
		if (overlap->guards[i] != WF_NO_SLOT)
			continue;
		wf_buf_printf(out, "not captured: %s: what `when` compares (", wanted->origin);
		say_guard(wanted, i, out);
		wf_buf_puts(out, "), which counts as false\n");
	}
	say_filtered(overlap, out);
}

static bool find_integer(const struct wf_rec_span *record, uint8_t slot, uint64_t *ret)
{
	struct wf_wire_attr attr;
	size_t cursor = 0;

	while (wf_wire_next(record, &cursor, &attr) > 0) {
		if (attr.slot != slot || attr.type == WF_VAL_STRING)
			continue;
		*ret = 0;
		memcpy(ret, attr.payload, attr.len < sizeof(*ret) ? attr.len : sizeof(*ret));
		return true;
	}
	return false;
}

static bool guards_hold(const struct wf_overlap *overlap, const struct wf_rec_span *record)
{
	const struct wf_rule *wanted = overlap->wanted;
	bool any = joined_by_or(wanted);

	for (uint8_t i = 0; i < wanted->guard_count; i++) {
		const struct wf_rule_guard *guard = &wanted->guards[i];
		uint8_t slot = overlap->guards[i];
		uint64_t value = 0;
		bool holds = slot == WF_HELD_SLOT ||
			     (slot != WF_NO_SLOT && find_integer(record, slot, &value) &&
			      wf_src_compare(guard->compare, guard->operand.type, value,
					     (uint64_t)guard->value));

		if (holds == any)
			return any;
	}
	return !any;
}

bool wf_overlap_keeps(const struct wf_overlap *overlap, const struct wf_rec_span *record)
{
	if (!guards_hold(overlap, record))
		return false;
	return record->head.kind != WF_REC_SPAN || record->status != WF_END_OK ||
	       record->head.time_ns - record->start_ns >= overlap->wanted->min_duration_ns;
}
