/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape.h - the functions of shape.S that are measured, each with the number of its ways out. A
 * call with n = -1, -2 ... takes an early one, with n > 0 the last.
 */
#ifndef WF_BENCH_SHAPE_H
#define WF_BENCH_SHAPE_H

#define SHAPES(X)                                                                                  \
	X(plain, 1)                                                                                \
	X(text, 1)                                                                                 \
	X(text_two, 1)                                                                             \
	X(text_empty, 1)                                                                           \
	X(numbers, 1)                                                                              \
	X(guarded, 1)                                                                              \
	X(landed, 1)                                                                               \
	X(nop_entry, 1)                                                                            \
	X(jump_exit, 1)                                                                            \
	X(straight, 1)                                                                             \
	X(stepped, 1)                                                                              \
	X(landed_stepped, 1)                                                                       \
	X(two_exits, 2)                                                                            \
	X(three_exits, 3)                                                                          \
	X(mixed, 2)                                                                                \
	X(loop, 1)                                                                                 \
	X(calling, 1)                                                                              \
	X(framed, 1)                                                                               \
	X(room, 1)                                                                                 \
	X(tail_branch, 1)                                                                          \
	X(tail_straight, 1)                                                                        \
	X(tail_pointer, 1)

#define DECLARE(name, exits) long name(const char *text, long n);
SHAPES(DECLARE)
#undef DECLARE

#endif
