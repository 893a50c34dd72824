/* SPDX-License-Identifier: Apache-2.0 */
/* detail.h - operands of one decoded instruction in our own terms. Private to decode.c. Pure. */
#ifndef WF_DETAIL_H
#define WF_DETAIL_H

#include <capstone/capstone.h>

#include "insn.h"

/* `ret` is zeroed but for dst and src, which are WF_REG_NONE. */
void wf_detail_fill(csh handle, const cs_insn *insn, struct wf_detail *ret);

#endif
