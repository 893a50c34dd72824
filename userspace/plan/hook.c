/* SPDX-License-Identifier: Apache-2.0 */
#include "hook.h"

#include <stdlib.h>
#include <string.h>

#include "blueprint.h"
#include "callee.h"
#include "entry.h"
#include "loader.h"

#define RDI (1u << WF_REG_RDI)
#define RSI (1u << WF_REG_RSI)

static const struct hook {
	const char *symbol;
	uint8_t entry;      /* enum wf_site_kind, 0 = none */
	uint8_t ret;        /* at each RET */
	uint32_t registers; /* that the entry reads */
} hooks[] = {
	{"__cxa_throw", WF_SITE_THROW, 0, RDI | RSI},
	{"_Unwind_RaiseException", WF_SITE_RAISE, 0, RDI},
	{"_Unwind_Resume", WF_SITE_RAISE, 0, RDI},
	{"_Unwind_Resume_or_Rethrow", WF_SITE_RAISE, 0, RDI},
	{"_Unwind_SetIP", WF_SITE_LAND, 0, RDI},
	{"__cxa_begin_catch", WF_SITE_CATCH, 0, 0},
	{"longjmp", WF_SITE_LONGJMP, 0, RDI},
	{"_longjmp", WF_SITE_LONGJMP, 0, RDI},
	{"siglongjmp", WF_SITE_LONGJMP, 0, RDI},
	{"__longjmp_chk", WF_SITE_LONGJMP, 0, RDI},
	{"swapcontext", WF_SITE_SWITCH_OUT, WF_SITE_SWITCH_IN, 0},
	{"setcontext", 0, WF_SITE_SWITCH_IN, 0},
};

static const struct hook *find_hook(const char *name)
{
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (!strcmp(hooks[i].symbol, name))
			return &hooks[i];
	return NULL;
}

static int add_site(struct wf_blueprint *bp, const struct wf_insn *insn, uint8_t kind,
		    struct wf_err *err)
{
	struct wf_plan_site site = {
		.address = insn->address,
		.class = wf_insn_is_emulated(insn) ? WF_CLASS_EMULATED : WF_CLASS_STEPPED,
		.function = WF_NO_FUNCTION,
		.spec = {.kind = kind, .cfa_reg = WF_REG_RSP},
	};

	return wf_blueprint_site(bp, &site, err);
}

static int add_entry(struct wf_blueprint *bp, const struct hook *hook, uint32_t function,
		     struct wf_err *err)
{
	struct wf_entry_wants wants = {.registers = hook->registers,
				       .nop5_unsafe = bp->options.nop5_unsafe};
	struct wf_plan_function *f = wf_blueprint_at(bp, function);
	struct wf_err why = {0};
	struct wf_entry entry;

	if (wf_entry_plan(bp->graph, &wants, &entry, &why) < 0) {
		wf_blueprint_refuse(bp, function, why.msg);
		return 0;
	}
	f->entry_class = entry.emulated ? WF_CLASS_EMULATED : WF_CLASS_STEPPED;
	f->entry_shift = (uint32_t)(bp->graph->insns[entry.insn].address - f->address);
	return add_site(bp, &bp->graph->insns[entry.insn], hook->entry, err);
}

static int add_rets(struct wf_blueprint *bp, const struct hook *hook, uint32_t function,
		    struct wf_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < bp->graph->count && rc >= 0; i++) {
		if (bp->graph->insns[i].kind != WF_INSN_RET ||
		    !(bp->graph->marks[i] & WF_MARK_REACHED))
			continue;
		wf_blueprint_at(bp, function)->ret_sites++;
		rc = add_site(bp, &bp->graph->insns[i], hook->ret, err);
	}
	return rc;
}

/* The first instruction, where the rest of the function is not understood. */
static int add_first(struct wf_blueprint *bp, const struct hook *hook, uint32_t function,
		     struct wf_err *err)
{
	struct wf_plan_function *f = wf_blueprint_at(bp, function);
	struct wf_insn insn;

	if (!wf_graph_peek(bp->elf, bp->decoder, f->address, &insn, 1) ||
	    !wf_insn_takes_probe(&insn))
		return 0;
	f->refusal = NULL;
	f->entry_class = wf_insn_is_emulated(&insn) ? WF_CLASS_EMULATED : WF_CLASS_STEPPED;
	return add_site(bp, &insn, hook->entry, err);
}

static int add_hook(struct wf_blueprint *bp, const struct hook *hook,
		    const struct wf_symbol *symbol, struct wf_err *err)
{
	struct wf_err why = {0};
	uint32_t function;
	int rc = wf_blueprint_function(bp, NULL, symbol->name, NULL, symbol->address, &function,
				       err);

	if (rc < 0)
		return rc;
	wf_blueprint_at(bp, function)->size = symbol->size;
	wf_blueprint_at(bp, function)->exit = WF_EXIT_NONE;
	if (wf_callee_check(bp, symbol, &why) < 0) {
		wf_blueprint_refuse(bp, function, why.msg);
		return 0;
	}
	if (wf_graph_load(bp->graph, symbol->address, symbol->size, &why) < 0) {
		wf_blueprint_refuse(bp, function, why.msg);
		return hook->entry && !hook->ret ? add_first(bp, hook, function, err) : 0;
	}
	if (hook->entry)
		rc = add_entry(bp, hook, function, err);
	if (rc >= 0 && hook->ret)
		rc = add_rets(bp, hook, function, err);
	return rc;
}

/* Aliases of one address are hooked once, whatever their names. */
static int add_all(struct wf_blueprint *bp, struct wf_err *err)
{
	const struct wf_symbol *symbols;
	uint64_t last = UINT64_MAX;
	size_t count;
	int rc = wf_binary_symbols(bp->elf, &symbols, &count, err);

	for (size_t i = 0; i < count && rc >= 0; i++) {
		const struct hook *hook = find_hook(symbols[i].name);

		if (!hook || symbols[i].address == last)
			continue;
		last = symbols[i].address;
		rc = add_hook(bp, hook, &symbols[i], err);
	}
	return rc;
}

int wf_plan_add_hooks(struct wf_plan *plan, struct wf_binary *elf, struct wf_err *err)
{
	struct wf_blueprint bp;
	int rc = wf_blueprint_init(&bp, plan, NULL, NULL, err);

	if (rc >= 0)
		rc = wf_blueprint_open(&bp, elf, 0, err);
	if (rc >= 0)
		rc = add_all(&bp, err);
	if (rc >= 0)
		wf_blueprint_close(&bp);
	wf_blueprint_done(&bp);
	return rc;
}
