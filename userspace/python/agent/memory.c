/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - what the compiler calls for copies; there is no libc below the agent. */
#include <stddef.h>

void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);

void *memcpy(void *to, const void *from, size_t bytes)
{
	unsigned char *out = to;
	const unsigned char *in = from;

	for (; bytes >= 8; bytes -= 8, out += 8, in += 8)
		__builtin_memcpy(out, in, 8); /* one move */
	while (bytes--)
		*out++ = *in++;
	return to;
}

void *memset(void *to, int value, size_t bytes)
{
	unsigned char *out = to;

	while (bytes--)
		*out++ = (unsigned char)value;
	return to;
}
