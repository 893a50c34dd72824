// SPDX-License-Identifier: Apache-2.0
#include "selftest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "ring.h"
#include "subject.h"

#define SUBJECT_EXE  "/proc/self/exe"
#define COST_CALLS   400 /* of a stepped call: 20 us each where traps are slow */
#define COST_ROUNDS  12
#define THREAD_CALLS 200
#define SHARED_CALLS 16
#define NOP5_CALLS   1000

/* One measurement: sites of the subject, with the real programs behind them. */
struct trial {
	struct wf_kernel *kernel;
	struct wf_attacher *attacher;
	struct wf_ring *ring;
	struct wf_binary *self;
	uint64_t spans;
};

static void count_span(void *context, const struct wf_rec_head *record)
{
	struct trial *trial = context;

	trial->spans += record->kind == WF_REC_SPAN;
}

static void trial_done(struct trial *trial)
{
	wf_attacher_free(trial->attacher);
	wf_ring_free(trial->ring);
	wf_kernel_free(trial->kernel);
	wf_binary_free(trial->self);
	memset(trial, 0, sizeof(*trial));
}

static int trial_open(struct trial *trial, const struct wf_features *features, struct wf_err *err)
{
	struct wf_kernel_config config = {
		.tier = features->tier,
		.ring_bytes = 1 << 20,
		.spec_max = 64,
		.capture_max = 16,
		.guard_max = 1,
		.tail_set_max = 2,
	};
	struct wf_binary_options options = {.symbols_only = true};
	int rc;

	memset(trial, 0, sizeof(*trial));
	rc = wf_kernel_new(&config, &trial->kernel, err);
	if (rc == 0)
		rc = wf_attacher_new(trial->kernel, &trial->attacher, err);
	if (rc == 0)
		rc = wf_ring_new(trial->kernel, count_span, trial, &trial->ring, err);
	if (rc == 0)
		rc = wf_binary_open(SUBJECT_EXE, "wftrace", &options, &trial->self, err);
	return rc;
}

static struct wf_plan_site make_site(enum wf_subject_place place, enum wf_site_kind kind)
{
	struct wf_plan_site site = {.spec = {.kind = kind, .cfa_reg = WF_REG_RSP, .span = 1}};

	if (kind == WF_SITE_BRANCH) {
		site.spec.direction = 3;
		site.spec.cfa_offset = 8; /* behind the push */
	}
	if (wf_subject_offset(place, &site.offset) < 0)
		site.offset = 0;
	return site;
}

/* Attach an entry and an exit site to one process. with_string: capture the second argument. */
static int trial_attach(struct trial *trial, pid_t pid, enum wf_subject_place entry,
			enum wf_subject_place exit, bool with_string, struct wf_err *err)
{
	bool cheap = entry == WF_SUBJECT_CHEAP_ENTRY;
	struct wf_plan_site sites[] = {
		make_site(entry, WF_SITE_ENTER),
		make_site(exit, cheap ? WF_SITE_BRANCH : WF_SITE_RET),
	};
	struct wf_capture capture = {
		.source = {.type = WF_SRC_CSTRING, .reg = WF_REG_RSI, .index_reg = WF_REG_NONE},
		.max_bytes = 64,
	};
	struct wf_plan_file file = {.elf = trial->self, .sites = sites, .site_count = 2};
	struct wf_plan plan = {
		.files = &file,
		.file_count = 1,
		.captures = &capture,
		.capture_count = with_string,
		.span_count = 1,
	};
	struct wf_attach_scope scope = {.pids = &pid, .pid_count = 1};
	uint32_t span_ids[2];

	sites[0].spec.capture_count = with_string;
	wf_kernel_add_process(trial->kernel, pid);
	wf_kernel_arm(trial->kernel);
	return wf_attach_plan(trial->attacher, &plan, &scope, span_ids, err);
}

/* Best of several rounds, in ns per call; the ring is emptied in between. */
static double best_call_ns(struct trial *trial, struct wf_subject *subject,
			   enum wf_subject_work work)
{
	uint64_t ns, best = UINT64_MAX;

	for (int i = 0; i < COST_ROUNDS; i++) {
		if (wf_subject_run(subject, work, COST_CALLS, &ns) == 0 && ns < best)
			best = ns;
		wf_ring_drain(trial->ring);
	}
	return best == UINT64_MAX ? 0 : (double)best / COST_CALLS;
}

static int measure_pair(struct trial *trial, struct wf_subject *subject, bool cheap,
			bool with_string, double *ret_ns, struct wf_err *err)
{
	int rc = trial_attach(trial, wf_subject_pid(subject),
			      cheap ? WF_SUBJECT_CHEAP_ENTRY : WF_SUBJECT_STEPPED_ENTRY,
			      cheap ? WF_SUBJECT_CHEAP_EXIT : WF_SUBJECT_STEPPED_EXIT, with_string,
			      err);

	if (rc < 0)
		return rc;
	*ret_ns = best_call_ns(trial, subject,
			       cheap ? WF_SUBJECT_CALL_CHEAP : WF_SUBJECT_CALL_STEPPED);
	wf_attacher_detach(trial->attacher);
	return 0;
}

/*
 * A traced call costs two traps and what the program does. The program's share is what a pair of
 * cheap sites costs more than two cheap hits that find nothing to do (disarmed entries).
 */
static int measure_costs(struct trial *trial, struct wf_subject *subject,
			 struct wf_selftest *result, struct wf_err *err)
{
	double cheap, stepped, string, idle;
	int rc;

	result->bare_ns = best_call_ns(trial, subject, WF_SUBJECT_CALL_CHEAP);
	rc = measure_pair(trial, subject, true, false, &cheap, err);
	if (rc == 0)
		rc = measure_pair(trial, subject, false, false, &stepped, err);
	if (rc == 0)
		rc = measure_pair(trial, subject, true, true, &string, err);
	if (rc == 0)
		rc = trial_attach(trial, wf_subject_pid(subject), WF_SUBJECT_CHEAP_ENTRY,
				  WF_SUBJECT_CHEAP_EXIT, false, err);
	if (rc < 0)
		return rc;
	wf_kernel_disarm(trial->kernel);
	idle = best_call_ns(trial, subject, WF_SUBJECT_CALL_CHEAP);
	wf_attacher_detach(trial->attacher);
	result->costs.emulated_ns = (idle - result->bare_ns) / 2;
	result->costs.record_ns = cheap - idle;
	result->costs.stepped_ns = (stepped - result->bare_ns - result->costs.record_ns) / 2;
	result->costs.string_ns = string - cheap;
	return 0;
}

/* The filter must let both threads of its process through, and no other process. */
static int measure_filter(struct trial *trial, struct wf_subject *subject,
			  struct wf_selftest *result, struct wf_err *err)
{
	wf_auto(wf_subject_freep) struct wf_subject *other = NULL;
	uint64_t answer;
	int rc = wf_subject_new(&other, err);

	if (rc == 0)
		rc = trial_attach(trial, wf_subject_pid(subject), WF_SUBJECT_CHEAP_ENTRY,
				  WF_SUBJECT_CHEAP_EXIT, false, err);
	if (rc < 0)
		return rc;
	wf_kernel_add_process(trial->kernel, wf_subject_pid(other));
	trial->spans = 0;
	(void)wf_subject_run(other, WF_SUBJECT_CALL_CHEAP, THREAD_CALLS, &answer);
	wf_ring_drain(trial->ring);
	result->outside_seen = trial->spans;
	trial->spans = 0;
	rc = wf_subject_run(subject, WF_SUBJECT_CALL_THREADS, THREAD_CALLS, &answer);
	wf_ring_drain(trial->ring);
	result->calls_made = THREAD_CALLS;
	result->calls_seen = trial->spans;
	wf_attacher_detach(trial->attacher);
	return rc < 0 ? wf_err_set(err, -rc, "the self-test's child died") : 0;
}

/* Entry and exit at one instruction: seen in this order each call is a span, else the first call
 * has an exit that fits nothing, and the last one stays open. */
static int measure_shared(struct trial *trial, struct wf_subject *subject,
			  struct wf_selftest *result, struct wf_err *err)
{
	uint64_t ns;
	int rc = trial_attach(trial, wf_subject_pid(subject), WF_SUBJECT_STEPPED_EXIT,
			      WF_SUBJECT_STEPPED_EXIT, false, err);

	if (rc < 0)
		return rc;
	trial->spans = 0;
	rc = wf_subject_run(subject, WF_SUBJECT_CALL_STEPPED, SHARED_CALLS, &ns);
	wf_ring_drain(trial->ring);
	result->shared_calls = SHARED_CALLS;
	result->shared_seen = trial->spans;
	wf_attacher_detach(trial->attacher);
	return rc < 0 ? wf_err_set(err, -rc, "the self-test's child died") : 0;
}

/* What a probe on a 5-byte NOP does here. wftrace never places one on a real target. */
static void run_nop5_hazard(struct trial *trial, struct wf_subject *subject,
			    struct wf_selftest *result)
{
	struct wf_plan_site site = make_site(WF_SUBJECT_NOP5, WF_SITE_RAISE);
	struct wf_plan_file file = {.elf = trial->self, .sites = &site, .site_count = 1};
	struct wf_plan plan = {.files = &file, .file_count = 1};
	pid_t pid = wf_subject_pid(subject);
	struct wf_attach_scope scope = {.pids = &pid, .pid_count = 1};
	uint64_t signal = 0;
	uint32_t none[1];

	site.spec.span = 0;
	if (wf_attach_plan(trial->attacher, &plan, &scope, none, NULL) < 0)
		return;
	result->nop5_tried = true;
	result->nop5_calls = NOP5_CALLS;
	if (wf_subject_run(subject, WF_SUBJECT_CALL_NOP5, NOP5_CALLS, &result->nop5_broken) < 0)
		result->nop5_broken = NOP5_CALLS;
	else if (wf_subject_run(subject, WF_SUBJECT_FORK_NOP5, 1, &signal) == 0)
		result->nop5_fork_signal = (int)signal;
	wf_attacher_detach(trial->attacher);
}

static int run_trials(const struct wf_features *features, bool all, struct wf_selftest *ret,
		      struct wf_err *err)
{
	wf_auto(wf_subject_freep) struct wf_subject *subject = NULL;
	struct trial trial;
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = wf_subject_new(&subject, err);
	if (rc < 0)
		return rc;
	rc = trial_open(&trial, features, err);
	if (rc == 0)
		rc = measure_costs(&trial, subject, ret, err);
	if (rc == 0 && all)
		rc = measure_filter(&trial, subject, ret, err);
	if (rc == 0 && all)
		rc = measure_shared(&trial, subject, ret, err);
	if (rc == 0 && all && features->tier == WF_TIER_FULL)
		run_nop5_hazard(&trial, subject, ret);
	trial_done(&trial);
	return rc < 0 ? wf_err_wrap(err, rc, "self-test") : 0;
}

int wf_selftest_costs(const struct wf_features *features, struct wf_costs *ret, struct wf_err *err)
{
	struct wf_selftest result;
	int rc = run_trials(features, false, &result, err);

	if (rc == 0)
		*ret = result.costs;
	return rc;
}

int wf_selftest_run(const struct wf_features *features, struct wf_selftest *ret, struct wf_err *err)
{
	return run_trials(features, true, ret, err);
}
