/* SPDX-License-Identifier: Apache-2.0 */
#include "origin.h"

#include <errno.h>
#include <string.h>

#include "minidebug.h"
#include "userspace/base/buf.h"
#include "userspace/base/str.h"

static int add(const struct wf_debugfile_search *search, const struct wf_image *from,
	       enum wf_symbol_source source, struct wf_symbol_table *table, struct wf_origin *ret)
{
	int rc = wf_symbol_table_add(table, search->image, from, source);

	if (rc == -ENOMEM)
		return rc;
	if (rc < 0)
		ret->broken = true;
	return 0;
}

/* What stripping took away, from the nearest place that has it. */
static int add_stripped(const struct wf_debugfile_search *search, struct wf_symbol_table *table,
			struct wf_origin *ret)
{
	wf_auto(wf_image_freep) struct wf_image *found = NULL;
	int rc;

	if (wf_debugfile_find(search, &found) == 0)
		return add(search, found, WF_SYM_DEBUGFILE, table, ret);
	rc = wf_minidebug_open(search->image, &found);
	if (rc == 0)
		return add(search, found, WF_SYM_MINIDEBUG, table, ret);
	if (rc != -ENOENT)
		ret->broken = true;
	ret->fetched = wf_debugfile_fetch(search, &found);
	return ret->fetched == 0 ? add(search, found, WF_SYM_DEBUGFILE, table, ret) : 0;
}

int wf_origin_load(const struct wf_debugfile_search *search, const struct wf_unwind *unwind,
		   struct wf_symbol_table *table, struct wf_origin *ret)
{
	int rc;

	*ret = (struct wf_origin){0};
	rc = add(search, search->image, WF_SYM_SYMTAB, table, ret);
	if (rc == 0 && !table->added[WF_SYM_SYMTAB])
		rc = add_stripped(search, table, ret);
	if (rc == 0)
		rc = add(search, search->image, WF_SYM_DYNSYM, table, ret);
	if (rc == 0)
		rc = wf_symbol_table_finish(table, search->image, unwind);
	ret->capped = table->capped;
	memcpy(ret->found, table->added, sizeof(ret->found));
	return rc;
}

static void put_count(struct wf_buf *buf, size_t count, const char *what, const char *separator)
{
	if (count)
		wf_buf_printf(buf, "%s%zu %s%s", separator, count, what, count == 1 ? "" : "s");
}

static void put_sources(struct wf_buf *buf, const struct wf_origin *origin)
{
	if (origin->found[WF_SYM_SYMTAB])
		put_count(buf, origin->found[WF_SYM_SYMTAB], "function", "");
	else if (origin->found[WF_SYM_DEBUGFILE])
		wf_buf_printf(buf, "stripped; %zu functions from its debug file",
			      origin->found[WF_SYM_DEBUGFILE]);
	else if (origin->found[WF_SYM_MINIDEBUG])
		wf_buf_printf(buf, "stripped; %zu functions from .gnu_debugdata",
			      origin->found[WF_SYM_MINIDEBUG]);
	else
		wf_buf_puts(buf, "stripped");
	put_count(buf, origin->found[WF_SYM_DYNSYM], "exported function",
		  origin->found[WF_SYM_SYMTAB] ? ", " : "; ");
}

/* The way out of a stripped file. */
static void put_cure(struct wf_buf *buf, const struct wf_origin *origin,
		     const struct wf_debugfile_search *search)
{
	if (!search->image->build_id[0]) {
		wf_buf_puts(buf,
			    "; debug symbols: it has no build-id, so only the file that its "
			    ".gnu_debuglink names can be used: give its folder with --debug-dir");
		return;
	}
	wf_buf_puts(buf,
		    "; debug symbols: install its -dbgsym or -debuginfo package, name a folder "
		    "with --debug-dir");
	if (origin->fetched == -ELIBACC)
		wf_buf_puts(buf, ", or install " WF_DEBUGINFOD_PACKAGE
				 " (DEBUGINFOD_URLS is set, but that library is missing)");
	else if (origin->fetched == -ENOTSUP)
		wf_buf_puts(buf, ", or set DEBUGINFOD_URLS");
	else
		wf_buf_puts(buf, " (the servers of DEBUGINFOD_URLS have none)");
}

void wf_origin_story(const struct wf_origin *origin, const struct wf_debugfile_search *search,
		     size_t probe_count, char *out, size_t size)
{
	struct wf_buf buf;

	wf_buf_init(&buf, size ? size - 1 : 0);
	wf_buf_puts(&buf, wf_base_name(search->shown));
	if (search->image->build_id[0])
		wf_buf_printf(&buf, " (build-id %s)", search->image->build_id);
	wf_buf_puts(&buf, ": ");
	put_sources(&buf, origin);
	put_count(&buf, probe_count, "static probe", ", ");
	if (origin->broken)
		wf_buf_puts(&buf, "; a symbol table is damaged");
	if (origin->capped)
		wf_buf_puts(&buf, "; its symbol table is too large, some functions are left out");
	if (!origin->found[WF_SYM_SYMTAB] && !origin->found[WF_SYM_DEBUGFILE] &&
	    !origin->found[WF_SYM_MINIDEBUG])
		put_cure(&buf, origin, search);
	snprintf(out, size, "%s", buf.data ? buf.data : "");
	wf_buf_done(&buf);
}
