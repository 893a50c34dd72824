/* SPDX-License-Identifier: Apache-2.0 */
/* insn.h - one decoded instruction: plain data, the same whatever library decodes it. */
#ifndef WF_INSN_H
#define WF_INSN_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"

enum wf_insn_kind {
	WF_INSN_OTHER,
	WF_INSN_PUSH, /* of a 64-bit register, an encoding that the kernel emulates */
	WF_INSN_NOP1,
	WF_INSN_NOP_LONG, /* 2 bytes or more, but not 5 */
	WF_INSN_NOP5,
	WF_INSN_JMP,
	WF_INSN_JCC,
	WF_INSN_LOOP, /* jrcxz, loop, xbegin: a branch whose condition is not in the flags */
	WF_INSN_CALL,
	WF_INSN_CALL_INDIRECT,
	WF_INSN_RET,
	WF_INSN_JMP_INDIRECT,
	WF_INSN_TRAP, /* ud2, int3, hlt, iret: nothing follows */
	WF_INSN_SLOW, /* system call, repeated string operation: may take long */
};

#define WF_INSN_REFUSED 0x01 /* uprobes refuse it: lock or segment prefix, EVEX, trap ... */
#define WF_INSN_NOTRACK 0x02 /* indirect branch that CET does not track: a switch */

struct wf_insn {
	uint64_t address;
	uint64_t target; /* direct branches and calls, else 0 */
	uint8_t size;
	uint8_t kind;      /* enum wf_insn_kind */
	uint8_t condition; /* JCC: 0..15 */
	uint8_t flags;     /* WF_INSN_* */
};

/* What an instruction does to values, as far as somebody asks. */
enum wf_form {
	WF_FORM_OTHER,
	WF_FORM_MOVE,        /* dst = low `width` bytes of src; width 4 clears the upper half */
	WF_FORM_ZERO_EXTEND, /* dst = low `width` bytes of src */
	WF_FORM_SIGN_EXTEND,
	WF_FORM_CONSTANT,    /* dst = imm, also xor with itself */
	WF_FORM_LOAD,        /* dst = `width` bytes at mem, zero extended */
	WF_FORM_LOAD_SIGNED, /* the same, sign extended to 64 bits */
	WF_FORM_STORE,       /* `width` bytes at mem = src */
	WF_FORM_ADDRESS,     /* dst = address of mem */
	WF_FORM_ADD,         /* dst += src, 64 bits */
	WF_FORM_SHIFT_LEFT,  /* dst <<= imm */
	WF_FORM_AND,         /* dst &= imm */
	WF_FORM_COMPARE,     /* flags of dst (or mem where dst is NONE) - imm */
	WF_FORM_SUBTRACT,    /* dst -= imm and the flags of COMPARE */
};

struct wf_memory {
	bool valid;                 /* an operand without segment override */
	uint8_t base, index, scale; /* enum wf_reg, WF_REG_NONE = absent; never RIP */
	int64_t disp;               /* absolute address where base and index are absent */
};

struct wf_detail {
	uint8_t form;     /* enum wf_form */
	uint8_t dst, src; /* enum wf_reg */
	uint8_t width;
	bool writes_memory;
	uint32_t written; /* 1 << enum wf_reg, partial writes included; general registers only */
	int64_t imm;
	struct wf_memory memory;
};

#endif
