/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * record.h - the contract between the kernel programs and the collector.
 *
 * Upwards: records, each a struct wf_rec_head and a body by kind. Downwards: struct wf_spec and
 * what it points to, indexed by the low half of the attach cookie (cookie = generation << 32 |
 * index). Everything is little endian, fixed width, explicitly padded, and compiles alone on both
 * sides. The record stream that the data thread consumed, in this form, is also the recording
 * format; kinds below 16 come from the kernel, the others from the collector itself.
 */
#ifndef WF_RECORD_H
#define WF_RECORD_H

#include <linux/types.h>

#define WF_ABI 1

/* Limits, each with the reason for its value. */
#define WF_FRAMES_MAX        24  /* open calls of one task: 24 * 48 B keep the state near 2.5 KiB */
#define WF_ARENA_BYTES       512 /* captured entry values of one task, in the frame storage */
#define WF_SPILL_BYTES       4096 /* the same for specs marked WF_SPEC_SPILL, allocated on first use */
#define WF_CAPTURES_MAX      12   /* values of one spec; as many as a static probe can have */
#define WF_CAPTURE_BYTES_MAX 2048 /* the longest captured string */
#define WF_STEPS_MAX         4    /* pointers followed for one value */
#define WF_GUARDS_MAX        4    /* compares of one spec */
#define WF_TAIL_SET_MAX      16   /* functions whose frames one exit may close by tail calls */
#define WF_FILES_MAX         64   /* attached files, each with a live generation */

enum wf_record_kind {
	WF_REC_SPAN = 1, /* a call that ended (struct wf_rec_span) */
	WF_REC_OPEN = 2, /* a call that is still running, announced once (struct wf_rec_span) */
	WF_REC_UNFINISHED = 3, /* a call that was running at detach (struct wf_rec_span) */
	WF_REC_TOMBSTONE = 4,  /* a call below min_duration whose children went out before it */
	WF_REC_EVENT = 5,      /* an event probe (struct wf_rec_span: start = end, id = its span) */
	WF_REC_EXCEPTION = 6,  /* struct wf_rec_exception */
	WF_REC_PROCESS = 7,    /* struct wf_rec_process */
	WF_REC_LOG = 8, /* a log record of a Python process (struct wf_rec_span: id = its span) */
	WF_REC_NOTE =
		9, /* what a Python agent armed late, refused, restored (struct wf_rec_span) */
	WF_REC_TICK = 16,     /* head only: every record before head.time_ns has been delivered */
	WF_REC_CLOCK = 17,    /* struct wf_rec_clock */
	WF_REC_RESOURCE = 18, /* head.tgid + JSON object of resource attributes (wf_rec_text) */
	WF_REC_DEFINE =
		19, /* head.span + JSON object that says what this span id is (wf_rec_text) */
	WF_REC_LEDGER = 20, /* struct wf_rec_ledger: the kernel's counters at the end */
};

/* How a span ended. */
enum wf_span_status {
	WF_END_OK = 0,          /* its exit was seen */
	WF_END_DEAD = 1,        /* abandoned: the stack pointer passed it without an exit */
	WF_END_THROW = 2,       /* abandoned: unwound by an exception or panic */
	WF_END_JUMP = 3,        /* abandoned: longjmp */
	WF_END_THREAD_EXIT = 4, /* abandoned: its thread ended */
	WF_END_EXEC = 5,        /* abandoned: its process executed another image */
	WF_END_UNFINISHED = 6,  /* still running at detach */
	WF_END_OPEN = 7,        /* OPEN records only */
	WF_END_RAISED = 8,      /* Python: an exception left it */
	WF_END_CANCELLED = 9,   /* Python: CancelledError or GeneratorExit left it */
};

struct wf_rec_head {
	__u16 kind;      /* enum wf_record_kind */
	__u16 size;      /* bytes of the whole record that are meaningful */
	__u32 span;      /* span id: index of the spec that defines it; 0 = none. With
			  * WF_SPAN_ID_AGENT: number that the agent of process tgid gave the function */
	__u64 time_ns;   /* CLOCK_MONOTONIC at emission; for SPAN the end of the call */
	__u32 tid, tgid; /* in the initial pid namespace */
};

#define WF_SPAN_ID_AGENT 0x80000000u

#define WF_SPAN_ROOT      0x01 /* the outermost frame of its task */
#define WF_SPAN_HELD      0x02 /* an ancestor may still become a tombstone */
#define WF_SPAN_ALT_STACK 0x04 /* ran on the alternate signal stack */
#define WF_SPAN_ATTR_LOST 0x08 /* a capture was dropped (arena full or page not resident) */
#define WF_SPAN_AGENT     0x10 /* of a Python agent: its first value is a struct wf_agent_record */

/* A span record is complete; captured values follow it, each a struct wf_rec_attr. */
struct wf_rec_span {
	struct wf_rec_head head;
	__u64 start_ns;           /* CLOCK_MONOTONIC */
	__u64 id, parent_id;      /* parent 0: the root of this task */
	__u64 trace_hi, trace_lo; /* provisional: the collector maps root_id to the final trace */
	__u64 root_id, root_start_ns;
	__u64 task_key; /* random, one per task and image */
	__u64 sequence; /* per task, grows with each call */
	__u64 cgroup_id;
	__u64 exception; /* WF_END_THROW: address of the exception object; else 0 */
	__u32 generation;
	__u16 depth;      /* frames below it */
	__u8 status;      /* enum wf_span_status */
	__u8 flags;       /* WF_SPAN_* */
	__u16 attr_bytes; /* bytes of struct wf_rec_attr entries that follow */
	__u16 pad16;
	__u32 pad32;
};

enum wf_value_type {
	WF_VAL_I64 = 1, /* all signed widths, sign extended */
	WF_VAL_U64 = 2,
	WF_VAL_BOOL = 3,
	WF_VAL_F32 = 4,
	WF_VAL_F64 = 5,
	WF_VAL_STRING = 6, /* bytes without the NUL; not yet checked for UTF-8 */
	WF_VAL_POINTER = 7,
	WF_VAL_AGENT = 8, /* struct wf_agent_record (agent.h); more types for Python stand there */
};

struct wf_rec_attr {
	__u8 type;      /* enum wf_value_type */
	__u8 slot;      /* which captured value of the rule */
	__u16 len;      /* payload bytes before padding */
	__u32 full_len; /* strings: the length in the target where known, else len */
			/* payload, padded to 8 bytes */
};

/* Thrown by this task; `type` and `message` are raw, the collector decides what they mean. */
struct wf_rec_exception {
	struct wf_rec_head head;
	__u64 span_id; /* innermost open span */
	__u64 object;  /* address, the same that wf_rec_span.exception carries */
	__u64 task_key;
	__u64 vtable;      /* of the type_info object, to tell class from scalar types */
	char type[4][64];  /* type name, then its first base and so on (mangled, NUL ended) */
	char message[192]; /* string behind the second word of the object, if it is one */
};

enum wf_process_event { WF_PROC_FORK = 1, WF_PROC_THREAD = 2, WF_PROC_EXEC = 3, WF_PROC_EXIT = 4 };

struct wf_rec_process {
	struct wf_rec_head head; /* tid, tgid: who did it */
	__u64 task_key;
	__u64 span_id, root_id; /* innermost open span of the doer, 0 = none */
	__u64 span_start_ns;
	__u64 trace_hi, trace_lo;
	__u32 child_tid, child_tgid; /* FORK and THREAD */
	__u32 event;                 /* enum wf_process_event */
	__u32 exit_code;             /* EXIT: as wait() gives it */
	char comm[16];
};

struct wf_rec_clock {
	struct wf_rec_head head;
	__u64 realtime_ns, monotonic_ns; /* one pair, read together */
};

struct wf_rec_text {
	struct wf_rec_head head;
	__u32 len; /* bytes of JSON that follow, padded to 8 */
	__u32 pad;
};

#define WF_REC_AGENT_COUNTERS 16

/* Counters. The three ledger lines of docs/architecture.md are sums over these. */
enum wf_counter {
	WF_CNT_ENTRIES,
	WF_CNT_COMPLETED,
	WF_CNT_ABANDONED,
	WF_CNT_UNFINISHED,
	WF_CNT_GUARDED,
	WF_CNT_SHORT,
	WF_CNT_SAMPLED_OUT,
	WF_CNT_STATE_FULL,
	WF_CNT_RING_FULL,
	WF_CNT_TOMBSTONES,
	WF_CNT_TOMBSTONES_LOST,
	WF_CNT_EXITS,
	WF_CNT_EXIT_MATCHED,
	WF_CNT_EXIT_STATE_FULL,
	WF_CNT_EXIT_IN_FLIGHT,
	WF_CNT_EXIT_DISARMED,
	WF_CNT_EXIT_UNMATCHED,
	WF_CNT_ARENA_FULL,
	WF_CNT_READ_FAULT,
	WF_CNT_EVENTS,
	WF_CNT_EVENTS_LOST,
	WF_CNT_OPEN_ANNOUNCED,
	WF_CNT_OTHER_LOST,  /* EXCEPTION, PROCESS or OPEN records that met a full ring */
	WF_CNT_STALE,       /* hits of a generation that is no longer live */
	WF_CNT_NOT_IN_SET,  /* hits of processes that are not traced */
	WF_CNT_SWITCH_LOST, /* frames of a stack that could not be saved at a stack switch */
	WF_CNT_AGENT_SPANS, /* hits of wf_site_span; each is an entry too */
	WF_CNT_AGENT_STARTS,
	WF_CNT_AGENT_NOTES,
	WF_CNT_AGENT_BAD, /* of the spans: records that could not be read or do not hold together */
	WF_CNT_AGENT_UNREAD, /* spans of processes that ended before their agent's counts were read
			      */
	WF_CNT_LOGS, /* LOG records that went into a ring; those that met a full one: OTHER_LOST */
	WF_COUNTERS = 32,
};

struct wf_rec_ledger {
	struct wf_rec_head head;
	__u64 counters[WF_COUNTERS];
	__u64 open_now;
	__u64 agent[WF_REC_AGENT_COUNTERS]; /* enum wf_agent_counter, over all agents */
};

enum wf_site_kind {
	WF_SITE_ENTER = 1,
	WF_SITE_BRANCH = 2, /* exit site: jcc or jmp before the epilogue, or a direct tail jump */
	WF_SITE_RET = 3,
	WF_SITE_TAIL_JUMP = 4, /* jump to an unknown function counts as the exit */
	WF_SITE_OPEN = 5,      /* a span between two sites */
	WF_SITE_CLOSE = 6,
	WF_SITE_EVENT = 7,
	WF_SITE_THROW = 8,       /* __cxa_throw(object, type_info) */
	WF_SITE_RAISE = 9,       /* _Unwind_RaiseException, _Unwind_Resume: arg1 is the header */
	WF_SITE_LAND = 10,       /* _Unwind_SetIP of libgcc: frames below context->cfa are dead */
	WF_SITE_CATCH = 11,      /* __cxa_begin_catch: frames below sp are dead */
	WF_SITE_LONGJMP = 12,    /* arg1 is the jmp_buf */
	WF_SITE_SWITCH_OUT = 13, /* swapcontext entry */
	WF_SITE_SWITCH_IN = 14,  /* swapcontext and setcontext RET */
	WF_SITE_START = 15,      /* where a launched program is stopped until all is armed */
	WF_SITE_AGENT_SPAN = 16, /* the sites of a Python agent (agent.h): rdi points to a record */
	WF_SITE_AGENT_START = 17,
	WF_SITE_AGENT_NOTE = 18,
};

#define WF_SPEC_SPILL       0x01 /* its captures go to the 4 KiB arena */
#define WF_SPEC_SCOPED      0x02 /* open/close: both sites lie in one function, sp rules apply */
#define WF_SPEC_TAIL_ORIGIN 0x04 /* its function may hand its frame over by a tail jump */
#define WF_SPEC_GUARD_ANY   0x08 /* one true guard is enough (or); else all must hold */
#define WF_SPEC_FOREIGN     0x10 /* may close nothing: another function's exit, guarded close */
#define WF_SPEC_AGAIN       0x20 /* open: a hit while its span is open is part of that span */
#define WF_SPEC_NEXT        0x40 /* with AGAIN: it ends that span instead, and opens the next */

/* DWARF numbering of x86-64; on other machines theirs. */
enum wf_reg {
	WF_REG_RAX,
	WF_REG_RDX,
	WF_REG_RCX,
	WF_REG_RBX,
	WF_REG_RSI,
	WF_REG_RDI,
	WF_REG_RBP,
	WF_REG_RSP,
	WF_REG_R8,
	WF_REG_R9,
	WF_REG_R10,
	WF_REG_R11,
	WF_REG_R12,
	WF_REG_R13,
	WF_REG_R14,
	WF_REG_R15,
	WF_REG_RIP,
	WF_REG_NONE = 255,
};

enum wf_source_type {
	WF_SRC_I8 = 1,
	WF_SRC_I16,
	WF_SRC_I32,
	WF_SRC_I64,
	WF_SRC_U8,
	WF_SRC_U16,
	WF_SRC_U32,
	WF_SRC_U64,
	WF_SRC_BOOL,
	WF_SRC_F32,
	WF_SRC_F64,
	WF_SRC_POINTER,
	WF_SRC_CSTRING,   /* the value is a char *; the bytes up to NUL are captured */
	WF_SRC_CHARS,     /* the string lies at the address itself */
	WF_SRC_STDSTRING, /* libstdc++ std::string object at the address */
};

/*
 * Where a value lies. Start with a register (or `constant` where reg is WF_REG_NONE), add
 * index * scale; then `steps` times: address = value + offset[i], value = *(u64 *)address. The
 * last step reads by `type`; CHARS and STDSTRING take the last address as it is. With no step the
 * value itself is cut to the type's width.
 */
struct wf_source {
	__u8 type;      /* enum wf_source_type */
	__u8 reg;       /* enum wf_reg */
	__u8 index_reg; /* enum wf_reg, WF_REG_NONE = no index */
	__u8 scale;     /* 1, 2, 4, 8 */
	__u8 steps;     /* 0..WF_STEPS_MAX */
	__u8 pad[3];
	__s32 offset[WF_STEPS_MAX];
	__s64 constant;
};

struct wf_capture {
	struct wf_source source;
	__u16 max_bytes; /* strings: cut here, at most WF_CAPTURE_BYTES_MAX */
	__u8 slot;       /* goes to wf_rec_attr.slot */
	__u8 pad[5];
};

enum wf_compare { WF_CMP_EQ = 1, WF_CMP_NE, WF_CMP_LT, WF_CMP_LE, WF_CMP_GT, WF_CMP_GE };

struct wf_guard {
	struct wf_source source; /* integers, bool and pointers only; signed types compare signed */
	__s64 value;
	__u8 compare; /* enum wf_compare */
	__u8 pad[7];
};

struct wf_spec {
	__u8 kind;             /* enum wf_site_kind */
	__u8 condition;        /* BRANCH: x86 condition code 0..15 */
	__u8 direction;        /* BRANCH: 1 leaves when taken, 2 when not, 3 always */
	__u8 cfa_reg;          /* WF_REG_RSP or WF_REG_RBP */
	__s32 cfa_offset;      /* frame sp = cfa_reg + cfa_offset = address of the return address */
	__u32 span;            /* span id that this site opens, closes or (events) belongs to */
	__u32 flags;           /* WF_SPEC_* */
	__u64 min_duration_ns; /* calls shorter than this are not recorded; enter specs carry it */
	__u32 tail_set;        /* index of a struct wf_tail_set, 0 = none */
	__u32 capture_first;   /* index into the captures, entry or exit values of this site */
	__u32 guard_first;
	__u8 capture_count;
	__u8 guard_count;
	__u16 file;         /* slot of the generation table */
	__u32 rule;         /* rule number, for nearest() of events */
	__u32 nearest_rule; /* events: rule + 1 whose innermost frame gets it; 0 = innermost.
			     * NEXT: rule + 1 of which a call must have ended in the span; 0 = none
			     */
};

/* Span ids whose frames, at the exit's own stack pointer, may have been handed over by tail jumps.
 */
struct wf_tail_set {
	__u32 count;
	__u32 span[WF_TAIL_SET_MAX];
};

/* Why a launched program was stopped (SIGSTOP). */
enum wf_held_at {
	WF_HELD_NOT,
	WF_HELD_EXEC, /* it executed an image, of which nothing has run */
	WF_HELD_SITE, /* it came to a WF_SITE_START */
};

/* Written by the collector while attached (mapped), read by the programs. */
struct wf_control {
	__u32 armed;       /* 0: entries and opens are ignored */
	__u32 epoch;       /* changes when the set of processes changes */
	__u32 sweep_final; /* the sweep takes every frame (UNFINISHED) instead of announcing */
	__u32 never;       /* always 0: guards the never-taken tail calls */
	__u64 open_age_ns; /* a call older than this is announced by the sweep */
	__u32 depth_max;   /* frames beyond this depth are guarded; 0 = no limit */
	__u32 follow;      /* children of traced processes are traced too */
	__u32 wake_bytes;  /* unread bytes in a ring at which the collector is woken */
	__u32 hold_tgid;   /* this process stops at each exec, 0 = none */
	__u32 held; /* enum wf_held_at: written where a process is stopped, reset by its session */
	__u32 generation[WF_FILES_MAX];
};

_Static_assert(sizeof(struct wf_rec_head) == 24, "record head");
_Static_assert(sizeof(struct wf_rec_span) == 128, "span record");
_Static_assert(sizeof(struct wf_rec_attr) == 8, "attribute");
_Static_assert(sizeof(struct wf_source) == 32, "source");
_Static_assert(sizeof(struct wf_capture) == 40, "capture");
_Static_assert(sizeof(struct wf_guard) == 48, "guard");
_Static_assert(sizeof(struct wf_spec) == 48, "spec");
_Static_assert(sizeof(struct wf_rec_process) == 104, "process record");

#endif
