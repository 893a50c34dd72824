/* SPDX-License-Identifier: Apache-2.0 */
#include "near.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

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
 * Edit distance to the name or its last part; a name that holds the pattern or is held by it
 * counts by what it has too much, but stays behind typing errors.
 */
static unsigned distance_to(const char *core, const char *name)
{
	unsigned limit = 1 + (unsigned)strlen(core) / 4;
	unsigned distance = wf_edit_distance(core, name, limit);
	const char *part = last_part(name);
	size_t len = strlen(core);

	if (distance > limit && part != name)
		distance = wf_edit_distance(core, part, limit);
	if (distance <= limit)
		return distance;
	if (len < CORE_MIN)
		return DISTANCE_MAX;
	if (strcasestr(name, core))
		return limit + 1 + (unsigned)(strlen(name) - len) / 4;
	if (strlen(part) > CORE_MIN && strcasestr(core, part))
		return limit + 1 + (unsigned)(len - strlen(part)) / 2;
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
