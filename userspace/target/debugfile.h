/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debugfile.h - the separate debug file of an image: by build-id and .gnu_debuglink in the usual
 * folders of the host and of the target's root, in the user's folder, and by debuginfod. A file
 * counts only where its build-id (or, without one, the link's checksum) fits. Control thread.
 */
#ifndef WF_DEBUGFILE_H
#define WF_DEBUGFILE_H

#include "image.h"

struct wf_debugfile_search {
	const struct wf_image *image;
	const char *shown;     /* path as the target sees it, for .gnu_debuglink */
	const char *debug_dir; /* the user's folder, or NULL */
	const char *root;      /* root of the target's mount namespace, or NULL */
};

/* Look in folders. -ENOENT. */
int wf_debugfile_find(const struct wf_debugfile_search *search, struct wf_image **ret);

/*
 * Ask the servers of DEBUGINFOD_URLS. May take as long as DEBUGINFOD_TIMEOUT says. -ENOENT: no
 * server has it; -ENOTSUP: not asked, since the variable is not set; -ELIBACC: libdebuginfod is
 * not installed.
 */
int wf_debugfile_fetch(const struct wf_debugfile_search *search, struct wf_image **ret);

/* Package name of the library that -ELIBACC asks for. */
#define WF_DEBUGINFOD_PACKAGE "libdebuginfod1"

#endif
