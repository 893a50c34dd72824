/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - calls, errors, quantiles and self time by span name. Pure. */
#ifndef WF_TABLE_H
#define WF_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/buf.h"
#include "userspace/base/cleanup.h"

struct wf_table;

/* Names past names_max count together as "(other names)". NULL when memory is out. */
struct wf_table *wf_table_new(uint32_t names_max);
void wf_table_free(struct wf_table *table);

void wf_table_add(struct wf_table *table, const char *name, uint64_t duration_ns, uint64_t self_ns,
		  bool error);
/*
 * Lines for people, most self time first, at most rows_max; nothing for an empty table. width:
 * columns of the terminal, 0 = any.
 */
void wf_table_print(const struct wf_table *table, unsigned width, unsigned rows_max,
		    struct wf_buf *out);

WF_DEFINE_FREEP(wf_table_freep, struct wf_table, wf_table_free)

#endif
