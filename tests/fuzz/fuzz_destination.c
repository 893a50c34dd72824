/* SPDX-License-Identifier: Apache-2.0 */
/* A destination, an environment and a header list from any text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/destination.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same text for the variable that the first byte chooses. */
struct environment {
	uint8_t choice;
	const char *text;
};

static const char *lookup(void *context, const char *name)
{
	static const char *const names[] = {"OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT",
					    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
					    "OTEL_EXPORTER_OTLP_PROTOCOL",
					    "OTEL_EXPORTER_OTLP_HEADERS"};
	const struct environment *environment = context;
	unsigned i;

	for (i = 0; i < 5; i++)
		if ((environment->choice >> i & 1) && strcmp(name, names[i]) == 0)
			return environment->text;
	return NULL;
}

static void check(const struct wf_destination *destination)
{
	const char *at;

	if (!destination->name ||
	    (destination->kind != WF_DESTINATION_CONSOLE && !destination->target))
		abort();
	if (destination->kind != WF_DESTINATION_OTLP)
		return;
	for (at = destination->target; *at; at++)
		if ((unsigned char)*at <= 0x20)
			abort();
	/* No user info in what is printed. */
	if (strchr(destination->name, '@') &&
	    strchr(destination->name, '@') < strchr(strstr(destination->name, "://") + 3, '/'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wf_headers headers = {0};
	struct wf_destinations many;
	struct wf_destination one;
	struct environment environment;
	struct wf_err err = {0};
	unsigned i;
	char *text;

	if (!size)
		return 0;
	text = calloc(1, size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	environment = (struct environment){data[0], text};
	if (wf_destination_parse(text, &one, &err) == 0) {
		check(&one);
		wf_destination_done(&one);
	} else if (!err.msg[0]) {
		abort();
	}
	if (wf_destinations_from_env(lookup, &environment, &many, &err) == 0) {
		for (i = 0; i < many.count; i++)
			check(&many.items[i]);
		wf_destinations_done(&many);
	}
	wf_headers_parse_list(&headers, text, &err);
	wf_headers_add(&headers, text, &err);
	for (i = 0; i < headers.count; i++)
		if (strpbrk(headers.items[i], "\r\n"))
			abort();
	wf_headers_done(&headers);
	free(text);
	return 0;
}
