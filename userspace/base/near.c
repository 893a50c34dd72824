/* SPDX-License-Identifier: Apache-2.0 */
#include "near.h"

#include <stdio.h>
#include <string.h>

#include "str.h"

#define DISTANCE_MAX 100U
#define CORE_MIN     3U /* shorter fragments are found in everything */

void wf_near_init(struct wf_near *near, const char *pattern)
{
	size_t len = 0;

	*near = (struct wf_near){0};
	for (; *pattern && len + 1 < sizeof(near->core); pattern++) {
		if (!strchr("*?[]", *pattern))
			near->core[len++] = *pattern;
	}
}

static const char *last_part(const char *name)
{
	const char *part = name, *found;

	while ((found = strstr(part, "::")) != NULL)
		part = found + 2;
	return part;
}

/*
 * Edit distance to the name or its last part; a name that holds the pattern, or most of it,
 * counts by what differs in length, but stays behind typing errors.
 */
static unsigned distance_to(const char *core, const char *name)
{
	const char *part = last_part(name), *core_part = last_part(core);
	size_t name_len = strlen(name), part_len = strlen(part);
	size_t len = strlen(core), core_len = strlen(core_part);
	unsigned limit = 1 + (unsigned)len / 4;
	unsigned distance = wf_edit_distance(core, name, limit);

	if (distance <= limit)
		return distance;
	if (part != name && wf_edit_distance(core_part, part, core_len / 4) <= core_len / 4)
		return limit + 1;
	if (core_len < CORE_MIN)
		return DISTANCE_MAX;
	if (strcasestr(name, core))
		return limit + 2 + (unsigned)(name_len - len) / 4;
	if (strcasestr(part, core_part))
		return 2 * limit + 2 + (unsigned)(part_len - core_len) / 4;
	if (part_len >= CORE_MIN && 2 * part_len >= core_len && strcasestr(core_part, part))
		return 2 * limit + 2 + (unsigned)(core_len - part_len) / 2;
	return DISTANCE_MAX;
}

void wf_near_offer(struct wf_near *near, const char *name)
{
	unsigned distance;
	size_t at;

	if (strlen(name) >= WF_NEAR_NAME_MAX)
		return;
	distance = distance_to(near->core, name);
	if (distance >= DISTANCE_MAX)
		return;
	for (at = 0; at < near->count; at++) {
		if (strcmp(near->names[at], name) == 0)
			return;
	}
	if (near->count < WF_NEAR_NAMES)
		near->count++;
	else if (near->distances[WF_NEAR_NAMES - 1] <= distance)
		return;
	for (at = near->count - 1; at > 0 && near->distances[at - 1] > distance; at--) {
		memcpy(near->names[at], near->names[at - 1], WF_NEAR_NAME_MAX);
		near->distances[at] = near->distances[at - 1];
	}
	memcpy(near->names[at], name, strlen(name) + 1);
	near->distances[at] = distance;
}

void wf_near_print(const struct wf_near *near, char *out, size_t size)
{
	size_t len = 0;

	if (size)
		*out = '\0';
	for (size_t i = 0; i < near->count && len < size; i++) {
		int n = snprintf(out + len, size - len, "%s'%s'", i ? ", " : "", near->names[i]);

		if (n < 0 || (size_t)n >= size - len) {
			out[len] = '\0';
			return;
		}
		len += (size_t)n;
	}
}
