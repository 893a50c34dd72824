/* SPDX-License-Identifier: Apache-2.0 */
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

/* The ']' that ends the set opened at `set`, or NULL: then the '[' is an ordinary byte. */
static const char *set_end(const char *set)
{
	const char *p = set + 1;

	if (*p == '!' || *p == '^')
		p++;
	if (*p == ']')
		p++;
	return strchr(p, ']');
}

static bool set_matches(const char *set, const char *end, unsigned char c)
{
	const char *p = set + 1;
	bool negated = *p == '!' || *p == '^', found = false;

	for (p += negated; p < end; p++) {
		unsigned char low = p[0], high = low;

		if (p[1] == '-' && p + 2 < end) {
			high = p[2];
			p += 2;
		}
		if (c >= low && c <= high)
			found = true;
	}
	return found != negated;
}

/* Match one byte against one pattern element; returns what follows the element, or NULL. */
static const char *match_one(const char *pattern, unsigned char c)
{
	const char *end;

	if (*pattern == '?')
		return pattern + 1;
	if (*pattern == '[') {
		end = set_end(pattern);
		if (end)
			return set_matches(pattern, end, c) ? end + 1 : NULL;
	}
	return (unsigned char)*pattern == c ? pattern + 1 : NULL;
}

bool wf_glob_match(const char *pattern, const char *text)
{
	const char *star = NULL, *star_text = NULL;

	/* Only the last star is ever retried, so the work is bounded by pattern times text. */
	while (*text) {
		const char *next = *pattern == '*' ? NULL : match_one(pattern, *text);

		if (*pattern == '*') {
			star = ++pattern;
			star_text = text;
		} else if (*pattern && next) {
			pattern = next;
			text++;
		} else if (star) {
			pattern = star;
			text = ++star_text;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

bool wf_glob_is_pattern(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '*' || *p == '?' || (*p == '[' && set_end(p)))
			return true;
	}
	return false;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One row of the table for a[i - 1], over that of the byte before; returns its smallest value. */
static size_t distance_row(size_t *row, char byte, size_t i, const char *b, size_t b_len,
			   size_t limit)
{
	size_t from = i > limit ? i - limit : 1, to = min_size(b_len, i + limit);
	size_t diagonal = row[from - 1], best;

	best = row[from - 1] = from == 1 ? i : limit + 1;
	for (size_t j = from; j <= to; j++) {
		size_t above = j == i + limit ? limit + 1 : row[j];
		size_t cost = min_size(above, row[j - 1]) + 1;

		cost = min_size(cost, diagonal + (byte != b[j - 1]));
		diagonal = row[j];
		row[j] = cost;
		best = min_size(best, cost);
	}
	return best;
}

unsigned wf_edit_distance(const char *a, const char *b, unsigned max)
{
	size_t a_len = strlen(a), b_len = strlen(b), longer = a_len > b_len ? a_len : b_len;
	size_t limit = min_size(max, longer);
	wf_auto(wf_freep) size_t *row = NULL;

	if (longer - min_size(a_len, b_len) > limit)
		return max + 1;
	row = malloc((b_len + 1) * sizeof(*row));
	if (!row)
		return max + 1;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	/* Only a band of width 2 * limit + 1 around the diagonal can stay within the limit. */
	for (size_t i = 1; i <= a_len; i++) {
		if (distance_row(row, a[i - 1], i, b, b_len, limit) > limit)
			return max + 1;
	}
	return row[b_len] > limit ? max + 1 : (unsigned)row[b_len];
}

/* Files under /proc tell no size, so the buffer grows as it is read. */
static int read_all(int fd, size_t max_bytes, char **ret, size_t *ret_len)
{
	wf_auto(wf_freep) char *data = NULL;
	size_t cap = 0, len = 0;

	for (;;) {
		ssize_t n;

		if (len == cap) {
			char *bigger;

			if (cap > max_bytes)
				return -EFBIG;
			cap = cap ? cap * 2 : 4096;
			bigger = realloc(data, cap + 1);
			if (!bigger)
				return -ENOMEM;
			data = bigger;
		}
		n = read(fd, data + len, cap - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += n;
	}
	if (len > max_bytes)
		return -EFBIG;
	data[len] = '\0';
	*ret = wf_take(data);
	*ret_len = len;
	return 0;
}

int wf_read_file(const char *path, size_t max_bytes, char **ret, size_t *ret_len,
		 struct wf_err *err)
{
	wf_auto(wf_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	int rc;

	if (fd < 0)
		return wf_err_set(err, errno, "cannot open %s: %s", path, strerror(errno));
	rc = read_all(fd, max_bytes, ret, &len);
	if (rc == -EFBIG)
		return wf_err_set(err, EFBIG, "%s is larger than %zu bytes", path, max_bytes);
	if (rc < 0)
		return wf_err_set(err, -rc, "cannot read %s: %s", path, strerror(-rc));
	if (ret_len)
		*ret_len = len;
	return 0;
}

uint64_t wf_mix64(uint64_t value)
{
	value += 0x9e3779b97f4a7c15ULL;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
	return value ^ (value >> 31);
}

const char *wf_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
