/* SPDX-License-Identifier: Apache-2.0 */
#include "site_word.h"

#include <elf.h>

/* The instructions that make the difference in cost; anything else is only "stepped". */
static const char *word_x86(const uint8_t *bytes)
{
	bool rex = (bytes[0] & 0xf0) == 0x40;
	uint8_t opcode = rex ? bytes[1] : bytes[0];

	if ((opcode & 0xf8) == 0x50)
		return "push";
	if (rex)
		return NULL;
	if (opcode == 0x90)
		return "nop";
	if (opcode == 0xe9 || opcode == 0xeb)
		return "jmp";
	if ((opcode & 0xf0) == 0x70 || (opcode == 0x0f && (bytes[1] & 0xf0) == 0x80))
		return "jcc";
	if (opcode == 0xf3 && bytes[1] == 0x0f && bytes[2] == 0x1e && bytes[3] == 0xfa)
		return "endbr64";
	return NULL;
}

const char *wf_site_word(struct wf_binary *elf, const struct wf_plan_function *function)
{
	const char *word = NULL;
	const uint8_t *bytes = NULL;

	if (elf && wf_binary_machine(elf) == EM_X86_64)
		bytes = wf_binary_bytes(elf, function->address + function->entry_shift, 4);
	if (bytes)
		word = word_x86(bytes);
	if (word)
		return word;
	return function->entry_class == WF_CLASS_EMULATED ? "cheap" : "stepped";
}
