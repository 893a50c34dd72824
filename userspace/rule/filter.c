/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "place.h"
#include "sql.h"
#include "url.h"
#include "userspace/base/str.h"

#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

static const struct wf_value absent;

static char lower_of(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_word(char c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       ((unsigned char)c & 0x80);
}

static struct wf_value apply_same(const struct wf_filter_call *call)
{
	return call->value;
}

static struct wf_value apply_lower(const struct wf_filter_call *call)
{
	char *out = wf_arena_strndup(call->arena, call->value.string, call->value.count);

	for (uint32_t i = 0; out && i < call->value.count; i++)
		out[i] = lower_of(out[i]);
	return wf_value_string(out, call->value.count);
}

/* A new word starts at an upper letter after a lower one, or before one ("HTTPServer"). */
static bool starts_word(const char *text, uint32_t len, uint32_t i)
{
	if (i == 0 || !is_upper(text[i]) || !is_word(text[i - 1]))
		return false;
	return !is_upper(text[i - 1]) ||
	       (i + 1 < len && is_word(text[i + 1]) && !is_upper(text[i + 1]));
}

/* LoadData, HTTPServer and Stage::run become load_data, http_server and stage_run. */
static struct wf_value apply_snake(const struct wf_filter_call *call)
{
	const char *text = call->value.string;
	uint32_t count = call->value.count;
	char *out = wf_arena_alloc_raw(call->arena, 2 * (size_t)count + 1);
	size_t len = 0;

	if (!out)
		return absent;
	for (uint32_t i = 0; i < count; i++) {
		bool gap = !is_word(text[i]) || starts_word(text, count, i);

		if (gap && len > 0 && out[len - 1] != '_')
			out[len++] = '_';
		if (is_word(text[i]))
			out[len++] = lower_of(text[i]);
	}
	if (len > 0 && out[len - 1] == '_')
		len--;
	out[len] = '\0';
	return wf_value_string(out, len);
}

static struct wf_value apply_strip_suffix(const struct wf_filter_call *call)
{
	const struct wf_value *suffix = call->args->values;
	size_t len = call->value.count;

	if (suffix->count > len ||
	    memcmp(call->value.string + len - suffix->count, suffix->string, suffix->count) != 0)
		return call->value;
	len -= suffix->count;
	return wf_value_string(wf_arena_strndup(call->arena, call->value.string, len), len);
}

static struct wf_value apply_truncate(const struct wf_filter_call *call)
{
	size_t len = wf_utf8_truncate(call->value.string, call->value.count,
				      (size_t)call->args->values[0].integer);

	if (len == call->value.count)
		return call->value;
	return wf_value_string(wf_arena_strndup(call->arena, call->value.string, len), len);
}

static struct wf_value apply_len(const struct wf_filter_call *call)
{
	return (struct wf_value){.kind = WF_VALUE_INT, .integer = call->value.count};
}

static struct wf_value apply_num(const struct wf_filter_call *call)
{
	struct wf_value value = {0};

	if (call->type != WF_TYPE_STRING)
		return call->value;
	if (wf_parse_i64(call->value.string, &value.integer) == 0)
		value.kind = WF_VALUE_INT;
	else if (wf_parse_double(call->value.string, &value.real) == 0)
		value.kind = WF_VALUE_DOUBLE;
	return value;
}

/* FNV-1a and a mixer: tells values apart without showing them; not against a guesser. */
static struct wf_value apply_hash(const struct wf_filter_call *call)
{
	uint64_t hash = FNV_BASIS;
	char *out;

	for (uint32_t i = 0; i < call->value.count; i++)
		hash = (hash ^ (unsigned char)call->value.string[i]) * FNV_PRIME;
	out = wf_arena_printf(call->arena, "%016" PRIx64, wf_mix64(hash));
	return wf_value_string(out, 16);
}

static struct wf_value apply_seconds(const struct wf_filter_call *call)
{
	return (struct wf_value){.kind = WF_VALUE_DOUBLE,
				 .real = (double)call->value.integer / 1e9};
}

static struct wf_value apply_milliseconds(const struct wf_filter_call *call)
{
	return (struct wf_value){.kind = WF_VALUE_DOUBLE,
				 .real = (double)call->value.integer / 1e6};
}

static double as_real(const struct wf_value *value, uint8_t type)
{
	if (value->kind == WF_VALUE_DOUBLE)
		return value->real;
	return type == WF_TYPE_UINT ? (double)(uint64_t)value->integer : (double)value->integer;
}

/* "<10", "10..100", ">=100". */
static struct wf_value apply_bucket(const struct wf_filter_call *call)
{
	const struct wf_value *bounds = call->args->values;
	uint32_t count = call->args->count, i = 0;
	double value = as_real(&call->value, call->type);
	char *out;

	while (i < count && value >= as_real(&bounds[i], WF_TYPE_INT))
		i++;
	if (i == 0)
		out = wf_arena_printf(call->arena, "<%.15g", as_real(&bounds[0], WF_TYPE_INT));
	else if (i == count)
		out = wf_arena_printf(call->arena, ">=%.15g", as_real(&bounds[i - 1], WF_TYPE_INT));
	else
		out = wf_arena_printf(call->arena, "%.15g..%.15g",
				      as_real(&bounds[i - 1], WF_TYPE_INT),
				      as_real(&bounds[i], WF_TYPE_INT));
	return wf_value_string(out, out ? strlen(out) : 0);
}

static bool same_key(const struct wf_value *value, const struct wf_value *key)
{
	if (value->kind != key->kind)
		return false;
	if (value->kind == WF_VALUE_BOOL)
		return value->boolean == key->boolean;
	if (value->kind == WF_VALUE_INT)
		return value->integer == key->integer;
	return value->kind == WF_VALUE_STRING && value->count == key->count &&
	       memcmp(value->string, key->string, key->count) == 0;
}

/* A value that the map does not list is absent: `?? 'other'` gives it a name. */
static struct wf_value apply_map(const struct wf_filter_call *call)
{
	for (uint32_t i = 0; i < call->args->count; i++) {
		if (same_key(&call->value, &call->args->keys[i]))
			return call->args->values[i];
	}
	return absent;
}

static struct wf_value apply_url(const struct wf_filter_call *call)
{
	enum wf_url_part part = (enum wf_url_part)call->args->values[0].integer;

	return wf_url_part(call->value.string, call->value.count, part, call->arena);
}

static struct wf_value apply_sql(const struct wf_filter_call *call)
{
	return wf_sql_summary(call->value.string, call->value.count, call->arena);
}

static struct wf_value apply_word(const struct wf_filter_call *call)
{
	const char *text = call->value.string, *blanks = " \t\n\v\f\r";
	size_t start = strspn(text, blanks), len = strcspn(text + start, blanks);

	return len ? wf_value_string(wf_arena_strndup(call->arena, text + start, len), len)
		   : absent;
}

/* PostgreSQL packs the five characters of a state code into 30 bits, six each, from '0' on. */
static struct wf_value apply_sqlstate(const struct wf_filter_call *call)
{
	uint64_t packed = (uint64_t)call->value.integer;
	char code[5];

	for (size_t i = 0; i < sizeof(code); i++, packed >>= 6)
		code[i] = (char)('0' + (packed & 63));
	return packed ? absent
		      : wf_value_string(wf_arena_strndup(call->arena, code, sizeof(code)),
					sizeof(code));
}

static struct wf_value apply_sanitize(const struct wf_filter_call *call)
{
	return wf_sql_sanitize(call->value.string, call->value.count, call->arena);
}

#define TEXT   WF_TYPE_BIT(WF_TYPE_STRING)
#define TIME   WF_TYPE_BIT(WF_TYPE_DURATION)
#define NUMBER WF_TYPES_NUMBER
#define WHOLE  (WF_TYPE_BIT(WF_TYPE_INT) | WF_TYPE_BIT(WF_TYPE_UINT))
#define KEYS                                                                                       \
	(TEXT | WF_TYPE_BIT(WF_TYPE_INT) | WF_TYPE_BIT(WF_TYPE_UINT) | WF_TYPE_BIT(WF_TYPE_BOOL))
#define OBJECTS "it reads Python objects, which this version does not"
#define LISTS   "it works on lists, which this version does not read"

static const struct wf_filter filters[] = {
	{"lower", WF_FILTER_PLAIN, WF_TYPE_STRING, TEXT, false, NULL, apply_lower},
	{"snake", WF_FILTER_PLAIN, WF_TYPE_STRING, TEXT, false, NULL, apply_snake},
	{"strip_suffix", WF_FILTER_TEXT, WF_TYPE_STRING, TEXT, false, NULL, apply_strip_suffix},
	{"truncate", WF_FILTER_COUNT, WF_TYPE_STRING, TEXT, false, NULL, apply_truncate},
	{"bytes", WF_FILTER_PLAIN, WF_TYPE_STRING, TEXT, false, NULL, apply_same},
	{"len", WF_FILTER_PLAIN, WF_TYPE_INT, TEXT, false, NULL, apply_len},
	{"num", WF_FILTER_PLAIN, WF_TYPE_REAL, TEXT | NUMBER, false, NULL, apply_num},
	{"hash", WF_FILTER_PLAIN, WF_TYPE_STRING, TEXT, true, NULL, apply_hash},
	{"s", WF_FILTER_PLAIN, WF_TYPE_REAL, TIME, false, NULL, apply_seconds},
	{"ms", WF_FILTER_PLAIN, WF_TYPE_REAL, TIME, false, NULL, apply_milliseconds},
	{"bucket", WF_FILTER_NUMBERS, WF_TYPE_STRING, NUMBER, false, NULL, apply_bucket},
	{"map", WF_FILTER_MAP, WF_TYPE_ANY, KEYS, false, NULL, apply_map},
	{"url", WF_FILTER_PART, WF_TYPE_STRING, TEXT, false, NULL, apply_url},
	{"sql", WF_FILTER_PLAIN, WF_TYPE_STRING, TEXT, false, NULL, apply_sql},
	{"sanitize", WF_FILTER_PLAIN, WF_TYPE_STRING, TEXT, true, NULL, apply_sanitize},
	{"word", WF_FILTER_PLAIN, WF_TYPE_STRING, TEXT, false, NULL, apply_word},
	{"sqlstate", WF_FILTER_PLAIN, WF_TYPE_STRING, WHOLE, false, NULL, apply_sqlstate},
	/* the agent has made texts and numbers of these already */
	{"enum", WF_FILTER_PLAIN, WF_TYPE_ANY, KEYS, false, OBJECTS "; use map({...})", apply_same},
	{"iso", WF_FILTER_PLAIN, WF_TYPE_STRING, KEYS, false, OBJECTS, apply_same},
	{"sum", WF_FILTER_PLAIN, WF_TYPE_ANY, 0, false, LISTS, NULL},
	{"count", WF_FILTER_PLAIN, WF_TYPE_ANY, 0, false, LISTS, NULL},
	{"max", WF_FILTER_PLAIN, WF_TYPE_ANY, 0, false, LISTS, NULL},
	{"any", WF_FILTER_EXPR, WF_TYPE_ANY, 0, false, LISTS, NULL},
	{"first", WF_FILTER_EXPR, WF_TYPE_ANY, 0, false, LISTS, NULL},
};

#define FILTERS (sizeof(filters) / sizeof(filters[0]))

const struct wf_filter *wf_filter_find(const char *name)
{
	for (size_t i = 0; i < FILTERS; i++) {
		if (strcmp(filters[i].name, name) == 0)
			return &filters[i];
	}
	return NULL;
}

const char *wf_filter_nearest(const char *name)
{
	const char *names[FILTERS + 1] = {0};

	for (size_t i = 0; i < FILTERS; i++)
		names[i] = filters[i].name;
	return wf_nearest_word(name, names);
}
