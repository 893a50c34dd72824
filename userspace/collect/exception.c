/* SPDX-License-Identifier: Apache-2.0 */
#include "exception.h"

#include <string.h>

#include "userspace/base/list.h"
#include "userspace/base/map.h"
#include "userspace/base/pool.h"
#include "userspace/base/str.h"

#define NAME_BYTES 64 /* of wf_rec_exception.type */
#define CHAIN      4
#define NAMES      128 /* demangled names that are kept, by hash */

struct wf_exception {
	struct wf_node age;
	uint64_t key;
	uint32_t refs; /* one of the table, while it lies there */
	struct wf_rec_exception record;
};

struct name {
	char mangled[NAME_BYTES];
	char plain[192];
};

struct wf_exceptions {
	struct wf_pool *pool;
	struct wf_map *table; /* key -> struct wf_exception */
	struct wf_list list;
	struct name names[NAMES];
};

/* libstdc++'s demangler; <cxxabi.h> is C++ only. The result is to be freed. */
extern char *__cxa_demangle(const char *mangled, char *buffer, size_t *length, int *status);

struct wf_exceptions *wf_exceptions_new(size_t max)
{
	wf_auto(wf_exceptions_freep) struct wf_exceptions *exceptions =
		calloc(1, sizeof(*exceptions));

	if (!exceptions)
		return NULL;
	wf_list_init(&exceptions->list);
	/* Held spans may keep as many again. */
	exceptions->pool = wf_pool_new((max + 256) * 4 * sizeof(struct wf_exception));
	exceptions->table = wf_map_new(max);
	if (!exceptions->pool || !exceptions->table)
		return NULL;
	return wf_take(exceptions);
}

void wf_exceptions_free(struct wf_exceptions *exceptions)
{
	if (!exceptions)
		return;
	wf_map_free(exceptions->table);
	wf_pool_free(exceptions->pool);
	free(exceptions);
}

static uint64_t key_of(uint32_t tgid, uint64_t object)
{
	return wf_mix64(object) ^ tgid;
}

void wf_exceptions_unref(struct wf_exceptions *exceptions, struct wf_exception *exception)
{
	if (exception && --exception->refs == 0)
		wf_pool_give(exceptions->pool, exception);
}

static void remove_from_table(struct wf_exceptions *exceptions, struct wf_exception *exception)
{
	wf_map_del(exceptions->table, exception->key, NULL);
	wf_list_remove(&exceptions->list, &exception->age);
	wf_exceptions_unref(exceptions, exception);
}

static bool make_room(struct wf_exceptions *exceptions)
{
	struct wf_exception *oldest = wf_list_oldest(&exceptions->list);

	if (oldest)
		remove_from_table(exceptions, oldest);
	return oldest;
}

bool wf_exceptions_add(struct wf_exceptions *exceptions, const struct wf_rec_exception *record)
{
	uint64_t key = key_of(record->head.tgid, record->object);
	struct wf_exception *older = wf_map_get_ptr(exceptions->table, key), *added;

	if (older)
		remove_from_table(exceptions, older);
	do
		added = wf_pool_take(exceptions->pool, sizeof(*added));
	while (!added && make_room(exceptions));
	if (!added)
		return false;
	added->key = key;
	added->refs = 1;
	added->record = *record;
	while (wf_map_put_ptr(exceptions->table, key, added) < 0) {
		if (!make_room(exceptions)) {
			wf_pool_give(exceptions->pool, added);
			return false;
		}
	}
	wf_list_append(&exceptions->list, &added->age);
	return true;
}

struct wf_exception *wf_exceptions_find(struct wf_exceptions *exceptions, uint32_t tgid,
					uint64_t object)
{
	struct wf_exception *found =
		object ? wf_map_get_ptr(exceptions->table, key_of(tgid, object)) : NULL;

	if (!found || found->record.object != object || found->record.head.tgid != tgid)
		return NULL;
	found->refs++;
	return found;
}

static void make_plain(struct name *name)
{
	wf_auto(wf_freep) char *demangled = __cxa_demangle(name->mangled, NULL, NULL, NULL);
	const char *text = demangled ? demangled : name->mangled;
	size_t len = wf_utf8_truncate(text, strlen(text), sizeof(name->plain) - 1);

	memcpy(name->plain, text, len);
	name->plain[len] = '\0';
	if (!wf_utf8_valid(name->plain, len) || !len)
		snprintf(name->plain, sizeof(name->plain), "unknown");
}

/* Copy a raw type name; a '*' in front marks types with internal linkage. */
static void copy_name(char *out, const char *raw)
{
	size_t len = strnlen(raw, NAME_BYTES - 1), skip = raw[0] == '*';

	memset(out, 0, NAME_BYTES);
	memcpy(out, raw + skip, len - skip);
}

static uint64_t hash(const char *text)
{
	uint64_t value = 0;

	for (size_t i = 0; i < NAME_BYTES; i += 8) {
		uint64_t word;

		memcpy(&word, text + i, 8);
		value = wf_mix64(value ^ word);
	}
	return value;
}

const char *wf_exceptions_type(struct wf_exceptions *exceptions,
			       const struct wf_exception *exception)
{
	char mangled[NAME_BYTES];
	struct name *name;

	copy_name(mangled, exception->record.type[0]);
	name = &exceptions->names[hash(mangled) % NAMES];
	if (!name->plain[0] || memcmp(name->mangled, mangled, NAME_BYTES) != 0) {
		memcpy(name->mangled, mangled, NAME_BYTES);
		make_plain(name);
	}
	return name->plain;
}

/*
 * Types of libstdc++ whose object begins with a vtable pointer and a string. Their single
 * inheritance descendants show one of them further on in the chain; those of the library are
 * listed too, since the chain may be cut.
 */
static bool keeps_string(const char *type)
{
	static const char *const known[] = {
		"St13runtime_error",
		"St11logic_error",
		"St12domain_error",
		"St16invalid_argument",
		"St12length_error",
		"St12out_of_range",
		"St12future_error",
		"St11range_error",
		"St14overflow_error",
		"St15underflow_error",
		"St12system_error",
		"St11regex_error",
		"St12format_error",
		"NSt8ios_base7failureB5cxx11E",
		"NSt10filesystem16filesystem_errorE",
		"NSt10filesystem7__cxx1116filesystem_errorE",
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(type, known[i]) == 0)
			return true;
	}
	return false;
}

const char *wf_exception_message(const struct wf_exception *exception, size_t *ret_len)
{
	const struct wf_rec_exception *record = &exception->record;
	char type[NAME_BYTES];

	for (unsigned i = 0; i < CHAIN && record->type[i][0]; i++) {
		copy_name(type, record->type[i]);
		if (keeps_string(type)) {
			*ret_len = strnlen(record->message, sizeof(record->message));
			return *ret_len ? record->message : NULL;
		}
	}
	return NULL;
}
