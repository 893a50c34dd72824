/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - from the values that a rule asks for to where they lie at one site. x86-64 System V:
 * the first six integer-class arguments are in registers, the others on the stack. Pure.
 */
#ifndef WF_SOURCE_H
#define WF_SOURCE_H

#include "bpf/record.h"
#include "userspace/base/err.h"
#include "userspace/rule/rule.h"

enum wf_location_kind {
	WF_AT_UNKNOWN,
	WF_AT_REGISTER, /* low `width` bytes of reg, the rest of the value is zero or sign */
	WF_AT_CONSTANT,
	WF_AT_MEMORY, /* `width` bytes at reg + disp */
};

/* Where the return value lies at an exit, before the rest of the epilogue has run. */
struct wf_location {
	uint8_t kind; /* enum wf_location_kind */
	uint8_t reg;  /* enum wf_reg */
	uint8_t width;
	bool stored; /* the epilogue writes memory: what the value points to may change */
	int32_t disp;
	int64_t constant;
};

bool wf_location_equal(const struct wf_location *a, const struct wf_location *b);

/* At a function's entry, while the stack pointer is intact. -ENOTSUP with a reason. */
int wf_source_argument(const struct wf_operand *operand, struct wf_source *ret, struct wf_err *err);
/* -ENOTSUP where the kernel cannot read it from there. */
int wf_source_return(const struct wf_operand *operand, const struct wf_location *place,
		     struct wf_source *ret, struct wf_err *err);
/*
 * From an argument of a static probe, which lies at `base` (type by its size and sign): numbers
 * keep the probe's type, as the program that has the probe knows best.
 */
int wf_source_probe(const struct wf_operand *operand, const struct wf_source *base,
		    struct wf_source *ret, struct wf_err *err);
/* Registers that must be intact to read an argument: 1 << enum wf_reg. */
uint32_t wf_source_registers(const struct wf_operand *operand);
/* True where the type is a string, so its length counts. */
bool wf_source_is_string(uint8_t type);

#endif
