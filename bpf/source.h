/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * source.h - what the kernel programs and the collector must think alike about captured values: how
 * wide a type is, and how guards compare.
 */
#ifndef WF_BPF_SOURCE_H
#define WF_BPF_SOURCE_H

#include "record.h"

/* Bytes of a value of an enum wf_source_type in the target's memory. */
static inline __u32 wf_src_width(__u32 type)
{
	switch (type) {
	case WF_SRC_I8:
	case WF_SRC_U8:
	case WF_SRC_BOOL:
		return 1;
	case WF_SRC_I16:
	case WF_SRC_U16:
		return 2;
	case WF_SRC_I32:
	case WF_SRC_U32:
	case WF_SRC_F32:
		return 4;
	default:
		return 8;
	}
}

/* enum wf_compare of two values of that type: signed types as signed ones, all others not. */
static inline int wf_src_compare(__u32 compare, __u32 type, __u64 left, __u64 right)
{
	__u64 flip = type <= WF_SRC_I64 ? 1ull << 63 : 0;

	left ^= flip;
	right ^= flip;
	switch (compare) {
	case WF_CMP_EQ:
		return left == right;
	case WF_CMP_NE:
		return left != right;
	case WF_CMP_LT:
		return left < right;
	case WF_CMP_LE:
		return left <= right;
	case WF_CMP_GT:
		return left > right;
	case WF_CMP_GE:
		return left >= right;
	default:
		return 0;
	}
}

#endif
