/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_schema.h"

#include <stddef.h>

static const char *const kinds[] = {"internal", "server", "client", "producer", "consumer", NULL};
static const char *const generators[] = {"body", "item", "exhausted", NULL};
static const char *const metric_kinds[] = {"counter", "up_down_counter", "gauge", "histogram",
					   NULL};
static const char *const link_kinds[] = {"parent", "link", NULL};
static const char *const levels[] = {"debug", "info", "warning", "error", "critical", NULL};
static const char *const overruns[] = {"attribute", "event", "metric", NULL};
static const char *const name_times[] = {"entry", "exit", NULL};

/* clang-format off: one key a line */
static const struct wf_key require_keys[] = {
	{"python", WF_KEY_TEXTS},
	{"library", WF_KEY_TEXTS},
	{"executable", WF_KEY_TEXTS},
	{"symbol", WF_KEY_TEXTS},
	{"usdt", WF_KEY_TEXTS},
	{"version", WF_KEY_VERSION},
	{0},
};

static const struct wf_key open_keys[] = {
	{"call", WF_KEY_FUNCTION, .required = true},
	{"when", WF_KEY_CONDITION},
	{"again", WF_KEY_AGAIN},
	{"key", WF_KEY_VALUE, .later = true},
	{0},
};

static const struct wf_key close_keys[] = {
	{"call", WF_KEY_FUNCTION, .required = true},
	{"when", WF_KEY_CONDITION},
	{"key", WF_KEY_VALUE, .later = true},
	{0},
};

static const struct wf_key end_on_keys[] = {
	{"call", WF_KEY_FUNCTION, .required = true},
	{"same", WF_KEY_VALUE},
	{"when", WF_KEY_CONDITION},
	{"timeout", WF_KEY_DURATION},
	{0},
};

static const struct wf_key promote_keys[] = {
	{"to", WF_KEY_NAME, .required = true},
	{"set", WF_KEY_VALUES},
	{"when", WF_KEY_CONDITION},
	{"count", WF_KEY_TEXT},
	{"sum", WF_KEY_VALUES},
	{"max", WF_KEY_VALUES},
	{"last", WF_KEY_VALUES},
	{0},
};

static const struct wf_key budget_keys[] = {
	{"duration", WF_KEY_DURATION, .required = true},
	{"then", WF_KEY_WORD, .words = overruns},
	{0},
};

static const struct wf_key span_keys[] = {
	{"rule", WF_KEY_NAME},
	{"function", WF_KEY_FUNCTIONS},
	{"open", WF_KEY_MAPPING, .keys = open_keys},
	{"close", WF_KEY_MAPPING, .keys = close_keys},
	{"name", WF_KEY_TEMPLATE},
	{"name_at", WF_KEY_WORD, .words = name_times},
	{"kind", WF_KEY_WORD, .words = kinds},
	{"when", WF_KEY_CONDITION},
	{"attributes", WF_KEY_VALUES},
	{"error", WF_KEY_ERROR},
	{"not_errors", WF_KEY_TEXTS},
	{"message", WF_KEY_VALUE, .later = true},
	{"type", WF_KEY_VALUE, .later = true},
	{"min_duration", WF_KEY_DURATION},
	{"parent", WF_KEY_PARENT},
	{"key", WF_KEY_VALUE},
	{"once", WF_KEY_BOOL},
	{"suppress", WF_KEY_TEXTS},
	{"active_time", WF_KEY_BOOL},
	{"drop_when", WF_KEY_CONDITION, .later = true},
	{"end_on", WF_KEY_MAPPING, .later = true, .keys = end_on_keys},
	{"generator", WF_KEY_WORD, .later = true, .words = generators},
	{"promote", WF_KEY_ONE_OR_MAPPINGS, .later = true, .keys = promote_keys},
	{"inherit", WF_KEY_TEXTS, .later = true},
	{"sampling", WF_KEY_NAME, .later = true},
	{"budget", WF_KEY_BUDGET, .later = true, .keys = budget_keys},
	{"redact", WF_KEY_TEXTS, .later = true},
	{"raw", WF_KEY_BOOL, .later = true, .plain = "false"},
	{"limit", WF_KEY_INTEGER, .later = true},
	{"inject", WF_KEY_VALUE, .later = true},
	{0},
};

static const struct wf_key event_keys[] = {
	{"function", WF_KEY_FUNCTIONS},
	{"call", WF_KEY_FUNCTIONS},
	{"on", WF_KEY_NEAREST},
	{"name", WF_KEY_TEMPLATE},
	{"when", WF_KEY_CONDITION},
	{"attributes", WF_KEY_VALUES},
	{0},
};

static const struct wf_key link_end_keys[] = {
	{"rule", WF_KEY_NAME, .required = true},
	{"key", WF_KEY_VALUE, .required = true},
	{0},
};

static const struct wf_key link_keys[] = {
	{"from", WF_KEY_MAPPING, .required = true, .keys = link_end_keys},
	{"to", WF_KEY_MAPPING, .required = true, .keys = link_end_keys},
	{"as", WF_KEY_WORD, .words = link_kinds},
	{"wait", WF_KEY_TEXT, .later = true},
	{"expire", WF_KEY_DURATION, .later = true},
	{"max", WF_KEY_INTEGER, .later = true},
	{0},
};

static const struct wf_key metric_keys[] = {
	{"name", WF_KEY_NAME, .required = true},
	{"kind", WF_KEY_WORD, .required = true, .words = metric_kinds},
	{"unit", WF_KEY_TEXT},
	{"function", WF_KEY_FUNCTIONS, .required = true},
	{"when", WF_KEY_CONDITION},
	{"value", WF_KEY_VALUE},
	{"labels", WF_KEY_VALUES},
	{"buckets", WF_KEY_NUMBERS},
	{"max_labels", WF_KEY_INTEGER},
	{0},
};

static const struct wf_key log_keys[] = {
	{"logger", WF_KEY_TEXT},
	{"level", WF_KEY_WORD, .words = levels},
	{"when", WF_KEY_CONDITION, .later = true},
	{"write_ids", WF_KEY_BOOL},
	{0},
};

const struct wf_key wf_profile_keys[] = {
	{"wftrace", WF_KEY_INTEGER, .required = true},
	{"profile", WF_KEY_NAME, .required = true},
	{"requires", WF_KEY_ONE_OR_MAPPINGS, .keys = require_keys},
	{"spans", WF_KEY_MAPPINGS, .keys = span_keys},
	{"events", WF_KEY_MAPPINGS, .keys = event_keys},
	{"links", WF_KEY_MAPPINGS, .keys = link_keys},
	{"metrics", WF_KEY_MAPPINGS, .later = true, .keys = metric_keys},
	{"logs", WF_KEY_MAPPINGS, .keys = log_keys},
	{"otel", WF_KEY_OTEL, .later = true},
	{0},
};
/* clang-format on */
