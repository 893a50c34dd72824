/* SPDX-License-Identifier: Apache-2.0 */
#include "grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int wf_grow(void *array, uint32_t *capacity, uint32_t need, size_t item_bytes)
{
	uint64_t want = (uint64_t)need + need / 2 + 16;
	void *grown;

	if (need <= *capacity)
		return 0;
	if (want > UINT32_MAX || want > SIZE_MAX / item_bytes)
		return -ENOMEM;
	memcpy(&grown, array, sizeof(grown));
	grown = reallocarray(grown, want, item_bytes);
	if (!grown)
		return -ENOMEM;
	memcpy(array, &grown, sizeof(grown));
	*capacity = (uint32_t)want;
	return 0;
}
