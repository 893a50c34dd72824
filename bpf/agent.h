/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * agent.h - the contract between the agent in a Python process, the kernel program on its probe
 * sites, and the collector.
 *
 * The agent's .so has three sites, each a 1-byte nop followed by a ret, in exported symbols. At a
 * hit the first argument (rdi) points to a struct wf_agent_record in the target's memory, which is
 * complete and stays unchanged during the hit, and the second (rsi) is its size, since reading that
 * first would cost another look into the target:
 *   wf_site_span   a call that ended: one hit per span
 *   wf_site_start  a call that began and is a root, or whose rule asks (`open`, accounting)
 *   wf_site_note   everything else: events, logs, what was armed later and what was refused
 * All three share one reference counter, the 16-bit word wf_agent_gate in a section of its own,
 * which the kernel raises site by site: below WF_AGENT_SITES the agent shows nothing.
 * wf_agent_anchor leads to the counters and to the table of threads. Everything is little endian,
 * fixed width, explicitly padded.
 */
#ifndef WF_AGENT_H
#define WF_AGENT_H

#include "record.h"

#define WF_AGENT_ABI           1
#define WF_AGENT_SITES         3
#define WF_AGENT_BYTES_MAX     4096 /* one record with its values */
#define WF_AGENT_THREADS       512  /* threads with a known current span; a power of two */
#define WF_AGENT_THREAD_PROBES 8    /* slots after the hashed one in which a thread may stand */
#define WF_AGENT_MAGIC         0x31746e6567616677ULL /* "wfagent1" */

enum wf_agent_kind {
	WF_AGENT_SPAN = 1,  /* at wf_site_span */
	WF_AGENT_START = 2, /* at wf_site_start; end_ns 0, the values seen at entry. MOVED: it will
			     * not end before the tracer leaves, and this is not its thread */
	WF_AGENT_EVENT = 3, /* id = the span it belongs to, start = end */
	WF_AGENT_LOG = 4,   /* id = the span it was written in, 0 = none */
	WF_AGENT_ARMED = 5, /* function: its number; TEXT: JSON, as in the answer to a request */
	WF_AGENT_REFUSED = 6,  /* the same, with the reason */
	WF_AGENT_RESTORED = 7, /* the agent has taken all of it back by itself; TEXT: why */
};

/* How a span ended. */
enum wf_agent_status {
	WF_AGENT_OPEN = 0,     /* START only */
	WF_AGENT_RETURNED = 1, /* a generator that came to its end too */
	WF_AGENT_RAISED = 2, /* values TYPE and MESSAGE say what, TRACEBACK where (unless QUIET) */
	WF_AGENT_CANCELLED = 3, /* CancelledError or GeneratorExit left it */
	WF_AGENT_ABANDONED = 4, /* nobody ended it: its frame was thrown away */
};

#define WF_AGENT_ROOT      0x01  /* id == root_id */
#define WF_AGENT_ASYNC     0x02  /* coroutine, generator or async generator */
#define WF_AGENT_MOVED     0x04  /* it ended on another thread than it began on */
#define WF_AGENT_ATTR_LOST 0x08  /* a value did not fit or could not be read */
#define WF_AGENT_REMOTE    0x10  /* trace_* and parent_id come from outside, parent: remote(...) */
#define WF_AGENT_SAMPLED   0x20  /* REMOTE: its sampled flag */
#define WF_AGENT_LINK      0x40  /* link_* name the call that started this one, which has ended */
#define WF_AGENT_QUIET     0x80  /* an inner span has told the traceback already */
#define WF_AGENT_SDK       0x100 /* trace_* and parent_id are those of an OpenTelemetry SDK span */
#define WF_AGENT_HANDED    0x200 /* the parent came by a hand-off: thread, pool, process, queue */
#define WF_AGENT_ACTIVE    0x400 /* active_ns and suspensions were measured */
#define WF_AGENT_RUNNING   0x800 /* it ran already when its function was armed: start_ns is that */

/*
 * Ids are never 0 and never equal in two processes of one fork tree. Times are CLOCK_MONOTONIC of
 * the target. The values follow, tag_bytes in all.
 */
struct wf_agent_record {
	__u16 size;     /* bytes of the whole record, values included; at most WF_AGENT_BYTES_MAX */
	__u8 kind;      /* enum wf_agent_kind */
	__u8 status;    /* enum wf_agent_status */
	__u32 flags;    /* WF_AGENT_* */
	__u32 rule;     /* id that the request gave to the rule */
	__u32 function; /* number that the answer, or an ARMED note, gave to the function */
	__u64 id, parent_id;
	__u64 parent_start_ns; /* 0: not known, or no parent */
	__u64 root_id, root_start_ns;
	__u64 trace_hi, trace_lo; /* the same below one root; random, or from outside */
	__u64 link_id, link_root_id;
	__u64 start_ns, end_ns;
	__u64 active_ns;   /* not suspended */
	__u64 task_key;    /* random, one per thread: of the one that it began on */
	__u32 suspensions; /* yields and awaits that really suspended */
	__u32 owner_tid;   /* of that thread, in the target's own pid namespace */
	__u32 tag_bytes;
	__u32 pad;
};

/*
 * Values are struct wf_rec_attr entries, payload padded to 8 bytes: slot says which value of the
 * rule, type is enum wf_value_type or one of these.
 */
enum wf_agent_type {
	WF_AGENT_VAL_NONE = 32, /* None itself; without payload */
	WF_AGENT_VAL_LIST =
		33, /* payload: scalars as wf_rec_attr entries; full_len = their number */
	WF_AGENT_VAL_BYTES = 34, /* content of bytes or bytearray */
	WF_AGENT_VAL_BIG = 35,   /* decimal digits of an int beyond 64 bits */
	WF_AGENT_VAL_TYPE =
		36, /* module:qualname of the type, of a value that is not looked into */
};

/* Slots that no rule uses. */
enum wf_agent_slot {
	WF_AGENT_SLOT_TEXT = 240, /* JSON of ARMED, REFUSED, RESTORED; message of LOG */
	WF_AGENT_SLOT_TYPE = 241, /* RAISED, LOG with an exception: module:qualname of its type */
	WF_AGENT_SLOT_MESSAGE = 242,    /* the same: str() of it where that runs no foreign code */
	WF_AGENT_SLOT_TRACEBACK = 243,  /* the same: file, line and function, outermost first */
	WF_AGENT_SLOT_TEMPLATE = 244,   /* LOG: the text before its arguments were put in */
	WF_AGENT_SLOT_LOGGER = 245,     /* LOG */
	WF_AGENT_SLOT_LEVEL = 246,      /* LOG: number of the level, as logging counts */
	WF_AGENT_SLOT_FILE = 247,       /* LOG: path of the source */
	WF_AGENT_SLOT_LINE = 248,       /* LOG */
	WF_AGENT_SLOT_FUNCTION = 249,   /* LOG: name of the caller */
	WF_AGENT_SLOT_TRACESTATE = 250, /* REMOTE */
	WF_AGENT_SLOT_NAME = 251,       /* LOG: name of the level; EVENT: none */
};

/*
 * The span that a thread is in, for native functions that are called below it. A thread stands at
 * wf_agent_slot_of(thread pointer) or in one of the next WF_AGENT_THREAD_PROBES slots, modulo
 * WF_AGENT_THREADS. Only the thread itself changes its slot, between calls.
 */
struct wf_agent_thread {
	__u64 thread_pointer; /* %fs:0; 0 = free */
	__u64 id;             /* innermost open span, 0 = none */
	__u64 start_ns;       /* of that span */
	__u64 root_id, root_start_ns;
	__u64 task_key;
	__u32 tid;    /* in the target's own pid namespace */
	__u32 serial; /* the interpreter's number of it (3.8: tid): pointers are reused */
};

static inline __u32 wf_agent_slot_of(__u64 thread_pointer)
{
	return (__u32)((thread_pointer >> 6) * 0x9E3779B97F4A7C15ULL >> 40) &
	       (WF_AGENT_THREADS - 1);
}

/*
 * Calls of armed functions: entries = completed + abandoned + guarded + silenced + unseen + failed
 * + open now. completed + abandoned is what was shown to wf_site_span.
 */
enum wf_agent_counter {
	WF_AGENT_CNT_ENTRIES,
	WF_AGENT_CNT_COMPLETED,
	WF_AGENT_CNT_ABANDONED,
	WF_AGENT_CNT_GUARDED,   /* the rule's guard said no */
	WF_AGENT_CNT_SILENCED,  /* once or suppress */
	WF_AGENT_CNT_UNSEEN,    /* ended while nobody traced */
	WF_AGENT_CNT_FAILED,    /* no memory for its token */
	WF_AGENT_CNT_INHERITED, /* a forked child let go of its parent's call; no entry of its own
				 */
	WF_AGENT_CNT_STARTS,    /* shown to wf_site_start */
	WF_AGENT_CNT_NOTES,     /* shown to wf_site_note */
	WF_AGENT_CNT_ATTR_LOST, /* values that did not fit or could not be read */
	WF_AGENT_CNT_RUNNING, /* calls that ran when their function was armed; entries are those of
				 which a span began */
	WF_AGENT_CNT_THREADS, /* changes of thread that found no slot */
	WF_AGENT_CNT_FORGOTTEN, /* keys of calls that gave way to newer ones */
	WF_AGENT_COUNTERS = 16,
};

/* Zero in a forked child until its first armed call. */
struct wf_agent_page {
	__u64 alive; /* 0: wiped by a fork, or not used yet */
	__u64 seed[2];
	__u64 counters[WF_AGENT_COUNTERS];
	__u64 pad[5];
	struct wf_agent_thread threads[WF_AGENT_THREADS];
};

/* Exported as wf_agent_anchor; stays where it is for the life of the process. */
struct wf_agent_anchor {
	__u64 magic; /* WF_AGENT_MAGIC */
	__u32 abi;   /* WF_AGENT_ABI */
	__u32 page_bytes;
	__u64 page;      /* address of a struct wf_agent_page, 0 = not started */
	__u64 owner;     /* nonce of the tracer that it is armed for, 0 = none */
	__u32 owner_pid; /* of that tracer, as it named itself */
	__u32 armed;     /* functions */
};

_Static_assert(sizeof(struct wf_agent_record) == 136, "agent record");
_Static_assert(sizeof(struct wf_agent_thread) == 56, "agent thread");
_Static_assert(sizeof(struct wf_agent_page) == 192 + 56 * WF_AGENT_THREADS, "agent page");
_Static_assert(sizeof(struct wf_agent_anchor) == 40, "agent anchor");

#endif
