/* SPDX-License-Identifier: Apache-2.0 */
#include "maps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "userspace/base/cleanup.h"

struct line {
	uint64_t start, end, offset, device, inode;
	bool executable;
	const char *path; /* "" = anonymous */
};

/* What was seen before the line at hand. */
struct scan {
	struct wf_maps *maps;
	struct line before, last;
};

static bool parse_line(const char *text, struct line *ret)
{
	unsigned long long start, end, offset, inode;
	unsigned major, minor;
	char permissions[5];
	int used = 0;

	if (sscanf(text, "%llx-%llx %4s %llx %x:%x %llu%n", &start, &end, permissions, &offset,
		   &major, &minor, &inode, &used) != 7 ||
	    end <= start)
		return false;
	*ret = (struct line){.start = start,
			     .end = end,
			     .offset = offset,
			     .device = makedev(major, minor),
			     .inode = inode,
			     .executable = strchr(permissions, 'x') != NULL,
			     .path = text + used + strspn(text + used, " ")};
	return true;
}

/* The kernel writes a newline in a path as \012, and nothing else that way. */
static void unescape(char *path)
{
	char *out = path;

	while (*path) {
		if (strncmp(path, "\\012", 4) == 0) {
			*out++ = '\n';
			path += 4;
		} else {
			*out++ = *path++;
		}
	}
	*out = '\0';
}

/* Files, and memfds, which look like one; not shared memory that looks like a file. */
static bool is_file(const struct line *line)
{
	static const char *const others[] = {"/dev/zero", "/SYSV", "/anon_hugepage", "/[aio]"};

	if (!line->inode || line->path[0] != '/' || line->path[1] == '/')
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (strncmp(line->path, others[i], strlen(others[i])) == 0)
			return false;
	}
	return true;
}

static bool same_file(const struct line *a, const struct line *b)
{
	return a->inode && a->inode == b->inode && a->device == b->device;
}

static struct wf_mapping *find(struct wf_maps *maps, const struct line *line)
{
	for (size_t i = 0; i < maps->count; i++) {
		if (maps->list[i].device == line->device && maps->list[i].inode == line->inode)
			return &maps->list[i];
	}
	return NULL;
}

static int add(struct wf_maps *maps, const struct line *line, struct wf_mapping **ret)
{
	size_t capacity = maps->capacity ? maps->capacity * 2 : 32;
	struct wf_mapping *list;
	char *path;

	*ret = find(maps, line);
	if (*ret || maps->count == WF_MAPS_FILES_MAX)
		return 0;
	if (maps->count == maps->capacity) {
		list = wf_arena_alloc(maps->arena, capacity * sizeof(*list));
		if (!list)
			return -ENOMEM;
		if (maps->count)
			memcpy(list, maps->list, maps->count * sizeof(*list));
		maps->list = list;
		maps->capacity = capacity;
	}
	path = wf_arena_strdup(maps->arena, line->path);
	if (!path)
		return -ENOMEM;
	unescape(path);
	*ret = &maps->list[maps->count++];
	**ret = (struct wf_mapping){.path = path,
				    .start = line->start,
				    .end = line->end,
				    .offset = line->offset,
				    .device = line->device,
				    .inode = line->inode};
	return 0;
}

/*
 * Executable memory that is not the file's, in a gap between two mappings of one file that would
 * be contiguous: text moved to huge pages. Seen from the mapping behind the gap.
 */
static int note_remap(struct scan *scan, const struct line *line)
{
	const struct line *moved = &scan->last, *before = &scan->before;
	struct wf_mapping *mapping;
	int rc;

	if (!moved->executable || !is_file(line) || !same_file(before, line) ||
	    same_file(moved, line) || before->end != moved->start || moved->end != line->start ||
	    line->offset - before->offset != line->start - before->start)
		return 0;
	rc = add(scan->maps, before, &mapping);
	if (rc < 0 || !mapping)
		return rc;
	mapping->remapped_offset = before->offset + (moved->start - before->start);
	mapping->remapped_bytes = moved->end - moved->start;
	return 0;
}

static int take_line(struct scan *scan, const struct line *line)
{
	struct wf_mapping *mapping;
	int rc = note_remap(scan, line);

	if (rc == 0 && line->executable && is_file(line))
		rc = add(scan->maps, line, &mapping);
	/* Two anonymous mappings in a row fill the gap together. */
	if (scan->last.executable && !scan->last.inode && !line->inode &&
	    scan->last.end == line->start) {
		scan->last.end = line->end;
	} else {
		scan->before = scan->last;
		scan->last = *line;
	}
	return rc;
}

/* Cut the next line off: sscanf would measure the whole rest. NULL at the end. */
static char *next_line(char **text)
{
	char *line = *text, *end = line + strcspn(line, "\n");

	if (!*line)
		return NULL;
	*text = *end ? end + 1 : end;
	*end = '\0';
	return line;
}

int wf_maps_parse(char *text, struct wf_arena *arena, struct wf_maps *ret)
{
	struct scan scan = {.maps = ret, .before.path = "", .last.path = ""};
	struct line line;
	char *one;
	int rc = 0;

	*ret = (struct wf_maps){.arena = arena};
	while (rc == 0 && (one = next_line(&text)) != NULL) {
		if (parse_line(one, &line))
			rc = take_line(&scan, &line);
	}
	return rc;
}

bool wf_maps_hold(char *text, uint64_t device, uint64_t inode)
{
	struct line line;
	char *one;

	while ((one = next_line(&text)) != NULL) {
		if (parse_line(one, &line) && line.executable && line.inode == inode &&
		    line.device == device)
			return true;
	}
	return false;
}
