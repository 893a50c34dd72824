/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/str.h"

#define SHOWN_BYTES 80 /* of an -f rule in a message */

/* Characters before the byte offset: what an editor calls the column. */
static uint32_t characters(const char *text, size_t offset)
{
	uint32_t count = 0;

	for (size_t i = 0; i < offset && text[i]; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

static void format_place(const struct wf_place *place, size_t offset, char *out, size_t size)
{
	uint32_t column = place->column;
	size_t shown;

	if (place->exact && place->text)
		column += characters(place->text, offset);
	if (place->file) {
		snprintf(out, size, "%s:%u:%u", place->file, place->line, column);
		return;
	}
	shown = wf_utf8_truncate(place->rule, strlen(place->rule), SHOWN_BYTES);
	snprintf(out, size, "-f '%.*s%s': column %u", (int)shown, place->rule,
		 place->rule[shown] ? "..." : "", column);
}

int wf_place_err(const struct wf_place *place, size_t offset, struct wf_err *err, int code,
		 const char *fmt, ...)
{
	char where[240], what[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	format_place(place, offset, where, sizeof(where));
	return wf_err_set(err, code, "%s: %s", where, what);
}

const char *wf_nearest_word(const char *word, const char *const *candidates)
{
	size_t len = strlen(word);
	unsigned best = len < 4 ? 2 : 3; /* one more than what still counts as near */
	const char *nearest = NULL;

	for (; *candidates; candidates++) {
		unsigned distance = wf_edit_distance(word, *candidates, best);

		if (distance >= best || distance >= len)
			continue;
		best = distance;
		nearest = *candidates;
	}
	return nearest;
}
