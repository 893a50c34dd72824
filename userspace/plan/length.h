/* SPDX-License-Identifier: Apache-2.0 */
/*
 * length.h - lengths of instructions newer than the decoder library: vector and mask instructions
 * (VEX, EVEX), shadow stack, protection keys. None of them is a branch. Pure.
 */
#ifndef WF_LENGTH_H
#define WF_LENGTH_H

#include <stddef.h>
#include <stdint.h>

/* 0 where it is none of these, or cut off. */
uint8_t wf_length_of(const uint8_t *bytes, size_t size);

#endif
