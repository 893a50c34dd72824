/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sql.h - statements without the values in them, for filters. Pure; NONE where the arena is full.
 */
#ifndef WF_SQL_H
#define WF_SQL_H

#include <stddef.h>

#include "userspace/base/arena.h"
#include "userspace/span/value.h"

/* Literals as '?' and comments left out. */
struct wf_value wf_sql_sanitize(const char *text, size_t len, struct wf_arena *arena);
/* "SELECT orders" */
struct wf_value wf_sql_summary(const char *text, size_t len, struct wf_arena *arena);

#endif
