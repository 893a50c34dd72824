/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.h - inside the agent's .so: its state, tokens and probes.
 *
 * Everything here runs with the interpreter's lock held, in threads of the target. Nothing may
 * fail loudly: a call of the target never sees an exception of ours, a lost span is counted.
 */
#ifndef WF_AGENT_AGENT_H
#define WF_AGENT_AGENT_H

#include <stdbool.h>

#include "bpf/agent.h"
#include "cpython.h"
#include "machine.h"

#define TAGS_INLINE 192 /* bytes of values that lie in the token itself */

/* One armed function. Paths and tests are tuples that the Python part has checked and compiled. */
struct probe {
	struct py head;
	uint32_t rule, function;
	uint32_t options;              /* enum probe_option */
	struct captures *entry, *exit; /* NULL: none */
	struct py *guards;             /* tuple of (path, relation, constant) */
	struct py *suppress;           /* tuple of rule numbers */
	struct py *object;             /* path of the object that `once` is about, or None */
	struct py *remote;             /* path of the incoming trace context */
	struct py *give, *take;        /* (name, path) of own queues */
	struct py *nearest;            /* event: rule number, or None */
	struct py *code;               /* of the wrapped or monitored function */
};

enum probe_option {
	PROBE_EVENT = 0x01,
	PROBE_OPEN = 0x02, /* a start record */
	PROBE_ONCE = 0x04,
	PROBE_ROOT = 0x08,
	PROBE_ASYNC = 0x10, /* coroutine, generator, async generator */
	PROBE_TRACK = 0x20, /* its suspensions are seen */
	PROBE_GUARD_ANY = 0x40,
	PROBE_TAKE_LINK = 0x80,  /* what `take` finds becomes a link, not the parent */
	PROBE_TAKE_KEEP = 0x100, /* it stays to be found again */
	PROBE_GIVE_END = 0x200,  /* the key that it gives is known when it ends */
};

/* What a thread showed to native functions before a call began on it. */
struct shown {
	struct wf_agent_thread *thread; /* NULL: none had room for it */
	uint64_t id, start_ns, root_id, root_start_ns;
};

/*
 * A call that is open. ContextVar and frames hold it; nothing of the target is held by it but its
 * probe and the token around it.
 */
struct token {
	struct py head;
	struct wf_agent_record record;
	uint64_t tags[TAGS_INLINE / 8]; /* follow the record: one piece at the hit */
	struct probe *probe;            /* NULL: made from the ids of another process */
	struct token *outer;            /* what the ContextVar goes back to */
	struct py *way_back;            /* how, in a plain call with an open one around it */
	struct token *root;             /* NULL: itself */
	struct token *older, *newer;    /* open ones, see open.c */
	uint64_t alive;                 /* page.alive of the process that it belongs to */
	uint64_t resumed_ns;
	uint64_t told, object; /* addresses, compared only */
	uint64_t sdk_seen;     /* span id of the SDK that was current at its begin */
	struct py *told_by;    /* code of the call that told it; an address as well */
	void *frame;
	uint8_t *wide;    /* record and values, where they outgrew `tags` */
	uint32_t skip;    /* calls of its function inside that made no token */
	uint32_t session; /* of the tracer that it was made for */
	bool open;
	bool settled; /* RUNNING: it is counted, and its thread is known */
	struct shown before;
};

_Static_assert(sizeof(struct token) <= 512, "more is slow: the interpreter asks libc for it");

/* Where a path's root finds its value. */
struct source {
	struct py *const *values; /* swap: as the wrapper passed them */
	py_ssize count;
	struct py *frame; /* monitoring */
	struct py *result, *exception;
};

struct state {
	struct wf_agent_page *page;
	void *thread_tid; /* 3.8: key under which a thread keeps its number */
	struct py *var;   /* ContextVar of the current token */
	struct py *token_type, *probe_type, *drive_type;
	struct py *restore, *rescan;    /* callables of the Python part */
	struct py *queues;              /* dict (name, key) -> token */
	struct py *converters;          /* dict type -> what to do with its values */
	struct py *module_of, *name_of; /* getters of type.__module__ and __qualname__ */
	struct py *enum_type;           /* EnumMeta, once it is loaded */
	struct py *iso_text;            /* callable: text of a datetime, or None */
	struct py *value_name, *get_name, *set_name, *delete_name, *len_name, *values_name;
	struct py *sdk_var, *sdk_key, *sdk_context; /* where an OpenTelemetry SDK keeps its span */
	uint64_t idle_since_ns, idle_max_ns, rescan_ns;
	uint32_t string_max, items_max;
	uint32_t session;       /* what was open for another tracer is not there for this one */
	bool types_are_visited; /* 3.9: objects of heap types hold them for the collector */
	bool context, restoring, suppressing;
};

extern struct state state;
extern volatile uint16_t wf_agent_gate;
extern struct wf_agent_anchor wf_agent_anchor;

void wf_site_span(struct wf_agent_record *record, uint64_t size);
void wf_site_start(struct wf_agent_record *record, uint64_t size);
void wf_site_note(struct wf_agent_record *record, uint64_t size);

/* A tracer has all of its probes in place, or still. */
static inline bool is_traced(void)
{
	return wf_agent_gate >= WF_AGENT_SITES;
}

static inline struct py *py_none(void)
{
	Py_IncRef(&_Py_NoneStruct);
	return &_Py_NoneStruct;
}

static inline bool is_none(const struct py *object)
{
	return object == &_Py_NoneStruct;
}

static inline void py_drop(void *object)
{
	if (object)
		Py_DecRef(object);
}

/* page.c */
int page_start(void);
void page_wake(void); /* after a fork */
uint64_t page_random(void);
uint64_t clock_now(void);
struct wf_agent_thread *page_thread(void); /* of the calling thread; NULL where all are taken */
static inline void page_count(enum wf_agent_counter counter)
{
	state.page->counters[counter]++;
}

/* tag.c: values at the end of a record, `limit` bytes in all. */
struct tags {
	struct wf_agent_record *record; /* tag_bytes and flags are kept there */
	uint8_t *bytes;
	uint32_t limit;
	struct token *token; /* may get a larger record, NULL: it may not */
};
/* Strings are cut at the limits; full: their length in the target. */
void tags_text(struct tags *tags, unsigned slot, unsigned type, const char *text, size_t len,
	       size_t full);
void tags_number(struct tags *tags, unsigned slot, unsigned type, uint64_t bits);
void tags_none(struct tags *tags, unsigned slot);
void tags_lost(struct tags *tags);
/* A list: its entries are put between the two calls. */
bool tags_open(struct tags *tags, unsigned slot, uint32_t *ret);
void tags_close(struct tags *tags, uint32_t at, size_t full);

/* value.c */
void value_tag(struct tags *tags, unsigned slot, struct py *value);
/* The text that stands for an object of a few types of the standard library, or NULL. */
struct py *value_text(struct py *value);
struct py *type_text(struct py *type);    /* "module:qualname": a new reference, or NULL */
bool value_plain(const struct py *value); /* str, int, float, bool or None: exactly these */

/* A path taken apart; what it names is borrowed. */
struct step {
	long operation;
	long index; /* of the first, where it says which value */
	struct py *argument;
};

/* path.c: a new reference, or NULL where there is no value. */
struct py *path_read(struct py *path, const struct source *source);
struct step step_of(struct py *pair);
struct py *steps_follow(const struct step *steps, uint32_t count, const struct source *source);
struct py *attribute_read(struct py *object, struct py *name);
bool test_holds(struct py *value, long relation, struct py *constant);
bool guards_hold(const struct probe *probe, const struct source *source);

/* capture.c: of a tuple of (slot, path); NULL: no memory */
struct captures *captures_make(struct py *pairs);
void captures_free(struct captures *captures);
void captures_tag(const struct captures *captures, struct tags *tags, const struct source *source);

/* nest.c */
bool token_mine(const struct token *token);      /* begun in this process, for this tracer */
bool token_tree_open(const struct token *token); /* calls of other processes count as open */
/* Whether an open call around it says that it makes no span: once, suppress. */
bool nest_silenced(const struct probe *probe, const struct token *around, uint64_t object);
uint64_t nest_object(const struct probe *probe, const struct source *source);
/* `taken`: what a key has led to, or NULL. False: `current` is not around it; else its reference is
 * the token's now. */
bool nest_below(struct token *token, struct token *current, struct token *taken);
void token_publish(struct token *token, bool on); /* for native functions */

/* current.c */
int current_setup(void);
struct token *token_current(void); /* a new reference or NULL */
void token_set(struct token *token);
void token_enter(struct token *token);
/* The current token goes back to the one around, unless a call beside it has taken over. */
void token_leave(struct token *token);
void token_drop_way(struct token *token); /* it holds the context, which may hold the token */

/* token.c */
int token_setup(void);
/* The same, or a call around that ran before it was armed, which then becomes the current one. */
struct token *token_here(void);
struct token *token_begin(struct probe *probe, const struct source *source);
void token_end(struct token *token, const struct source *source);
/* The innermost open call of this probe in this thread and context, borrowed; NULL = none. */
struct token *token_inside(const struct probe *probe);
void token_suspend(struct token *token);
void token_resume(struct token *token);
struct tags token_tags(struct token *token);
bool token_ran_before(const struct token *token);
/* A call that runs already, in that frame, below another such one or NULL: it is open from now on.
 */
struct token *token_found(struct probe *probe, struct py *frame, struct token *around);
/* The token of a call in another process, from its ids and times. */
struct token *token_foreign(const struct wf_agent_record *ids);
void token_widen(struct tags *tags);
void token_start(struct token *token); /* shows it as one that begins */
void token_free_spares(void);          /* the tracer leaves: no memory is kept any more */

/* open.c */
void open_add(struct token *token);
void open_remove(struct token *token);
void open_tell(void); /* the tracer leaves */

/* table.c */
struct slot {
	void *key;
	void *value;
};

struct table {
	struct slot *slots;
	uint32_t mask, used;
};

static inline uint32_t table_home(const struct table *table, const void *key)
{
	return (uint32_t)(((uint64_t)key >> 4) * 0x9E3779B97F4A7C15ULL >> 32) & table->mask;
}

/* Where the key stands or would stand; only in a table that has grown once. */
static inline struct slot *table_slot(const struct table *table, const void *key)
{
	uint32_t at = table_home(table, key);

	while (table->slots[at].key && table->slots[at].key != key)
		at = (at + 1) & table->mask;
	return &table->slots[at];
}

/* Inline, since it is asked for each frame that an exception leaves. */
static inline void *table_get(const struct table *table, const void *key)
{
	return table->slots ? table_slot(table, key)->value : NULL;
}

/* Room for one more, at most half full. */
bool table_grow(struct table *table, uint32_t max);
void *table_take(struct table *table, const void *key);
void table_empty(struct table *table, bool keys); /* drops the values, and where asked the keys */

/* frame.c */
typedef struct probe *frame_probe(struct py *code);
bool frame_put(struct token *token, void *frame); /* false: no room */
struct token *frame_take(void *frame);            /* a reference, or NULL */
struct token *frame_token(void *frame);           /* borrowed */
void frame_forget(void);
bool frame_any_ran(void);          /* calls that ran before they were armed */
struct token *frame_running(void); /* such a call around; a new reference or NULL */
/* Of all threads (sys._current_frames) and of suspended tasks (tuples of coroutines). */
void frame_mark(struct py *current_frames, struct py *tasks, frame_probe *probe_of);

/* queue.c */
void queue_give(struct py *rule, const struct source *source, struct token *token);
/* A new reference, or NULL. `keep`: it can be found again. */
struct token *queue_take(struct py *rule, const struct source *source, bool keep);

/* context.c: parents from outside; `around` is the current token. */
void context_join(struct token *token, const struct token *around, const struct source *source);

/* error.c */
void error_tag(struct tags *tags, struct token *token, struct py *exception);
void error_describe(struct tags *tags, struct py *exception); /* type and message */
void error_trace(struct tags *tags, struct py *exception);

/* message.c */
struct py *error_message(struct py *exception); /* a new reference, or NULL */
/* A field that the base itself defines, unless the class hides it; a new reference, or NULL. */
struct py *error_field(struct py *exception, struct py *base, const char *name);

/* gate.c */
bool gate_open(void); /* false where nobody traces; takes everything back after a while */
void gate_rescan(void);

/* probe.c */
int probe_setup(void);
struct py *probe_make(struct py *const *args, py_ssize count);

/* drive.c */
int drive_setup(void);
struct py *drive_make(struct token *token, struct py *inner);

/* call.c, monitor.c, note.c: what the Python part calls */
int call_setup(struct py *module);
extern struct py_method monitor_methods[], note_methods[];
void event_show(struct probe *probe, const struct source *source);

#endif
