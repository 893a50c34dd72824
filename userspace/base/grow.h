/* SPDX-License-Identifier: Apache-2.0 */
/* grow.h - arrays that grow, more than by one at a time. Their maximum is the caller's affair. */
#ifndef WF_GROW_H
#define WF_GROW_H

#include <stddef.h>
#include <stdint.h>

/*
 * Make room for `need` items of an array: `array` is the address of its pointer. -ENOMEM, and then
 * all is as before.
 */
int wf_grow(void *array, uint32_t *capacity, uint32_t need, size_t item_bytes);

#endif
