/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nest.c - what nests in what. A token's parent is the current token of its context while that one,
 * or the root above it, is open; else it starts a tree of its own and names the old one as a link,
 * so that a thread started by a request is not its child for ever.
 */
#include "agent.h"

#define CHAIN_MAX 256 /* enclosing calls looked at for once and suppress */

bool token_mine(const struct token *token)
{
	return token->alive == state.page->alive && token->session == state.session;
}

/* Open, as far as this process can know: calls of other processes count as open. */
bool token_tree_open(const struct token *token)
{
	const struct token *root = token->root ? token->root : token;

	return token->open || root->open;
}

static bool in_tuple(struct py *numbers, uint32_t number)
{
	for (py_ssize i = 0; i < PyTuple_Size(numbers); i++) {
		if (PyLong_AsLong(PyTuple_GetItem(numbers, i)) == (long)number)
			return true;
	}
	return false;
}

/* once and suppress: an open call around it that says no. */
bool nest_silenced(const struct probe *probe, const struct token *around, uint64_t object)
{
	for (unsigned i = 0; around && i < CHAIN_MAX; i++, around = around->outer) {
		if (!around->open || !around->probe)
			continue;
		if ((probe->options & PROBE_ONCE) && around->probe->rule == probe->rule &&
		    around->object == object)
			return true;
		if (around->probe->suppress && in_tuple(around->probe->suppress, probe->rule))
			return true;
	}
	return false;
}

uint64_t nest_object(const struct probe *probe, const struct source *source)
{
	struct py *object;

	if (!(probe->options & PROBE_ONCE) || !probe->object)
		return 0;
	object = path_read(probe->object, source);
	py_drop(object);
	return (uint64_t)object;
}

/* `named`: a rule says that it is the parent, also where its tree has ended. */
static void fill_parent(struct token *token, const struct token *parent, bool named)
{
	struct wf_agent_record *record = &token->record;
	const struct wf_agent_record *above = &parent->record;

	if (named || token_tree_open(parent)) {
		record->parent_id = above->id;
		record->parent_start_ns = above->start_ns;
		record->root_id = above->root_id;
		record->root_start_ns = above->root_start_ns;
		record->trace_hi = above->trace_hi;
		record->trace_lo = above->trace_lo;
		token->root = parent->root ? parent->root : (struct token *)parent;
		Py_IncRef(&token->root->head);
		if (!parent->probe || !token_mine(parent))
			record->flags |= WF_AGENT_HANDED;
		return;
	}
	record->flags |= WF_AGENT_LINK;
	record->link_id = above->id;
	record->link_root_id = above->root_id;
}

/* A current token whose tree has ended is a link once, and then forgotten by this context. */
bool nest_below(struct token *token, struct token *current, struct token *taken)
{
	const struct probe *probe = token->probe;
	struct token *parent = taken ? taken : current;

	if (parent && !(probe->options & PROBE_ROOT)) {
		if (taken && (probe->options & PROBE_TAKE_LINK)) {
			token->record.link_id = taken->record.id;
			token->record.link_root_id = taken->record.root_id;
			token->record.flags |= WF_AGENT_LINK;
			parent = current;
		}
		if (parent)
			fill_parent(token, parent, parent == taken);
		if (taken && token->record.parent_id == taken->record.id)
			token->record.flags |= WF_AGENT_HANDED;
	}
	if (!current || !token_tree_open(current))
		return false;
	token->outer = current;
	return true;
}

/* What cannot be suspended ends on the thread that it began on: a search less. */
static struct wf_agent_thread *thread_of(const struct token *token)
{
	struct wf_agent_thread *thread = token->before.thread;

	if (!thread || (token->record.flags & (WF_AGENT_ASYNC | WF_AGENT_RUNNING)) ||
	    thread->thread_pointer != machine_thread())
		thread = page_thread();
	return thread;
}

static struct shown shown_by(struct wf_agent_thread *thread)
{
	return (struct shown){thread, thread->id, thread->start_ns, thread->root_id,
			      thread->root_start_ns};
}

static void show_again(const struct shown *before)
{
	struct wf_agent_thread *thread = before->thread;

	thread->id = before->id;
	thread->start_ns = before->start_ns;
	thread->root_id = before->root_id;
	thread->root_start_ns = before->root_start_ns;
}

void token_publish(struct token *token, bool on)
{
	const struct wf_agent_record *record = &token->record;
	struct wf_agent_thread *thread;

	if (!state.context)
		return;
	thread = thread_of(token);
	if (!thread)
		return;
	if (on) {
		if (thread->id != record->id) /* begun, and gone on with before it stopped */
			token->before = shown_by(thread);
		show_again(&(struct shown){thread, record->id, record->start_ns, record->root_id,
					   record->root_start_ns});
	} else if (thread == token->before.thread) {
		show_again(&token->before);
	} else {
		thread->id = 0;
	}
}
