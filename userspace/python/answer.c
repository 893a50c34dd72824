/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/base/json.h"
#include "userspace/base/log.h"

#define ITEMS_MAX     100000
#define REFUSED_SHOWN 10
#define NOTES_SHOWN   20

int wf_answers_init(struct wf_answers *answers, const struct wf_ruleset *rules,
		    struct wf_mailbox *inbox)
{
	answers->inbox = inbox;
	answers->rule_count = rules->count;
	answers->found = calloc(rules->count + 1, sizeof(*answers->found));
	return answers->found ? 0 : -ENOMEM;
}

void wf_answers_done(struct wf_answers *answers)
{
	free(answers->found);
}

/* One function of an answer: DEFINE is what the agent told, as it told it. */
static void define(struct wf_answers *answers, const struct wf_guest *guest, const json_t *entry)
{
	json_int_t function = json_integer_value(json_object_get(entry, "function"));
	char *text = json_dumps(entry, JSON_COMPACT);

	if (text && function >= 0 && function < WF_SPAN_ID_AGENT)
		(void)wf_mailbox_put_text(answers->inbox, WF_REC_DEFINE,
					  (uint32_t)function | WF_SPAN_ID_AGENT, guest->pid, text);
	free(text);
}

static void found(struct wf_answers *answers, const json_t *entry)
{
	json_int_t rule = json_integer_value(json_object_get(entry, "rule"));

	if (rule >= 0 && rule < answers->rule_count)
		answers->found[rule] = true;
}

static void tell(struct wf_answers *answers, const struct wf_guest *guest, const json_t *answer)
{
	const json_t *refused = json_object_get(answer, "refused");
	const json_t *waiting = json_object_get(answer, "waiting");
	const json_t *entry;
	size_t i;

	/* names may be missing only yet, or in this child only */
	if (guest->young)
		return;
	json_array_foreach (refused, i, entry) {
		answers->refused++;
		if (i < REFUSED_SHOWN)
			wf_log(WF_LOG_WARN, "python", "process %d: not traced: %s: %s", guest->pid,
			       wf_json_text_of(entry, "name"), wf_json_text_of(entry, "why"));
	}
	json_array_foreach (waiting, i, entry) {
		answers->waiting++;
		if (i < REFUSED_SHOWN)
			wf_log(WF_LOG_INFO, "python", "process %d: %s: %s", guest->pid,
			       wf_json_text_of(entry, "target"), wf_json_text_of(entry, "why"));
	}
}

int wf_answers_take(struct wf_answers *answers, struct wf_guest *guest, const json_t *answer)
{
	const json_t *armed = json_object_get(answer, "armed");
	const char *error = json_string_value(json_object_get(answer, "error"));
	const json_t *entry;
	size_t i;

	if (error || !json_is_array(armed))
		return wf_err_set(&guest->err, ECANCELED, "process %d: %s", guest->pid,
				  error ? error : "its agent gave no answer that is understood");
	json_array_foreach (armed, i, entry) {
		if (i < ITEMS_MAX)
			define(answers, guest, entry);
		found(answers, entry);
	}
	tell(answers, guest, answer);
	answers->functions += (uint32_t)json_array_size(armed);
	/* once there are probes in it, notes tell of each */
	if (guest->young && !guest->attached && json_array_size(armed))
		wf_log(WF_LOG_INFO, "python", "tracing %zu more functions in process %d",
		       json_array_size(armed), guest->pid);
	return 0;
}

static void tell_note(struct wf_answers *answers, uint32_t kind, uint32_t pid, const json_t *entry)
{
	uint32_t *shown = kind == WF_AGENT_RESTORED ? &answers->restored : &answers->noted;

	if ((*shown)++ >= NOTES_SHOWN)
		return;
	if (kind == WF_AGENT_ARMED)
		wf_log(WF_LOG_INFO, "python", "process %u: tracing %s from now on", pid,
		       wf_json_text_of(entry, "name"));
	else if (kind == WF_AGENT_REFUSED)
		wf_log(WF_LOG_WARN, "python", "process %u: not traced: %s: %s", pid,
		       wf_json_text_of(entry, "name"), wf_json_text_of(entry, "why"));
	else if (kind == WF_AGENT_RESTORED)
		wf_log(WF_LOG_WARN, "python",
		       "process %u: its agent had taken all back by itself (%s)", pid,
		       wf_json_text_of(entry, "why"));
}

void wf_answers_note(struct wf_answers *answers, const struct wf_rec_span *note)
{
	const struct wf_agent_record *agent = wf_wire_agent(note);
	struct wf_wire_attr attr;
	size_t cursor = 0;

	if (!agent)
		return;
	while (wf_wire_next(note, &cursor, &attr) > 0) {
		wf_auto(json_decrefp) json_t *entry = NULL;

		if (attr.slot != WF_AGENT_SLOT_TEXT || attr.type != WF_VAL_STRING ||
		    wf_json_read(attr.payload, attr.len, &entry, NULL) < 0)
			continue;
		if (agent->kind == WF_AGENT_ARMED)
			found(answers, entry);
		tell_note(answers, agent->kind, note->head.tgid, entry);
	}
}
