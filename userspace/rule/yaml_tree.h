/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_tree.h - a YAML document as a tree that knows where each node stands.
 *
 * The file is hostile input: size, depth and count are capped, and what makes YAML expensive or
 * surprising (anchors, aliases, tags, several documents, double keys) is refused with its place.
 * The tree lies in the arena.
 */
#ifndef WF_YAML_TREE_H
#define WF_YAML_TREE_H

#include "place.h"
#include "userspace/base/arena.h"
#include "userspace/base/err.h"

#define WF_YAML_BYTES_MAX (1024u * 1024)
#define WF_YAML_DEPTH_MAX 32

enum wf_yaml_kind { WF_YAML_SCALAR, WF_YAML_LIST, WF_YAML_MAPPING };

struct wf_yaml {
	enum wf_yaml_kind kind;
	bool plain;                  /* SCALAR without quotes */
	const char *text;            /* SCALAR: NUL-ended, without other NULs */
	struct wf_place place;       /* of the text, or of the first sign of a list or mapping */
	const struct wf_yaml *key;   /* of an entry of a mapping */
	const struct wf_yaml *first; /* LIST items, MAPPING values */
	const struct wf_yaml *next;
	uint32_t count;
};

int wf_yaml_parse(struct wf_arena *arena, const char *file, const char *text, size_t len,
		  const struct wf_yaml **ret, struct wf_err *err);
/* The value of a key, or NULL. */
const struct wf_yaml *wf_yaml_get(const struct wf_yaml *mapping, const char *key);
/* Fail at the node; returns -EINVAL. */
int wf_yaml_fail(const struct wf_yaml *node, struct wf_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
