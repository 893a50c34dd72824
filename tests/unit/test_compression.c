/* SPDX-License-Identifier: Apache-2.0 */
#include "exporter/compression.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static void only_what_leaves_the_machine_is_compressed(void **state)
{
	static const struct {
		const char *url;
		bool pays;
	} rows[] = {
		{"http://localhost:4318/v1/traces", false},
		{"http://LOCALHOST/", false},
		{"http://127.0.0.1:4318/v1/traces", false},
		{"https://me:pass@127.9.9.9/v1/traces?key=x", false},
		{"http://[::1]:4318/v1/traces", false},
		{"http://128.0.0.1/", true},
		{"http://127.0.0.1.example/", true},
		{"http://localhost.example/", true},
		{"http://collector:4318/v1/traces", true},
		{"http://[fe80::1%25eth0]:4318/", true},
		{"no URL", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(wf_compression_pays(WF_COMPRESSION_OUTSIDE, rows[i].url),
				 rows[i].pays);
		assert_true(wf_compression_pays(WF_COMPRESSION_GZIP, rows[i].url));
		assert_false(wf_compression_pays(WF_COMPRESSION_NONE, rows[i].url));
	}
}

/* context: pairs of name and value, then NULL. */
static const char *look_up(void *context, const char *name)
{
	for (const char **pair = context; *pair; pair += 2)
		if (strcmp(pair[0], name) == 0)
			return pair[1];
	return NULL;
}

#define GENERAL "OTEL_EXPORTER_OTLP_COMPRESSION"
#define TRACES  "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION"

static void the_environment_has_the_last_word(void **state)
{
	static const struct {
		const char *pairs[5];
		enum wf_compression compression;
		int rc;
	} rows[] = {
		{{NULL}, WF_COMPRESSION_OUTSIDE, 0},
		{{GENERAL, "", NULL}, WF_COMPRESSION_OUTSIDE, 0},
		{{GENERAL, "none", NULL}, WF_COMPRESSION_NONE, 0},
		{{GENERAL, "GZIP", NULL}, WF_COMPRESSION_GZIP, 0},
		{{GENERAL, "none", TRACES, "gzip", NULL}, WF_COMPRESSION_GZIP, 0},
		{{GENERAL, "zstd", NULL}, WF_COMPRESSION_OUTSIDE, -EOPNOTSUPP},
	};
	enum wf_compression got;
	struct wf_err err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(
			wf_compression_from_env(look_up, (void *)rows[i].pairs, &got, &err),
			rows[i].rc);
		assert_int_equal(got, rows[i].compression);
	}
	assert_string_equal(err.msg, GENERAL "=zstd is not known; use gzip or none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_leaves_the_machine_is_compressed),
		cmocka_unit_test(the_environment_has_the_last_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
