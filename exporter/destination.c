/* SPDX-License-Identifier: Apache-2.0 */
#include "destination.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/str.h"

#define TRACES_PATH "/v1/traces"
#define LOGS_PATH   "/v1/logs"
#define OTLP_PORT   4318
#define GRPC_PORT   4317
#define TEXT_MAX    4096

static const char *const presets[] = {
	"datadog", "tempo",       "jaeger",  "grafana", "alloy",     "honeycomb",  "newrelic",
	"signoz",  "openobserve", "elastic", "zipkin",  "dynatrace", "prometheus",
};

/* Parts of a URL; they point into the text. */
struct url {
	const char *scheme, *user, *host, *path, *query;
	int scheme_len, user_len, host_len, path_len;
	uint64_t port; /* 0 = none given */
};

void wf_destination_done(struct wf_destination *destination)
{
	free(destination->name);
	free(destination->target);
	free(destination->logs);
	wf_headers_done(&destination->headers);
	*destination = (struct wf_destination){0};
}

void wf_destinations_done(struct wf_destinations *destinations)
{
	while (destinations->count)
		wf_destination_done(&destinations->items[--destinations->count]);
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= 0x20 || *text == 0x7f || strchr("\"<>\\^`{|}", *text))
			return false;
	return true;
}

static bool is_host(const char *host, int len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_:[]%";

	return len > 0 && (int)strspn(host, allowed) >= len;
}

static int port_parse(const char *text, int len, uint64_t *ret)
{
	char digits[8];

	if (len < 1 || len > 5)
		return -EINVAL;
	memcpy(digits, text, (size_t)len);
	digits[len] = '\0';
	if ((int)strspn(digits, "0123456789") != len || wf_parse_u64(digits, ret) < 0 || !*ret ||
	    *ret > 65535)
		return -EINVAL;
	return 0;
}

/* host[:port], the host perhaps an IPv6 address in brackets. */
static int authority_parse(const char *text, int len, struct url *ret)
{
	const char *colon = NULL, *bracket = memchr(text, ']', (size_t)len);
	const char *from = bracket ? bracket : text;

	if (*text == '[' && !bracket)
		return -EINVAL;
	colon = memchr(from, ':', (size_t)(text + len - from));
	ret->host = text;
	ret->host_len = colon ? (int)(colon - text) : len;
	if (!is_host(ret->host, ret->host_len))
		return -EINVAL;
	if (bracket && bracket + 1 != text + ret->host_len)
		return -EINVAL;
	return colon ? port_parse(colon + 1, (int)(text + len - colon - 1), &ret->port) : 0;
}

/* The user part may be a password: the message does not repeat it, nor what does not print. */
static int url_refuse(const char *text, const char *host, int host_len, bool has_user,
		      struct wf_err *err)
{
	int scheme_len = (int)strcspn(text, ":");

	if (!is_printable(text) || has_user || host_len > 80 || scheme_len > 20)
		return wf_err_set(err, EINVAL,
				  "the address is no valid URL; write http://HOST:4318");
	return wf_err_set(err, EINVAL,
			  "'%.*s://%.*s' is no valid URL: host or port is wrong; write "
			  "http://HOST:4318",
			  scheme_len, text, host_len, host);
}

/* text begins with a scheme and "://". */
static int url_parse(const char *text, struct url *ret, struct wf_err *err)
{
	const char *start = strstr(text, "://") + 3, *at;
	int len = (int)strcspn(start, "/?#");

	*ret = (struct url){.scheme = text, .scheme_len = (int)(start - text) - 3};
	ret->path = start + len;
	ret->path_len = (int)strcspn(ret->path, "?#");
	ret->query = ret->path + ret->path_len;
	at = memrchr(start, '@', (size_t)len);
	if (at) {
		ret->user = start;
		ret->user_len = (int)(at - start);
		len -= ret->user_len + 1;
		start = at + 1;
	}
	if (!is_printable(text) || strchr(text, '#') || authority_parse(start, len, ret) < 0)
		return url_refuse(text, start, len, ret->user_len != 0, err);
	return 0;
}

static int grpc_refuse(const struct url *url, struct wf_err *err)
{
	return wf_err_set(err, EOPNOTSUPP,
			  "gRPC export is not in this version%s; use http://%.*s:4318, not grpc://",
			  url->port == GRPC_PORT ? " (port 4317 speaks gRPC)" : "", url->host_len,
			  url->host);
}

static int url_print(const struct url *url, const char *number, const char *path, int path_len,
		     char **ret)
{
	int rc = asprintf(ret, "%.*s://%.*s%s%.*s%s%.*s%s", url->scheme_len, url->scheme,
			  url->user_len, url->user ? url->user : "", url->user ? "@" : "",
			  url->host_len, url->host, number, path_len, path, url->query);

	if (rc < 0)
		*ret = NULL;
	return rc;
}

/* Where traces go to the path of the protocol, logs go to theirs. */
static int logs_make(const struct url *url, const char *number, const char *path, int path_len,
		     struct wf_destination *ret)
{
	int base = path_len - (int)strlen(TRACES_PATH);
	wf_auto(wf_freep) char *logs = NULL;

	if (base < 0 || strncmp(path + base, TRACES_PATH, strlen(TRACES_PATH)) != 0)
		return 0;
	if (asprintf(&logs, "%.*s" LOGS_PATH, base, path) < 0) {
		logs = NULL;
		return -1;
	}
	return url_print(url, number, logs, (int)strlen(logs), &ret->logs);
}

/* path: what follows the host, already complete. port 0 = that of the scheme. */
static int otlp_make(const struct url *url, uint64_t port, const char *path, int path_len,
		     struct wf_destination *ret, struct wf_err *err)
{
	char number[8] = "";
	int rc;

	if (port)
		snprintf(number, sizeof(number), ":%u", (unsigned)port);
	rc = asprintf(&ret->name, "%.*s://%.*s%s%.*s", url->scheme_len, url->scheme, url->host_len,
		      url->host, number, path_len, path);
	if (rc < 0)
		ret->name = NULL;
	else
		rc = url_print(url, number, path, path_len, &ret->target);
	if (rc >= 0)
		rc = logs_make(url, number, path, path_len, ret);
	if (rc < 0) {
		wf_destination_done(ret);
		return wf_err_set(err, ENOMEM, "out of memory");
	}
	ret->kind = WF_DESTINATION_OTLP;
	return 0;
}

static bool has_scheme(const char *text, const char *scheme)
{
	size_t len = strlen(scheme);

	return strncasecmp(text, scheme, len) == 0 && strncmp(text + len, "://", 3) == 0;
}

/* A URL that OTLP/HTTP can be sent to. */
static int http_url_parse(const char *text, struct url *ret, struct wf_err *err)
{
	int rc = url_parse(text, ret, err);

	if (rc < 0)
		return rc;
	if (has_scheme(text, "grpc") || has_scheme(text, "grpcs") || ret->port == GRPC_PORT)
		return grpc_refuse(ret, err);
	if (!has_scheme(text, "http") && !has_scheme(text, "https"))
		return wf_err_set(err, EINVAL,
				  "'%.*s://' is no destination; write http://HOST:4318",
				  ret->scheme_len < 20 ? ret->scheme_len : 20, ret->scheme);
	return 0;
}

static int address_parse(const char *text, struct wf_destination *ret, struct wf_err *err)
{
	struct url url;
	bool bare;
	int rc = http_url_parse(text, &url, err);

	if (rc < 0)
		return rc;
	bare = url.path_len == 0 || (url.path_len == 1 && *url.path == '/');
	if (!bare)
		return otlp_make(&url, url.port, url.path, url.path_len, ret, err);
	return otlp_make(&url, url.port ? url.port : OTLP_PORT, TRACES_PATH,
			 (int)strlen(TRACES_PATH), ret, err);
}

static bool has_address(const char *text)
{
	const char *slashes = strstr(text, "://");

	return slashes && slashes != text;
}

static int plain_make(enum wf_destination_kind kind, const char *name, const char *target,
		      struct wf_destination *ret, struct wf_err *err)
{
	ret->kind = kind;
	ret->name = strdup(name);
	ret->target = target ? strdup(target) : NULL;
	if (ret->name && (ret->target || !target))
		return 0;
	wf_destination_done(ret);
	return wf_err_set(err, ENOMEM, "out of memory");
}

static int unknown_refuse(const char *text, struct wf_err *err)
{
	unsigned i;

	for (i = 0; i < sizeof(presets) / sizeof(*presets); i++)
		if (strcmp(text, presets[i]) == 0)
			return wf_err_set(err, EOPNOTSUPP,
					  "preset '%s' is not in this version; give its OTLP "
					  "address: http://HOST:4318",
					  text);
	if (wf_edit_distance(text, "console", 2) <= 2)
		return wf_err_set(err, EINVAL, "'%.40s' is no destination; did you mean 'console'?",
				  text);
	return wf_err_set(err, EINVAL,
			  "'%.80s' is no destination; write console, file:PATH or http://HOST:4318",
			  is_printable(text) ? text : "this");
}

int wf_destination_parse(const char *text, struct wf_destination *ret, struct wf_err *err)
{
	*ret = (struct wf_destination){0};
	if (strlen(text) > TEXT_MAX)
		return wf_err_set(err, EINVAL, "a destination has at most %d characters", TEXT_MAX);
	if (strcmp(text, "console") == 0)
		return plain_make(WF_DESTINATION_CONSOLE, text, NULL, ret, err);
	if (strncmp(text, "file:", 5) == 0 && text[5])
		return plain_make(WF_DESTINATION_FILE, text, text + 5, ret, err);
	if (strcmp(text, "file:") == 0)
		return wf_err_set(err, EINVAL, "file: needs a path; file:- is stdout");
	if (has_address(text))
		return address_parse(text, ret, err);
	return unknown_refuse(text, err);
}

/* A general endpoint is a base URL; one of a signal is taken as it stands. */
static int endpoint_parse(const char *text, bool base, struct wf_destination *ret,
			  struct wf_err *err)
{
	wf_auto(wf_freep) char *path = NULL;
	struct url url;
	int rc;

	if (strlen(text) > TEXT_MAX || !has_address(text))
		return wf_err_set(err, EINVAL, "an endpoint is written http://HOST:4318");
	rc = http_url_parse(text, &url, err);
	if (rc < 0)
		return rc;
	while (base && url.path_len && url.path[url.path_len - 1] == '/')
		url.path_len--;
	if (asprintf(&path, "%.*s%s", url.path_len, url.path,
		     base           ? TRACES_PATH
		     : url.path_len ? ""
				    : "/") < 0)
		path = NULL;
	if (!path)
		return wf_err_set(err, ENOMEM, "out of memory");
	return otlp_make(&url, url.port, path, (int)strlen(path), ret, err);
}

static int protocol_check(const struct wf_env *env, struct wf_err *err)
{
	char name[WF_ENV_NAME_MAX];
	const char *protocol = wf_env_of_traces(env, "PROTOCOL", name);

	if (!protocol || strcasecmp(protocol, "http/protobuf") == 0)
		return 0;
	if (strcasecmp(protocol, "grpc") == 0 || strcasecmp(protocol, "http/json") == 0)
		return wf_err_set(err, EOPNOTSUPP,
				  "%s=%s is not in this version; use http/protobuf with "
				  "http://HOST:4318",
				  name, protocol);
	return wf_err_set(err, EINVAL, "%s=%.40s is not known; use http/protobuf", name, protocol);
}

/* Logs have variables of their own; without them they go where the general ones say. */
static int logs_from_env(const struct wf_env *env, struct wf_destination *ret, struct wf_err *err)
{
	const char *exporter = wf_env_of(env, "OTEL_LOGS_EXPORTER");
	const char *name = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", *endpoint = wf_env_of(env, name);
	bool own = endpoint;
	struct wf_destination logs = {0};
	int rc;

	if (!own) {
		name = "OTEL_EXPORTER_OTLP_ENDPOINT";
		endpoint = wf_env_of(env, name);
	}
	if (exporter && !strcasestr(exporter, "otlp")) {
		free(wf_take(ret->logs));
		return 0;
	}
	if (!endpoint)
		return 0;
	rc = endpoint_parse(endpoint, !own, &logs, err);
	if (rc < 0)
		return wf_err_wrap(err, rc, "%s", name);
	free(ret->logs);
	ret->logs = own ? wf_take(logs.target) : wf_take(logs.logs);
	wf_destination_done(&logs);
	return 0;
}

static int otlp_from_env(const struct wf_env *env, struct wf_destination *ret, struct wf_err *err)
{
	char name[WF_ENV_NAME_MAX];
	const char *endpoint, *headers;
	int rc = protocol_check(env, err);

	if (rc < 0)
		return rc;
	endpoint = wf_env_of_traces(env, "ENDPOINT", name);
	if (endpoint)
		rc = endpoint_parse(endpoint, !strstr(name, "TRACES"), ret, err);
	else
		rc = wf_destination_parse("http://localhost:4318", ret, err);
	if (rc < 0)
		return wf_err_wrap(err, rc, "%s", name);
	rc = logs_from_env(env, ret, err);
	if (rc < 0) {
		wf_destination_done(ret);
		return rc;
	}
	headers = wf_env_of_traces(env, "HEADERS", name);
	if (headers)
		rc = wf_headers_parse_list(&ret->headers, headers, err);
	if (rc < 0) {
		wf_destination_done(ret);
		return wf_err_wrap(err, rc, "%s", name);
	}
	return 0;
}

/* One word of OTEL_TRACES_EXPORTER. */
static int exporter_add(const struct wf_env *env, const char *word, struct wf_destinations *ret,
			bool *ret_known, struct wf_err *err)
{
	struct wf_destination *next = &ret->items[ret->count];
	int rc = 0;

	*ret_known = true;
	if (strcasecmp(word, "none") == 0)
		return 0;
	if (ret->count == WF_DESTINATIONS_MAX)
		return wf_err_set(err, E2BIG, "OTEL_TRACES_EXPORTER names more than %d exporters",
				  WF_DESTINATIONS_MAX);
	if (strcasecmp(word, "otlp") == 0) {
		rc = otlp_from_env(env, next, err);
	} else if (strcasecmp(word, "console") == 0 || strcasecmp(word, "logging") == 0) {
		rc = wf_destination_parse("console", next, err);
	} else {
		*ret_known = false;
		snprintf(ret->note, sizeof(ret->note),
			 "OTEL_TRACES_EXPORTER: '%.40s' is not known and ignored", word);
		return 0;
	}
	ret->count += rc == 0;
	return rc;
}

static int exporters_parse(const struct wf_env *env, const char *list, struct wf_destinations *ret,
			   bool *ret_known, struct wf_err *err)
{
	wf_auto(wf_freep) char *copy = strdup(list);
	char *word, *rest = copy;
	bool known;
	int rc = 0;

	*ret_known = false;
	if (!copy)
		return wf_err_set(err, ENOMEM, "out of memory");
	while (!rc && (word = strsep(&rest, ","))) {
		word += strspn(word, " \t");
		word[strcspn(word, " \t")] = '\0';
		if (!*word)
			continue;
		rc = exporter_add(env, word, ret, &known, err);
		*ret_known |= known;
	}
	return rc;
}

int wf_destinations_from_env(wf_env_lookup lookup, void *context, struct wf_destinations *ret,
			     struct wf_err *err)
{
	struct wf_env env = {lookup, context};
	const char *list = wf_env_of(&env, "OTEL_TRACES_EXPORTER");
	char name[WF_ENV_NAME_MAX];
	bool known = false;
	int rc = 0;

	ret->count = 0;
	ret->note[0] = '\0';
	memset(ret->items, 0, sizeof(ret->items));
	if (list)
		rc = exporters_parse(&env, list, ret, &known, err);
	else if (wf_env_of_traces(&env, "ENDPOINT", name))
		rc = exporter_add(&env, "otlp", ret, &known, err);
	if (!rc && !known)
		rc = exporter_add(&env, "console", ret, &known, err);
	if (rc < 0)
		wf_destinations_done(ret);
	return rc;
}
