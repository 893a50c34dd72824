/* SPDX-License-Identifier: Apache-2.0 */
/* A rule set travels as its texts: reading it again gives the same rules, slots and names. */
#include "ruleset.h"

#include <errno.h>
#include <string.h>

#include "userspace/base/buf.h"
#include "userspace/base/json.h"

#define JSON_BYTES_MAX (256u * 1024 * 1024)

static void write_source(struct wf_buf *out, const struct wf_rule_source *source)
{
	wf_buf_putc(out, '{');
	if (source->file) {
		wf_buf_puts(out, "\"file\":");
		wf_buf_json_string(out, source->file, strlen(source->file));
		wf_buf_putc(out, ',');
	}
	wf_buf_puts(out, "\"text\":");
	wf_buf_json_string(out, source->text, source->len);
	wf_buf_putc(out, '}');
}

int wf_ruleset_to_json(const struct wf_ruleset *rules, char **ret, struct wf_err *err)
{
	struct wf_buf out;

	wf_buf_init(&out, JSON_BYTES_MAX);
	wf_buf_printf(&out, "{\"min_duration_ns\":%llu,\"sources\":[",
		      (unsigned long long)rules->min_duration_ns);
	for (uint32_t i = 0; i < rules->source_count; i++) {
		if (i > 0)
			wf_buf_putc(&out, ',');
		write_source(&out, &rules->sources[i]);
	}
	wf_buf_puts(&out, "]}");
	if (out.failed) {
		wf_buf_done(&out);
		return wf_err_set(err, ENOMEM, "the rules are too large for a recording");
	}
	*ret = out.data;
	return 0;
}

static int read_source(struct wf_ruleset *rules, const json_t *source, struct wf_err *err)
{
	const json_t *text = json_object_get(source, "text");
	const json_t *file = json_object_get(source, "file");

	if (!json_is_string(text) || (file && !json_is_string(file)))
		return wf_err_set(err, EINVAL, "the rules of this recording are broken");
	if (!file)
		return wf_ruleset_add_short(rules, json_string_value(text), err);
	return wf_ruleset_add_yaml(rules, json_string_value(file), json_string_value(text),
				   json_string_length(text), err);
}

static int read_sources(struct wf_ruleset *rules, const json_t *root, struct wf_err *err)
{
	const json_t *sources = json_object_get(root, "sources");
	const json_t *min = json_object_get(root, "min_duration_ns");
	int rc = 0;

	if (!json_is_array(sources) || !json_is_integer(min) || json_integer_value(min) < 0)
		return wf_err_set(err, EINVAL, "the rules of this recording are broken");
	for (size_t i = 0; rc == 0 && i < json_array_size(sources); i++)
		rc = read_source(rules, json_array_get(sources, i), err);
	if (rc == 0 && json_integer_value(min) > 0)
		wf_ruleset_set_min_duration(rules, (uint64_t)json_integer_value(min));
	return rc;
}

int wf_ruleset_from_json(const char *json, size_t len, struct wf_ruleset **ret, struct wf_err *err)
{
	wf_auto(wf_ruleset_freep) struct wf_ruleset *rules = NULL;
	struct wf_err problem = {0};
	json_t *root;
	int rc = wf_ruleset_new(&rules, err);

	if (rc < 0)
		return rc;
	if (len > JSON_BYTES_MAX)
		return wf_err_set(err, EFBIG, "the rules of this recording are too large");
	rc = wf_json_read(json, len, &root, &problem);
	if (rc == -ENOMEM)
		return wf_err_set(err, ENOMEM, "out of memory");
	if (rc < 0)
		return wf_err_set(err, EINVAL, "the rules of this recording are broken: %s",
				  problem.msg);
	rc = read_sources(rules, root, err);
	json_decref(root);
	if (rc < 0)
		return rc;
	*ret = wf_take(rules);
	return 0;
}
