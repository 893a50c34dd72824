/* SPDX-License-Identifier: Apache-2.0 */
#include "need.h"

#include "userspace/rule/literal.h"

/* The requirements of one profile stand together, and so do those of one variant. */
static uint32_t end_of_profile(const struct wf_ruleset *rules, uint32_t from)
{
	uint32_t end = from;

	while (end < rules->requirement_count &&
	       rules->requirements[end].from == rules->requirements[from].from)
		end++;
	return end;
}

static uint32_t end_of_variant(const struct wf_ruleset *rules, uint32_t from, uint32_t profile_end)
{
	uint32_t end = from;

	while (end < profile_end &&
	       rules->requirements[end].variant == rules->requirements[from].variant)
		end++;
	return end;
}

static bool asks_for_module(const struct wf_ruleset *rules, uint32_t from, uint32_t end)
{
	for (uint32_t i = from; i < end; i++)
		if (rules->requirements[i].kind == WF_REQUIRE_PYTHON)
			return true;
	return false;
}

/* A profile with a variant that asks for no module fits every interpreter. */
static bool fits_all(const struct wf_ruleset *rules, uint32_t from, uint32_t end)
{
	for (uint32_t i = from, next; i < end; i = next) {
		next = end_of_variant(rules, i, end);
		if (!asks_for_module(rules, i, next))
			return true;
	}
	return rules->requirements[from].from == rules->requirements[from].end;
}

/* [['app.engine', '>=2.0'], ...] */
static void put_variant(const struct wf_ruleset *rules, uint32_t from, uint32_t end,
			struct wf_buf *out)
{
	wf_buf_putc(out, '[');
	for (uint32_t i = from; i < end; i++) {
		const struct wf_requirement *one = &rules->requirements[i];

		if (one->kind != WF_REQUIRE_PYTHON)
			continue;
		wf_buf_putc(out, '[');
		wf_literal_put(out, one->glob);
		wf_buf_puts(out, ", ");
		wf_literal_put(out, one->version ? one->version : "");
		wf_buf_puts(out, "], ");
	}
	wf_buf_puts(out, "], ");
}

static void put_profile(const struct wf_ruleset *rules, uint32_t from, uint32_t end,
			struct wf_buf *out)
{
	const struct wf_requirement *first = &rules->requirements[from];

	wf_buf_puts(out, "{'profile': ");
	wf_literal_put(out, rules->rules[first->from].profile);
	wf_buf_printf(out, ", 'from': %u, 'end': %u, 'any': [", first->from, first->end);
	for (uint32_t i = from, next; i < end; i = next) {
		next = end_of_variant(rules, i, end);
		put_variant(rules, i, next, out);
	}
	wf_buf_puts(out, "]}, ");
}

void wf_need_put(const struct wf_ruleset *rules, struct wf_buf *out)
{
	if (!rules->requirement_count)
		return;
	wf_buf_puts(out, "'needs': [");
	for (uint32_t i = 0, end; i < rules->requirement_count; i = end) {
		end = end_of_profile(rules, i);
		if (!fits_all(rules, i, end))
			put_profile(rules, i, end, out);
	}
	wf_buf_puts(out, "], ");
}
