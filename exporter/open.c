/* SPDX-License-Identifier: Apache-2.0 */
#include "open.h"

#include <stdlib.h>
#include <string.h>

#include "userspace/base/map.h"

#define AGE_FACTOR 4
#define AGE_MIN_NS 1000000000ull

struct call {
	struct wf_span span;
	uint64_t id;
	uint64_t since_ns; /* on the caller's clock */
	uint64_t say_ns;
};

struct wf_open {
	struct wf_map *index; /* span id -> number in calls */
	struct call *calls;
	uint32_t count, max;
};

struct wf_open *wf_open_new(uint32_t max)
{
	wf_auto(wf_open_freep) struct wf_open *open = calloc(1, sizeof(*open));

	if (!open)
		return NULL;
	open->max = max;
	open->index = wf_map_new(max);
	open->calls = calloc(max, sizeof(*open->calls));
	return open->index && open->calls ? wf_take(open) : NULL;
}

static void call_done(struct call *call)
{
	free((char *)call->span.name);
	wf_resource_unref(call->span.resource);
}

void wf_open_free(struct wf_open *open)
{
	uint32_t i;

	if (!open)
		return;
	for (i = 0; i < open->count; i++)
		call_done(&open->calls[i]);
	free(open->calls);
	wf_map_free(open->index);
	free(open);
}

static uint64_t id_of(const struct wf_span *span)
{
	uint64_t id;

	memcpy(&id, span->span_id, sizeof(id));
	return id;
}

static void say_later(struct call *call, uint64_t now_ns)
{
	uint64_t age = now_ns - call->since_ns;

	call->say_ns = call->since_ns + AGE_FACTOR * (age > AGE_MIN_NS ? age : AGE_MIN_NS);
}

bool wf_open_add(struct wf_open *open, const struct wf_span *notice, uint64_t now_ns)
{
	uint64_t age = notice->end_ns - notice->start_ns, known;
	struct call *call;

	if (wf_map_get(open->index, id_of(notice), &known) || open->count == open->max)
		return false;
	call = &open->calls[open->count];
	*call = (struct call){.id = id_of(notice), .span = *notice};
	call->span.name = strdup(notice->name);
	if (!call->span.name || wf_map_put(open->index, call->id, open->count) < 0) {
		free((char *)call->span.name);
		return false;
	}
	call->span.attributes = (struct wf_attributes){0};
	call->span.event_count = 0;
	call->span.link_count = 0;
	call->span.status_message = NULL;
	wf_resource_ref(call->span.resource);
	call->since_ns = age < now_ns ? now_ns - age : 0;
	say_later(call, now_ns);
	open->count++;
	return true;
}

void wf_open_end(struct wf_open *open, const struct wf_span *span)
{
	uint64_t number;

	if (!open->count || !wf_map_del(open->index, id_of(span), &number))
		return;
	call_done(&open->calls[number]);
	open->calls[number] = open->calls[--open->count];
	if (number < open->count)
		wf_map_put(open->index, open->calls[number].id, number);
}

const struct wf_span *wf_open_due(struct wf_open *open, uint64_t now_ns, uint64_t *ret_age_ns,
				  uint64_t *ret_next_ns)
{
	uint32_t i;

	*ret_next_ns = UINT64_MAX;
	for (i = 0; i < open->count; i++) {
		struct call *call = &open->calls[i];

		if (call->say_ns <= now_ns) {
			*ret_age_ns = now_ns - call->since_ns;
			say_later(call, now_ns);
			*ret_next_ns = now_ns;
			return &call->span;
		}
		if (call->say_ns < *ret_next_ns)
			*ret_next_ns = call->say_ns;
	}
	return NULL;
}

const struct wf_span *wf_open_oldest(const struct wf_open *open, uint64_t now_ns,
				     uint64_t *ret_age_ns, uint32_t *ret_count)
{
	const struct call *oldest = NULL;

	for (uint32_t i = 0; i < open->count; i++)
		if (!oldest || open->calls[i].since_ns < oldest->since_ns)
			oldest = &open->calls[i];
	*ret_count = open->count;
	*ret_age_ns = oldest ? now_ns - oldest->since_ns : 0;
	return oldest ? &oldest->span : NULL;
}
