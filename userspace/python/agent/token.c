/* SPDX-License-Identifier: Apache-2.0 */
/* token.c - open calls: one token each. */
#include "agent.h"

#define CHAIN_MAX  256 /* enclosing calls looked at */
#define SPARES_MAX 16

bool token_ran_before(const struct token *token)
{
	return token->record.flags & WF_AGENT_RUNNING;
}

/* A call of another thread, which handed work to this one, is not one that this thread is inside.
 */
struct token *token_inside(const struct probe *probe)
{
	struct wf_agent_thread *thread = page_thread();
	uint64_t task_key = thread ? thread->task_key : 0;
	struct token *current = token_current(), *token = current, *ret = NULL;

	for (unsigned i = 0; token && !ret && i < CHAIN_MAX; i++, token = token->outer) {
		if (token->probe == probe && token->open && token->record.task_key == task_key &&
		    !token_ran_before(token))
			ret = token;
	}
	py_drop(current); /* the context holds it, and it the ones around */
	return ret;
}

static void become_root(struct token *token)
{
	struct wf_agent_record *record = &token->record;

	record->root_id = record->id;
	record->root_start_ns = record->start_ns;
	record->flags |= WF_AGENT_ROOT;
	if (!(record->flags & (WF_AGENT_REMOTE | WF_AGENT_SDK))) {
		record->trace_hi = page_random();
		record->trace_lo = page_random();
	}
}

/* Memory of tokens that have ended, for the next ones; linked by `outer`. */
static struct token *spares;
static unsigned spare_count;

static struct token *allocate(void)
{
	struct token *token = spares;

	if (!token)
		return (struct token *)_PyObject_New(state.token_type);
	spares = token->outer;
	spare_count--;
	return (struct token *)PyObject_Init(&token->head, state.token_type);
}

static void release(struct token *token)
{
	if (spare_count == SPARES_MAX || !wf_agent_anchor.owner) {
		PyObject_Free(token);
		return;
	}
	token->outer = spares;
	spares = token;
	spare_count++;
}

void token_free_spares(void)
{
	struct token *token;

	while ((token = spares)) {
		spares = token->outer;
		PyObject_Free(token);
	}
	spare_count = 0;
}

static struct token *token_new(struct probe *probe)
{
	struct token *token = allocate();
	struct wf_agent_thread *thread = page_thread();

	if (!token) {
		PyErr_Clear();
		page_count(WF_AGENT_CNT_FAILED);
		return NULL;
	}
	__builtin_memset(&token->record, 0, sizeof(token->record));
	token->record.rule = probe ? probe->rule : 0;
	token->record.function = probe ? probe->function : 0;
	token->record.id = page_random();
	token->record.task_key = thread ? thread->task_key : 0;
	token->record.owner_tid = thread ? thread->tid : 0;
	token->probe = probe;
	if (probe)
		Py_IncRef(&probe->head);
	token->outer = token->root = token->older = token->newer = NULL;
	token->way_back = NULL;
	token->alive = state.page->alive;
	token->resumed_ns = token->told = token->object = token->sdk_seen = 0;
	token->told_by = NULL;
	token->before = (struct shown){.thread = thread};
	token->frame = NULL;
	token->wide = NULL;
	token->skip = 0;
	token->session = state.session;
	token->open = token->settled = false;
	return token;
}

struct token *token_foreign(const struct wf_agent_record *ids)
{
	struct token *token = token_new(NULL);

	if (!token)
		return NULL;
	token->record = *ids;
	token->alive = 0;
	token->open = true;
	return token;
}

/* The record moves into 4 KiB of its own. */
void token_widen(struct tags *tags)
{
	struct token *token = tags->token;
	uint32_t used = tags->record->tag_bytes;

	if (token->wide)
		return;
	token->wide = PyMem_Malloc(WF_AGENT_BYTES_MAX);
	if (!token->wide)
		return;
	__builtin_memcpy(token->wide + sizeof(token->record), token->tags, used);
	tags->bytes = token->wide + sizeof(token->record);
	tags->limit = WF_AGENT_BYTES_MAX - sizeof(token->record);
}

struct tags token_tags(struct token *token)
{
	return (struct tags){
		.record = &token->record,
		.bytes = token->wide ? token->wide + sizeof(token->record) : (uint8_t *)token->tags,
		.limit = token->wide ? WF_AGENT_BYTES_MAX - sizeof(token->record)
				     : sizeof(token->tags),
		.token = token,
	};
}

static void show(struct token *token, enum wf_agent_kind kind,
		 void (*site)(struct wf_agent_record *record, uint64_t size))
{
	struct wf_agent_record *record = &token->record;

	record->kind = (uint8_t)kind;
	record->size = (uint16_t)(sizeof(*record) + record->tag_bytes);
	if (token->wide) {
		__builtin_memcpy(token->wide, record, sizeof(*record));
		record = (struct wf_agent_record *)token->wide;
	}
	site(record, record->size);
}

void token_start(struct token *token)
{
	page_count(WF_AGENT_CNT_STARTS);
	show(token, WF_AGENT_START, wf_site_start);
}

static void begin(struct token *token)
{
	token->record.start_ns = token->resumed_ns = clock_now();
	token->open = true;
	open_add(token);
	if (!token->record.root_id)
		become_root(token);
}

static void show_start(struct token *token)
{
	if ((token->record.flags & WF_AGENT_ROOT) || (token->probe->options & PROBE_OPEN))
		token_start(token);
}

static void enter(struct token *token)
{
	begin(token);
	token_enter(token);
	token_publish(token, true);
	show_start(token);
}

/* What is known of a call that ran before only where it runs; nothing more may be counted of it. */
static void settle(struct token *token)
{
	struct wf_agent_thread *thread = page_thread();

	token->settled = true;
	token->record.task_key = thread ? thread->task_key : 0;
	token->record.owner_tid = thread ? thread->tid : 0;
	page_count(WF_AGENT_CNT_ENTRIES);
}

/* From the outermost on, as they began. */
static void settle_all(struct token *token)
{
	struct token *next;

	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		for (next = token;
		     next->outer && token_ran_before(next->outer) && !next->outer->settled;)
			next = next->outer;
		if (next->settled)
			break;
		settle(next);
		token_publish(next, true);
		show_start(next);
	}
}

struct token *token_here(void)
{
	struct token *token = token_current();

	if (token || !frame_any_ran())
		return token;
	token = frame_running();
	if (token) {
		settle_all(token);
		token_set(token);
	}
	return token;
}

struct token *token_found(struct probe *probe, struct py *frame, struct token *around)
{
	struct source source = {.frame = frame};
	struct token *token;
	struct tags tags;

	if (probe->guards && !guards_hold(probe, &source))
		return NULL;
	token = token_new(probe);
	if (!token)
		return NULL;
	token->object = nest_object(probe, &source);
	token->record.flags =
		WF_AGENT_RUNNING | (probe->options & PROBE_ASYNC ? WF_AGENT_ASYNC : 0);
	if (nest_below(token, around, NULL))
		Py_IncRef(&around->head);
	if (probe->remote)
		context_join(token, around, &source);
	if (probe->entry) {
		tags = token_tags(token);
		captures_tag(probe->entry, &tags, &source);
	}
	begin(token);
	if (probe->give && !(probe->options & PROBE_GIVE_END))
		queue_give(probe->give, &source, token);
	return token;
}

static bool wanted(struct probe *probe, const struct source *source, struct token *current,
		   uint64_t object)
{
	if (probe->guards && !guards_hold(probe, source)) {
		page_count(WF_AGENT_CNT_GUARDED);
		return false;
	}
	if (current && ((probe->options & PROBE_ONCE) || state.suppressing) &&
	    nest_silenced(probe, current, object)) {
		page_count(WF_AGENT_CNT_SILENCED);
		return false;
	}
	return true;
}

struct token *token_begin(struct probe *probe, const struct source *source)
{
	struct token *current, *around, *token, *taken;
	struct tags tags;
	uint64_t object;

	if (!state.page->alive)
		page_wake();
	page_count(WF_AGENT_CNT_ENTRIES);
	current = token_here();
	object = nest_object(probe, source);
	token = wanted(probe, source, current, object) ? token_new(probe) : NULL;
	if (token) {
		taken = probe->take
				? queue_take(probe->take, source, probe->options & PROBE_TAKE_KEEP)
				: NULL;
		token->object = object;
		token->record.flags = probe->options & PROBE_ASYNC ? WF_AGENT_ASYNC : 0;
		around = current;
		if (nest_below(token, current, taken))
			current = NULL;
		context_join(token, around, source);
		py_drop(taken);
		if (probe->entry) {
			tags = token_tags(token);
			captures_tag(probe->entry, &tags, source);
		}
		enter(token);
		if (probe->give && !(probe->options & PROBE_GIVE_END))
			queue_give(probe->give, source, token);
	}
	py_drop(current);
	return token;
}

static void leave_context(struct token *token)
{
	struct token *outer = token->outer;

	token_leave(token);
	token->outer = NULL;
	py_drop(outer);
	token_publish(token, false);
}

/* Only what can be suspended ends elsewhere than it began. */
static bool has_moved(const struct wf_agent_record *record)
{
	const struct wf_agent_thread *thread = page_thread();

	return !thread || thread->task_key != record->task_key;
}

static void finish(struct token *token, const struct source *source)
{
	struct wf_agent_record *record = &token->record;
	struct tags tags;

	record->end_ns = clock_now();
	if ((record->flags & WF_AGENT_ASYNC) && has_moved(record))
		record->flags |= WF_AGENT_MOVED;
	if (token->probe->options & PROBE_TRACK) {
		record->active_ns += record->end_ns - token->resumed_ns;
		record->flags |= WF_AGENT_ACTIVE;
	}
	record->status = WF_AGENT_RETURNED;
	tags = token_tags(token);
	if (token->probe->exit)
		captures_tag(token->probe->exit, &tags, source);
	if (source->exception) {
		error_tag(&tags, token, source->exception);
	}
	if (token->probe->options & PROBE_GIVE_END)
		queue_give(token->probe->give, source, token);
	page_count(WF_AGENT_CNT_COMPLETED);
	show(token, WF_AGENT_SPAN, wf_site_span);
	if (token->wide) /* a key may keep the token for long */
		PyMem_Free(token->wide);
	token->wide = NULL;
}

/*
 * A tracer that leaves disarms first and takes its probes away after that. Between the two nothing
 * is counted as shown, since nobody could tell which of it was seen.
 */
static bool is_seen(void)
{
	return is_traced() && wf_agent_anchor.owner;
}

void token_end(struct token *token, const struct source *source)
{
	if (!token->open)
		return;
	token->open = false;
	open_remove(token);
	if (!state.page->alive)
		page_wake();
	if (token_ran_before(token) && !token->settled && token_mine(token))
		settle(token);
	if (!token_mine(token))
		page_count(WF_AGENT_CNT_INHERITED);
	else if (!is_seen())
		page_count(WF_AGENT_CNT_UNSEEN);
	else
		finish(token, source);
	leave_context(token);
}

/* A generator or coroutine lets go of the thread: what runs next is not inside of it. */
void token_suspend(struct token *token)
{
	struct token *outer = token->outer;

	if (!token->open)
		return;
	token_set(outer && token_tree_open(outer) ? outer : NULL);
	token_publish(token, false);
	if (!is_traced())
		return;
	token->record.suspensions++;
	token->record.active_ns += clock_now() - token->resumed_ns;
}

void token_resume(struct token *token)
{
	struct token *outer;

	if (!token->open)
		return;
	outer = token_current();
	if (outer != token) {
		py_drop(token->outer);
		token->outer = outer;
	} else {
		py_drop(outer);
	}
	token_set(token);
	token_publish(token, true);
	if (is_traced())
		token->resumed_ns = clock_now();
}

static void abandon(struct token *token)
{
	if (!token_mine(token) || !state.page->alive || !token->probe)
		return;
	if (token_ran_before(token) && !token->settled)
		return;
	if (!is_seen()) {
		page_count(WF_AGENT_CNT_UNSEEN);
		return;
	}
	token->record.end_ns = clock_now();
	token->record.status = WF_AGENT_ABANDONED;
	page_count(WF_AGENT_CNT_ABANDONED);
	show(token, WF_AGENT_SPAN, wf_site_span);
}

/* Chains of tokens are as long as calls are deep, so they are not freed by recursion. */
static void token_free(struct py *object)
{
	static struct token *next;
	static bool busy;
	struct token *token = (struct token *)object, *root = token->root, *outer = token->outer;
	struct py *type = object->type;

	open_remove(token);
	if (token->open)
		abandon(token);
	if (token->wide)
		PyMem_Free(token->wide);
	py_drop(token->way_back);
	py_drop(token->probe);
	release(token);
	Py_DecRef(type);
	py_drop(root);
	if (!outer)
		return;
	if (busy && !next) {
		next = outer;
		return;
	}
	busy = true;
	while (outer) {
		Py_DecRef(&outer->head);
		outer = next;
		next = NULL;
	}
	busy = false;
}

int token_setup(void)
{
	static struct py_slot slots[] = {{PY_TP_DEALLOC, token_free}, {0, NULL}};
	static struct py_type_spec spec = {"wftrace.Token", sizeof(struct token), 0, 0, slots};

	state.token_type = PyType_FromSpec(&spec);
	return state.token_type ? current_setup() : -1;
}
