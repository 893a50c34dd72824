/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>

#include "choose.h"
#include "closing.h"
#include "output.h"
#include "unmatched.h"
#include "userspace/base/clock.h"
#include "userspace/base/log.h"
#include "userspace/base/privilege.h"
#include "userspace/collect/data.h"
#include "userspace/python/party.h"
#include "userspace/python/request.h"

#define MAILBOX_BYTES  (16u << 20)
#define OPEN_AGE_NS    1000000000ull
#define TICK_MS        50
#define TICK_SOON_MS   5     /* while a new process waits to be looked at */
#define SPARE_SITES    65536 /* 3 MiB; the libraries of a launched program are not known yet */
#define SWEEP_EVERY_NS 1000000000ull
#define LEAVE_NS       1000000000ull /* for running calls to end */
#define LEAVE_STEP_MS  20
#define PYTHON_SOON_NS 2000000000ull /* most Python processes come by sooner */
#define LEAVE_STILL    10            /* steps without any call ending: they hang */
#define START_MS       5000          /* for a launched program to reach its entry point */
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
	struct wf_party *party; /* NULL: no rule is about Python */
	uint32_t python_told;   /* its functions that were announced */
	bool python_announced;
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

/* Signals are taken from an fd on the control thread. They stay blocked until the process ends: a
 * second Ctrl-C must not turn a session that was closed well into a death by signal. */
static int take_signals(struct wf_session *session, struct wf_err *err)
{
	sigset_t mask;

	sigemptyset(&mask);
	for (const int *signal = wf_launch_signals; *signal; signal++)
		sigaddset(&mask, *signal);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	session->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	session->failed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (session->signal_fd < 0 || session->failed_fd < 0)
		return wf_err_set(err, errno, "signals: %s", strerror(errno));
	return 0;
}

static int make_arming(struct wf_session *session, struct wf_err *err)
{
	struct wf_arming_config arming = {
		.wave = {.config = session->config,
			 .features = &session->features,
			 .rules = session->rules,
			 .costs = wf_plan_default_costs(),
			 .without_hooks = wf_request_alone(session->rules)},
		.inbox = session->inbox,
	};

	return wf_arming_new(&arming, &session->arming, err);
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
		rc = take_signals(session, err);
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
	wf_party_free(session->party);
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

/* Children that exist already; one that ends meanwhile is no error. */
static void add_children(struct wf_session *session, pid_t pid)
{
	wf_auto(wf_freep) pid_t *children = NULL;
	size_t count = 0;

	if (session->config->no_follow || wf_target_children(pid, &children, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		(void)wf_arming_add_process(session->arming, children[i], NULL);
}

/* Those that were forked after the first look and before the kernel told of them. */
static void add_late_children(struct wf_session *session)
{
	const struct wf_config *config = session->config;
	struct wf_target *const *targets;
	uint32_t count;

	targets = wf_arming_targets(session->arming, &count);
	for (uint32_t i = 0; i < config->pids.count; i++)
		add_children(session, config->pids.items[i]);
	for (uint32_t i = 0; config->name && i < count; i++)
		add_children(session, targets[i]->pid);
}

/* Of many processes of one name some may end at any time: those that can be traced are. */
static int add_named(struct wf_session *session, const pid_t *pids, size_t count,
		     struct wf_err *err)
{
	struct wf_err first = {0};

	for (size_t i = 0; i < count; i++)
		(void)wf_arming_add_process(session->arming, pids[i], &first);
	if (wf_arming_process_count(session->arming))
		return 0;
	return wf_err_set(err, first.code ? first.code : ESRCH, "%s", first.msg);
}

int wf_session_add_processes(struct wf_session *session, struct wf_err *err)
{
	const struct wf_config *config = session->config;
	wf_auto(wf_freep) pid_t *named = NULL;
	size_t named_count = 0;
	int rc = 0;

	for (uint32_t i = 0; i < config->pids.count && rc == 0; i++)
		rc = wf_arming_add_process(session->arming, config->pids.items[i], err);
	if (rc == 0 && config->name)
		rc = wf_target_by_name(config->name, &named, &named_count, err);
	if (rc < 0)
		return as(err, rc, EIO);
	if (config->name)
		rc = add_named(session, named, named_count, err);
	for (uint32_t i = 0; i < config->pids.count; i++)
		add_children(session, config->pids.items[i]);
	for (size_t i = 0; i < named_count; i++)
		add_children(session, named[i]);
	return as(err, rc, EIO);
}

static int plan_wave(struct wf_session *session, const char *file, struct wf_err *err)
{
	struct wf_wave_config config = {.config = session->config,
					.features = &session->features,
					.rules = session->rules,
					.costs = wf_plan_default_costs(),
					.without_hooks = wf_request_alone(session->rules)};
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
	struct wf_candidates candidates = {0};
	const char *debug_dir = session->config->debug_dir;
	struct wf_target *const *targets;
	uint32_t count;
	int rc;

	targets = wf_arming_targets(session->arming, &count);
	if (file)
		rc = wf_candidates_from_file(&candidates, file, debug_dir, err);
	else
		rc = wf_candidates_from_targets(&candidates, targets, count, debug_dir, err);
	if (rc == 0)
		rc = wf_choose_profiles(&candidates, session->rules, err);
	wf_candidates_done(&candidates);
	return rc;
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

static int check_python(const struct wf_config *config, struct wf_err *err)
{
	if (config->no_inject)
		return wf_err_set(err, EINVAL,
				  "Python functions need an agent in the process, which "
				  "--no-inject forbids");
	if (config->slower_ns || config->depth_max)
		return wf_err_set(err, ENOTSUP,
				  "--%s does not know Python functions in this version",
				  config->slower_ns ? "slower" : "depth");
	return 0;
}

/*
 * Go into the processes that run, if a rule is about Python, and give them a moment to come by.
 * Those that take longer are waited for in the loop.
 */
static int enter_python(struct wf_session *session, struct wf_err *err)
{
	struct wf_party_config config = {
		.rules = session->rules,
		.kernel = session->kernel,
		.attacher = wf_arming_attacher(session->arming),
		.inbox = session->inbox,
		.force = session->config->force,
	};
	uint64_t end_ns = wf_clock_monotonic_ns() + PYTHON_SOON_NS;
	struct timespec pause = {.tv_nsec = 1000000};
	struct wf_party_status status;
	struct wf_target *const *targets;
	uint32_t count;
	int rc;

	if (!wf_request_wanted(session->rules))
		return 0;
	rc = check_python(session->config, err);
	if (rc == 0)
		rc = wf_party_new(&config, &session->party, err);
	targets = wf_arming_targets(session->arming, &count);
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		wf_party_enter(session->party, targets[i]);
	for (; rc == 0; nanosleep(&pause, NULL)) {
		wf_party_tick(session->party);
		wf_party_status(session->party, &status);
		if (!status.entering || wf_clock_monotonic_ns() >= end_ns)
			break;
	}
	return rc;
}

/* What came of it. An error only where nothing is left to be traced, or not all and all must. */
static int judge_python(struct wf_session *session, struct wf_err *err)
{
	struct wf_party_status status;
	uint32_t missing;

	if (!session->party)
		return 0;
	wf_party_status(session->party, &status);
	wf_arming_add_functions(session->arming, status.functions - session->python_told);
	session->python_told = status.functions;
	session->python_announced = !status.entering;
	missing = status.refused + status.waiting + status.failed;
	if (session->config->strict && missing)
		return wf_err_set(err, ENOENT, "--strict: %u Python functions cannot be traced",
				  missing);
	if (status.entering || status.functions || status.waiting ||
	    !wf_request_alone(session->rules))
		return 0;
	if (status.failed && !status.armed)
		return wf_err_set(err, status.err.code, "%s", status.err.msg);
	return wf_err_set(err, ENOENT, "nothing to trace: none of the rules found a function");
}

static void leave_python(struct wf_session *session, uint64_t counters[WF_REC_AGENT_COUNTERS])
{
	if (session->party)
		wf_party_leave(session->party, LEAVE_NS, counters);
}

/* Nothing stays armed where there is no session. */
static int start_python(struct wf_session *session, pid_t only, struct wf_err *err)
{
	int rc = enter_python(session, err);

	if (rc == 0 && only)
		session->python_announced = true; /* it begins, and is looked at then */
	else if (rc == 0)
		rc = judge_python(session, err);
	if (rc < 0)
		leave_python(session, (uint64_t[WF_REC_AGENT_COUNTERS]){0});
	return rc;
}

static void begin(struct wf_session *session, pid_t only)
{
	uint64_t now_ns = wf_clock_monotonic_ns();

	wf_kernel_arm(session->kernel);
	session->swept_ns = now_ns;
	if (session->config->duration_ns)
		session->end_ns = now_ns + session->config->duration_ns;
	if (session->party && !session->python_announced)
		wf_log(WF_LOG_INFO, "session",
		       "waiting for a Python process to run some code (Ctrl-C takes it back)");
	else if (!only)
		wf_arming_announce(session->arming);
}

int wf_session_open(struct wf_session *session, pid_t only, struct wf_err *err)
{
	int rc = open_recording(session, err);

	if (rc == 0)
		rc = load_kernel(session, err);
	if (rc == 0)
		rc = wf_arming_use_kernel(session->arming, session->kernel, err);
	if (rc == 0 && !only)
		add_late_children(session);
	if (rc == 0)
		rc = start_data(session, err);
	if (rc == 0)
		rc = wf_exporter_start(session->exporter, err);
	if (rc == 0)
		rc = wf_arming_attach(session->arming, &session->wave, only, err);
	if (rc == 0 && only)
		rc = wf_arming_stop_at_start(session->arming, &session->wave, only, err);
	if (rc < 0)
		return rc;
	wf_wave_done(&session->wave);
	rc = start_python(session, only, err);
	if (rc < 0)
		return rc;
	/* a Python process can be left only with what it took to go in */
	if (session->config->no_follow && !session->party && wf_privilege_drop() < 0)
		return wf_err_set(err, EPERM, "privileges cannot be dropped");
	begin(session, only);
	return 0;
}

void wf_session_started(struct wf_session *session, struct wf_launch *launch)
{
	int rc = wf_launch_wait_stop(launch, START_MS);

	wf_arming_started(session->arming, rc == 0 ? launch->pid : 0);
	if (session->party)
		wf_party_expect(session->party, launch->pid);
	/* it may just have been slow to stop: never leave it stopped */
	if (rc != -ECHILD)
		wf_launch_continue(launch);
	wf_arming_announce(session->arming);
}

/* Python functions are always yet to come in a program that begins. */
static bool is_python_found(const struct wf_session *session, uint32_t rule, bool over)
{
	return session->party && session->rules->rules[rule].at.type == WF_WHERE_PYTHON &&
	       (!over || wf_party_found(session->party, rule));
}

void wf_session_tell_unmatched(const struct wf_session *session, bool over)
{
	const struct wf_ruleset *rules = session->rules;

	for (uint32_t i = 0, end; i < rules->count; i = end) {
		bool found = false;

		end = wf_unmatched_group(rules, i);
		for (uint32_t j = i; j < end; j++)
			found |= wf_arming_found(session->arming, j) ||
				 is_python_found(session, j, over);
		if (!found)
			wf_unmatched_launched(rules, i, end, over);
	}
}

static void on_process(void *context, const struct wf_rec_head *record)
{
	const struct wf_rec_process *event = (const struct wf_rec_process *)record;
	struct wf_session *session = context;

	wf_arming_on_process(session->arming, event);
	if (session->party && event->event == WF_PROC_FORK)
		wf_party_forked(session->party, record->tgid, event->child_tgid, record->time_ns);
	else if (session->party && event->event != WF_PROC_THREAD)
		wf_party_gone(session->party, record->tgid, event->event == WF_PROC_EXIT);
	if (session->party && event->event == WF_PROC_EXEC)
		wf_party_expect(session->party, record->tgid);
}

/* Python processes that took their time. False where nothing can come of it any more. */
static bool tick_python(struct wf_session *session)
{
	struct wf_err err = {0};

	if (!session->party)
		return true;
	wf_party_tick(session->party);
	if (session->python_announced)
		return true;
	if (judge_python(session, &err) < 0) {
		wf_log(WF_LOG_ERROR, "session", "%s", err.msg);
		return false;
	}
	if (session->python_announced)
		wf_arming_announce(session->arming);
	return true;
}

/* True where a signal ends the session. With a launched command it is the command's. */
static bool take_signal(struct wf_session *session, struct wf_launch *launch)
{
	struct signalfd_siginfo info;

	while (read(session->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (!launch)
			return info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM ||
			       info.ssi_signo == SIGHUP;
		(void)wf_launch_signal(launch, info.ssi_signo, info.ssi_code, info.ssi_pid);
	}
	return false;
}

static bool is_over(const struct wf_session *session, const struct wf_launch *launch,
		    uint64_t now_ns)
{
	uint32_t traces_max = session->config->traces_max;

	return (session->end_ns && now_ns >= session->end_ns) ||
	       (traces_max && atomic_load(&session->traces) >= traces_max) ||
	       (!launch && wf_arming_process_count(session->arming) == 0);
}

static bool is_entering(const struct wf_session *session)
{
	return session->party && !session->python_announced;
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

		(void)poll(fds, sizeof(fds) / sizeof(fds[0]),
			   wf_arming_is_waiting(session->arming) || is_entering(session)
				   ? TICK_SOON_MS
				   : TICK_MS);
		now_ns = wf_clock_monotonic_ns();
		wf_mailbox_take(session->outbox, on_process, session);
		if (take_signal(session, launch) || fds[1].revents ||
		    is_over(session, launch, now_ns))
			return;
		if (launch && wf_launch_wait(launch, false) == 0)
			return;
		wf_arming_tick(session->arming, now_ns);
		if (!tick_python(session))
			return;
		if (now_ns - session->swept_ns < SWEEP_EVERY_NS)
			continue;
		session->swept_ns = now_ns;
		if (wf_kernel_sweep(session->kernel, false, &err) < 0)
			wf_log(WF_LOG_DEBUG, "session", "%s", err.msg);
	}
}

/* Give running calls up to a second to end by themselves; those that hang do not hold us up. */
static void wait_for_calls(struct wf_session *session)
{
	struct wf_kernel_totals totals;
	uint64_t end_ns = wf_clock_monotonic_ns() + LEAVE_NS, before = UINT64_MAX;
	struct timespec pause = {.tv_nsec = LEAVE_STEP_MS * 1000000};
	unsigned still = 0;

	while (wf_clock_monotonic_ns() < end_ns && still < LEAVE_STILL) {
		if (wf_kernel_sweep(session->kernel, false, NULL) < 0)
			return;
		wf_kernel_totals(session->kernel, &totals);
		if (!totals.open_now)
			return;
		still = totals.open_now < before ? 0 : still + 1;
		before = totals.open_now;
		nanosleep(&pause, NULL);
	}
}

static void deliver_saved(void *context, const struct wf_rec_head *record)
{
	struct wf_session *session = context;

	(void)wf_mailbox_put(session->inbox, record);
}

/*
 * Leave the targets: no more entries, let calls end, take the probes away, collect what is still
 * open. The order matters: the sweep may claim stacks because their owners run no probes any more.
 */
static int leave_targets(struct wf_session *session, struct wf_rec_ledger *ledger,
			 struct wf_err *err)
{
	uint64_t agent[WF_REC_AGENT_COUNTERS] = {0};
	struct wf_kernel_totals totals;
	int rc;

	wf_kernel_disarm(session->kernel);
	wait_for_calls(session);
	leave_python(session, agent);
	wf_arming_detach(session->arming);
	rc = wf_kernel_sweep(session->kernel, true, err);
	wf_kernel_saved_stacks(session->kernel, deliver_saved, session);
	wf_kernel_stop_tracepoints(session->kernel);
	wf_kernel_totals(session->kernel, &totals);
	*ledger = (struct wf_rec_ledger){
		.head = {.kind = WF_REC_LEDGER, .size = sizeof(*ledger)},
		.open_now = totals.open_now,
	};
	ledger->head.time_ns = wf_clock_monotonic_ns();
	for (int i = 0; i < WF_COUNTERS; i++)
		ledger->counters[i] = totals.counters[i];
	for (int i = 0; i < WF_REC_AGENT_COUNTERS; i++)
		ledger->agent[i] = totals.agent[i] + agent[i];
	return rc;
}

int wf_session_close(struct wf_session *session, struct wf_err *err)
{
	struct wf_rec_ledger record;
	struct wf_closing closing = {.config = session->config, .exporter = session->exporter};
	int rc = leave_targets(session, &record, err);

	wf_data_stop(session->data, &record);
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
