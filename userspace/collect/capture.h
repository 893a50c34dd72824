/* SPDX-License-Identifier: Apache-2.0 */
/* capture.h - captured values of a record as slots that expressions can read. Pure. */
#ifndef WF_CAPTURE_H
#define WF_CAPTURE_H

#include <stdint.h>

#include "bpf/record.h"
#include "userspace/base/arena.h"
#include "userspace/rule/where.h"
#include "userspace/span/value.h"
#include "userspace/span/wire.h"

#define WF_SLOTS_MAX 64
#define WF_LIST_MAX  32 /* items of one list */

struct wf_slots {
	struct wf_value values[WF_SLOTS_MAX];
	uint32_t count;
	uint32_t seen;     /* values that the record carried */
	uint32_t repaired; /* strings that were not valid UTF-8 */
};

/*
 * Fill one slot per operand (at most WF_SLOTS_MAX); those that the record does not carry, or not
 * as their operand's type, are NONE. Strings are copied to the arena as valid UTF-8. 0, -EBADMSG,
 * or -ENOSPC where the arena is full.
 */
int wf_capture_slots(const struct wf_rec_span *record, const struct wf_operand *operands,
		     uint32_t count, struct wf_arena *arena, struct wf_slots *ret);
/* Valid UTF-8 in the arena, NUL-ended; *repaired is raised where bytes had to be replaced. */
int wf_capture_string(struct wf_arena *arena, const char *text, size_t len, struct wf_value *ret,
		      uint32_t *repaired);

/* One value; NONE where the target had none. 0, -EBADMSG or -ENOSPC. */
int wf_capture_value(struct wf_arena *arena, const struct wf_wire_attr *attr, struct wf_value *ret,
		     uint32_t *repaired);

/* "module:qualname" as people write it: in place, without "builtins". */
const char *wf_capture_type_name(char *text, uint32_t *count);

#endif
