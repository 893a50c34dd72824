/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "choose.h"
#include "endpoint.h"
#include "listing.h"
#include "roster.h"
#include "unmatched.h"
#include "userspace/base/log.h"
#include "userspace/cli/command.h"
#include "userspace/kernel/feature.h"
#include "userspace/kernel/selftest.h"
#include "userspace/python/request.h"
#include "userspace/python/visit.h"
#include "userspace/target/target.h"
#include "wave.h"

#define ARENA_BYTES_MAX (1u << 20)

static void check_caps(struct wf_checks *checks, const struct wf_features *features)
{
	uint32_t missing = wf_feature_missing_caps(features);
	char names[256] = "";

	for (int i = 0; i < WF_CAPS; i++)
		if (missing >> i & 1)
			snprintf(names + strlen(names), sizeof(names) - strlen(names), " CAP_%s",
				 wf_cap_name(i));
	if (missing)
		wf_checks_add(checks, "capabilities", WF_VERDICT_NO,
			      "run as root, or give wftrace these capabilities", "missing:%s",
			      names);
	else
		wf_checks_add(
			checks, "capabilities", WF_VERDICT_OK, NULL,
			"enough for this kernel; the full tier needs BPF, PERFMON, SYS_PTRACE "
			"and DAC_READ_SEARCH, the reduced one SYS_ADMIN too");
}

static void check_kernel(struct wf_checks *checks, const struct wf_features *features)
{
	if (features->btf)
		wf_checks_add(checks, "kernel BTF", WF_VERDICT_OK, NULL, "/sys/kernel/btf/vmlinux");
	else
		wf_checks_add(checks, "kernel BTF", WF_VERDICT_NO,
			      "boot a kernel built with CONFIG_DEBUG_INFO_BTF (Debian 12, RHEL 9, "
			      "Ubuntu 22.04 and later have it)",
			      "kernel %s has none", features->release);
	if (features->cookies)
		wf_checks_add(checks, "attach cookies", WF_VERDICT_OK, NULL,
			      "a probe carries its number");
	else
		wf_checks_add(checks, "attach cookies", WF_VERDICT_NO,
			      "boot Linux 5.15 or later (Debian 12, RHEL 9, Ubuntu 22.04)",
			      "kernel %s has none", features->release);
	if (features->uprobe_multi && features->pid_filter)
		wf_checks_add(checks, "uprobe_multi", WF_VERDICT_OK, NULL,
			      "one link a file; its pid filter covers all threads");
	else if (features->uprobe_multi)
		wf_checks_add(checks, "uprobe_multi", WF_VERDICT_NOTE, NULL,
			      "its pid filter covers one thread only: links are unfiltered and the "
			      "set of processes decides");
	else
		wf_checks_add(checks, "uprobe_multi", WF_VERDICT_NOTE,
			      "Linux 6.6 and later (RHEL 9.6) have it",
			      "absent: the reduced tier, at most %d probe sites",
			      WF_REDUCED_SITES_MAX);
	if (features->host_pids)
		wf_checks_add(checks, "pid namespace", WF_VERDICT_OK, NULL, "the host's");
	else
		wf_checks_add(checks, "pid namespace", WF_VERDICT_NO,
			      "run in the host's: docker --pid=host, Kubernetes hostPID: true",
			      "a namespace of its own");
	if (strcmp(features->lockdown, "confidentiality") == 0)
		wf_checks_add(checks, "lockdown", WF_VERDICT_NO,
			      "boot with lockdown=integrity or none",
			      "confidentiality: programs may not read kernel memory");
	else
		wf_checks_add(checks, "lockdown", WF_VERDICT_OK, NULL, "%s",
			      features->lockdown[0] ? features->lockdown : "not built in");
}

static void check_tier(struct wf_checks *checks, const struct wf_features *features)
{
	if (features->tier == WF_TIER_FULL)
		wf_checks_add(checks, "tier", WF_VERDICT_OK, NULL, "full, on Linux %s",
			      features->release);
	else if (features->tier == WF_TIER_REDUCED)
		wf_checks_add(checks, "tier", WF_VERDICT_NOTE, NULL,
			      "reduced, on Linux %s: perf uprobes, at most %d sites",
			      features->release, WF_REDUCED_SITES_MAX);
	else
		wf_checks_add(checks, "tier", WF_VERDICT_NO, "see the lines above",
			      "Linux %s cannot trace with these privileges", features->release);
}

static void check_nop5(struct wf_checks *checks, const struct wf_features *features,
		       const struct wf_selftest *test)
{
	if (features->nop5 != WF_NOP5_UNSAFE) {
		wf_checks_add(checks, "5-byte NOP", WF_VERDICT_OK, NULL,
			      "probes on it are safe here (syscall 336: %s)",
			      features->nop5 == WF_NOP5_FIXED ? "EPROTO" : "ENOSYS");
		return;
	}
	wf_checks_add(
		checks, "5-byte NOP", WF_VERDICT_NOTE, NULL,
		"unsafe on this kernel, never probed by wftrace; other tools do: %llu of %llu "
		"calls lost data below their stack pointer, a forked child %s%s",
		(unsigned long long)test->nop5_broken, (unsigned long long)test->nop5_calls,
		test->nop5_fork_signal ? "died of " : "lived",
		test->nop5_fork_signal ? strsignal(test->nop5_fork_signal) : "");
}

static void run_selftest(struct wf_checks *checks, const struct wf_features *features)
{
	struct wf_selftest test;
	struct wf_err err = {0};

	if (features->tier == WF_TIER_NONE)
		return;
	if (wf_selftest_run(features, &test, &err) < 0) {
		wf_checks_add(checks, "self-test", WF_VERDICT_NO,
			      "run with -v for the kernel's own words", "%s", err.msg);
		return;
	}
	wf_checks_add(checks, "trap cost", WF_VERDICT_OK, NULL,
		      "%.2f us emulated (push, jcc), %.2f us single-stepped; a recorded call adds "
		      "%.2f us, a captured string %.2f us",
		      test.costs.emulated_ns / 1000, test.costs.stepped_ns / 1000,
		      test.costs.record_ns / 1000, test.costs.string_ns / 1000);
	wf_checks_add(checks, "pid filter",
		      test.calls_seen == test.calls_made && !test.outside_seen ? WF_VERDICT_OK
									       : WF_VERDICT_NO,
		      NULL, "saw %llu of %llu calls of a two-thread child, %llu of another process",
		      (unsigned long long)test.calls_seen, (unsigned long long)test.calls_made,
		      (unsigned long long)test.outside_seen);
	if (test.shared_seen == test.shared_calls)
		wf_checks_add(checks, "shared probes", WF_VERDICT_OK, NULL,
			      "where an entry and an exit share an instruction, the entry is seen "
			      "first");
	else
		wf_checks_add(checks, "shared probes", WF_VERDICT_NO,
			      "please report this kernel: wftrace counts on the other order",
			      "where an entry and an exit share an instruction, the exit is seen "
			      "first (%llu of %llu calls were whole)",
			      (unsigned long long)test.shared_seen,
			      (unsigned long long)test.shared_calls);
	check_nop5(checks, features, &test);
}

static const char *const ways[] = {
	[WF_PYTHON_NO_WAY] = "there is no way in",
	[WF_PYTHON_SLOT] = "wftrace gets in by a pending call (the main thread must run Python "
			   "code, and is stopped for a fraction of a millisecond)",
	[WF_PYTHON_REMOTE] = "wftrace gets in by the interpreter's debugger interface (PEP 768; "
			     "some thread must run Python code)",
};

/* Which way into an interpreter there is; the process is only looked at. */
static void check_python(struct wf_checks *checks, const struct wf_target *target)
{
	struct wf_python python;
	struct wf_err err = {0};
	char name[48], version[24];
	int rc = wf_python_find(target, &python, &err);

	if (rc == -ENOENT)
		return;
	snprintf(name, sizeof(name), "process %d: Python", target->pid);
	if (rc == 0)
		rc = wf_inject_check_owner(&python, &err);
	if (rc < 0) {
		wf_checks_add(checks, name, WF_VERDICT_NO, NULL, "%s", err.msg);
		return;
	}
	wf_python_version(&python, version, sizeof(version));
	wf_checks_add(checks, name, WF_VERDICT_OK, NULL, "%s in %s: %s%s", version, python.file,
		      ways[python.way],
		      wf_visit_was_before(&python) ? "; a wftrace was in it before" : "");
}

static void check_target(struct wf_checks *checks, pid_t pid)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	struct wf_err err = {0};
	char name[32];

	snprintf(name, sizeof(name), "process %d", pid);
	if (wf_target_open(pid, &target, &err) < 0) {
		wf_checks_add(checks, name, WF_VERDICT_NO, NULL, "%s", err.msg);
		return;
	}
	wf_checks_add(checks, name, WF_VERDICT_OK, NULL, "%s, %zu mapped files%s%s", target->exe,
		      target->mapping_count, target->exe_deleted ? ", executable deleted" : "",
		      target->seccomp ? ", seccomp filter (no hindrance)" : "");
	if (target->traced_by_debugger)
		wf_checks_add(checks, name, WF_VERDICT_NOTE, NULL,
			      "process %d debugs it: while it is stopped its spans grow",
			      target->debugger);
	check_python(checks, target);
}

/* The plan of the chosen native functions, and its refusals. */
static int check_native(const struct wf_config *config, const struct wf_features *features,
			const struct wf_ruleset *rules, struct wf_target *target,
			struct wf_err *err)
{
	struct wf_wave_config wave_config = {.config = config,
					     .features = features,
					     .rules = rules,
					     .costs = wf_plan_default_costs()};
	struct wf_listing_style style = wf_listing_style_for(stdout, config->json);
	struct wf_wave wave;
	int rc;

	if (features->tier != WF_TIER_NONE)
		(void)wf_selftest_costs(features, &wave_config.costs, NULL);
	rc = wf_wave_plan(&wave_config, &target, 1, &wave, err);
	if (rc < 0)
		return rc;
	rc = wf_listing_print(wave.plan, &style, stdout);
	rc = rc < 0 ? wf_err_set(err, -rc, "out of memory")
		    : wf_unmatched_report(rules, &wave, false, wf_request_wanted(rules), err);
	wf_wave_done(&wave);
	return rc;
}

/* Why the chosen functions can or cannot be traced. */
static int check_functions(const struct wf_config *config, const struct wf_features *features,
			   struct wf_err *err)
{
	wf_auto(wf_ruleset_freep) struct wf_ruleset *rules = NULL;
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	uint32_t found = 0;
	int rc = wf_choose_rules(config, &rules, err);

	if (rc == 0)
		rc = wf_target_open(config->pids.items[0], &target, err);
	if (rc == 0 && wf_request_wanted(rules))
		rc = wf_roster_print(config, features, rules, target, &found, err);
	if (rc == 0 && wf_request_alone(rules))
		return found ? 0 : wf_err_set(err, ENOENT, "no Python function fits");
	return rc < 0 ? rc : check_native(config, features, rules, target, err);
}

static void check_endpoint(struct wf_checks *checks, const char *url)
{
	struct wf_endpoint_answer answer;

	wf_endpoint_ask(url, &answer);
	wf_checks_add(checks, "endpoint", answer.accepted ? WF_VERDICT_OK : WF_VERDICT_NO,
		      answer.accepted ? NULL : answer.cure, "%s", answer.finding);
}

int wf_cmd_doctor(const struct wf_config *config)
{
	struct wf_checks checks = {.arena = wf_arena_new(ARENA_BYTES_MAX)};
	struct wf_features features;
	struct wf_err err = {0};
	bool holds;
	int rc = 0;

	if (!checks.arena || wf_feature_probe(&features, &err) < 0) {
		wf_log(WF_LOG_ERROR, "doctor", "%s", checks.arena ? err.msg : "out of memory");
		wf_arena_free(checks.arena);
		return WF_EXIT_FAILED;
	}
	check_caps(&checks, &features);
	check_kernel(&checks, &features);
	check_tier(&checks, &features);
	run_selftest(&checks, &features);
	for (uint32_t i = 0; i < config->pids.count; i++)
		check_target(&checks, config->pids.items[i]);
	if (config->endpoint)
		check_endpoint(&checks, config->endpoint);
	wf_checks_print(&checks, config->json, isatty(STDOUT_FILENO), stdout);
	if (config->pids.count && (config->rules.count || config->profiles.count))
		rc = check_functions(config, &features, &err);
	if (rc < 0)
		wf_log(WF_LOG_ERROR, "doctor", "%s", err.msg);
	holds = wf_checks_all_hold(&checks);
	wf_arena_free(checks.arena);
	if (features.tier == WF_TIER_NONE)
		return WF_EXIT_UNABLE;
	if (rc == -ENOENT)
		return WF_EXIT_NO_MATCH;
	if (rc == -EINVAL)
		return WF_EXIT_USAGE;
	return holds && rc == 0 ? WF_EXIT_DONE : WF_EXIT_FAILED;
}
