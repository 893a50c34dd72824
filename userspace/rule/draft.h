/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draft.h - a rule while it is put together, for both the short form and YAML. Inside the rule and
 * profile modules.
 */
#ifndef WF_DRAFT_H
#define WF_DRAFT_H

#include "function.h"
#include "ruleset.h"

#define WF_ATTRIBUTES_MAX 64 /* of one rule; most are not captured but worked out */
#define WF_OPERANDS_MAX   48 /* of a Python rule; others have WF_CAPTURES_MAX */

struct wf_draft {
	struct wf_rule rule;
	struct wf_binding binding;
	bool python;
	struct wf_operand operands[WF_OPERANDS_MAX];
	struct wf_rule_guard guards[WF_GUARDS_MAX], close_guards[WF_GUARDS_MAX];
	struct wf_rule_attribute attributes[WF_ATTRIBUTES_MAX];
};

/* The kind of rule follows from the function: call, pair, or event for a lone static probe. */
void wf_draft_init(struct wf_draft *draft, const struct wf_function *function);
/* An event at the entry of the function instead. */
void wf_draft_make_event(struct wf_draft *draft);

/*
 * Each reads one expression at the parser's token, up to what cannot continue it, and binds it to
 * the rule.
 */
int wf_draft_attribute(struct wf_draft *draft, struct wf_parser *parser, const char *key,
		       size_t key_at);
int wf_draft_when(struct wf_draft *draft, struct wf_parser *parser);
/* At the closing site of a pair, whose own arguments it reads. */
int wf_draft_close_when(struct wf_draft *draft, struct wf_parser *parser);
int wf_draft_error(struct wf_draft *draft, struct wf_parser *parser);
/* The whole text of the parser's place is the name. */
int wf_draft_name(struct wf_draft *draft, struct wf_parser *parser);
/* A pair without a name is called by what its two probes have in common. */
int wf_draft_pair_name(struct wf_draft *draft, struct wf_parser *parser,
		       const struct wf_function *function);
/* One of the five words, or -EINVAL with the nearest. */
int wf_draft_kind(struct wf_draft *draft, struct wf_parser *parser, size_t at, const char *word);

/* "any_child_error", "calls FUNCTION [when COND]" or a condition. */
int wf_error_parse(struct wf_parser *parser, struct wf_expr **ret);

/* Copy the draft into the set. */
int wf_draft_commit(struct wf_draft *draft, struct wf_ruleset *rules, struct wf_err *err);

#endif
