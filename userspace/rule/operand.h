/* SPDX-License-Identifier: Apache-2.0 */
/* operand.h - operands as the profile language writes them: names, types, equality. Pure. */
#ifndef WF_OPERAND_H
#define WF_OPERAND_H

#include <stddef.h>

#include "where.h"

#define WF_OPERAND_TEXT_BYTES 112

/* enum wf_source_type of "i32", "str" ...; 0 where it is none of them. */
uint8_t wf_operand_type(const char *word, size_t len);

/* The root as it is written: arg1, close.arg2, self, return. */
void wf_operand_root(const struct wf_operand *operand, char out[static WF_OPERAND_TEXT_BYTES]);
/* All of it, but for a text's length: arg1->24:str. */
void wf_operand_text(const struct wf_operand *operand, char out[static WF_OPERAND_TEXT_BYTES]);

/* The same value of the same call, whatever length of a text is kept. */
bool wf_operand_same(const struct wf_operand *a, const struct wf_operand *b);

#endif
