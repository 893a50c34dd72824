/* SPDX-License-Identifier: Apache-2.0 */
/* A mangled name, and any text as a demangled one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/target/demangle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void make_bare(const char *text)
{
	char out[512];

	for (int keep = 0; keep < 2; keep++) {
		size_t len = wf_demangle_bare(text, keep, out, sizeof(out));

		if (len >= sizeof(out) || strlen(out) > len)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = malloc(len + 1), *readable;

	if (!text)
		return 0;
	memcpy(text, bytes, len);
	text[len] = '\0';
	make_bare(text);
	readable = wf_demangle_alloc(text);
	if (readable)
		make_bare(readable);
	free(readable);
	free(text);
	return 0;
}
