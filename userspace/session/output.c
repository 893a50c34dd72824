/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/header.h"
#include "userspace/base/clock.h"
#include "userspace/base/log.h"
#include "userspace/base/str.h"

static const char *from_environment(void *context, const char *name)
{
	const char *value = getenv(name);

	(void)context;
	return value && value[0] ? value : NULL;
}

static int read_headers(const struct wf_config *config, struct wf_headers *headers,
			struct wf_err *err)
{
	int rc = 0;

	if (config->header_file)
		rc = wf_headers_read(headers, config->header_file, err);
	for (uint32_t i = 0; rc == 0 && i < config->headers.count; i++)
		rc = wf_headers_add(headers, config->headers.items[i], err);
	return rc;
}

/* The terminal, or -o FILE for `run`, whose stdout belongs to the command. */
static int console_fd(const struct wf_config *config, struct wf_err *err)
{
	int fd;

	if (config->command != WF_COMMAND_RUN)
		return STDOUT_FILENO;
	if (!config->output)
		return STDERR_FILENO;
	fd = open(config->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return fd >= 0 ? fd : wf_err_set(err, errno, "-o %s: %s", config->output, strerror(errno));
}

static int add_destinations(const struct wf_config *config, struct wf_exporter *exporter,
			    struct wf_err *err)
{
	struct wf_destinations destinations = {0};
	int rc = 0;

	if (!config->destinations.count)
		rc = wf_destinations_from_env(from_environment, NULL, &destinations, err);
	for (uint32_t i = 0; rc == 0 && i < config->destinations.count; i++) {
		if (destinations.count == WF_DESTINATIONS_MAX)
			rc = wf_err_set(err, E2BIG, "--to: at most %d destinations",
					WF_DESTINATIONS_MAX);
		else
			rc = wf_destination_parse(config->destinations.items[i],
						  &destinations.items[destinations.count], err);
		destinations.count += rc == 0;
	}
	if (destinations.note[0])
		wf_log(WF_LOG_WARN, "output", "%s", destinations.note);
	for (unsigned i = 0; rc == 0 && i < destinations.count; i++)
		rc = wf_exporter_add(exporter, &destinations.items[i], err);
	wf_destinations_done(&destinations);
	return rc;
}

/* Who names the console means trees, also through a pipe. */
static bool wants_json(const struct wf_config *config, bool is_terminal)
{
	for (uint32_t i = 0; i < config->destinations.count; i++)
		if (strcmp(config->destinations.items[i], "console") == 0)
			return config->json;
	return config->json || !is_terminal;
}

int wf_output_new(const struct wf_config *config,
		  void (*on_failed)(void *context, const struct wf_sink *sink), void *context,
		  struct wf_exporter **ret, struct wf_err *err)
{
	wf_auto(wf_exporter_freep) struct wf_exporter *exporter = NULL;
	struct wf_exporter_config options = {.on_failed = on_failed, .context = context};
	struct wf_headers headers = {0};
	int rc = read_headers(config, &headers, err);
	int fd = rc < 0 ? rc : console_fd(config, err);

	if (fd < 0) {
		wf_headers_done(&headers);
		return fd;
	}
	wf_console_detect(fd, from_environment, NULL, &options.console);
	options.console.json = wants_json(config, !options.console.json);
	/* The terminal of `run` is the command's too, and a replay takes no time. */
	options.console.live &=
		config->command == WF_COMMAND_ATTACH || config->command == WF_COMMAND_RECORD;
	options.otlp.headers = (const char *const *)headers.items;
	options.otlp.header_count = headers.count;
	options.otlp.seed = wf_mix64(wf_clock_realtime_ns());
	rc = wf_compression_from_env(from_environment, NULL, &options.otlp.compression, err);
	if (rc == 0)
		rc = wf_exporter_new(&options, &exporter, err);
	if (rc == 0)
		rc = add_destinations(config, exporter, err);
	wf_headers_done(&headers);
	if (rc == 0)
		*ret = wf_take(exporter);
	return rc;
}
