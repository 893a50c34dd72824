/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

enum wf_exit wf_exit_for(int code)
{
	switch (code) {
	case EPERM:
	case EACCES:
	case ENOSYS:
		return WF_EXIT_UNABLE;
	default:
		return WF_EXIT_FAILED;
	}
}

void wf_config_init(struct wf_config *config)
{
	*config = (struct wf_config){0};
}

void wf_config_done(struct wf_config *config)
{
	free(config->pids.items);
	free(config->rules.items);
	free(config->profiles.items);
	free(config->destinations.items);
	free(config->headers.items);
	free(config->resource.items);
	free(config->arguments.items);
	wf_config_init(config);
}

/* Room for one more item. */
static int list_grow(void **items, uint32_t count, size_t item_size, struct wf_err *err)
{
	void *grown;

	if (count >= WF_CONFIG_ITEMS_MAX)
		return wf_err_set(err, E2BIG, "more than %d values", WF_CONFIG_ITEMS_MAX);
	/* Powers of two: grow when count is one. */
	if (count & (count - 1))
		return 0;
	grown = reallocarray(*items, count ? 2 * (size_t)count : 1, item_size);
	if (!grown)
		return wf_err_set(err, ENOMEM, "out of memory");
	*items = grown;
	return 0;
}

int wf_strings_add(struct wf_strings *strings, const char *text, struct wf_err *err)
{
	void *items = strings->items;
	int rc = list_grow(&items, strings->count, sizeof(*strings->items), err);

	strings->items = items;
	if (rc < 0)
		return rc;
	strings->items[strings->count++] = text;
	return 0;
}

int wf_pids_add(struct wf_pids *pids, pid_t pid, struct wf_err *err)
{
	void *items = pids->items;
	int rc;

	for (uint32_t i = 0; i < pids->count; i++) {
		if (pids->items[i] == pid)
			return 0;
	}
	rc = list_grow(&items, pids->count, sizeof(*pids->items), err);
	pids->items = items;
	if (rc < 0)
		return rc;
	pids->items[pids->count++] = pid;
	return 0;
}
