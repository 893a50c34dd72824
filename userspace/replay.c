/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "assemble.h"
#include "base/clock.h"
#include "base/log.h"
#include "choose.h"
#include "closing.h"
#include "command.h"
#include "output.h"
#include "reader.h"
#include "session.h"

#define BATCH_SPANS     512
#define BATCH_BYTES_MAX (4u << 20)
#define HELD_SPANS_MAX  10000
#define HELD_NS_MAX     30000000000ull
#define DRAIN_NS        30000000000ull
#define WAITING_MAX     16384 /* spans */

struct replay {
	const struct wf_config *config;
	struct wf_reader *reader;
	struct wf_ruleset *rules;
	struct wf_assembler *assembler;
	struct wf_exporter *exporter;
	struct wf_rec_ledger ledger; /* as the recording ends with; zeros where it was cut */
	bool has_ledger;
	uint64_t spans; /* pushed */
	uint64_t handover_lost;
};

/* The recording's own rules, unless others are given. */
static int choose_rules(struct replay *replay, struct wf_err *err)
{
	const struct wf_recording_info *info = wf_reader_info(replay->reader);

	if (replay->config->rules.count || replay->config->profiles.count)
		return wf_choose_rules(replay->config, &replay->rules, err);
	if (!info->rules_json)
		return wf_err_set(err, EBADMSG, "the recording has no rules: give --profile");
	return wf_ruleset_from_json(info->rules_json, strlen(info->rules_json), &replay->rules,
				    err);
}

/* Spans that a sink has not dealt with yet; none where it cannot go on. */
static uint64_t waiting(struct replay *replay, unsigned index)
{
	struct wf_exporter_sink sink;
	const struct wf_sink_counters *counters = &sink.counters;

	wf_exporter_sink_read(replay->exporter, index, &sink);
	if (sink.failed)
		return 0;
	return replay->spans -
	       (counters->exported + counters->lost_queue_full + counters->lost_rejected +
		counters->lost_retries + counters->lost_too_large + counters->lost_write +
		counters->lost_encode);
}

/* A file can be read faster than a receiver takes it: wait, so that no queue overflows. */
static void push(struct replay *replay, struct wf_batch *batch)
{
	struct timespec pause = {.tv_nsec = 1000000};

	for (unsigned i = 0; i < wf_exporter_sink_count(replay->exporter); i++)
		while (waiting(replay, i) > WAITING_MAX)
			nanosleep(&pause, NULL);
	for (uint32_t i = 0; i < batch->count; i++)
		replay->spans += batch->spans[i].state != WF_SPAN_OPEN;
	if (!wf_exporter_push(replay->exporter, batch))
		replay->handover_lost += batch->count;
	wf_batch_unref(batch);
}

static void push_ready(struct replay *replay)
{
	struct wf_batch *batch;

	while ((batch = wf_assembler_take(replay->assembler)))
		push(replay, batch);
}

static int read_all(struct replay *replay, struct wf_err *err)
{
	const struct wf_rec_head *record;
	int rc;

	while ((rc = wf_reader_next(replay->reader, &record, err)) > 0) {
		if (record->kind == WF_REC_LEDGER) {
			memcpy(&replay->ledger, record, sizeof(replay->ledger));
			replay->has_ledger = true;
		}
		wf_assembler_record(replay->assembler, record);
		push_ready(replay);
	}
	wf_assembler_finish(replay->assembler);
	push_ready(replay);
	return rc;
}

static int prepare(struct replay *replay, struct wf_err *err)
{
	struct wf_assembler_config assembler = {
		.batch_spans = BATCH_SPANS,
		.batch_bytes = BATCH_BYTES_MAX,
		.held_spans_max = HELD_SPANS_MAX,
		.held_ns_max = HELD_NS_MAX,
	};
	int rc = wf_reader_new(replay->config->arguments.items[0], &replay->reader, err);

	if (rc == 0)
		rc = choose_rules(replay, err);
	assembler.rules = replay->rules;
	if (rc == 0)
		rc = wf_assembler_new(&assembler, &replay->assembler, err);
	if (rc == 0)
		rc = wf_output_new(replay->config, NULL, NULL, &replay->exporter, err);
	return rc < 0 ? rc : wf_exporter_start(replay->exporter, err);
}

/* What was good in a damaged recording is exported; the damage is the result. */
static int finish(struct replay *replay, int read_rc, struct wf_err *err)
{
	struct wf_closing closing = {
		.config = replay->config,
		.exporter = replay->exporter,
		.record = &replay->ledger,
		.assembler = wf_assembler_counters(replay->assembler),
		.lost_handover = replay->handover_lost,
		.cut = !replay->has_ledger,
	};
	struct wf_err closing_err = {0};
	int rc;

	wf_exporter_stop(replay->exporter, wf_clock_monotonic_ns() + DRAIN_NS);
	rc = wf_closing_report(&closing, &closing_err);
	if (read_rc < 0)
		return read_rc;
	return rc < 0 ? wf_err_set(err, closing_err.code, "%s", closing_err.msg) : 0;
}

int wf_cmd_replay(const struct wf_config *config)
{
	struct replay replay = {.config = config};
	struct wf_err err = {0};
	int rc;

	signal(SIGPIPE, SIG_IGN);
	rc = prepare(&replay, &err);
	if (rc == 0)
		rc = finish(&replay, read_all(&replay, &err), &err);
	wf_exporter_free(replay.exporter);
	wf_assembler_free(replay.assembler);
	wf_ruleset_free(replay.rules);
	wf_reader_free(replay.reader);
	if (rc == 0)
		return WF_EXIT_DONE;
	wf_log(WF_LOG_ERROR, "replay", "%s", err.msg);
	return rc == -EINVAL || rc == -ENOTSUP ? WF_EXIT_USAGE : WF_EXIT_FAILED;
}
