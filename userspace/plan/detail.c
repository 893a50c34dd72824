/* SPDX-License-Identifier: Apache-2.0 */
#include "detail.h"

static const struct {
	uint16_t part[5]; /* 64, 32, 16 and 8 bits; the second byte where it has a name */
} registers[16] = {
	[WF_REG_RAX] = {{X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH}},
	[WF_REG_RDX] = {{X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH}},
	[WF_REG_RCX] = {{X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH}},
	[WF_REG_RBX] = {{X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH}},
	[WF_REG_RSI] = {{X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL}},
	[WF_REG_RDI] = {{X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL}},
	[WF_REG_RBP] = {{X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL}},
	[WF_REG_RSP] = {{X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL}},
	[WF_REG_R8] = {{X86_REG_R8, X86_REG_R8D, X86_REG_R8W, X86_REG_R8B}},
	[WF_REG_R9] = {{X86_REG_R9, X86_REG_R9D, X86_REG_R9W, X86_REG_R9B}},
	[WF_REG_R10] = {{X86_REG_R10, X86_REG_R10D, X86_REG_R10W, X86_REG_R10B}},
	[WF_REG_R11] = {{X86_REG_R11, X86_REG_R11D, X86_REG_R11W, X86_REG_R11B}},
	[WF_REG_R12] = {{X86_REG_R12, X86_REG_R12D, X86_REG_R12W, X86_REG_R12B}},
	[WF_REG_R13] = {{X86_REG_R13, X86_REG_R13D, X86_REG_R13W, X86_REG_R13B}},
	[WF_REG_R14] = {{X86_REG_R14, X86_REG_R14D, X86_REG_R14W, X86_REG_R14B}},
	[WF_REG_R15] = {{X86_REG_R15, X86_REG_R15D, X86_REG_R15W, X86_REG_R15B}},
};

static uint8_t general(x86_reg reg)
{
	if (reg == X86_REG_INVALID)
		return WF_REG_NONE;
	for (uint8_t i = 0; i < 16; i++)
		for (unsigned k = 0; k < 5; k++)
			if (registers[i].part[k] == (uint16_t)reg)
				return i;
	return WF_REG_NONE;
}

static bool is_high_byte(x86_reg reg)
{
	return reg == X86_REG_AH || reg == X86_REG_BH || reg == X86_REG_CH || reg == X86_REG_DH;
}

static void add_written(struct wf_detail *ret, x86_reg reg)
{
	uint8_t number = general(reg);

	if (number != WF_REG_NONE)
		ret->written |= 1u << number;
}

static void fill_memory(const cs_insn *insn, const x86_op_mem *mem, struct wf_memory *ret)
{
	ret->valid = mem->segment == X86_REG_INVALID && insn->detail->x86.addr_size == 8;
	ret->base = general(mem->base);
	ret->index = general(mem->index);
	ret->scale = (uint8_t)mem->scale;
	ret->disp = mem->disp;
	if (mem->base == X86_REG_RIP)
		ret->disp += (int64_t)(insn->address + insn->size);
	else if (mem->base != X86_REG_INVALID && ret->base == WF_REG_NONE)
		ret->valid = false; /* vector or 32-bit base */
	if (mem->index != X86_REG_INVALID && mem->index != X86_REG_RIZ && ret->index == WF_REG_NONE)
		ret->valid = false;
}

/* Instructions whose first operand is only read, whatever the library says. */
static bool only_reads(unsigned id)
{
	switch (id) {
	case X86_INS_CMP:
	case X86_INS_TEST:
	case X86_INS_PUSH:
	case X86_INS_BT:
	case X86_INS_NOP:
	case X86_INS_JMP:
	case X86_INS_CALL:
		return true;
	default:
		return false;
	}
}

static void fill_operand(const cs_insn *insn, const cs_x86_op *op, bool first,
			 struct wf_detail *ret)
{
	bool exchanges = insn->id == X86_INS_XCHG || insn->id == X86_INS_XADD;

	if (!(op->access & CS_AC_WRITE) && !exchanges && (!first || only_reads(insn->id)))
		return;
	if (op->type == X86_OP_REG)
		add_written(ret, op->reg);
	else if (op->type == X86_OP_MEM && insn->id != X86_INS_LEA)
		ret->writes_memory = true;
}

/* The library's own list, and the first operand of whatever is not known to leave it alone. */
static void fill_written(csh handle, const cs_insn *insn, struct wf_detail *ret)
{
	const cs_x86 *x86 = &insn->detail->x86;
	cs_regs read, written;
	uint8_t read_count = 0, written_count = 0;

	if (!cs_regs_access(handle, insn, read, &read_count, written, &written_count))
		for (uint8_t i = 0; i < written_count; i++)
			add_written(ret, written[i]);
	for (uint8_t i = 0; i < x86->op_count; i++)
		fill_operand(insn, &x86->operands[i], i == 0, ret);
}

static void fill_move(const cs_insn *insn, struct wf_detail *ret)
{
	const cs_x86_op *to = &insn->detail->x86.operands[0];
	const cs_x86_op *from = &insn->detail->x86.operands[1];

	if (to->type == X86_OP_MEM) {
		if (from->type == X86_OP_REG && ret->src != WF_REG_NONE && !is_high_byte(from->reg))
			ret->form = WF_FORM_STORE;
		return;
	}
	if (ret->dst == WF_REG_NONE || ret->width < 4)
		return; /* vector, segment, or partial */
	if (from->type == X86_OP_REG && ret->src != WF_REG_NONE)
		ret->form = WF_FORM_MOVE;
	else if (from->type == X86_OP_IMM)
		ret->form = WF_FORM_CONSTANT;
	else if (from->type == X86_OP_MEM)
		ret->form = WF_FORM_LOAD;
	if (ret->form == WF_FORM_CONSTANT && ret->width == 4)
		ret->imm &= 0xffffffff;
}

static void fill_extend(const cs_insn *insn, struct wf_detail *ret, bool is_signed)
{
	const cs_x86_op *from = &insn->detail->x86.operands[1];

	if (ret->dst == WF_REG_NONE || (is_signed && ret->width != 8))
		return;
	ret->width = from->size;
	if (from->type == X86_OP_MEM)
		ret->form = is_signed ? WF_FORM_LOAD_SIGNED : WF_FORM_LOAD;
	else if (ret->src != WF_REG_NONE && !is_high_byte(from->reg))
		ret->form = is_signed ? WF_FORM_SIGN_EXTEND : WF_FORM_ZERO_EXTEND;
}

/* A register is combined with itself, so that what it held does not matter. */
static bool clears(const cs_insn *insn)
{
	const cs_x86 *x86 = &insn->detail->x86;

	return (insn->id == X86_INS_XOR || insn->id == X86_INS_SUB) && x86->op_count == 2 &&
	       x86->operands[0].type == X86_OP_REG && x86->operands[1].type == X86_OP_REG &&
	       x86->operands[0].reg == x86->operands[1].reg;
}

static void fill_immediate(const cs_insn *insn, struct wf_detail *ret)
{
	switch (insn->id) {
	case X86_INS_SUB:
		ret->form = WF_FORM_SUBTRACT;
		break;
	case X86_INS_AND:
		ret->form = WF_FORM_AND;
		break;
	case X86_INS_SHL:
	case X86_INS_SAL:
		if (ret->width == 8)
			ret->form = WF_FORM_SHIFT_LEFT;
		break;
	case X86_INS_OR:
		/* All ones: the library gives 32-bit operands without their sign. */
		if (ret->imm != -1 && !(ret->width == 4 && ret->imm == UINT32_MAX))
			break;
		ret->form = WF_FORM_CONSTANT;
		ret->imm = ret->width == 4 ? INT64_C(0xffffffff) : -1;
		break;
	default:
		break;
	}
}

static void fill_arithmetic(const cs_insn *insn, struct wf_detail *ret)
{
	const cs_x86 *x86 = &insn->detail->x86;
	bool immediate = x86->op_count == 2 && x86->operands[1].type == X86_OP_IMM;

	if (insn->id == X86_INS_CMP) {
		if (immediate)
			ret->form = WF_FORM_COMPARE;
		return;
	}
	if (ret->dst == WF_REG_NONE || ret->width < 4)
		return;
	if (clears(insn)) {
		ret->form = WF_FORM_CONSTANT;
		ret->imm = 0;
	} else if (immediate) {
		fill_immediate(insn, ret);
	} else if (insn->id == X86_INS_ADD && ret->src != WF_REG_NONE && ret->width == 8) {
		ret->form = WF_FORM_ADD;
	}
}

static void fill_form(const cs_insn *insn, struct wf_detail *ret)
{
	switch (insn->id) {
	case X86_INS_MOV:
	case X86_INS_MOVABS:
		fill_move(insn, ret);
		break;
	case X86_INS_MOVZX:
		fill_extend(insn, ret, false);
		break;
	case X86_INS_MOVSX:
	case X86_INS_MOVSXD:
		fill_extend(insn, ret, true);
		break;
	case X86_INS_CDQE:
		ret->form = WF_FORM_SIGN_EXTEND;
		ret->dst = ret->src = WF_REG_RAX;
		ret->width = 4;
		break;
	case X86_INS_LEA:
		if (ret->dst != WF_REG_NONE && ret->width == 8)
			ret->form = WF_FORM_ADDRESS;
		break;
	default:
		fill_arithmetic(insn, ret);
	}
}

void wf_detail_fill(csh handle, const cs_insn *insn, struct wf_detail *ret)
{
	const cs_x86 *x86 = &insn->detail->x86;

	fill_written(handle, insn, ret);
	for (uint8_t i = 0; i < x86->op_count; i++) {
		const cs_x86_op *op = &x86->operands[i];

		if (op->type == X86_OP_MEM)
			fill_memory(insn, &op->mem, &ret->memory);
		else if (op->type == X86_OP_IMM)
			ret->imm = op->imm;
	}
	if (x86->op_count > 0) {
		ret->width = x86->operands[0].size;
		if (x86->operands[0].type == X86_OP_REG)
			ret->dst = general(x86->operands[0].reg);
	}
	if (x86->op_count > 1 && x86->operands[1].type == X86_OP_REG)
		ret->src = general(x86->operands[1].reg);
	fill_form(insn, ret);
}
