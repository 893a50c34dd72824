/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <capstone/capstone.h>
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "detail.h"
#include "length.h"
#include "userspace/base/arena.h"

#define LIBRARY_BYTES (256u * 1024) /* version 4 asks for less than half of it */

struct wf_decoder {
	struct wf_arena *arena; /* holds the four below, and what is behind them */
	csh plain;              /* lengths only */
	csh detail;             /* operands and registers */
	cs_insn *insn, *detail_insn;
};

/* Prefixes of one instruction, and where its opcode begins. */
struct encoding {
	const uint8_t *opcode;
	uint8_t left; /* bytes from the opcode on */
	uint8_t rex;
	bool lock, rep, repne, segment, notrack, opsize, addrsize;
};

/* The library writes to what it allocates without a look whether it got it, when it is opened and
 * at its first instruction. So all of that comes from memory that is set aside before. */
static _Thread_local struct wf_arena *set_aside;

static void *library_malloc(size_t size)
{
	return set_aside ? wf_arena_alloc(set_aside, size) : malloc(size);
}

static void *library_calloc(size_t count, size_t size)
{
	return count && size > SIZE_MAX / count ? NULL : library_malloc(count * size);
}

/* Only what prints whole buffers asks for it. */
static void *library_realloc(void *old, size_t size)
{
	(void)old;
	(void)size;
	return NULL;
}

/* It goes with the decoder. */
static void library_free(void *memory)
{
	(void)memory;
}

static bool decode_nop(csh handle, cs_insn *insn)
{
	static const uint8_t nop[] = {0x90};
	const uint8_t *bytes = nop;
	size_t size = sizeof(nop);
	uint64_t address = 0;

	return cs_disasm_iter(handle, &bytes, &size, &address, insn);
}

static bool open_library(struct wf_decoder *decoder)
{
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &decoder->plain) != CS_ERR_OK ||
	    cs_open(CS_ARCH_X86, CS_MODE_64, &decoder->detail) != CS_ERR_OK ||
	    cs_option(decoder->detail, CS_OPT_DETAIL, CS_OPT_ON) != CS_ERR_OK)
		return false;
	decoder->insn = cs_malloc(decoder->plain);
	decoder->detail_insn = cs_malloc(decoder->detail);
	return decoder->insn && decoder->detail_insn && decode_nop(decoder->plain, decoder->insn) &&
	       decode_nop(decoder->detail, decoder->detail_insn);
}

int wf_decoder_new(struct wf_decoder **ret, struct wf_err *err)
{
	static const cs_opt_mem memory = {library_malloc, library_calloc, library_realloc,
					  library_free, vsnprintf};
	wf_auto(wf_decoder_freep) struct wf_decoder *decoder = calloc(1, sizeof(*decoder));
	bool opened;

	if (!decoder)
		return wf_err_set(err, ENOMEM, "out of memory");
	decoder->arena = wf_arena_new(2 * LIBRARY_BYTES);
	if (!decoder->arena || !wf_arena_alloc_raw(decoder->arena, LIBRARY_BYTES))
		return wf_err_set(err, ENOMEM, "out of memory");
	wf_arena_reset(decoder->arena);
	set_aside = decoder->arena;
	opened = cs_option(0, CS_OPT_MEM, (size_t)&memory) == CS_ERR_OK && open_library(decoder);
	set_aside = NULL;
	if (!opened)
		return wf_err_set(err, ENOTSUP, "the decoder library has no x86-64 support");
	*ret = wf_take(decoder);
	return 0;
}

void wf_decoder_free(struct wf_decoder *decoder)
{
	if (!decoder)
		return;
	wf_arena_free(decoder->arena);
	free(decoder);
}

static bool take_prefix(struct encoding *enc, uint8_t byte)
{
	switch (byte) {
	case 0xf0:
		enc->lock = true;
		return true;
	case 0xf2:
		enc->repne = true;
		return true;
	case 0xf3:
		enc->rep = true;
		return true;
	case 0x3e:
		enc->notrack = true;
		enc->segment = true;
		return true;
	case 0x26:
	case 0x2e:
	case 0x36:
		enc->segment = true;
		return true;
	case 0x66:
		enc->opsize = true;
		return true;
	case 0x67:
		enc->addrsize = true;
		return true;
	case 0x64:
	case 0x65:
		return true;
	default:
		return false;
	}
}

static void split(const uint8_t *bytes, uint8_t size, struct encoding *ret)
{
	uint8_t at = 0;

	memset(ret, 0, sizeof(*ret));
	while (at < size && take_prefix(ret, bytes[at]))
		at++;
	if (at < size && (bytes[at] & 0xf0) == 0x40)
		ret->rex = bytes[at++];
	ret->opcode = bytes + at;
	ret->left = (uint8_t)(size - at);
}

/* The displacement of a relative branch is its last 1 or 4 bytes. */
static void set_target(struct wf_insn *insn, const uint8_t *bytes, uint8_t width)
{
	int32_t relative;

	if (width == 1) {
		relative = (int8_t)bytes[insn->size - 1];
	} else {
		if (insn->size < 4)
			return;
		memcpy(&relative, bytes + insn->size - 4, sizeof(relative));
	}
	insn->target = insn->address + insn->size + (uint64_t)(int64_t)relative;
}

static void classify_nop(struct wf_insn *insn, const struct encoding *enc)
{
	if (insn->size == 1)
		insn->kind = WF_INSN_NOP1;
	else if (enc->rep || (enc->rex & 1))
		insn->kind = WF_INSN_OTHER; /* pause, or xchg with r8 */
	else
		insn->kind = insn->size == 5 ? WF_INSN_NOP5 : WF_INSN_NOP_LONG;
}

static void classify_two_byte(struct wf_insn *insn, const uint8_t *bytes,
			      const struct encoding *enc)
{
	uint8_t op = enc->left > 1 ? enc->opcode[1] : 0;

	if ((op & 0xf0) == 0x80) {
		insn->kind = WF_INSN_JCC;
		insn->condition = op & 15;
		set_target(insn, bytes, 4);
	} else if (op == 0x1f) {
		insn->kind = insn->size == 5 ? WF_INSN_NOP5 : WF_INSN_NOP_LONG;
	} else if (op == 0x05 || op == 0x07 || op == 0x34 || op == 0x35) {
		insn->kind = WF_INSN_SLOW;
	} else if (op == 0x0b || op == 0xb9 || op == 0xff) {
		insn->kind = WF_INSN_TRAP;
	}
}

static void classify_group5(struct wf_insn *insn, const struct encoding *enc)
{
	uint8_t modrm = enc->left > 1 ? enc->opcode[1] : 0;

	switch ((modrm >> 3) & 7) {
	case 2:
	case 3:
		insn->kind = WF_INSN_CALL_INDIRECT;
		break;
	case 4:
	case 5:
		insn->kind = WF_INSN_JMP_INDIRECT;
		break;
	default:
		return;
	}
	if (enc->notrack)
		insn->flags |= WF_INSN_NOTRACK;
}

static bool is_string_operation(uint8_t op)
{
	return (op >= 0x6c && op <= 0x6f) || (op >= 0xa4 && op <= 0xa7) ||
	       (op >= 0xaa && op <= 0xaf);
}

/* Opcodes outside the tables that arch/x86/kernel/uprobes.c lets through. */
static bool is_refused_opcode(uint8_t op)
{
	return op == 0x62 || op == 0xcc || op == 0xf1 || op == 0xf4 || op == 0xfa || op == 0xfb ||
	       (op >= 0xe4 && op <= 0xe7) || (op >= 0xec && op <= 0xef);
}

static void classify_branch(struct wf_insn *insn, const uint8_t *bytes, uint8_t op)
{
	switch (op) {
	case 0xe8:
		insn->kind = WF_INSN_CALL;
		set_target(insn, bytes, 4);
		break;
	case 0xe9:
		insn->kind = WF_INSN_JMP;
		set_target(insn, bytes, 4);
		break;
	case 0xeb:
		insn->kind = WF_INSN_JMP;
		set_target(insn, bytes, 1);
		break;
	case 0xe0:
	case 0xe1:
	case 0xe2:
	case 0xe3:
		insn->kind = WF_INSN_LOOP;
		set_target(insn, bytes, 1);
		break;
	default:
		insn->kind = WF_INSN_JCC;
		insn->condition = op & 15;
		set_target(insn, bytes, 1);
	}
}

static bool is_branch(uint8_t op)
{
	return (op & 0xf0) == 0x70 || (op >= 0xe0 && op <= 0xe3) || op == 0xe8 || op == 0xe9 ||
	       op == 0xeb;
}

static void classify_other(struct wf_insn *insn, const struct encoding *enc)
{
	uint8_t op = enc->opcode[0];

	if ((op & 0xf8) == 0x50 && (insn->size == 1 || (insn->size == 2 && enc->rex == 0x41)))
		insn->kind = WF_INSN_PUSH;
	else if (is_string_operation(op) && (enc->rep || enc->repne))
		insn->kind = WF_INSN_SLOW;
}

static void classify_one_byte(struct wf_insn *insn, const uint8_t *bytes,
			      const struct encoding *enc)
{
	switch (enc->opcode[0]) {
	case 0x90:
		classify_nop(insn, enc);
		break;
	case 0xc2:
	case 0xc3:
		insn->kind = WF_INSN_RET;
		break;
	case 0xcc:
	case 0xf1:
	case 0xf4:
	case 0xca:
	case 0xcb:
	case 0xcf:
		insn->kind = WF_INSN_TRAP;
		break;
	case 0xcd:
		insn->kind = WF_INSN_SLOW;
		break;
	case 0xff:
		classify_group5(insn, enc);
		break;
	case 0xc7:
		if (enc->left > 1 && enc->opcode[1] == 0xf8) {
			insn->kind = WF_INSN_LOOP;
			set_target(insn, bytes, 4);
		}
		break;
	default:
		if (is_branch(enc->opcode[0]))
			classify_branch(insn, bytes, enc->opcode[0]);
		else
			classify_other(insn, enc);
	}
}

static void classify(struct wf_insn *insn, const uint8_t *bytes)
{
	struct encoding enc;

	split(bytes, insn->size, &enc);
	if (!enc.left)
		return;
	if (enc.opcode[0] == 0x0f)
		classify_two_byte(insn, bytes, &enc);
	else
		classify_one_byte(insn, bytes, &enc);
	if (enc.lock || enc.segment || is_refused_opcode(enc.opcode[0]))
		insn->flags |= WF_INSN_REFUSED;
	/* The kernel refuses 16-bit branches: makers of processors disagree on what they do. */
	if (enc.opsize &&
	    (insn->kind == WF_INSN_JMP || insn->kind == WF_INSN_JCC || insn->kind == WF_INSN_CALL))
		insn->flags |= WF_INSN_REFUSED;
}

int wf_decoder_run(struct wf_decoder *decoder, const uint8_t *bytes, size_t size, uint64_t address,
		   struct wf_insn *out, uint32_t max, uint32_t *ret_count)
{
	uint32_t count = 0;

	*ret_count = 0;
	while (size) {
		const uint8_t *start = bytes;
		struct wf_insn *insn = &out[count];
		uint64_t at = address;

		if (count == max)
			return -E2BIG;
		if (!cs_disasm_iter(decoder->plain, &bytes, &size, &address, decoder->insn)) {
			uint8_t length = wf_length_of(bytes, size);

			if (!length)
				return -EILSEQ;
			bytes += length;
			size -= length;
			address += length;
		}
		*insn = (struct wf_insn){.address = at, .size = (uint8_t)(bytes - start)};
		classify(insn, start);
		*ret_count = ++count;
	}
	return 0;
}

bool wf_insn_is_emulated(const struct wf_insn *insn)
{
	if (insn->flags & WF_INSN_REFUSED)
		return false;
	return insn->kind == WF_INSN_PUSH || insn->kind == WF_INSN_NOP1 ||
	       insn->kind == WF_INSN_JMP || insn->kind == WF_INSN_JCC;
}

bool wf_insn_takes_probe(const struct wf_insn *insn)
{
	return !(insn->flags & WF_INSN_REFUSED) && insn->kind != WF_INSN_TRAP &&
	       insn->kind != WF_INSN_NOP5;
}

bool wf_insn_ends(const struct wf_insn *insn)
{
	return insn->kind == WF_INSN_RET || insn->kind == WF_INSN_JMP ||
	       insn->kind == WF_INSN_JMP_INDIRECT || insn->kind == WF_INSN_TRAP;
}

int wf_decoder_detail(struct wf_decoder *decoder, const uint8_t *bytes, const struct wf_insn *insn,
		      struct wf_detail *ret)
{
	size_t size = insn->size;
	uint64_t address = insn->address;

	memset(ret, 0, sizeof(*ret));
	ret->dst = ret->src = WF_REG_NONE;
	if (!cs_disasm_iter(decoder->detail, &bytes, &size, &address, decoder->detail_insn))
		return -EILSEQ;
	wf_detail_fill(decoder->detail, decoder->detail_insn, ret);
	return 0;
}
