/* SPDX-License-Identifier: Apache-2.0 */
#include "exporter/destination.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void good_destinations_are_understood(void **state)
{
	static const struct {
		const char *text;
		enum wf_destination_kind kind;
		const char *name, *target;
	} rows[] = {
		{"console", WF_DESTINATION_CONSOLE, "console", NULL},
		{"file:-", WF_DESTINATION_FILE, "file:-", "-"},
		{"file:/a b/c", WF_DESTINATION_FILE, "file:/a b/c", "/a b/c"},
		{"http://localhost", WF_DESTINATION_OTLP, "http://localhost:4318/v1/traces",
		 "http://localhost:4318/v1/traces"},
		{"http://localhost/", WF_DESTINATION_OTLP, "http://localhost:4318/v1/traces",
		 "http://localhost:4318/v1/traces"},
		{"https://h:9999", WF_DESTINATION_OTLP, "https://h:9999/v1/traces",
		 "https://h:9999/v1/traces"},
		{"http://h:4318/v1/traces", WF_DESTINATION_OTLP, "http://h:4318/v1/traces",
		 "http://h:4318/v1/traces"},
		{"https://h/api/otlp", WF_DESTINATION_OTLP, "https://h/api/otlp",
		 "https://h/api/otlp"},
		{"HTTP://[::1]:4318", WF_DESTINATION_OTLP, "HTTP://[::1]:4318/v1/traces",
		 "HTTP://[::1]:4318/v1/traces"},
		{"http://[fe80::1%25eth0]", WF_DESTINATION_OTLP,
		 "http://[fe80::1%25eth0]:4318/v1/traces",
		 "http://[fe80::1%25eth0]:4318/v1/traces"},
		{"https://me:p@ss@h:1/v1/traces?key=secret", WF_DESTINATION_OTLP,
		 "https://h:1/v1/traces", "https://me:p@ss@h:1/v1/traces?key=secret"},
	};
	struct wf_destination got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(wf_destination_parse(rows[i].text, &got, NULL), 0);
		assert_int_equal(got.kind, rows[i].kind);
		assert_string_equal(got.name, rows[i].name);
		if (rows[i].target)
			assert_string_equal(got.target, rows[i].target);
		else
			assert_null(got.target);
		wf_destination_done(&got);
	}
}

static void bad_destinations_are_refused_with_the_way_out(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} rows[] = {
		{"", EINVAL, "http://HOST:4318"},
		{"consol", EINVAL, "did you mean 'console'"},
		{"localhost:4318", EINVAL, "http://HOST:4318"},
		{"file:", EINVAL, "needs a path"},
		{"datadog", EOPNOTSUPP, "preset 'datadog' is not in this version"},
		{"grpc://h:4317", EOPNOTSUPP, "use http://h:4318"},
		{"grpcs://h", EOPNOTSUPP, "gRPC export is not in this version"},
		{"http://h:4317", EOPNOTSUPP, "port 4317 speaks gRPC"},
		{"ftp://h", EINVAL, "'ftp://' is no destination"},
		{"http://", EINVAL, "no valid URL"},
		{"http://:4318", EINVAL, "no valid URL"},
		{"http://h:", EINVAL, "no valid URL"},
		{"http://h:0", EINVAL, "no valid URL"},
		{"http://h:65536", EINVAL, "no valid URL"},
		{"http://h:0x1", EINVAL, "no valid URL"},
		{"http://h:43 18", EINVAL, "no valid URL"},
		{"http://h\r\nX: y", EINVAL, "no valid URL"},
		{"http://[::1", EINVAL, "no valid URL"},
		{"http://[::1]x:1", EINVAL, "no valid URL"},
		{"http://h/#part", EINVAL, "no valid URL"},
		{"://h", EINVAL, "no destination"},
	};
	struct wf_destination got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wf_err err = {0};

		assert_int_equal(wf_destination_parse(rows[i].text, &got, &err), -rows[i].code);
		if (!strstr(err.msg, rows[i].says))
			fail_msg("'%s': %s", rows[i].text, err.msg);
		assert_null(got.name);
		assert_null(got.target);
	}
}

static void a_refusal_does_not_repeat_a_password(void **state)
{
	struct wf_err err = {0};
	struct wf_destination got;

	(void)state;
	assert_true(wf_destination_parse("http://me:secret@h:99999", &got, &err) < 0);
	assert_null(strstr(err.msg, "secret"));
	assert_true(wf_destination_parse("grpc://me:secret@h:4317", &got, &err) < 0);
	assert_null(strstr(err.msg, "secret"));
}

/* "A=1;B=2" as an environment. */
static const char *lookup(void *context, const char *name)
{
	static char value[256];
	const char *at = context;
	size_t len = strlen(name);

	for (; *at; at += strcspn(at, ";"), at += *at == ';') {
		if (strncmp(at, name, len) || at[len] != '=')
			continue;
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(at + len + 1, ";"),
			 at + len + 1);
		return value;
	}
	return NULL;
}

static void the_environment_chooses_without_to(void **state)
{
	static const struct {
		const char *env;
		unsigned count;
		const char *first; /* target of the first; NULL = the console */
	} rows[] = {
		{"", 1, NULL},
		{"OTEL_TRACES_EXPORTER=", 1, NULL},
		{"OTEL_TRACES_EXPORTER=none", 0, NULL},
		{"OTEL_TRACES_EXPORTER=otlp", 1, "http://localhost:4318/v1/traces"},
		{"OTEL_TRACES_EXPORTER=OTLP, console", 2, "http://localhost:4318/v1/traces"},
		{"OTEL_TRACES_EXPORTER=zipkin", 1, NULL},
		{"OTEL_TRACES_EXPORTER=console;OTEL_EXPORTER_OTLP_ENDPOINT=http://h", 1, NULL},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4318", 1, "http://h:4318/v1/traces"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4318/base/", 1,
		 "http://h:4318/base/v1/traces"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=https://h", 1, "https://h/v1/traces"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://a;"
		 "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://b:1/x",
		 1, "http://b:1/x"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://b:1", 1, "http://b:1/"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://h;OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
		 1, "http://h/v1/traces"},
	};
	struct wf_destinations got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(wf_destinations_from_env(lookup, (void *)rows[i].env, &got, NULL),
				 0);
		assert_int_equal(got.count, rows[i].count);
		if (rows[i].first)
			assert_string_equal(got.items[0].target, rows[i].first);
		else if (got.count)
			assert_int_equal(got.items[0].kind, WF_DESTINATION_CONSOLE);
		wf_destinations_done(&got);
	}
}

static void logs_go_beside_the_traces_or_where_their_variables_say(void **state)
{
	static const struct {
		const char *env, *logs;
	} rows[] = {
		{"OTEL_TRACES_EXPORTER=otlp", "http://localhost:4318/v1/logs"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://h/base/", "http://h/base/v1/logs"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://h;OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://b/"
		 "x",
		 "http://h/v1/logs"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://b/x", NULL},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://b/v1/traces", "http://b/v1/logs"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://h;OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://l/y",
		 "http://l/y"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://h;OTEL_LOGS_EXPORTER=none", NULL},
	};
	struct wf_destinations got;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(wf_destinations_from_env(lookup, (void *)rows[i].env, &got, NULL),
				 0);
		assert_int_equal(got.count, 1);
		if (rows[i].logs)
			assert_string_equal(got.items[0].logs, rows[i].logs);
		else
			assert_null(got.items[0].logs);
		wf_destinations_done(&got);
	}
}

static void what_the_environment_cannot_have_is_said(void **state)
{
	static const struct {
		const char *env, *says;
	} rows[] = {
		{"OTEL_EXPORTER_OTLP_ENDPOINT=h:4318", "OTEL_EXPORTER_OTLP_ENDPOINT"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4317", "gRPC"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://h;OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
		 "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"},
		{"OTEL_TRACES_EXPORTER=otlp;OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json",
		 "http/json is not in this version"},
		{"OTEL_TRACES_EXPORTER=otlp;OTEL_EXPORTER_OTLP_HEADERS=nonsense",
		 "OTEL_EXPORTER_OTLP_HEADERS"},
	};
	struct wf_destinations got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wf_err err = {0};

		assert_true(wf_destinations_from_env(lookup, (void *)rows[i].env, &got, &err) < 0);
		if (!strstr(err.msg, rows[i].says))
			fail_msg("'%s': %s", rows[i].env, err.msg);
		assert_int_equal(got.count, 0);
	}
	assert_int_equal(
		wf_destinations_from_env(lookup, "OTEL_TRACES_EXPORTER=zipkin", &got, NULL), 0);
	assert_non_null(strstr(got.note, "zipkin"));
	wf_destinations_done(&got);
}

static void header_lists_are_decoded(void **state)
{
	struct wf_headers headers = {0};

	(void)state;
	assert_int_equal(wf_headers_parse_list(&headers, " a=b , c=d%20e%3D,,x = %C3%BC", NULL), 0);
	assert_int_equal(headers.count, 3);
	assert_string_equal(headers.items[0], "a: b");
	assert_string_equal(headers.items[1], "c: d e=");
	assert_string_equal(headers.items[2], "x: \xc3\xbc");
	wf_headers_done(&headers);
	assert_true(wf_headers_parse_list(&headers, "a=%4", NULL) < 0);
	assert_true(wf_headers_parse_list(&headers, "a=%", NULL) < 0);
	assert_true(wf_headers_parse_list(&headers, "a=%zz", NULL) < 0);
	assert_true(wf_headers_parse_list(&headers, "a=x%0d%0aX-Evil: 1", NULL) < 0);
	assert_true(wf_headers_parse_list(&headers, "a b=c", NULL) < 0);
	assert_int_equal(headers.count, 0);
}

static void headers_never_hold_line_breaks_and_errors_never_values(void **state)
{
	struct wf_headers headers = {0};
	struct wf_err err = {0};

	(void)state;
	assert_int_equal(wf_headers_add(&headers, "Authorization=Bearer a=b:c", NULL), 0);
	assert_string_equal(headers.items[0], "Authorization: Bearer a=b:c");
	assert_int_equal(wf_headers_add(&headers, "X-Key: v", NULL), 0);
	assert_string_equal(headers.items[1], "X-Key: v");
	assert_true(wf_headers_add(&headers, "x=secret\r\ny: z", &err) < 0);
	assert_null(strstr(err.msg, "secret"));
	assert_true(wf_headers_add(&headers, "x", &err) < 0);
	assert_true(wf_headers_add(&headers, "=v", &err) < 0);
	wf_headers_done(&headers);
}

static void a_header_file_is_read_line_by_line(void **state)
{
	static const char text[] = "# keys\n\napi-key: one\r\nb=two\n";
	struct wf_headers headers = {0};
	struct wf_err err = {0};
	char path[] = "/tmp/wf-header-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(wf_headers_read(&headers, path, NULL), 0);
	assert_int_equal(headers.count, 2);
	assert_string_equal(headers.items[0], "api-key: one");
	assert_string_equal(headers.items[1], "b: two");
	assert_int_equal(write(fd, "oops", 4), 4);
	assert_true(wf_headers_read(&headers, path, &err) < 0);
	assert_non_null(strstr(err.msg, "line 5"));
	wf_headers_done(&headers);
	close(fd);
	unlink(path);
	assert_true(wf_headers_read(&headers, path, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_destinations_are_understood),
		cmocka_unit_test(bad_destinations_are_refused_with_the_way_out),
		cmocka_unit_test(a_refusal_does_not_repeat_a_password),
		cmocka_unit_test(the_environment_chooses_without_to),
		cmocka_unit_test(logs_go_beside_the_traces_or_where_their_variables_say),
		cmocka_unit_test(what_the_environment_cannot_have_is_said),
		cmocka_unit_test(header_lists_are_decoded),
		cmocka_unit_test(headers_never_hold_line_breaks_and_errors_never_values),
		cmocka_unit_test(a_header_file_is_read_line_by_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
