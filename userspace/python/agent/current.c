/* SPDX-License-Identifier: Apache-2.0 */
/*
 * current.c - the innermost open call of a context, in a ContextVar: copies of the context, for
 * tasks and threads, take it along.
 */
#include "agent.h"

struct token *token_current(void)
{
	struct py *found = NULL;

	if (PyContextVar_Get(state.var, NULL, &found))
		PyErr_Clear();
	if (found && found->type != state.token_type) {
		Py_DecRef(found);
		found = NULL;
	}
	if (found && ((struct token *)found)->session != state.session) {
		Py_DecRef(found);
		found = NULL;
	}
	return (struct token *)found;
}

/* A new reference to what leads back, or NULL. */
static struct py *make_current(struct token *token)
{
	struct py *ret = PyContextVar_Set(state.var, token ? &token->head : &_Py_NoneStruct);

	if (!ret)
		PyErr_Clear();
	return ret;
}

void token_set(struct token *token)
{
	py_drop(make_current(token));
}

/* A plain call ends in the context that it began in, and going back is cheaper than setting anew.
 */
void token_enter(struct token *token)
{
	struct py *back = make_current(token);

	if (token->outer && !(token->record.flags & WF_AGENT_ASYNC))
		token->way_back = back;
	else
		py_drop(back);
}

void token_drop_way(struct token *token)
{
	struct py *back = token->way_back;

	token->way_back = NULL;
	py_drop(back);
}

static bool go_back(struct token *token)
{
	struct py *back = token->way_back;
	bool ret = back && PyContextVar_Reset(state.var, back) == 0;

	if (back && !ret) /* by Context.run() and a call that never ends there */
		PyErr_Clear();
	return ret;
}

void token_leave(struct token *token)
{
	struct token *outer = token->outer,
		     *around = outer && token_tree_open(outer) ? outer : NULL;
	struct token *current = NULL;
	bool async = token->record.flags & WF_AGENT_ASYNC;

	if (async)
		current = token_current();
	if ((!async || current == token) && !(around && go_back(token)))
		token_set(around);
	py_drop(current);
	token_drop_way(token);
}

int current_setup(void)
{
	state.var = PyContextVar_New("wftrace", NULL);
	return state.var ? 0 : -1;
}
