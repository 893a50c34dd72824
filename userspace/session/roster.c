/* SPDX-License-Identifier: Apache-2.0 */
#include "roster.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/base/buf.h"
#include "userspace/base/json.h"
#include "userspace/base/log.h"
#include "userspace/base/str.h"
#include "userspace/kernel/selftest.h"
#include "userspace/python/request.h"
#include "userspace/python/visit.h"

#define TEXT_BYTES (4u << 20)
#define AGENT_NS   800 /* what the agent itself does for a call with a value or two */

struct roster {
	const struct wf_config *config;
	const struct wf_ruleset *rules;
	struct wf_costs costs;
	struct wf_listing_style style;
};

enum column { COLUMN_FUNCTION, COLUMN_SOURCE, COLUMN_HOW, COLUMN_COST, COLUMNS };

static const char *const titles[COLUMNS] = {"FUNCTION", "SOURCE", "HOW", "COST/CALL"};

static int ask(const struct roster *roster, const struct wf_python *python, json_t **ret,
	       struct wf_err *err)
{
	struct wf_request request = {.sequence = 1, .pid = getpid(), .name = "wftrace list"};
	struct wf_buf text;
	int rc;

	request.nonce = (uint64_t)getpid();
	wf_buf_init(&text, TEXT_BYTES);
	rc = wf_request_start(&request, "list", roster->rules, &text) < 0
		     ? wf_err_set(err, ENOMEM, "out of memory")
		     : wf_visit(python, text.data, true, roster->config->force, ret, err);
	wf_buf_done(&text);
	return rc;
}

static double cost_of(const struct roster *roster)
{
	return roster->costs.emulated_ns + roster->costs.record_ns + AGENT_NS;
}

static void make_cell(const struct roster *roster, const json_t *entry, enum column column,
		      char *out, size_t size)
{
	out[0] = '\0';
	switch (column) {
	case COLUMN_FUNCTION:
		snprintf(out, size, "%s", wf_json_text_of(entry, "name"));
		break;
	case COLUMN_SOURCE:
		snprintf(out, size, "%s:%lld", wf_base_name(wf_json_text_of(entry, "file")),
			 (long long)json_integer_value(json_object_get(entry, "line")));
		break;
	case COLUMN_HOW:
		snprintf(out, size, "%s%s", wf_json_text_of(entry, "how"),
			 json_is_true(json_object_get(entry, "async")) ? ", suspends" : "");
		break;
	default:
		wf_format_duration((uint64_t)cost_of(roster), out, size);
	}
}

static void print_armed(const struct roster *roster, const json_t *armed, FILE *out)
{
	size_t widths[COLUMNS], i;
	const json_t *entry;
	char cell[512];

	for (int c = 0; c < COLUMNS; c++) {
		widths[c] = strlen(titles[c]);
		json_array_foreach (armed, i, entry) {
			make_cell(roster, entry, c, cell, sizeof(cell));
			if (strlen(cell) > widths[c])
				widths[c] = strlen(cell);
		}
	}
	for (int c = 0; json_array_size(armed) && c < COLUMNS; c++)
		fprintf(out, "%-*s%s", (int)widths[c], titles[c], c + 1 < COLUMNS ? "  " : "\n");
	json_array_foreach (armed, i, entry) {
		const char *note = wf_json_text_of(entry, "note");

		for (int c = 0; c < COLUMNS; c++) {
			make_cell(roster, entry, c, cell, sizeof(cell));
			fprintf(out, "%-*s%s", (int)widths[c], cell, c + 1 < COLUMNS ? "  " : "");
		}
		fprintf(out, "%s%s\n", *note ? "  " : "", note);
	}
}

static void print_reasons(const json_t *list, const char *key, FILE *out)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry)
		fprintf(out, "%s: %s\n", wf_json_text_of(entry, key),
			wf_json_text_of(entry, "why"));
}

static void put_line(const char *name, const json_t *entry, const char *refusal, double cost_ns,
		     FILE *out)
{
	json_t *line = json_pack("{s:s, s:s, s:b, s:s?}", "function", name, "language", "python",
				 "armed", refusal == NULL, "refusal", refusal);
	char *text;

	if (!refusal)
		json_object_update_new(
			line, json_pack("{s:s, s:I, s:s, s:b, s:s, s:f}", "file",
					wf_json_text_of(entry, "file"), "line",
					json_integer_value(json_object_get(entry, "line")), "how",
					wf_json_text_of(entry, "how"), "suspends",
					json_is_true(json_object_get(entry, "async")), "note",
					wf_json_text_of(entry, "note"), "cost_ns", cost_ns));
	text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(6));
	if (text)
		fprintf(out, "%s\n", text);
	free(text);
	json_decref(line);
}

static void print_lines(const struct roster *roster, const json_t *answer, FILE *out)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(answer, "armed"), i, entry)
		put_line(wf_json_text_of(entry, "name"), entry, NULL, cost_of(roster), out);
	json_array_foreach (json_object_get(answer, "refused"), i, entry)
		put_line(wf_json_text_of(entry, "name"), entry, wf_json_text_of(entry, "why"), 0,
			 out);
	json_array_foreach (json_object_get(answer, "waiting"), i, entry)
		put_line(wf_json_text_of(entry, "target"), entry, wf_json_text_of(entry, "why"), 0,
			 out);
}

static void print_table(const struct roster *roster, const json_t *answer, FILE *out)
{
	const json_t *armed = json_object_get(answer, "armed");
	const json_t *refused = json_object_get(answer, "refused");

	print_armed(roster, armed, out);
	print_reasons(refused, "name", out);
	print_reasons(json_object_get(answer, "waiting"), "target", out);
	fprintf(out, "%zu Python functions can be traced, %zu refused\n", json_array_size(armed),
		json_array_size(refused));
}

static int print(const struct roster *roster, const struct wf_target *target, uint32_t *ret_count,
		 struct wf_err *err)
{
	struct wf_python python;
	json_t *answer = NULL;
	const char *error;
	int rc = wf_python_find(target, &python, err);

	if (rc == 0)
		rc = ask(roster, &python, &answer, err);
	if (rc < 0)
		return rc;
	error = json_string_value(json_object_get(answer, "error"));
	*ret_count = (uint32_t)json_array_size(json_object_get(answer, "armed"));
	if (error)
		rc = wf_err_set(err, ECANCELED, "process %d: %s", (int)python.pid, error);
	else if (roster->style.json)
		print_lines(roster, answer, stdout);
	else
		print_table(roster, answer, stdout);
	json_decref(answer);
	return rc;
}

int wf_roster_print(const struct wf_config *config, const struct wf_features *features,
		    const struct wf_ruleset *rules, const struct wf_target *target,
		    uint32_t *ret_count, struct wf_err *err)
{
	struct roster roster = {.config = config,
				.rules = rules,
				.costs = wf_plan_default_costs(),
				.style = wf_listing_style_for(stdout, config->json)};

	*ret_count = 0;
	if (config->no_inject)
		return wf_err_set(err, EINVAL,
				  "which Python functions there are only the process itself can "
				  "say, and --no-inject forbids to ask it");
	if (features->tier != WF_TIER_NONE)
		(void)wf_selftest_costs(features, &roster.costs, NULL);
	return print(&roster, target, ret_count, err);
}
