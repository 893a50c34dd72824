/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.h - what the records refer to: span ids, processes, clocks. Filled from DEFINE,
 * RESOURCE, PROCESS and CLOCK records. Data thread only; no clock, no I/O.
 *
 * DEFINE payload, a JSON object: "rule" (number), "name" (bare function name), and optionally
 * "symbol", "file", "build_id", "source", "exit" (strings), "line", "address" (numbers),
 * "executable" (true: the file is a program). With WF_SPAN_ID_AGENT in head.span it is a Python
 * function of process head.tgid and of the children that it forks: "name" is module:qualname, and
 * "file" the source.
 * RESOURCE payload: a JSON object of attributes - strings, numbers, booleans, arrays of one such
 * kind. Its member "wftrace.traceparent" is not an attribute but the TRACEPARENT that the process
 * was started with.
 */
#ifndef WF_CATALOG_H
#define WF_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"
#include "userspace/span/span.h"

#define WF_NO_RULE UINT32_MAX

struct wf_definition {
	uint32_t span, rule;
	uint32_t line; /* 0 = unknown */
	uint64_t address;
	/* Owned by the catalog; NULL = unknown, but for the name. */
	const char *name, *symbol, *file, *build_id, *source, *exit;
	/* Copies of its texts in the batch with this serial, kept by the builder. */
	uint64_t batch_serial;
	const char *batch_name, *batch_source, *batch_scope;
};

/* W3C trace context that a process got from its environment. */
struct wf_traceparent {
	uint64_t trace_hi, trace_lo, parent_id;
	uint8_t flags;
};

struct wf_catalog_limits {
	size_t definitions_max;      /* 100000 */
	size_t definition_bytes_max; /* 64 MiB */
	size_t processes_max;        /* 10000; more: those that exited first are forgotten early */
	uint64_t exited_ns;          /* keep an exited process this long after its last use: 60 s */
};

struct wf_catalog;

/* limits NULL = the defaults above. */
int wf_catalog_new(const struct wf_catalog_limits *limits, struct wf_catalog **ret,
		   struct wf_err *err);
void wf_catalog_free(struct wf_catalog *catalog);

/* Take a checked DEFINE or RESOURCE record. 0, -EBADMSG (not as above), -ENOSPC, -ENOMEM. */
int wf_catalog_define(struct wf_catalog *catalog, const struct wf_rec_text *record);
int wf_catalog_resource(struct wf_catalog *catalog, const struct wf_rec_text *record);
/* A function that a Python agent armed late: the JSON of a NOTE, as its answer to a request has it.
 */
int wf_catalog_note(struct wf_catalog *catalog, uint32_t tgid, uint32_t function, const char *json,
		    size_t len);
/* A child begins with what is known of its parent, until its own RESOURCE comes. Neither fork nor
 * exit touch facts that were read later (head.time_ns of the RESOURCE) than they happened. */
void wf_catalog_fork(struct wf_catalog *catalog, uint32_t tgid, uint32_t child_tgid,
		     uint64_t now_ns);
void wf_catalog_exit(struct wf_catalog *catalog, uint32_t tgid, uint64_t now_ns);
/* Forget processes that exited long ago. */
void wf_catalog_tick(struct wf_catalog *catalog, uint64_t now_ns);

/* NULL where the id was never defined. Lives as long as the catalog. */
struct wf_definition *wf_catalog_find(const struct wf_catalog *catalog, uint32_t span);
/* The same for an id as a record of that process has it. */
struct wf_definition *wf_catalog_find_in(const struct wf_catalog *catalog, uint32_t tgid,
					 uint32_t span);
/* A new reference, or NULL where the process is unknown. */
struct wf_resource *wf_catalog_resource_of(struct wf_catalog *catalog, uint32_t tgid);
/* False where the process has none. */
bool wf_catalog_traceparent(const struct wf_catalog *catalog, uint32_t tgid,
			    struct wf_traceparent *ret);

/* "00-<32 hex>-<16 hex>-<2 hex>", lower case; later versions may be longer. -EINVAL otherwise. */
int wf_traceparent_parse(const char *text, struct wf_traceparent *ret);

WF_DEFINE_FREEP(wf_catalog_freep, struct wf_catalog, wf_catalog_free)

#endif
