/* SPDX-License-Identifier: Apache-2.0 */
#include "stop.h"

#include <errno.h>

#include "userspace/base/clock.h"
#include "userspace/base/log.h"
#include "userspace/python/library.h"

#define START_MS  5000           /* for the command to reach its entry point */
#define LOOK_NS   200000000ull   /* most interpreters come up sooner */
#define CLOSE_NS  10000000000ull /* an image comes to its next stop within this, if at all */
#define EXECS_MAX 64             /* images that are waited for; later ones are looked at */

/* offset 0: its entry point. */
static bool stop_at(struct wf_stop *stop, const struct wf_mapping *mapping, uint64_t offset)
{
	struct wf_binary_options options = {.symbols_only = true};
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;
	struct wf_err err = {0};

	if (wf_binary_open(mapping->open_path, mapping->path, &options, &elf, &err) == 0 &&
	    (offset || wf_binary_entry(elf, &offset) == 0) &&
	    wf_arming_stop_at(stop->arming, elf, offset, stop->launch->pid, &err) == 0)
		return true;
	wf_log(WF_LOG_DEBUG, "stop", "'%s': %s", mapping->path, err.msg);
	return false;
}

/* A program that embeds an interpreter may never come there. */
static bool is_python(const struct wf_target *target)
{
	const struct wf_mapping *mapping = wf_target_find(target, NULL, NULL);
	struct wf_library library;

	return mapping && wf_library_read(mapping, &library) == 0 && library.runs_main;
}

static bool stop_at_main(struct wf_stop *stop, const struct wf_target *target)
{
	bool found = false;

	if (!is_python(target))
		return false;
	for (size_t i = 0; i < target->mapping_count; i++) {
		struct wf_library library;

		if (wf_library_read(&target->mappings[i], &library) == 0 && library.run_main)
			found |= stop_at(stop, &target->mappings[i], library.run_main);
	}
	return found;
}

static bool stop_at_entry(struct wf_stop *stop, const struct wf_target *target)
{
	const struct wf_mapping *mapping = wf_target_find(target, NULL, NULL);

	return mapping && stop_at(stop, mapping, 0);
}

/* Where it is to stop next. Its libraries are not mapped before its entry point. */
static void seek(struct wf_stop *stop, bool has_libraries)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	bool found = false;

	stop->begun_ns = wf_clock_monotonic_ns();
	stop->at_main = stop->looked_for = false;
	if (stop->execs < EXECS_MAX && wf_target_open(stop->launch->pid, &target, NULL) == 0) {
		stop->at_main = found = stop_at_main(stop, target);
		if (!found && !has_libraries)
			found = stop_at_entry(stop, target);
	}
	if (found)
		return;
	stop->begun_ns = 0;
	wf_session_python_expect(stop->python, stop->launch->pid, false);
}

void wf_stop_started(struct wf_stop *stop)
{
	int rc = wf_launch_wait_stop(stop->launch, START_MS);

	(void)wf_kernel_held(stop->kernel, true);
	/* it may execute the same file again, and nobody would let it go on then */
	wf_arming_stop_no_more(stop->arming);
	if (rc == 0)
		wf_arming_started(stop->arming, stop->launch->pid);
	if (rc == 0 && wf_session_python_is_wanted(stop->python)) {
		wf_kernel_hold(stop->kernel, stop->launch->pid);
		wf_session_python_hold(stop->python, stop->launch->pid);
		seek(stop, true);
	} else {
		wf_session_python_expect(stop->python, stop->launch->pid, false);
	}
	/* it may just have been slow to stop: never leave it stopped */
	if (rc != -ECHILD)
		wf_launch_continue(stop->launch);
	if (!wf_session_python_is_wanted(stop->python))
		wf_launch_trust(stop->launch);
}

static void at_exec(struct wf_stop *stop)
{
	stop->execs++;
	wf_session_python_replaced(stop->python, stop->launch->pid);
	seek(stop, false);
	if (stop->execs < EXECS_MAX)
		return;
	wf_kernel_hold(stop->kernel, 0);
	wf_session_python_hold(stop->python, 0);
}

/* The interpreter's lock is held and no Python code runs: what is asked now comes first. */
static void at_main(struct wf_stop *stop)
{
	stop->at_main = false;
	stop->begun_ns = wf_clock_monotonic_ns();
	wf_session_python_enter(stop->python, stop->launch->pid);
}

/* Its packages take long, or wait for us (wftrace.pth): it can be asked then already. */
static void look_for(struct wf_stop *stop)
{
	if (!stop->at_main || stop->looked_for ||
	    wf_clock_monotonic_ns() - stop->begun_ns < LOOK_NS)
		return;
	stop->looked_for = true;
	wf_session_python_expect(stop->python, stop->launch->pid, true);
}

void wf_stop_tick(struct wf_stop *stop)
{
	enum wf_held_at held;

	if (!stop->launch)
		return;
	look_for(stop);
	held = wf_kernel_held(stop->kernel, false);
	/* who is stopped by anybody else is let go on by them */
	if (held == WF_HELD_NOT || !wf_launch_is_stopped(stop->launch))
		return;
	(void)wf_kernel_held(stop->kernel, true);
	wf_arming_stop_no_more(stop->arming);
	if (held == WF_HELD_EXEC)
		at_exec(stop);
	else if (!stop->at_main)
		seek(stop, true);
	else
		at_main(stop);
	wf_launch_continue(stop->launch);
}

bool wf_stop_is_close(const struct wf_stop *stop)
{
	if (!stop->launch)
		return false;
	if (wf_kernel_held(stop->kernel, false) != WF_HELD_NOT)
		return true;
	return stop->begun_ns && wf_clock_monotonic_ns() - stop->begun_ns < CLOSE_NS &&
	       (stop->at_main || wf_session_python_is_going_in(stop->python));
}

void wf_stop_end(struct wf_stop *stop)
{
	if (!stop->launch)
		return;
	wf_kernel_hold(stop->kernel, 0);
	wf_arming_stop_no_more(stop->arming);
	if (wf_kernel_held(stop->kernel, true) != WF_HELD_NOT)
		wf_launch_continue(stop->launch);
}
