/* SPDX-License-Identifier: Apache-2.0 */
#include "length.h"

#include <stdbool.h>

#define MAP_0F   1
#define MAP_0F3A 3 /* every instruction has an immediate byte */

/* Operand byte with what belongs to it: scale-index byte and displacement. 0 = cut off. */
static size_t operand_length(const uint8_t *bytes, size_t size)
{
	size_t length = 1;
	uint8_t mod, rm;

	if (!size)
		return 0;
	mod = bytes[0] >> 6;
	rm = bytes[0] & 7;
	if (mod == 3)
		return 1;
	if (rm == 4) {
		if (size < 2)
			return 0;
		if (mod == 0 && (bytes[1] & 7) == 5)
			length += 4;
		length++;
	} else if (mod == 0 && rm == 5) {
		length += 4;
	}
	return length + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

static bool has_immediate(uint8_t map, uint8_t opcode)
{
	if (map == MAP_0F3A)
		return true;
	return map == MAP_0F && ((opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 ||
				 (opcode >= 0xc4 && opcode <= 0xc6));
}

/* VEX (c5, c4) and EVEX (62): prefix, opcode, operands, maybe an immediate. */
static size_t vector_length(const uint8_t *bytes, size_t size)
{
	size_t prefix = bytes[0] == 0xc5 ? 2 : bytes[0] == 0xc4 ? 3 : bytes[0] == 0x62 ? 4 : 0;
	uint8_t map;
	size_t operands;

	if (!prefix || size < prefix + 2)
		return 0;
	map = prefix == 2 ? MAP_0F : prefix == 3 ? bytes[1] & 0x1f : bytes[1] & 7;
	if (map < MAP_0F || map > 6)
		return 0;
	if (map == MAP_0F && prefix < 4 && bytes[prefix] == 0x77)
		return prefix + 1; /* vzeroupper */
	operands = operand_length(bytes + prefix + 1, size - prefix - 1);
	if (!operands)
		return 0;
	return prefix + 1 + operands + has_immediate(map, bytes[prefix]);
}

/* rdssp and incssp: f3 [rex] 0f 1e or 0f ae with a register operand. */
static size_t shadow_stack_length(const uint8_t *bytes, size_t size)
{
	size_t at = 1;

	if (size < 4 || bytes[0] != 0xf3)
		return 0;
	if ((bytes[at] & 0xf0) == 0x40)
		at++;
	if (size < at + 3 || bytes[at] != 0x0f || (bytes[at + 1] != 0x1e && bytes[at + 1] != 0xae))
		return 0;
	return bytes[at + 2] >> 6 == 3 ? at + 3 : 0;
}

/* rdpkru, wrpkru, serialize and others: 0f 01 with a register operand. */
static size_t system_length(const uint8_t *bytes, size_t size)
{
	return size >= 3 && bytes[0] == 0x0f && bytes[1] == 0x01 && bytes[2] >> 6 == 3 ? 3 : 0;
}

uint8_t wf_length_of(const uint8_t *bytes, size_t size)
{
	size_t length;

	if (!size)
		return 0;
	length = vector_length(bytes, size);
	if (!length)
		length = shadow_stack_length(bytes, size);
	if (!length)
		length = system_length(bytes, size);
	return length <= size && length <= 15 ? (uint8_t)length : 0;
}
