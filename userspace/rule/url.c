/* SPDX-License-Identifier: Apache-2.0 */
#include "url.h"

#include <string.h>

#include "userspace/base/str.h"

/* Pieces of SCHEME://[USER@]HOST[:PORT][/PATH][?QUERY][#FRAGMENT]; a missing piece is empty. */
struct pieces {
	const char *scheme, *host, *port, *path;
	size_t scheme_len, host_len, port_len, path_len;
};

static size_t span_until(const char *text, size_t len, const char *stops)
{
	size_t i = 0;

	while (i < len && !strchr(stops, text[i]))
		i++;
	return i;
}

static void split_authority(const char *text, size_t len, struct pieces *out)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '@') {
			text += i + 1;
			len -= i + 1;
			i = (size_t)-1;
		}
	}
	out->host = text;
	out->host_len = len > 0 && text[0] == '[' ? span_until(text, len, "]") + 1
						  : span_until(text, len, ":");
	if (out->host_len > len)
		out->host_len = len;
	if (out->host_len + 1 < len && text[out->host_len] == ':') {
		out->port = text + out->host_len + 1;
		out->port_len = len - out->host_len - 1;
	}
}

static void split(const char *url, size_t len, struct pieces *out)
{
	size_t scheme = span_until(url, len, ":/?#"), authority;

	memset(out, 0, sizeof(*out));
	if (scheme + 3 <= len && memcmp(url + scheme, "://", 3) == 0) {
		out->scheme = url;
		out->scheme_len = scheme;
		url += scheme + 3;
		len -= scheme + 3;
		authority = span_until(url, len, "/?#");
		split_authority(url, authority, out);
		url += authority;
		len -= authority;
	}
	out->path = url;
	out->path_len = span_until(url, len, "?#");
}

static struct wf_value piece(const char *text, size_t len, struct wf_arena *arena)
{
	if (len == 0)
		return (struct wf_value){0};
	return wf_value_string(wf_arena_strndup(arena, text, len), len);
}

static struct wf_value port_value(const struct pieces *url)
{
	struct wf_value value = {0};
	char digits[6];
	uint64_t port;

	if (url->port_len == 0 || url->port_len >= sizeof(digits))
		return value;
	memcpy(digits, url->port, url->port_len);
	digits[url->port_len] = '\0';
	if (wf_parse_u64(digits, &port) < 0 || port > UINT16_MAX)
		return value;
	value.kind = WF_VALUE_INT;
	value.integer = (int64_t)port;
	return value;
}

static struct wf_value whole(const struct pieces *url, struct wf_arena *arena)
{
	char *out;

	if (url->scheme_len == 0)
		return piece(url->path, url->path_len, arena);
	out = wf_arena_printf(arena, "%.*s://%.*s%s%.*s%.*s", (int)url->scheme_len, url->scheme,
			      (int)url->host_len, url->host, url->port_len ? ":" : "",
			      (int)url->port_len, url->port ? url->port : "", (int)url->path_len,
			      url->path);
	return wf_value_string(out, out ? strlen(out) : 0);
}

struct wf_value wf_url_part(const char *url, size_t len, enum wf_url_part part,
			    struct wf_arena *arena)
{
	struct pieces pieces;

	split(url, len, &pieces);
	switch (part) {
	case WF_URL_SCHEME:
		return piece(pieces.scheme, pieces.scheme_len, arena);
	case WF_URL_HOST:
		return piece(pieces.host, pieces.host_len, arena);
	case WF_URL_PORT:
		return port_value(&pieces);
	case WF_URL_PATH:
		return piece(pieces.path, pieces.path_len, arena);
	default:
		return whole(&pieces, arena);
	}
}
