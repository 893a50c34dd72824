/* SPDX-License-Identifier: Apache-2.0 */
#include "closing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"
#include "userspace/base/log.h"

#define LEDGER_BYTES_MAX (1u << 20)

static void fill_ledger(const struct wf_closing *closing, struct wf_ledger *ledger)
{
	struct wf_exporter *exporter = (struct wf_exporter *)closing->exporter;
	unsigned count = wf_exporter_sink_count(exporter);

	memset(ledger, 0, sizeof(*ledger));
	wf_ledger_from_record(ledger, closing->record);
	ledger->assembler = *closing->assembler;
	ledger->lost_before = closing->lost_before;
	ledger->lost_handover = closing->lost_handover;
	ledger->logs_handover = wf_exporter_inbox_lost(exporter, WF_SIGNAL_LOGS);
	ledger->assembler.spans_in += closing->dropped_by_rule;
	ledger->dropped_by_rule = closing->dropped_by_rule;
	ledger->events_dropped_by_rule = closing->events_dropped_by_rule;
	for (unsigned i = 0; i < count && i < WF_LEDGER_SINKS_MAX; i++) {
		struct wf_exporter_sink sink;

		wf_exporter_sink_read(exporter, i, &sink);
		ledger->sinks[i].name = sink.name;
		ledger->sinks[i].counters = sink.counters;
		ledger->sinks[i].no_logs = sink.no_logs;
		ledger->sink_count++;
	}
}

int wf_closing_check(const struct wf_config *config, struct wf_err *err)
{
	const char *path = config->ledger;
	wf_auto(wf_closep) int fd = -1;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		unlink(path); /* it is written at the end */
	else if (errno == EEXIST)
		fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno != ENXIO) /* a pipe that nobody reads yet */
		return wf_err_set(err, EIO, "--ledger %s: %s", path, strerror(errno));
	return 0;
}

static int write_ledger(const char *path, const struct wf_ledger *ledger, struct wf_err *err)
{
	wf_auto(wf_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct wf_buf json;
	int rc;

	if (fd < 0)
		return wf_err_set(err, EIO, "--ledger %s: %s", path, strerror(errno));
	wf_buf_init(&json, LEDGER_BYTES_MAX);
	rc = wf_ledger_to_json(ledger, &json);
	wf_buf_putc(&json, '\n');
	if (rc < 0)
		rc = wf_err_set(err, EIO, "--ledger %s: %s", path, strerror(-rc));
	else if (write(fd, json.data, json.len) != (ssize_t)json.len)
		rc = wf_err_set(err, EIO, "--ledger %s: cannot be written", path);
	wf_buf_done(&json);
	return rc;
}

static void print_ledger(const struct wf_ledger *ledger)
{
	struct wf_buf text;

	wf_buf_init(&text, LEDGER_BYTES_MAX);
	if (wf_ledger_to_text(ledger, &text) == 0 && text.data)
		fputs(text.data, stderr);
	wf_buf_done(&text);
}

/* What a destination did not get is a failure. A reader or terminal that left, or that reads too
 * slowly, is none: its losses are named in the ledger. */
static int check_sink(const struct wf_exporter_sink *sink, struct wf_err *err)
{
	const struct wf_sink_counters *c = &sink->counters;
	uint64_t spans = c->spans_in - c->exported, logs = c->logs_in - c->logs_exported;

	if (strcmp(sink->kind, "console") == 0)
		return 0;
	if (spans)
		return wf_err_set(err, EIO,
				  "%s: %" PRIu64 " of %" PRIu64 " spans were not exported",
				  sink->name, spans, c->spans_in);
	if (logs)
		return wf_err_set(err, EIO,
				  "%s: %" PRIu64 " of %" PRIu64 " log records were not exported",
				  sink->name, logs, c->logs_in);
	return 0;
}

static int check_outputs(const struct wf_closing *closing, struct wf_err *err)
{
	struct wf_exporter *exporter = (struct wf_exporter *)closing->exporter;
	unsigned count = wf_exporter_sink_count(exporter);
	int rc = 0;

	for (unsigned i = 0; i < count && rc == 0; i++) {
		struct wf_exporter_sink sink;

		wf_exporter_sink_read(exporter, i, &sink);
		rc = check_sink(&sink, err);
	}
	return rc;
}

int wf_closing_report(const struct wf_closing *closing, struct wf_err *err)
{
	struct wf_ledger ledger;
	int rc = 0;

	fill_ledger(closing, &ledger);
	wf_exporter_summary(closing->exporter, stdout);
	if (!closing->cut)
		print_ledger(&ledger);
	if (closing->config->ledger && !closing->cut)
		rc = write_ledger(closing->config->ledger, &ledger, err);
	if (rc == 0 && closing->recording_error && closing->recording_error->code)
		rc = wf_err_set(err, closing->recording_error->code, "%s",
				closing->recording_error->msg);
	return rc < 0 ? rc : check_outputs(closing, err);
}
