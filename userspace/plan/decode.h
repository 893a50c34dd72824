/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode.h - machine code to the few facts that choosing a probe site needs.
 *
 * The only module that knows the decoder library. x86-64 for now; another machine fills the same
 * structs. A decoder owns its library handles; decoded instructions are plain data. One thread.
 */
#ifndef WF_DECODE_H
#define WF_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "insn.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

struct wf_decoder;

int wf_decoder_new(struct wf_decoder **ret, struct wf_err *err);
void wf_decoder_free(struct wf_decoder *decoder);

/*
 * Decode all of `bytes`, at most `max` instructions. -EILSEQ where something does not decode
 * before the end (*ret_count says how many did), -E2BIG where max is met.
 */
int wf_decoder_run(struct wf_decoder *decoder, const uint8_t *bytes, size_t size, uint64_t address,
		   struct wf_insn *out, uint32_t max, uint32_t *ret_count);
/* `bytes` are the instruction's own. -EILSEQ. */
int wf_decoder_detail(struct wf_decoder *decoder, const uint8_t *bytes, const struct wf_insn *insn,
		      struct wf_detail *ret);

/* The kernel emulates it, so a probe on it costs one trap and no single step. */
bool wf_insn_is_emulated(const struct wf_insn *insn);
/* Safe on every kernel, where it is not known what the function around it does: no 5-byte NOP
 * either. */
bool wf_insn_takes_probe(const struct wf_insn *insn);
/* Nothing is executed behind it. */
bool wf_insn_ends(const struct wf_insn *insn);

WF_DEFINE_FREEP(wf_decoder_freep, struct wf_decoder, wf_decoder_free)

#endif
