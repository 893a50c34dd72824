/* SPDX-License-Identifier: Apache-2.0 */
/* shape.h - the functions of shape.S that are measured. */
#ifndef WF_BENCH_SHAPE_H
#define WF_BENCH_SHAPE_H

#define SHAPES(X)                                                                                  \
	X(plain)                                                                                   \
	X(text)                                                                                    \
	X(text_two)                                                                                \
	X(text_empty)                                                                              \
	X(numbers)                                                                                 \
	X(guarded)                                                                                 \
	X(landed)                                                                                  \
	X(nop_entry)                                                                               \
	X(jump_exit)                                                                               \
	X(straight)                                                                                \
	X(stepped)                                                                                 \
	X(landed_stepped)                                                                          \
	X(two_exits)                                                                               \
	X(three_exits)                                                                             \
	X(mixed)                                                                                   \
	X(loop)                                                                                    \
	X(calling)                                                                                 \
	X(framed)                                                                                  \
	X(room)                                                                                    \
	X(tail_branch)                                                                             \
	X(tail_straight)                                                                           \
	X(tail_pointer)

#define DECLARE(name) long name(const char *text, long n);
SHAPES(DECLARE)
#undef DECLARE

#endif
