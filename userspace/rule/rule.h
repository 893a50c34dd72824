/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.h - what the user asked for: which functions become which spans.
 *
 * Values a rule needs from the target are collected as operands (what the kernel has to capture);
 * names, attributes and errors stay expressions that the collector evaluates on captured slots.
 * Plain data, which belongs to the rule set (ruleset.h).
 */
#ifndef WF_RULE_H
#define WF_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/span/span.h"
#include "where.h"

struct wf_expr;     /* expr.h */
struct wf_template; /* expr.h */

struct wf_rule_attribute {
	const char *key;
	const struct wf_expr *value;
};

enum wf_rule_kind {
	WF_RULE_CALL,  /* function: a span per call */
	WF_RULE_PAIR,  /* open / close */
	WF_RULE_EVENT, /* events: an event on an open span */
};

/* PAIR: what a hit of the opening site does while the span is open on this thread. */
enum wf_again {
	WF_AGAIN_NEST, /* opens another inside */
	WF_AGAIN_JOIN, /* belongs to the open one */
	WF_AGAIN_NEXT, /* ends it and opens the next */
};

/* What the agent decides in the target. A path is a Python list without its brackets. */
struct wf_rule_agent {
	bool once, root, active_time;
	bool take_link;           /* what `take` finds becomes a link, not the parent */
	const char *remote;       /* path of an incoming trace context, NULL = none */
	const uint32_t *suppress; /* rules that make no span below this one */
	uint32_t suppress_count;
	uint32_t link;           /* of `give` and `take`: its number in the set */
	const char *give, *take; /* paths of the keys, NULL = none */
	bool give_at_exit;       /* `give` is known when the call ends */
	bool take_keeps;         /* what `take` found can be found again */
};

struct wf_rule {
	uint32_t index; /* in the rule set */
	enum wf_rule_kind kind;
	const char *origin;    /* "-f 'PortalRun'" or "postgresql.yaml:12", for messages */
	const char *profile;   /* name for the scope of its spans; "adhoc" for -f */
	const char *label;     /* `rule: NAME`, what nearest() refers to; NULL = none */
	struct wf_where at;    /* the function, the opening site, or the event site */
	struct wf_where close; /* PAIR only */
	const char *name_text; /* as written; NULL = name of the function */
	const struct wf_template *name;
	uint8_t span_kind; /* enum wf_span_kind */
	uint64_t min_duration_ns;
	const struct wf_rule_attribute *attributes;
	uint32_t attribute_count;
	const struct wf_expr *error;        /* NULL = none */
	const struct wf_rule_guard *guards; /* compiled `when` */
	uint8_t guard_count;
	bool guard_any;    /* joined by `or` */
	const char *tests; /* Python: `when` for the agent's request, NULL = none */
	const struct wf_rule_guard *close_guards; /* PAIR: `when` of the closing site */
	uint8_t close_guard_count;
	bool close_guard_any;
	uint8_t again; /* PAIR: enum wf_again */
	int32_t after; /* NEXT: only after a call of this rule has ended in it, -1 = always */
	const struct wf_operand *operands; /* slot i of a record is operands[i] */
	uint8_t operand_count;
	int32_t nearest; /* EVENT: index of the rule whose span gets it, -1 = innermost */
	const char *const *not_errors; /* globs on exception types */
	uint32_t not_error_count;
	struct wf_rule_agent agent; /* Python only */
};

#endif
