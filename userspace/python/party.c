/* SPDX-License-Identifier: Apache-2.0 */
#include "party.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "tap.h"
#include "userspace/base/clock.h"
#include "userspace/base/json.h"
#include "userspace/base/log.h"

#define GUESTS_MAX 4096
#define TEXT_BYTES (4u << 20)
#define STEP_NS    1000000
#define BUSY_MAX   5
#define BUSY_NS    50000000
#define WAIT_S     5 /* for the probes; a program that begins is not held longer */
#define LOST_MAX   3 /* times that a guest which has taken all back is armed again */

struct wf_party {
	struct wf_party_config config;
	struct wf_guest *guests[GUESTS_MAX];
	uint32_t count;
	struct wf_taps taps;
	struct wf_answers answers;
	struct wf_request request;
	struct wf_err err; /* of the last that failed */
	/* of guests whose counters had begun before us and that ended meanwhile, see forget() */
	uint64_t counters[WF_REC_AGENT_COUNTERS];
};

int wf_party_new(const struct wf_party_config *config, struct wf_party **ret, struct wf_err *err)
{
	wf_auto(wf_party_freep) struct wf_party *party = calloc(1, sizeof(*party));

	if (!party)
		return wf_err_set(err, ENOMEM, "out of memory");
	party->config = *config;
	party->taps.kernel = config->kernel;
	party->taps.attacher = config->attacher;
	if (wf_answers_init(&party->answers, config->rules, config->inbox) < 0)
		return wf_err_set(err, ENOMEM, "out of memory");
	party->request = (struct wf_request){
		.pid = getpid(),
		.name = "wftrace",
		.context = !wf_request_alone(config->rules),
	};
	if (getrandom(&party->request.nonce, sizeof(party->request.nonce), 0) < 0)
		return wf_err_set(err, errno, "random numbers: %s", strerror(errno));
	party->request.nonce >>= 1; /* a JSON integer has a sign */
	*ret = wf_take(party);
	return 0;
}

static void guest_free(struct wf_guest *guest)
{
	wf_guest_done(guest);
	free(guest);
}

void wf_party_free(struct wf_party *party)
{
	if (!party)
		return;
	for (uint32_t i = 0; i < party->count; i++)
		guest_free(party->guests[i]);
	wf_answers_done(&party->answers);
	free(party);
}

static struct wf_guest *find(const struct wf_party *party, pid_t pid)
{
	for (uint32_t i = 0; i < party->count; i++)
		if (party->guests[i]->pid == pid)
			return party->guests[i];
	return NULL;
}

static struct wf_guest *add(struct wf_party *party, pid_t pid)
{
	struct wf_guest *guest = party->count < GUESTS_MAX ? calloc(1, sizeof(*guest)) : NULL;

	if (!guest)
		return NULL;
	guest->pid = pid;
	party->guests[party->count++] = guest;
	return guest;
}

/* The answer of a request that is over. NULL: it is not understood. */
static json_t *take_result(struct wf_guest *guest)
{
	const char *text = wf_inject_result(guest->inject);
	json_t *answer = NULL;

	(void)wf_json_read(text, strlen(text), &answer, NULL);
	wf_guest_drop(guest);
	return answer;
}

static void fail(struct wf_party *party, struct wf_guest *guest)
{
	guest->state = WF_GUEST_FAILED;
	wf_guest_drop(guest);
	party->err = guest->err;
	party->err.code = guest->err.code ? guest->err.code : EIO;
	if (guest->young)
		wf_log(WF_LOG_WARN, "python", "process %d is not traced: %s", guest->pid,
		       guest->err.msg);
}

static int make_start(struct wf_party *party, const struct wf_guest *guest, struct wf_buf *text,
		      struct wf_err *err)
{
	wf_buf_init(text, TEXT_BYTES);
	party->request.sequence++;
	party->request.wait_s = guest->first ? WAIT_S : 0;
	if (wf_request_start(&party->request, "arm", party->config.rules, text) < 0)
		return wf_err_set(err, ENOMEM, "out of memory");
	return 0;
}

void wf_party_enter(struct wf_party *party, const struct wf_target *target)
{
	struct wf_guest *guest = find(party, target->pid) ? NULL : add(party, target->pid);
	struct wf_buf text;

	if (!guest)
		return;
	if (make_start(party, guest, &text, &guest->err) == 0)
		(void)wf_guest_enter(guest, target, text.data, party->config.force, &guest->err);
	if (guest->state != WF_GUEST_ENTERING)
		fail(party, guest);
	wf_buf_done(&text);
}

void wf_party_expect(struct wf_party *party, pid_t pid, bool first)
{
	struct wf_guest *guest = find(party, pid) ? NULL : add(party, pid);

	if (!guest)
		return;
	guest->first = first;
	guest->state = WF_GUEST_LOOKING;
	guest->young = true;
	guest->began_ns = wf_clock_monotonic_ns();
}

void wf_party_forked(struct wf_party *party, pid_t parent, pid_t child, uint64_t time_ns)
{
	const struct wf_guest *of = find(party, parent);
	struct wf_guest *guest;

	if (!of || find(party, child))
		return;
	/* whether the agent came before the fork or after it is not known */
	if (of->state == WF_GUEST_LOOKING || of->state == WF_GUEST_ENTERING ||
	    time_ns < of->armed_ns) {
		wf_party_expect(party, child, false);
		guest = find(party, child);
		if (guest)
			guest->forked = true;
	}
	if (of->state != WF_GUEST_ARMED || time_ns < of->armed_ns)
		return;
	guest = add(party, child);
	if (!guest)
		return;
	guest->state = WF_GUEST_ARMED;
	guest->forked = true;
	guest->mark = of->mark;
}

/* The probes stay: other processes may map the same image. They go when we leave. */
static void forget(struct wf_party *party, struct wf_guest *guest)
{
	for (uint32_t i = 0; i < party->count; i++) {
		if (party->guests[i] != guest)
			continue;
		party->guests[i] = party->guests[--party->count];
		guest_free(guest);
		return;
	}
}

void wf_party_gone(struct wf_party *party, pid_t pid)
{
	struct wf_guest *guest = find(party, pid);

	if (!guest)
		return;
	/* the kernel has added up its counters, all of them */
	for (int i = 0; guest->attached && i < WF_REC_AGENT_COUNTERS; i++)
		party->counters[i] -= guest->before[i];
	forget(party, guest);
}

void wf_party_replaced(struct wf_party *party, pid_t pid, uint64_t time_ns)
{
	struct wf_guest *guest = find(party, pid);

	/* told late, of an image before the one that was looked at */
	if (guest && guest->began_ns < time_ns)
		forget(party, guest);
}

bool wf_party_found(const struct wf_party *party, uint32_t rule)
{
	return rule < party->answers.rule_count && party->answers.found[rule];
}

/*
 * An agent that saw no probes for ten seconds takes all back by itself. If it was only that we were
 * slow to place them, or stopped meanwhile, it is armed once more.
 */
static void arm_if_lost(struct wf_party *party, struct wf_guest *guest)
{
	if (guest->state != WF_GUEST_ARMED || guest->inject || guest->lost == LOST_MAX ||
	    wf_mark_owner(guest->pid, &guest->mark) == party->request.nonce)
		return;
	guest->lost++;
	guest->state = WF_GUEST_ENTERING;
	guest->again_ns = wf_clock_monotonic_ns();
}

void wf_party_noted(struct wf_party *party, const struct wf_rec_span *note)
{
	struct wf_guest *guest = find(party, (pid_t)note->head.tgid);
	const struct wf_agent_record *agent = wf_wire_agent(note);

	if (!agent)
		return;
	/* one that has ended is forgotten sooner than its last notes are read */
	wf_answers_note(&party->answers, note);
	if (guest && agent->kind == WF_AGENT_RESTORED)
		arm_if_lost(party, guest);
}

/* Another request is being answered in there: to be asked again a little later. */
static bool is_put_off(struct wf_guest *guest, const json_t *answer)
{
	if (!json_is_true(json_object_get(answer, "busy")) || guest->busy == BUSY_MAX) {
		guest->busy = 0;
		return false;
	}
	guest->busy++;
	guest->again_ns = wf_clock_monotonic_ns() + BUSY_NS;
	return true;
}

static int take_answer(struct wf_party *party, struct wf_guest *guest, const json_t *answer)
{
	int rc = wf_answers_take(&party->answers, guest, answer);

	return rc < 0 || guest->attached ? rc : wf_taps_add(&party->taps, guest);
}

static void arrived(struct wf_party *party, struct wf_guest *guest)
{
	wf_auto(json_decrefp) json_t *answer = take_result(guest);
	bool again = guest->state == WF_GUEST_ARMED, later = is_put_off(guest, answer);
	int rc = later ? 0 : take_answer(party, guest, answer);

	if (later)
		return;
	if (rc < 0 && !again)
		fail(party, guest);
	else
		guest->state = WF_GUEST_ARMED;
	if (!again)
		guest->armed_ns = wf_clock_monotonic_ns();
	arm_if_lost(party, guest);
}

/* One that is put off is armed, and asked to disarm once more. */
static void left(struct wf_guest *guest, int rc)
{
	wf_auto(json_decrefp) json_t *answer = rc < 0 ? NULL : take_result(guest);

	wf_guest_drop(guest);
	if (is_put_off(guest, answer))
		guest->state = WF_GUEST_ARMED;
	else
		guest->state = rc < 0 ? WF_GUEST_FAILED : WF_GUEST_LEFT;
}

static void step(struct wf_party *party, struct wf_guest *guest)
{
	int rc = wf_guest_poll(guest, &guest->err);

	if (rc == 0)
		return;
	if (guest->state == WF_GUEST_LEAVING) {
		left(guest, rc);
		return;
	}
	if (rc >= 0) {
		arrived(party, guest);
	} else if (guest->state == WF_GUEST_ARMED) {
		wf_guest_drop(guest);
	} else {
		fail(party, guest);
	}
}

/* A process that begins. It may turn out to be none of ours. */
static void look(struct wf_party *party, struct wf_guest *guest, uint64_t now_ns)
{
	struct wf_buf text;
	int rc = 0;

	if (now_ns < guest->due_ns)
		return;
	if (make_start(party, guest, &text, &guest->err) == 0)
		rc = wf_guest_look(guest, text.data, party->config.force, now_ns);
	wf_buf_done(&text);
	if (rc == -ESRCH)
		forget(party, guest);
	else if (rc == 0 && guest->state == WF_GUEST_FAILED)
		fail(party, guest);
}

void wf_party_enter_first(struct wf_party *party, pid_t pid)
{
	struct wf_guest *guest;

	wf_party_expect(party, pid, true);
	guest = find(party, pid);
	if (!guest || guest->state != WF_GUEST_LOOKING)
		return;
	guest->first = true;
	guest->due_ns = 0;
	look(party, guest, wf_clock_monotonic_ns());
	/* later than now it is not the first any more */
	guest = find(party, pid);
	if (guest)
		guest->first = false;
}

/* What a young guest has made since, or imported. */
static void ask_again(struct wf_party *party, struct wf_guest *guest)
{
	struct wf_buf text;

	wf_buf_init(&text, TEXT_BYTES);
	party->request.sequence++;
	if (wf_request_apply(&party->request, "rescan", &text) == 0)
		(void)wf_guest_ask(guest, text.data, party->config.force, &guest->err);
	wf_buf_done(&text);
}

/* It was busy with another request. */
static void come_again(struct wf_party *party, struct wf_guest *guest)
{
	struct wf_buf text;

	guest->again_ns = 0;
	if (guest->state == WF_GUEST_ARMED) {
		ask_again(party, guest);
		return;
	}
	if (make_start(party, guest, &text, &guest->err) < 0 ||
	    wf_guest_enter_again(guest, text.data, party->config.force, &guest->err) < 0)
		fail(party, guest);
	wf_buf_done(&text);
}

void wf_party_tick(struct wf_party *party)
{
	uint64_t now_ns = wf_clock_monotonic_ns();

	/* from the end: a guest that is forgotten gives its place to the last one */
	for (uint32_t i = party->count; i-- > 0;) {
		struct wf_guest *guest = party->guests[i];

		if (guest->state == WF_GUEST_LOOKING)
			look(party, guest, now_ns);
		else if (guest->inject)
			step(party, guest);
		else if (guest->again_ns && now_ns >= guest->again_ns)
			come_again(party, guest);
		else if (wf_guest_is_due(guest, now_ns))
			ask_again(party, guest);
	}
}

void wf_party_status(const struct wf_party *party, struct wf_party_status *ret)
{
	*ret = (struct wf_party_status){
		.functions = party->answers.functions,
		.refused = party->answers.refused,
		.waiting = party->answers.waiting,
		.err = party->err,
	};
	for (uint32_t i = 0; i < party->count; i++) {
		const struct wf_guest *guest = party->guests[i];

		ret->entering += guest->state == WF_GUEST_ENTERING;
		ret->armed += guest->state == WF_GUEST_ARMED;
		ret->failed += guest->state == WF_GUEST_FAILED;
	}
}

static void ask_to_disarm(struct wf_party *party, struct wf_guest *guest)
{
	struct wf_buf text;

	wf_buf_init(&text, TEXT_BYTES);
	party->request.sequence++;
	guest->state = WF_GUEST_LEAVING;
	if (wf_request_apply(&party->request, "disarm", &text) < 0 ||
	    wf_guest_ask(guest, text.data, party->config.force, &guest->err) < 0)
		guest->state = WF_GUEST_FAILED;
	wf_buf_done(&text);
}

/* Those that are armed are asked to disarm; what waits to go in is taken back. */
static void begin_to_leave(struct wf_party *party)
{
	for (uint32_t i = 0; i < party->count; i++)
		if (party->guests[i]->state == WF_GUEST_ARMED)
			ask_to_disarm(party, party->guests[i]);
	for (uint32_t i = 0; i < party->count; i++) {
		struct wf_guest *guest = party->guests[i];

		if (guest->state == WF_GUEST_LOOKING ||
		    (guest->state == WF_GUEST_ENTERING &&
		     (!guest->inject || wf_inject_withdraw(guest->inject) == 0)))
			guest->state = WF_GUEST_FAILED;
	}
}

static bool is_busy(const struct wf_party *party)
{
	for (uint32_t i = 0; i < party->count; i++)
		if (party->guests[i]->state == WF_GUEST_LEAVING ||
		    party->guests[i]->state == WF_GUEST_ENTERING)
			return true;
	return false;
}

static void count(struct wf_party *party, struct wf_guest *guest)
{
	uint64_t now[WF_AGENT_COUNTERS];

	if (!guest->mark.page || wf_mark_counters(guest->pid, guest->mark.page, now) < 0)
		return;
	for (int i = 0; i < WF_REC_AGENT_COUNTERS; i++)
		party->counters[i] += now[i] - guest->before[i];
}

static void let_go(struct wf_guest *guest)
{
	const char *why = guest->err.code ? guest->err.msg
			  : guest->inject ? wf_inject_waits_for(guest->inject)
					  : "it ended";

	if (guest->mark.page && guest->state != WF_GUEST_LEFT && wf_guest_lives(guest))
		wf_log(WF_LOG_WARN, "python",
		       "process %d is not disarmed yet (%s): its functions become their own again "
		       "when they are called, or by `wftrace detach`",
		       guest->pid, why);
	if (guest->state == WF_GUEST_LEAVING && wf_inject_withdraw(guest->inject) == 0)
		guest->state = WF_GUEST_FAILED;
}

void wf_party_leave(struct wf_party *party, uint64_t timeout_ns,
		    uint64_t counters[static WF_REC_AGENT_COUNTERS])
{
	struct timespec pause = {.tv_nsec = STEP_NS};
	uint64_t end_ns;

	wf_party_tick(party);
	begin_to_leave(party);
	end_ns = wf_clock_monotonic_ns() + timeout_ns;
	while (is_busy(party) && wf_clock_monotonic_ns() < end_ns) {
		nanosleep(&pause, NULL);
		wf_party_tick(party);
		/* what came in at the last moment goes out at once */
		begin_to_leave(party);
	}
	for (uint32_t i = 0; i < party->count; i++)
		let_go(party->guests[i]);
	wf_taps_drop(&party->taps);
	for (uint32_t i = 0; i < party->count; i++)
		count(party, party->guests[i]);
	for (int i = 0; i < WF_REC_AGENT_COUNTERS; i++)
		counters[i] += party->counters[i];
}
