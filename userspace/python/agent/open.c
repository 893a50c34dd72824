/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.c - all calls that are open. Their children name them as parents, so a tracer that leaves
 * is told of those that it has not heard of.
 */
#include "agent.h"

#define TOLD_MAX 10000 /* a microsecond each, and the program waits */

static struct token *newest;

void open_add(struct token *token)
{
	token->older = newest;
	token->newer = NULL;
	if (newest)
		newest->newer = token;
	newest = token;
}

void open_remove(struct token *token)
{
	if (token->newer)
		token->newer->older = token->older;
	else if (newest == token)
		newest = token->older;
	if (token->older)
		token->older->newer = token->newer;
	token->older = token->newer = NULL;
}

/*
 * Of roots, and of those whose rule asks, it was told when they began. One that ran before and was
 * not settled is nobody's parent yet.
 */
static bool is_told(const struct token *token)
{
	return !token_mine(token) || (token->record.flags & WF_AGENT_ROOT) ||
	       (token->probe->options & PROBE_OPEN) || (token_ran_before(token) && !token->settled);
}

static void tell(struct token *token)
{
	uint32_t flags = token->record.flags;

	if (is_told(token))
		return;
	token->record.flags |= WF_AGENT_MOVED; /* this thread may be another one */
	token_start(token);
	token->record.flags = flags;
}

void open_tell(void)
{
	bool seen = is_traced() && wf_agent_anchor.owner;
	struct token *token;

	for (unsigned i = 0; (token = newest); i++) {
		if (seen && i < TOLD_MAX)
			tell(token);
		open_remove(token); /* the next tracer did not see it begin */
		token_drop_way(token);
	}
}
