/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include <errno.h>
#include <string.h>

#include "bpf/source.h"

#define REGISTER_ARGUMENTS 6

static const uint8_t argument_registers[REGISTER_ARGUMENTS] = {WF_REG_RDI, WF_REG_RSI, WF_REG_RDX,
							       WF_REG_RCX, WF_REG_R8,  WF_REG_R9};

bool wf_source_is_string(uint8_t type)
{
	return type == WF_SRC_CSTRING || type == WF_SRC_CHARS || type == WF_SRC_STDSTRING;
}

bool wf_location_equal(const struct wf_location *a, const struct wf_location *b)
{
	return a->kind == b->kind && a->reg == b->reg && a->width == b->width &&
	       a->stored == b->stored && a->disp == b->disp && a->constant == b->constant;
}

/* The type lies at an address that is taken as it is, without a last read. */
static bool is_in_place(uint8_t type)
{
	return type == WF_SRC_CHARS || type == WF_SRC_STDSTRING;
}

static void start(const struct wf_operand *operand, uint8_t reg, struct wf_source *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->type = operand->type;
	ret->reg = reg;
	ret->index_reg = WF_REG_NONE;
	ret->scale = 1;
	ret->steps = operand->steps;
	memcpy(ret->offset, operand->offset, sizeof(ret->offset));
}

/* The value itself lies in memory at reg + disp: one more pointer to follow, before the others. */
static int start_in_memory(const struct wf_operand *operand, uint8_t reg, int32_t disp,
			   struct wf_source *ret, struct wf_err *err)
{
	uint8_t steps = operand->steps;
	unsigned extra = !steps && is_in_place(operand->type) ? 2 : 1;

	start(operand, reg, ret);
	if (steps + extra > WF_STEPS_MAX)
		return wf_err_set(err, ENOTSUP,
				  "a value on the stack leaves room for %d pointers less one",
				  WF_STEPS_MAX);
	memmove(ret->offset + 1, operand->offset, steps * sizeof(ret->offset[0]));
	ret->offset[0] = disp;
	if (extra == 2)
		ret->offset[1] = 0;
	ret->steps = (uint8_t)(steps + extra);
	return 0;
}

static int check_vector(const struct wf_operand *operand, struct wf_err *err)
{
	if (operand->steps || (operand->type != WF_SRC_F32 && operand->type != WF_SRC_F64))
		return 0;
	return wf_err_set(
		err, ENOTSUP,
		"a floating-point value is passed in a vector register, which the kernel "
		"does not show; capture it through a pointer, or from a static probe that "
		"has it in memory");
}

int wf_source_argument(const struct wf_operand *operand, struct wf_source *ret, struct wf_err *err)
{
	unsigned index = operand->number ? operand->number - 1u : 0;
	int rc = check_vector(operand, err);

	if (rc < 0)
		return rc;
	if (index < REGISTER_ARGUMENTS) {
		start(operand, argument_registers[index], ret);
		return 0;
	}
	return start_in_memory(operand, WF_REG_RSP, (int32_t)(8 * (index - REGISTER_ARGUMENTS + 1)),
			       ret, err);
}

uint32_t wf_source_registers(const struct wf_operand *operand)
{
	unsigned index = operand->number ? operand->number - 1u : 0;

	return index < REGISTER_ARGUMENTS ? 1u << argument_registers[index] : 0;
}

int wf_source_return(const struct wf_operand *operand, const struct wf_location *place,
		     struct wf_source *ret, struct wf_err *err)
{
	uint8_t width = operand->steps ? 8 : wf_src_width(operand->type);
	bool follows = operand->steps || wf_source_is_string(operand->type);
	int rc = check_vector(operand, err);

	if (rc < 0)
		return rc;
	if (place->kind == WF_AT_UNKNOWN || (follows && place->stored))
		return wf_err_set(err, ENOTSUP, "the return value is not known at this site");
	if (place->kind == WF_AT_CONSTANT) {
		start(operand, WF_REG_NONE, ret);
		ret->constant = place->constant;
		return 0;
	}
	if (width > place->width)
		return wf_err_set(err, ENOTSUP, "the return value is narrower at this site");
	if (place->kind == WF_AT_MEMORY)
		return start_in_memory(operand, place->reg, place->disp, ret, err);
	start(operand, place->reg, ret);
	return 0;
}

static bool is_integer(uint8_t type)
{
	return type >= WF_SRC_I8 && type <= WF_SRC_BOOL;
}

/* Widths agree, so that reading as the wanted type reads the probe's own bytes. */
static bool probe_type(const struct wf_operand *operand, const struct wf_source *base, uint8_t *ret)
{
	*ret = operand->type;
	if (operand->steps)
		return wf_src_width(base->type) == 8;
	if (is_integer(operand->type) && is_integer(base->type)) {
		*ret = operand->type == WF_SRC_BOOL ? operand->type : base->type;
		return true;
	}
	return wf_src_width(operand->type) == wf_src_width(base->type);
}

int wf_source_probe(const struct wf_operand *operand, const struct wf_source *base,
		    struct wf_source *ret, struct wf_err *err)
{
	unsigned extra = base->steps && !operand->steps && is_in_place(operand->type);

	*ret = *base;
	if (!probe_type(operand, base, &ret->type))
		return wf_err_set(
			err, ENOTSUP,
			"argument %u of the probe has %u bytes, which is not what the rule "
			"says",
			operand->number, wf_src_width(base->type));
	if (base->steps + operand->steps + extra > WF_STEPS_MAX)
		return wf_err_set(err, ENOTSUP, "more than %d pointers to follow", WF_STEPS_MAX);
	for (unsigned i = 0; i < operand->steps; i++)
		ret->offset[base->steps + i] = operand->offset[i];
	if (extra)
		ret->offset[base->steps] = 0;
	ret->steps = (uint8_t)(base->steps + operand->steps + extra);
	return 0;
}
