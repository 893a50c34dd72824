/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "choose.h"
#include "closing.h"
#include "output.h"
#include "session.h"
#include "userspace/base/clock.h"
#include "userspace/base/log.h"
#include "userspace/cli/command.h"
#include "userspace/collect/assemble.h"
#include "userspace/collect/enrich.h"
#include "userspace/collect/reader.h"
#include "userspace/collect/remap.h"

#define BATCH_SPANS     512
#define BATCH_BYTES_MAX (4u << 20)
#define HELD_SPANS_MAX  10000
#define HELD_NS_MAX     30000000000ull
#define DRAIN_NS        30000000000ull
#define WAITING_MAX     16384 /* spans, and as many log records */
#define NOTES_BYTES_MAX (512u * 1024)

struct replay {
	const struct wf_config *config;
	struct wf_reader *reader;
	struct wf_ruleset *recorded; /* where others are used */
	struct wf_ruleset *rules;
	struct wf_remap *remap; /* NULL = as it was recorded */
	struct wf_assembler *assembler;
	struct wf_exporter *exporter;
	struct wf_rec_ledger ledger; /* as the recording ends with; zeros where it was cut */
	bool has_ledger;
	uint64_t spans, logs; /* pushed */
	uint64_t handover_lost;
	struct {
		struct wf_rec_text head;
		char text[UINT16_MAX - sizeof(struct wf_rec_text)];
	} facts; /* a RESOURCE record as it is rewritten */
};

static int read_rules(struct replay *replay, struct wf_ruleset **ret, struct wf_err *err)
{
	const char *json = wf_reader_info(replay->reader)->rules_json;

	if (!json)
		return wf_err_set(err, EBADMSG, "the recording does not say by which rules");
	return wf_ruleset_from_json(json, strlen(json), ret, err);
}

/* The first pass. What is damaged is told by the second. */
static int learn(struct replay *replay, const char *path, struct wf_err *err)
{
	wf_auto(wf_reader_freep) struct wf_reader *reader = NULL;
	const struct wf_rec_head *record;
	struct stat st;
	int rc = 0;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return wf_err_set(err, EINVAL,
				  "%s: under other rules a recording is read twice: write it to a "
				  "file first",
				  path);
	rc = wf_reader_new(path, &reader, err);
	while (rc == 0 && wf_reader_next(reader, &record, NULL) > 0)
		rc = wf_remap_learn(replay->remap, record);
	wf_remap_begin(replay->remap);
	return rc == -ENOMEM ? wf_err_set(err, ENOMEM, "out of memory") : rc;
}

static void say_notes(const struct wf_remap *remap)
{
	struct wf_buf notes;

	wf_buf_init(&notes, NOTES_BYTES_MAX);
	wf_remap_say(remap, &notes);
	for (char *line = notes.data, *end; line && *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!end)
			break;
		*end = '\0';
		wf_log(WF_LOG_WARN, "replay", "%s", line);
	}
	wf_buf_done(&notes);
}

static int make_remap(struct replay *replay, struct wf_err *err)
{
	int rc = read_rules(replay, &replay->recorded, err);

	if (rc == 0)
		rc = wf_remap_new(replay->recorded, replay->rules, NULL, &replay->remap, err);
	if (rc == 0)
		rc = learn(replay, replay->config->arguments.items[0], err);
	if (rc < 0)
		return rc;
	say_notes(replay->remap);
	if (!wf_remap_matched(replay->remap))
		return wf_err_set(err, ENOENT, "nothing in this recording fits the rules");
	return 0;
}

/* The recording's own rules, unless others are given. */
static int choose_rules(struct replay *replay, struct wf_err *err)
{
	int rc;

	if (!replay->config->rules.count && !replay->config->profiles.count)
		return read_rules(replay, &replay->rules, err);
	rc = wf_choose_rules(replay->config, &replay->rules, err);
	return rc < 0 ? rc : make_remap(replay, err);
}

/* Has a sink enough to do? Never where it cannot go on. */
static bool is_behind(struct replay *replay, unsigned index)
{
	struct wf_exporter_sink sink;
	const struct wf_sink_counters *c = &sink.counters;
	uint64_t spans, logs;

	wf_exporter_sink_read(replay->exporter, index, &sink);
	spans = c->exported + c->lost_queue_full + c->lost_rejected + c->lost_retries +
		c->lost_too_large + c->lost_write + c->lost_encode;
	logs = sink.no_logs ? replay->logs : c->logs_exported + c->logs_lost;
	return !sink.failed &&
	       (replay->spans - spans > WAITING_MAX || replay->logs - logs > WAITING_MAX);
}

/* A file can be read faster than a receiver takes it: wait, so that no queue overflows. */
static void push(struct replay *replay, struct wf_batch *batch)
{
	struct timespec pause = {.tv_nsec = 1000000};
	uint32_t finished = 0, logs = 0;

	for (unsigned i = 0; i < wf_exporter_sink_count(replay->exporter); i++)
		while (is_behind(replay, i))
			nanosleep(&pause, NULL);
	for (uint32_t i = 0; i < batch->count; i++) {
		finished += wf_span_is(&batch->spans[i], WF_SIGNAL_SPANS);
		logs += wf_span_is(&batch->spans[i], WF_SIGNAL_LOGS);
	}
	if (wf_exporter_push(replay->exporter, batch)) {
		replay->spans += finished;
		replay->logs += logs;
	} else {
		replay->handover_lost += finished;
	}
	wf_batch_unref(batch);
}

static void push_ready(struct replay *replay)
{
	struct wf_batch *batch;

	while ((batch = wf_assembler_take(replay->assembler)))
		push(replay, batch);
}

/* Other rules, and what the user says about the processes. NULL = left out. */
static const struct wf_rec_head *rewrite(struct replay *replay, const struct wf_rec_head *record)
{
	const struct wf_config *config = replay->config;
	const struct wf_rec_text *facts = (const struct wf_rec_text *)record;
	struct wf_rec_text *out = &replay->facts.head;
	wf_auto(wf_freep) char *json = NULL;
	size_t len;

	if (record->kind != WF_REC_RESOURCE && replay->remap)
		return wf_remap_record(replay->remap, record);
	if (record->kind != WF_REC_RESOURCE || (!config->service_name && !config->resource.count))
		return record;
	if (wf_enrich_override_json((const char *)(facts + 1), facts->len, config->service_name,
				    config->resource.items, config->resource.count, &json) < 0)
		return record;
	len = strlen(json);
	if (len > sizeof(replay->facts.text))
		return record;
	*out = *facts;
	out->len = (uint32_t)len;
	out->head.size = (uint16_t)(sizeof(*out) + len);
	memcpy(replay->facts.text, json, len);
	return &out->head;
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
		record = rewrite(replay, record);
		if (!record)
			continue;
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
	int rc = wf_closing_check(replay->config, err);

	if (rc == 0)
		rc = wf_reader_new(replay->config->arguments.items[0], &replay->reader, err);
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

	if (replay->remap) {
		closing.dropped_by_rule = wf_remap_counters(replay->remap)->spans;
		closing.events_dropped_by_rule = wf_remap_counters(replay->remap)->events;
	}
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
	wf_remap_free(replay.remap);
	wf_ruleset_free(replay.rules);
	wf_ruleset_free(replay.recorded);
	wf_reader_free(replay.reader);
	if (rc == 0)
		return WF_EXIT_DONE;
	wf_log(WF_LOG_ERROR, "replay", "%s", err.msg);
	if (rc == -ENOENT && replay.remap)
		return WF_EXIT_NO_MATCH;
	return rc == -EINVAL || rc == -ENOTSUP ? WF_EXIT_USAGE : WF_EXIT_FAILED;
}
