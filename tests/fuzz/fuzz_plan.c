/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: any bytes as the code, the tables and the unwind rules of a file. The file is a
 * stand-in with the interface of binary.h; whatever it says, a plan must be made whose sites and
 * references are sound.
 */
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/plan/hook.h"
#include "userspace/plan/planner.h"

#define TEXT          0x1000
#define DATA          0x100000
#define FUNCTIONS_MAX 32
#define HEADER        16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input: a header, then code cut into functions, then read-only data. */
struct wf_binary {
	const uint8_t *header, *text, *data;
	size_t text_size, data_size;
	struct wf_symbol symbols[FUNCTIONS_MAX];
	struct wf_usdt probes[2];
	char names[FUNCTIONS_MAX][16];
	uint32_t count;
};

const char *wf_binary_path(const struct wf_binary *elf)
{
	(void)elf;
	return "/nonexistent";
}

const char *wf_binary_shown(const struct wf_binary *elf)
{
	(void)elf;
	return "/nonexistent/fuzzed";
}

uint16_t wf_binary_machine(const struct wf_binary *elf)
{
	(void)elf;
	return EM_X86_64;
}

int wf_binary_symbols(struct wf_binary *elf, const struct wf_symbol **ret, size_t *ret_count,
		      struct wf_err *err)
{
	(void)err;
	*ret = elf->symbols;
	*ret_count = elf->count;
	return 0;
}

const struct wf_symbol *wf_binary_symbol_at(struct wf_binary *elf, uint64_t address)
{
	for (uint32_t i = 0; i < elf->count; i++)
		if (address - elf->symbols[i].address < elf->symbols[i].size)
			return &elf->symbols[i];
	return NULL;
}

const char *wf_binary_demangled(struct wf_binary *elf, const struct wf_symbol *symbol)
{
	(void)elf;
	(void)symbol;
	return NULL;
}

int wf_binary_matches(struct wf_binary *elf, const struct wf_symbol *symbol, const char *pattern)
{
	(void)elf;
	return pattern[0] == '*' || !strcmp(symbol->name, pattern);
}

int wf_binary_usdt(struct wf_binary *elf, const struct wf_usdt **ret, size_t *ret_count,
		   struct wf_err *err)
{
	(void)err;
	*ret = elf->probes;
	*ret_count = 2;
	return 0;
}

int wf_binary_fde(struct wf_binary *elf, uint64_t address, uint64_t *ret_start, uint64_t *ret_size)
{
	const struct wf_symbol *symbol = wf_binary_symbol_at(elf, address);

	if (!symbol || symbol->size % 7 == 3)
		return -ENOENT;
	*ret_start = symbol->address;
	*ret_size = symbol->size;
	return 0;
}

int wf_binary_cfa(struct wf_binary *elf, uint64_t address, struct wf_cfa *ret)
{
	uint8_t mixed = (uint8_t)(elf->header[address % HEADER] ^ (address >> 3));

	if (mixed % 16 == 1)
		return -ENOENT;
	if (mixed % 16 == 2)
		return -ENOTSUP;
	*ret = (struct wf_cfa){.reg = mixed % 4 == 3 ? WF_REG_RBP : WF_REG_RSP, .offset = 8};
	if (mixed % 8 == 4)
		ret->reg = mixed;
	if (mixed % 4 >= 2)
		ret->offset = (int8_t)mixed * 8;
	return 0;
}

const uint8_t *wf_binary_bytes(struct wf_binary *elf, uint64_t address, size_t len)
{
	if (address - TEXT < elf->text_size && len <= elf->text_size - (address - TEXT))
		return elf->text + (address - TEXT);
	if (address - DATA < elf->data_size && len <= elf->data_size - (address - DATA))
		return elf->data + (address - DATA);
	return NULL;
}

bool wf_binary_is_text(struct wf_binary *elf, uint64_t address)
{
	return address - TEXT < elf->text_size;
}

int wf_binary_text(const struct wf_binary *elf, size_t n, uint64_t *ret_address, uint64_t *ret_size)
{
	*ret_address = TEXT;
	*ret_size = elf->text_size;
	return n ? -ENOENT : 0;
}

int wf_binary_section(const struct wf_binary *elf, const char *name, uint64_t *ret_address,
		      uint64_t *ret_size)
{
	(void)elf;
	(void)name;
	*ret_address = *ret_size = 0;
	return -ENOENT;
}

int wf_binary_offset(const struct wf_binary *elf, uint64_t address, uint64_t *ret_offset)
{
	if (address - TEXT >= elf->text_size)
		return -ENOENT;
	*ret_offset = address - TEXT;
	return 0;
}

/* Functions lie one after the other; header bytes give their lengths and kinds. */
static void cut_functions(struct wf_binary *elf)
{
	size_t at = 0;

	for (uint32_t i = 0; i < FUNCTIONS_MAX && at < elf->text_size; i++) {
		size_t length = 1u + elf->header[i % HEADER];
		struct wf_symbol *symbol = &elf->symbols[elf->count++];

		if (length > elf->text_size - at)
			length = elf->text_size - at;
		snprintf(elf->names[i], sizeof(elf->names[i]), i % 5 ? "f%u" : "longjmp", i);
		*symbol = (struct wf_symbol){.name = elf->names[i],
					     .base = elf->names[i],
					     .address = TEXT + at,
					     .offset = at,
					     .size = length,
					     .flags = elf->header[(i + 3) % HEADER] & 0x0b};
		at += length;
	}
	for (uint32_t i = 0; i < 2; i++)
		elf->probes[i] = (struct wf_usdt){.provider = "p",
						  .name = i ? "done" : "start",
						  .arguments = "8@%rdi -4@-8(%rbp,%rax,4)",
						  .address = TEXT + elf->header[i],
						  .offset = elf->header[i]};
}

static void require(bool sound)
{
	if (!sound)
		abort();
}

static void check_site(const struct wf_plan *plan, const struct wf_plan_site *site)
{
	const struct wf_spec *spec = &site->spec;

	require(spec->span <= plan->span_count);
	require(site->function == UINT32_MAX || site->function < plan->function_count);
	require(!spec->capture_count ||
		spec->capture_first + spec->capture_count <= plan->capture_count);
	require(!spec->guard_count || spec->guard_first + spec->guard_count <= plan->guard_count);
	require(!spec->tail_set || spec->tail_set < plan->tail_set_count);
	require(spec->cfa_reg == WF_REG_RSP || spec->cfa_reg == WF_REG_RBP);
	require(spec->condition < 16 && spec->direction <= 3);
}

static void check_plan(const struct wf_plan *plan)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < plan->files[0].site_count; i++) {
		check_site(plan, &plan->files[0].sites[i]);
		require(plan->files[0].sites[i].offset >= last);
		last = plan->files[0].sites[i].offset;
	}
	for (uint32_t i = 1; i < plan->tail_set_count; i++)
		for (uint32_t k = 0; k < plan->tail_sets[i].count; k++)
			require(plan->tail_sets[i].count <= WF_TAIL_SET_MAX &&
				plan->tail_sets[i].span[k] <= plan->span_count);
	for (uint32_t i = 0; i < plan->function_count; i++)
		require(!plan->functions[i].refusal != !plan->functions[i].span ||
			!plan->functions[i].rule);
}

static const struct wf_ruleset *rules_once(void)
{
	static struct wf_ruleset *rules;

	if (!rules &&
	    (wf_ruleset_new(&rules, NULL) < 0 ||
	     wf_ruleset_add_short(rules, "*(a=arg1:i64,b=arg7->8:str,r=return:i32)", NULL) < 0 ||
	     wf_ruleset_add_short(rules, "usdt:p:start..done", NULL) < 0 ||
	     wf_ruleset_add_short(rules, "usdt:p:*(x=arg2:i32)", NULL) < 0))
		abort();
	return rules;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wf_plan_options options = {.nop5_unsafe = size & 1, .ret_only = size & 2};
	struct wf_binary elf = {.header = data};
	struct wf_binary *files[] = {&elf};
	struct wf_plan *plan;

	if (size < HEADER + 4)
		return 0;
	elf.text = data + HEADER;
	elf.text_size = (size - HEADER) * 3 / 4;
	elf.data = elf.text + elf.text_size;
	elf.data_size = size - HEADER - elf.text_size;
	cut_functions(&elf);
	if (wf_plan_new(rules_once(), files, 1, &options, NULL, &plan, NULL) < 0)
		return 0;
	if (wf_plan_add_hooks(plan, &elf, NULL) >= 0)
		check_plan(plan);
	wf_plan_free(plan);
	return 0;
}
