/* SPDX-License-Identifier: Apache-2.0 */
#include "operand.h"

#include <stdio.h>
#include <string.h>

static const char *const type_names[] = {
	[WF_SRC_I8] = "i8",       [WF_SRC_I16] = "i16",     [WF_SRC_I32] = "i32",
	[WF_SRC_I64] = "i64",     [WF_SRC_U8] = "u8",       [WF_SRC_U16] = "u16",
	[WF_SRC_U32] = "u32",     [WF_SRC_U64] = "u64",     [WF_SRC_BOOL] = "bool",
	[WF_SRC_F32] = "f32",     [WF_SRC_F64] = "f64",     [WF_SRC_POINTER] = "ptr",
	[WF_SRC_CSTRING] = "str", [WF_SRC_CHARS] = "chars", [WF_SRC_STDSTRING] = "string",
};

#define TYPES (sizeof(type_names) / sizeof(type_names[0]))

uint8_t wf_operand_type(const char *word, size_t len)
{
	for (uint8_t i = 1; i < TYPES; i++) {
		if (strlen(type_names[i]) == len && memcmp(type_names[i], word, len) == 0)
			return i;
	}
	return 0;
}

void wf_operand_root(const struct wf_operand *operand, char out[static WF_OPERAND_TEXT_BYTES])
{
	if (operand->origin == WF_FROM_PYTHON)
		snprintf(out, WF_OPERAND_TEXT_BYTES, "%.100s", operand->path);
	else if (operand->origin == WF_FROM_RETURN)
		snprintf(out, WF_OPERAND_TEXT_BYTES, "return");
	else if (operand->number == 0)
		snprintf(out, WF_OPERAND_TEXT_BYTES, "self");
	else
		snprintf(out, WF_OPERAND_TEXT_BYTES, "%sarg%u", operand->at_close ? "close." : "",
			 operand->number);
}

void wf_operand_text(const struct wf_operand *operand, char out[static WF_OPERAND_TEXT_BYTES])
{
	size_t len;

	wf_operand_root(operand, out);
	if (operand->origin == WF_FROM_PYTHON)
		return;
	len = strlen(out);
	for (uint8_t i = 0; i < operand->steps && i < WF_STEPS_MAX; i++)
		len += (size_t)snprintf(out + len, WF_OPERAND_TEXT_BYTES - len, "->%d",
					operand->offset[i]);
	snprintf(out + len, WF_OPERAND_TEXT_BYTES - len, ":%s",
		 operand->type < TYPES && operand->type ? type_names[operand->type] : "?");
}

bool wf_operand_same(const struct wf_operand *a, const struct wf_operand *b)
{
	if (a->origin == WF_FROM_PYTHON || b->origin == WF_FROM_PYTHON)
		return a->origin == b->origin && a->at_close == b->at_close &&
		       strcmp(a->path, b->path) == 0;
	return a->origin == b->origin && a->number == b->number && a->type == b->type &&
	       a->steps == b->steps && a->at_close == b->at_close &&
	       memcmp(a->offset, b->offset, sizeof(a->offset)) == 0;
}
