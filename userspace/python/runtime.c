/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "userspace/base/str.h"

#define INITIALIZED      1
#define INTERPRETERS_MAX 65536

/* What the search met, for the sentence that says why there is nothing. */
struct hunt {
	const struct wf_target *target;
	struct wf_python *python;
	const struct wf_mapping *home; /* of the interpreter */
	struct wf_library library;
	bool pypy, old, idle;
	unsigned started;
};

void wf_python_version(const struct wf_python *python, char *out, size_t size)
{
	if (python->micro < 0)
		snprintf(out, size, "%u.%u", python->major, python->minor);
	else
		snprintf(out, size, "%u.%u.%d", python->major, python->minor, python->micro);
}

int wf_python_main(const struct wf_python *python, uint64_t *ret_interp)
{
	const struct wf_offsets *offsets = &python->offsets;
	uint64_t interp = 0, id;
	int rc = wf_memory_read_u64(python->pid, python->runtime + offsets->interpreters_head,
				    &interp);

	for (unsigned i = 0; rc == 0 && interp && i < INTERPRETERS_MAX; i++) {
		if (interp % 8 ||
		    wf_memory_read_u64(python->pid, interp + offsets->interp_id, &id) < 0)
			return -EBADMSG;
		*ret_interp = interp;
		if (id == 0)
			return 0;
		rc = wf_memory_read_u64(python->pid, interp + offsets->interp_next, &interp);
	}
	return rc == -ESRCH ? rc : -EBADMSG;
}

static void add_room(struct wf_python *python, const struct wf_python_room *room)
{
	if (room->bytes && python->room_count < WF_PYTHON_ROOMS_MAX)
		python->rooms[python->room_count++] = *room;
}

/* 3.11 on say it; before, the names that came with each version do. */
static int read_version(const struct hunt *hunt, struct wf_python *python, struct wf_err *err)
{
	uint32_t hex = 0;

	python->major = 3;
	python->minor = hunt->library.minor;
	python->micro = -1;
	if (hunt->library.version &&
	    wf_memory_read_u32(python->pid, hunt->library.version, &hex) < 0)
		return wf_err_set(err, ENOTSUP, "the version of its interpreter cannot be read");
	if (!hunt->library.version)
		hex = python->offsets.version;
	if (hex) {
		python->major = hex >> 24;
		python->minor = hex >> 16 & 0xff;
		python->micro = (int)(hex >> 8 & 0xff);
	}
	if (python->offsets.version && (python->offsets.version ^ hex) >> 16)
		return wf_err_set(err, ENOTSUP,
				  "its interpreter calls itself %u.%u, but has the tables of "
				  "another version",
				  python->major, python->minor);
	return 0;
}

/* Once it runs its own program: neither before that nor while it ends. */
static bool is_started(const struct wf_python *python)
{
	const struct wf_layout *layout = python->layout;
	const struct wf_offsets *offsets = &python->offsets;
	uint32_t initialized, initialized_at, finalizing_at, head_at;
	uint64_t finalizing, interp;

	if (!layout && !offsets->interpreters_head)
		return true;
	initialized_at = layout ? layout->runtime_initialized : offsets->initialized;
	finalizing_at = layout ? layout->runtime_finalizing : offsets->finalizing;
	head_at = layout ? layout->runtime_main : offsets->interpreters_head;
	return wf_memory_read_u32(python->pid, python->runtime + initialized_at, &initialized) ==
		       0 &&
	       wf_memory_read_u64(python->pid, python->runtime + finalizing_at, &finalizing) == 0 &&
	       wf_memory_read_u64(python->pid, python->runtime + head_at, &interp) == 0 &&
	       initialized == INITIALIZED && !finalizing && interp;
}

/* Take the library's interpreter, unless it only lies there unused. */
static int take_library(struct hunt *hunt, const struct wf_mapping *mapping,
			const struct wf_library *library, struct wf_err *err)
{
	struct wf_python found = {.pid = hunt->target->pid};
	uint8_t table[WF_OFFSETS_BYTES];
	int rc = 0;

	hunt->library = *library;
	found.runtime = library->runtime;
	if (wf_memory_read(found.pid, found.runtime, table, sizeof(table)) == 0)
		rc = wf_offsets_parse(table, &found.offsets, err);
	if (rc == -EBADMSG)
		return rc;
	rc = read_version(hunt, &found, err);
	found.layout = found.major == 3 ? wf_layout_find(found.minor) : NULL;
	if (!is_started(&found)) {
		hunt->idle = true;
		return 0;
	}
	if (hunt->started++)
		return wf_err_set(err, ENOTSUP,
				  "process %d holds two running interpreters: %s and %s",
				  (int)found.pid, hunt->home->path, mapping->path);
	hunt->home = mapping;
	memcpy(found.symbols, library->symbols, sizeof(found.symbols));
	found.list_type = library->list_type;
	found.has_memfd = library->imports_memfd;
	snprintf(found.soname, sizeof(found.soname), "%s", library->soname);
	add_room(&found, &library->room);
	*hunt->python = found;
	return rc;
}

static bool holds_libc(const char *path)
{
	const char *name = wf_base_name(path);

	return strncmp(name, "libc.so", 7) == 0 || strncmp(name, "libc-2", 6) == 0 ||
	       strncmp(name, "ld-linux", 8) == 0 || strncmp(name, "ld-musl", 7) == 0;
}

static int search_files(struct hunt *hunt, struct wf_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < hunt->target->mapping_count && rc == 0; i++) {
		struct wf_library library;

		if (wf_library_read(&hunt->target->mappings[i], &library) < 0)
			continue;
		hunt->pypy |= library.is_pypy;
		hunt->old |= library.is_python && !library.runtime;
		if (library.runtime)
			rc = take_library(hunt, &hunt->target->mappings[i], &library, err);
	}
	return rc;
}

/* Further places for what must lie in executable memory: files that are never unmapped. */
static void find_rooms(const struct hunt *hunt)
{
	for (size_t i = 0; i < hunt->target->mapping_count; i++) {
		const struct wf_mapping *mapping = &hunt->target->mappings[i];
		struct wf_library library;

		if (mapping == hunt->home ||
		    !(mapping->executable_file || holds_libc(mapping->path)) ||
		    wf_library_read(mapping, &library) < 0)
			continue;
		add_room(hunt->python, &library.room);
	}
}

static int say_nothing(const struct hunt *hunt, struct wf_err *err)
{
	int pid = (int)hunt->target->pid;

	if (hunt->pypy)
		return wf_err_set(err, ENOENT,
				  "process %d is PyPy: of Pythons only CPython can be traced", pid);
	if (hunt->idle)
		return wf_err_set(err, EAGAIN,
				  "the Python of process %d is starting or ending just now: try "
				  "again in a moment",
				  pid);
	if (hunt->old)
		return wf_err_set(err, ENOTSUP,
				  "process %d runs a Python before 3.8, or one whose names were "
				  "stripped: its Python functions cannot be traced",
				  pid);
	return wf_err_set(err, ENOENT,
			  "process %d (%s) holds no Python interpreter: none of its files has "
			  "_PyRuntime",
			  pid, hunt->target->comm);
}

static int refuse_names(const struct wf_python *python, struct wf_err *err)
{
	return wf_err_set(err, ENOTSUP,
			  "the Python in '%s' has no names to call (stripped, and linked without "
			  "-export-dynamic): its functions cannot be traced",
			  python->file);
}

static int refuse_version(const struct wf_python *python, struct wf_err *err)
{
	char version[32];

	wf_python_version(python, version, sizeof(version));
	if (!python->symbols[WF_PY_RUN_STRING] && !python->minor)
		return refuse_names(python, err);
	if (!python->minor)
		return wf_err_set(err, ENOTSUP,
				  "process %d runs a Python before 3.8: 3.8 to 3.%d can be traced",
				  (int)python->pid, WF_PYTHON_MINOR_MAX);
	return wf_err_set(err, ENOTSUP,
			  "process %d runs Python %s: 3.8 to 3.%d can be traced by this wftrace",
			  (int)python->pid, version, WF_PYTHON_MINOR_MAX);
}

static bool has_symbols(const struct wf_python *python)
{
	for (size_t i = 0; i < WF_PY_SYMBOLS; i++) {
		if (!python->symbols[i])
			return false;
	}
	return true;
}

static bool fits_layout(const struct wf_python *python, const struct wf_library *library)
{
	const struct wf_layout *layout = python->layout;

	if (!library->runtime_bytes)
		return true;
	return layout->runtime_exact ? library->runtime_bytes == layout->runtime_bytes
				     : library->runtime_bytes >= layout->runtime_bytes;
}

static int choose_slot(struct wf_python *python, const struct wf_library *library,
		       struct wf_err *err)
{
	if (!has_symbols(python))
		return refuse_names(python, err);
	if (!fits_layout(python, library))
		return wf_err_set(err, ENOTSUP,
				  "the Python in '%s' is not laid out as 3.%u is (_PyRuntime has "
				  "%llu bytes): a patched build, left alone",
				  python->file, python->minor,
				  (unsigned long long)library->runtime_bytes);
	python->way = WF_PYTHON_SLOT;
	return 0;
}

static int choose_remote(struct wf_python *python, struct wf_err *err)
{
	const struct wf_offsets *offsets = &python->offsets;
	uint64_t interp = 0;
	uint32_t enabled = 0;

	if (!offsets->path_bytes)
		return wf_err_set(err, ENOTSUP, "the Python in '%s' has no table of offsets",
				  python->file);
	if (wf_memory_read_u64(python->pid, python->runtime + offsets->interpreters_head, &interp) <
		    0 ||
	    wf_memory_read_u32(python->pid, interp + offsets->enabled, &enabled) < 0 || enabled > 1)
		return wf_err_set(err, ENOTSUP,
				  "the Python in '%s' is not laid out as its table of offsets says",
				  python->file);
	if (!enabled)
		return wf_err_set(err, ENOTSUP,
				  "process %d was started with remote debugging off (-X "
				  "disable-remote-debug, PYTHON_DISABLE_REMOTE_DEBUG or by its "
				  "build): its functions cannot be traced",
				  (int)python->pid);
	python->way = WF_PYTHON_REMOTE;
	return 0;
}

static int choose_way(struct hunt *hunt, struct wf_err *err)
{
	struct wf_python *python = hunt->python;

	if (python->major != 3 || python->minor < WF_PYTHON_MINOR_MIN ||
	    python->minor > WF_PYTHON_MINOR_MAX)
		return refuse_version(python, err);
	if (hunt->library.machine != EM_X86_64)
		return wf_err_set(err, ENOTSUP, "'%s' is not for x86-64", python->file);
	if (python->offsets.free_threaded)
		return wf_err_set(err, ENOTSUP,
				  "process %d runs a free-threaded Python (without the GIL), "
				  "which cannot be traced yet",
				  (int)python->pid);
	if (!python->room_count)
		return wf_err_set(err, ENOTSUP,
				  "there is no room for 1 KiB beside the code of '%s'",
				  python->file);
	return python->layout ? choose_slot(python, &hunt->library, err)
			      : choose_remote(python, err);
}

static bool is_python_name(const char *path)
{
	return strncmp(wf_base_name(path), "python", 6) == 0 ||
	       strncmp(wf_base_name(path), "pypy", 4) == 0;
}

static int find(const struct wf_target *target, struct wf_python *ret, struct wf_err *err)
{
	struct hunt hunt = {.target = target, .python = ret};
	struct wf_library library;
	int rc;

	*ret = (struct wf_python){.pid = target->pid};
	rc = search_files(&hunt, err);
	if (rc < 0)
		return rc == -EBADMSG ? -ENOTSUP : rc;
	if (!hunt.home)
		return say_nothing(&hunt, err);
	ret->pid = target->pid;
	ret->inner_pid = target->inner_pid;
	ret->start_time = target->start_time;
	ret->uid = target->uid;
	ret->gid = target->gid;
	ret->embedded = !is_python_name(target->exe);
	snprintf(ret->file, sizeof(ret->file), "%s", hunt.home->path);
	/* An older one that lies idle beside it was looked at last. */
	if (wf_library_read(hunt.home, &library) == 0)
		hunt.library = library;
	find_rooms(&hunt);
	return choose_way(&hunt, err);
}

int wf_python_find(const struct wf_target *target, struct wf_python *ret, struct wf_err *err)
{
	return wf_memory_explain(target->pid, find(target, ret, err), err);
}
