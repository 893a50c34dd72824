/* SPDX-License-Identifier: Apache-2.0 */
/* golden.h - compare bytes with a file under tests/golden; WF_GOLDEN_UPDATE=1 writes it anew. */
#ifndef WF_TEST_GOLDEN_H
#define WF_TEST_GOLDEN_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "userspace/base/str.h"

static inline void assert_golden(const char *path, const void *bytes, size_t len)
{
	char *golden = NULL;
	size_t golden_len = 0;
	FILE *file;

	if (getenv("WF_GOLDEN_UPDATE")) {
		file = fopen(path, "we");
		assert_non_null(file);
		assert_int_equal(fwrite(bytes, 1, len, file), len);
		assert_int_equal(fclose(file), 0);
	}
	assert_int_equal(wf_read_file(path, 1 << 20, &golden, &golden_len, NULL), 0);
	assert_int_equal(len, golden_len);
	assert_memory_equal(bytes, golden, len);
	free(golden);
}

#endif
