/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "choose.h"
#include "closing.h"
#include "departure.h"
#include "intake.h"
#include "interrupt.h"
#include "output.h"
#include "stop.h"
#include "unmatched.h"
#include "userspace/base/clock.h"
#include "userspace/base/log.h"
#include "userspace/base/privilege.h"
#include "userspace/collect/data.h"
#include "userspace/python/request.h"

#define MAILBOX_BYTES  (16u << 20)
#define OPEN_AGE_NS    1000000000ull
#define TICK_MS        50
#define TICK_SOON_MS   5     /* while a new process waits to be looked at */
#define TICK_CLOSE_MS  1     /* while a launched program stops, or waits for us */
#define SPARE_SITES    65536 /* 3 MiB; the libraries of a launched program are not known yet */
#define SWEEP_EVERY_NS 1000000000ull
#define DRAIN_NS       5000000000ull /* for the outputs to take what is queued */

struct wf_session {
	const struct wf_config *config;
	struct wf_features features;
	struct wf_ruleset *rules;
	struct wf_mailbox *inbox, *outbox;
	struct wf_exporter *exporter;
	struct wf_arming *arming;
	struct wf_wave wave;
	struct wf_kernel *kernel;
	struct wf_recording *recording;
	struct wf_data *data;
	struct wf_session_python python;
	struct wf_stop stop;
	bool launched; /* a command of ours was let go */
	int signal_fd, failed_fd;
	atomic_uint traces;          /* whole local trees that went out */
	atomic_ullong handover_lost; /* spans of batches that the exporter refused */
	uint64_t end_ns, swept_ns;
};

/* The stage decides what a failure means to the caller, not the errno that it happened to have. */
static int as(struct wf_err *err, int rc, int code)
{
	if (rc < 0 && rc != -ENOMEM)
		err->code = code;
	return rc;
}

int wf_session_exit_code(const struct wf_err *err)
{
	switch (err->code) {
	case EINVAL:
	case ENOTSUP:
		return WF_EXIT_USAGE;
	case EPERM:
	case EACCES:
	case ENOSYS:
		return WF_EXIT_UNABLE;
	case ENOENT:
		return WF_EXIT_NO_MATCH;
	default:
		return WF_EXIT_FAILED;
	}
}

/* On the export thread: the terminal or pipe is gone. */
static void on_output_failed(void *context, const struct wf_sink *sink)
{
	struct wf_session *session = context;
	uint64_t one = 1;

	(void)sink;
	if (write(session->failed_fd, &one, sizeof(one)) < 0)
		return; /* it is told already */
}

/* On the data thread. */
static void push_batch(void *context, struct wf_batch *batch)
{
	struct wf_session *session = context;
	uint32_t finished = 0, roots = 0;

	for (uint32_t i = 0; i < batch->count; i++) {
		finished += wf_span_is(&batch->spans[i], WF_SIGNAL_SPANS);
		roots += batch->spans[i].state == WF_SPAN_FINISHED && batch->spans[i].local_root;
	}
	atomic_fetch_add(&session->traces, roots);
	if (!wf_exporter_push(session->exporter, batch))
		atomic_fetch_add(&session->handover_lost, finished);
	wf_batch_unref(batch);
}

/* What wakes the loop from outside. */
static int open_wakers(struct wf_session *session, struct wf_err *err)
{
	int rc = wf_interrupt_open(&session->signal_fd, err);

	if (rc < 0)
		return rc;
	session->failed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (session->failed_fd < 0)
		return wf_err_set(err, errno, "event descriptor: %s", strerror(errno));
	return 0;
}

static struct wf_wave_config wave_config(const struct wf_session *session)
{
	return (struct wf_wave_config){
		.config = session->config,
		.features = &session->features,
		.rules = session->rules,
		.costs = wf_plan_default_costs(),
		.without_hooks = wf_request_alone(session->rules),
	};
}

static int make_arming(struct wf_session *session, struct wf_err *err)
{
	struct wf_arming_config arming = {
		.wave = wave_config(session),
		.inbox = session->inbox,
	};

	int rc = wf_arming_new(&arming, &session->arming, err);

	session->python = (struct wf_session_python){
		.config = session->config,
		.rules = session->rules,
		.arming = session->arming,
	};
	return rc;
}

/* A plan can be printed without privileges; nothing else can be done. */
static int ask_features(struct wf_session *session, struct wf_err *err)
{
	int rc = wf_feature_probe(&session->features, err);

	if (rc < 0 || session->config->dry_run.asked)
		return rc;
	return as(err, wf_feature_require(&session->features, err), EPERM);
}

/* A destination that is written wrongly is the user's to mend; one that fails is not. */
static int make_output(struct wf_session *session, struct wf_err *err)
{
	int rc = wf_output_new(session->config, on_output_failed, session, &session->exporter, err);

	return err->code == EINVAL || err->code == ENOTSUP ? rc : as(err, rc, EIO);
}

int wf_session_new(const struct wf_config *config, struct wf_session **ret, struct wf_err *err)
{
	wf_auto(wf_session_freep) struct wf_session *session = calloc(1, sizeof(*session));
	int rc;

	if (!session)
		return wf_err_set(err, ENOMEM, "out of memory");
	session->config = config;
	session->signal_fd = session->failed_fd = -1;
	rc = as(err, wf_choose_rules(config, &session->rules, err), EINVAL);
	if (rc == 0)
		rc = ask_features(session, err);
	if (rc == 0)
		rc = wf_mailbox_new(MAILBOX_BYTES, &session->inbox, err);
	if (rc == 0)
		rc = wf_mailbox_new(MAILBOX_BYTES, &session->outbox, err);
	if (rc == 0)
		rc = open_wakers(session, err);
	if (rc == 0)
		rc = as(err, wf_closing_check(config, err), EIO);
	if (rc == 0)
		rc = make_output(session, err);
	if (rc == 0)
		rc = make_arming(session, err);
	if (rc < 0)
		return rc;
	*ret = wf_take(session);
	return 0;
}

void wf_session_free(struct wf_session *session)
{
	if (!session)
		return;
	wf_session_python_done(&session->python);
	wf_arming_free(session->arming); /* closes the links first */
	wf_wave_done(&session->wave);
	wf_data_free(session->data);
	wf_kernel_free(session->kernel);
	wf_recording_free(session->recording);
	wf_exporter_free(session->exporter);
	wf_mailbox_free(session->inbox);
	wf_mailbox_free(session->outbox);
	wf_ruleset_free(session->rules);
	wf_closep(&session->signal_fd);
	wf_closep(&session->failed_fd);
	free(session);
}

int wf_session_add_processes(struct wf_session *session, struct wf_err *err)
{
	return as(err, wf_intake_named(session->config, session->arming, err), EIO);
}

static int plan_wave(struct wf_session *session, const char *file, struct wf_err *err)
{
	struct wf_wave_config config = wave_config(session);
	struct wf_target *const *targets;
	uint32_t count;

	if (file)
		return wf_wave_plan_file(&config, file, &session->wave, err);
	targets = wf_arming_targets(session->arming, &count);
	return wf_wave_plan(&config, targets, count, &session->wave, err);
}

/* Without -f and --profile: every shipped profile that fits. */
static int choose_profiles(struct wf_session *session, const char *file, struct wf_err *err)
{
	struct wf_choice choice = {.file = file, .debug_dir = session->config->debug_dir};

	choice.targets = wf_arming_targets(session->arming, &choice.target_count);
	return wf_choose_profiles(&choice, session->rules, err);
}

int wf_session_plan(struct wf_session *session, const char *file, struct wf_err *err)
{
	int rc = session->rules->count ? 0 : choose_profiles(session, file, err);

	if (rc == 0)
		rc = plan_wave(session, file, err);
	if (rc < 0)
		return rc;
	return wf_unmatched_report(session->rules, &session->wave, session->config->strict,
				   file != NULL || wf_request_wanted(session->rules), err);
}

const struct wf_wave *wf_session_wave(const struct wf_session *session)
{
	return &session->wave;
}

static uint32_t site_count(const struct wf_plan *plan)
{
	uint32_t sites = 0;

	for (uint32_t f = 0; f < plan->file_count; f++)
		sites += plan->files[f].site_count;
	return sites;
}

/* Room for the plan, and as much again and more for what comes by exec and dlopen. */
static int load_kernel(struct wf_session *session, struct wf_err *err)
{
	const struct wf_plan *plan = session->wave.plan, *hooks = session->wave.hooks;
	struct wf_kernel_config kernel = {
		.tier = session->features.tier,
		.spec_max = 2 * (site_count(plan) + (hooks ? site_count(hooks) : 0)) + SPARE_SITES,
		.capture_max = 2 * plan->capture_count + 4096,
		.guard_max = 2 * plan->guard_count + 1024,
		.tail_set_max = 2 * plan->tail_set_count + 4096,
		.open_age_ns = OPEN_AGE_NS,
		.depth_max = session->config->depth_max,
		.follow = !session->config->no_follow,
	};

	return wf_kernel_new(&kernel, &session->kernel, err);
}

static int start_data(struct wf_session *session, struct wf_err *err)
{
	struct wf_data_config data = {
		.kernel = session->kernel,
		.rules = session->rules,
		.recording = session->recording,
		.inbox = session->inbox,
		.outbox = session->outbox,
		.push = push_batch,
		.push_context = session,
		.drop_privileges = session->config->no_follow,
	};

	return wf_data_start(&data, &session->data, err);
}

static int open_recording(struct wf_session *session, struct wf_err *err)
{
	struct wf_recording_info info = {.realtime_ns = wf_clock_realtime_ns(),
					 .version = WF_VERSION,
					 .kernel = session->features.release};
	wf_auto(wf_freep) char *rules = NULL;
	int rc;

	if (session->config->command != WF_COMMAND_RECORD)
		return 0;
	rc = wf_ruleset_to_json(session->rules, &rules, err);
	if (rc < 0)
		return rc;
	info.rules_json = rules;
	rc = wf_recording_new(session->config->output, &info, &session->recording, err);
	return as(err, rc, EIO);
}

static void begin(struct wf_session *session, pid_t only)
{
	uint64_t now_ns = wf_clock_monotonic_ns();

	wf_kernel_arm(session->kernel);
	session->swept_ns = now_ns;
	if (session->config->duration_ns)
		session->end_ns = now_ns + session->config->duration_ns;
	if (wf_session_python_is_entering(&session->python))
		wf_log(WF_LOG_INFO, "session",
		       "waiting for a Python process to run some code (Ctrl-C takes it back)");
	else if (!only)
		wf_arming_announce(session->arming);
}

/* All that records go through, from the kernel to the outputs. */
static int start_stages(struct wf_session *session, pid_t only, struct wf_err *err)
{
	int rc = open_recording(session, err);

	if (rc == 0)
		rc = load_kernel(session, err);
	if (rc == 0)
		rc = wf_arming_use_kernel(session->arming, session->kernel, err);
	if (rc == 0 && !only)
		wf_intake_late(session->config, session->arming);
	if (rc == 0)
		rc = start_data(session, err);
	return rc < 0 ? rc : wf_exporter_start(session->exporter, err);
}

int wf_session_open(struct wf_session *session, pid_t only, struct wf_err *err)
{
	int rc = wf_session_python_check(session->config, session->rules, err);

	if (rc == 0)
		rc = start_stages(session, only, err);
	if (rc == 0)
		rc = wf_arming_attach(session->arming, &session->wave, only, err);
	if (rc == 0 && only)
		rc = wf_arming_stop_at_start(session->arming, &session->wave, only, err);
	if (rc < 0)
		return rc;
	wf_wave_done(&session->wave);
	rc = wf_session_python_start(&session->python, session->kernel, session->inbox, only, err);
	if (rc < 0)
		return rc;
	/* a Python process can be left only with what it took to go in */
	if (session->config->no_follow && !session->python.party && wf_privilege_drop() < 0)
		return wf_err_set(err, EPERM, "privileges cannot be dropped");
	begin(session, only);
	return 0;
}

/* Rules that found nothing in a command: so far, or, when it is over, at all. */
static void tell_unmatched(const struct wf_session *session, bool over)
{
	const struct wf_ruleset *rules = session->rules;

	for (uint32_t i = 0, end; i < rules->count; i = end) {
		bool found = false;

		end = wf_unmatched_group(rules, i);
		for (uint32_t j = i; j < end; j++)
			found |= wf_arming_found(session->arming, j) ||
				 wf_session_python_found(&session->python, j, over);
		if (!found)
			wf_unmatched_launched(rules, i, end, over);
	}
}

void wf_session_started(struct wf_session *session, struct wf_launch *launch)
{
	session->stop = (struct wf_stop){
		.arming = session->arming,
		.kernel = session->kernel,
		.python = &session->python,
		.launch = launch,
	};
	wf_stop_started(&session->stop);
	wf_arming_announce(session->arming);
	session->launched = true;
	tell_unmatched(session, false);
}

static void on_told(void *context, const struct wf_rec_head *record)
{
	const struct wf_rec_process *event = (const struct wf_rec_process *)record;
	struct wf_session *session = context;

	wf_session_python_on_note(&session->python, record);
	if (record->kind != WF_REC_PROCESS)
		return;
	wf_arming_on_process(session->arming, event);
	wf_session_python_on_process(&session->python, event);
}

static bool is_over(const struct wf_session *session, const struct wf_launch *launch,
		    uint64_t now_ns)
{
	uint32_t traces_max = session->config->traces_max;

	return (session->end_ns && now_ns >= session->end_ns) ||
	       (traces_max && atomic_load(&session->traces) >= traces_max) ||
	       (!launch && wf_arming_process_count(session->arming) == 0);
}

static int pause_ms(const struct wf_session *session)
{
	if (wf_stop_is_close(&session->stop))
		return TICK_CLOSE_MS;
	return wf_arming_is_waiting(session->arming) ||
			       wf_session_python_is_entering(&session->python)
		       ? TICK_SOON_MS
		       : TICK_MS;
}

void wf_session_loop(struct wf_session *session, struct wf_launch *launch)
{
	struct pollfd fds[] = {
		{.fd = session->signal_fd, .events = POLLIN},
		{.fd = session->failed_fd, .events = POLLIN},
		{.fd = wf_mailbox_fd(session->outbox), .events = POLLIN},
		{.fd = launch ? launch->pid_fd : -1, .events = POLLIN},
	};
	struct wf_err err = {0};

	for (;;) {
		uint64_t now_ns;

		(void)poll(fds, sizeof(fds) / sizeof(fds[0]), pause_ms(session));
		now_ns = wf_clock_monotonic_ns();
		wf_mailbox_take(session->outbox, on_told, session);
		if (wf_interrupt_take(session->signal_fd, launch) || fds[1].revents ||
		    is_over(session, launch, now_ns))
			return;
		if (launch && wf_launch_wait(launch, false) == 0)
			return;
		wf_stop_tick(&session->stop);
		wf_arming_tick(session->arming, now_ns);
		if (!wf_session_python_tick(&session->python))
			return;
		if (now_ns - session->swept_ns < SWEEP_EVERY_NS)
			continue;
		session->swept_ns = now_ns;
		if (wf_kernel_sweep(session->kernel, false, &err) < 0)
			wf_log(WF_LOG_DEBUG, "session", "%s", err.msg);
	}
}

int wf_session_close(struct wf_session *session, struct wf_err *err)
{
	struct wf_rec_ledger record;
	struct wf_closing closing = {.config = session->config, .exporter = session->exporter};
	struct wf_departure departure = {
		.kernel = session->kernel,
		.arming = session->arming,
		.python = &session->python,
		.inbox = session->inbox,
	};
	int rc;

	wf_stop_end(&session->stop);
	rc = wf_departure_run(&departure, &record, err);
	wf_stop_end(&session->stop);
	wf_data_stop(session->data, &record);
	wf_mailbox_take(session->outbox, wf_session_python_on_note, &session->python);
	if (session->launched)
		tell_unmatched(session, true);
	wf_exporter_stop(session->exporter, wf_clock_monotonic_ns() + DRAIN_NS);
	closing.record = &record;
	closing.assembler = wf_data_assembler_counters(session->data);
	closing.lost_before =
		wf_data_order_counters(session->data)->lost + wf_data_malformed(session->data);
	closing.lost_handover = atomic_load(&session->handover_lost);
	closing.recording_error = wf_data_recording_error(session->data);
	if (rc == 0)
		rc = wf_closing_report(&closing, err);
	return rc;
}
