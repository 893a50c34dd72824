/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <errno.h>
#include <inttypes.h>

#include "bpf/agent.h"
#include "need.h"
#include "shipped_agent.h"
#include "userspace/rule/literal.h"

bool wf_request_wanted(const struct wf_ruleset *rules)
{
	for (uint32_t i = 0; i < rules->count; i++)
		if (rules->rules[i].at.type == WF_WHERE_PYTHON)
			return true;
	return false;
}

bool wf_request_alone(const struct wf_ruleset *rules)
{
	for (uint32_t i = 0; i < rules->count; i++)
		if (rules->rules[i].at.type != WF_WHERE_PYTHON)
			return false;
	return rules->count > 0;
}

/* What the agent is to decide; what it takes for granted is left out. */
static void put_decisions(const struct wf_rule_agent *agent, struct wf_buf *out)
{
	if (agent->once)
		wf_buf_puts(out, ", 'once': True");
	if (agent->root)
		wf_buf_puts(out, ", 'root': True");
	if (agent->active_time)
		wf_buf_puts(out, ", 'active': True");
	if (agent->remote)
		wf_buf_printf(out, ", 'remote': [%s]", agent->remote);
	for (uint32_t i = 0; i < agent->suppress_count; i++)
		wf_buf_printf(out, "%s%u%s", i ? ", " : ", 'suppress': [", agent->suppress[i],
			      i + 1 == agent->suppress_count ? "]" : "");
	if (!agent->give && !agent->take)
		return;
	wf_buf_printf(out, ", 'key': {'name': 'link%u', 'as': '%s'", agent->link,
		      agent->take_link ? "link" : "parent");
	if (agent->give)
		wf_buf_printf(out, ", 'give': [%s]%s", agent->give,
			      agent->give_at_exit ? ", 'give_at': 'exit'" : "");
	if (agent->take)
		wf_buf_printf(out, ", 'take': [%s]%s", agent->take,
			      agent->take_keeps ? ", 'keep': True" : "");
	wf_buf_puts(out, "}");
}

static void put_rule(const struct wf_rule *rule, struct wf_buf *out)
{
	wf_buf_printf(out, "{'id': %u, 'target': ", rule->index);
	wf_literal_put(out, rule->at.function);
	if (rule->kind == WF_RULE_EVENT)
		wf_buf_puts(out, ", 'kind': 'event'");
	if (rule->nearest >= 0)
		wf_buf_printf(out, ", 'nearest': %d", rule->nearest);
	if (rule->tests)
		wf_buf_printf(out, ", 'guards': {'any': %s, 'tests': [%s]}",
			      rule->guard_any ? "True" : "False", rule->tests);
	put_decisions(&rule->agent, out);
	wf_buf_puts(out, ", 'captures': [");
	for (uint8_t i = 0; i < rule->operand_count; i++)
		wf_buf_printf(out, "%s[%u, '%s', [%s]]", i ? ", " : "", i,
			      rule->operands[i].at_close ? "exit" : "entry",
			      rule->operands[i].path);
	wf_buf_puts(out, "]}");
}

static void put_logs(const struct wf_ruleset *rules, struct wf_buf *out)
{
	if (!rules->log_count)
		return;
	wf_buf_puts(out, "'logs': [");
	for (uint32_t i = 0; i < rules->log_count; i++) {
		const struct wf_log_rule *log = &rules->logs[i];

		wf_buf_printf(out, "%s{'rule': %u, 'level': %u, 'write_ids': %s, 'logger': ",
			      i ? ", " : "", i, log->level, log->write_ids ? "True" : "False");
		wf_literal_put(out, log->logger);
		wf_buf_puts(out, "}");
	}
	wf_buf_puts(out, "], ");
}

static void put_head(const struct wf_request *request, const char *action, struct wf_buf *out)
{
	wf_buf_printf(out,
		      "{'abi': %d, 'sequence': %" PRIu64 ", 'do': '%s', 'owner': {'nonce': %" PRIu64
		      ", 'pid': %d, 'name': ",
		      WF_AGENT_ABI, request->sequence, action, request->nonce, (int)request->pid);
	wf_literal_put(out, request->name);
	wf_buf_puts(out, "}");
}

int wf_request_start(const struct wf_request *request, const char *action,
		     const struct wf_ruleset *rules, struct wf_buf *out)
{
	bool first = true;

	wf_buf_append(out, wf_agent_script, wf_agent_script_bytes);
	wf_buf_puts(out, "\nresult = start(origin, ");
	put_head(request, action, out);
	wf_buf_printf(out, ", 'handoff': True, 'sdk': True, 'context': %s, ",
		      request->context ? "True" : "False");
	if (request->wait_s)
		wf_buf_puts(out, "'begins': True, ");
	put_logs(rules, out);
	wf_need_put(rules, out);
	wf_buf_puts(out, "'rules': [");
	for (uint32_t i = 0; i < rules->count; i++) {
		if (rules->rules[i].at.type != WF_WHERE_PYTHON)
			continue;
		wf_buf_puts(out, first ? "" : ", ");
		put_rule(&rules->rules[i], out);
		first = false;
	}
	wf_buf_puts(out, "]})\n");
	if (request->wait_s)
		wf_buf_printf(out, "after = until_probed(%u)\n", request->wait_s);
	return out->failed ? -ENOMEM : 0;
}

int wf_request_clean(const struct wf_request *request, struct wf_buf *out)
{
	wf_buf_puts(out, "agent = __import__('sys').modules.get('_wftrace')\nrequest = ");
	put_head(request, "disarm", out);
	wf_buf_puts(out, "}\nresult = agent.apply({**request, 'abi': agent.ABI}) if agent else "
			 "'null'\n");
	return out->failed ? -ENOMEM : 0;
}

int wf_request_apply(const struct wf_request *request, const char *action, struct wf_buf *out)
{
	wf_buf_puts(out, "result = __import__('sys').modules['_wftrace'].apply(");
	put_head(request, action, out);
	wf_buf_puts(out, "})\n");
	return out->failed ? -ENOMEM : 0;
}
