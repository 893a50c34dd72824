/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <link.h>
#include <stdlib.h>

#include "compile.h"
#include "userspace/plan/decode.h"
#include "userspace/plan/length.h"

#define BASE 0x1000

static struct wf_decoder *decoder;

static int set_up(void **state)
{
	(void)state;
	return wf_decoder_new(&decoder, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	wf_decoder_free(decoder);
	return 0;
}

#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *bytes;
	uint8_t size, kind, condition, flags;
	uint64_t target;
	bool emulated;
} kinds[] = {
	{BYTES("\x55"), WF_INSN_PUSH, 0, 0, 0, true},
	{BYTES("\x41\x57"), WF_INSN_PUSH, 0, 0, 0, true},
	{BYTES("\x48\x55"), WF_INSN_OTHER, 0, 0, 0, false}, /* not the kernel's encoding */
	{BYTES("\x6a\x01"), WF_INSN_OTHER, 0, 0, 0, false}, /* push of a constant */
	{BYTES("\x90"), WF_INSN_NOP1, 0, 0, 0, true},
	{BYTES("\x66\x90"), WF_INSN_NOP_LONG, 0, 0, 0, false},
	{BYTES("\x41\x90"), WF_INSN_OTHER, 0, 0, 0, false}, /* xchg with r8 */
	{BYTES("\xf3\x90"), WF_INSN_OTHER, 0, 0, 0, false}, /* pause */
	{BYTES("\x0f\x1f\x44\0\0"), WF_INSN_NOP5, 0, 0, 0, false},
	{BYTES("\x0f\x1f\x40\0"), WF_INSN_NOP_LONG, 0, 0, 0, false},
	{BYTES("\x66\x2e\x0f\x1f\x84\0\0\0\0\0"), WF_INSN_NOP_LONG, 0, WF_INSN_REFUSED, 0, false},
	{BYTES("\xeb\x10"), WF_INSN_JMP, 0, 0, BASE + 0x12, true},
	{BYTES("\xe9\xfb\xff\xff\xff"), WF_INSN_JMP, 0, 0, BASE, true},
	{BYTES("\xf2\xe9\0\0\0\0"), WF_INSN_JMP, 0, 0, BASE + 6, true}, /* bnd */
	{BYTES("\x75\xfe"), WF_INSN_JCC, 5, 0, BASE, true},
	{BYTES("\x0f\x87\x10\0\0\0"), WF_INSN_JCC, 7, 0, BASE + 0x16, true},
	{BYTES("\x2e\x75\x10"), WF_INSN_JCC, 5, WF_INSN_REFUSED, BASE + 0x13, false},
	{BYTES("\xe3\x05"), WF_INSN_LOOP, 0, 0, BASE + 7, false},
	{BYTES("\xe2\x05"), WF_INSN_LOOP, 0, 0, BASE + 7, false},
	{BYTES("\xe8\0\0\0\0"), WF_INSN_CALL, 0, 0, BASE + 5, false},
	{BYTES("\xff\xd0"), WF_INSN_CALL_INDIRECT, 0, 0, 0, false},
	{BYTES("\xff\xe0"), WF_INSN_JMP_INDIRECT, 0, 0, 0, false},
	{BYTES("\x3e\xff\xe0"), WF_INSN_JMP_INDIRECT, 0, WF_INSN_REFUSED | WF_INSN_NOTRACK, 0,
	 false},
	{BYTES("\xff\x25\0\0\0\0"), WF_INSN_JMP_INDIRECT, 0, 0, 0, false},
	{BYTES("\xff\x30"), WF_INSN_OTHER, 0, 0, 0, false}, /* push of memory */
	{BYTES("\xc3"), WF_INSN_RET, 0, 0, 0, false},
	{BYTES("\xc2\x08\0"), WF_INSN_RET, 0, 0, 0, false},
	{BYTES("\xf3\xc3"), WF_INSN_RET, 0, 0, 0, false},
	{BYTES("\xf2\xc3"), WF_INSN_RET, 0, 0, 0, false},
	{BYTES("\x0f\x0b"), WF_INSN_TRAP, 0, 0, 0, false},
	{BYTES("\xcc"), WF_INSN_TRAP, 0, WF_INSN_REFUSED, 0, false},
	{BYTES("\xf4"), WF_INSN_TRAP, 0, WF_INSN_REFUSED, 0, false},
	{BYTES("\x0f\x05"), WF_INSN_SLOW, 0, 0, 0, false},
	{BYTES("\xf3\xa4"), WF_INSN_SLOW, 0, 0, 0, false},
	{BYTES("\xa4"), WF_INSN_OTHER, 0, 0, 0, false},
	{BYTES("\xf3\x0f\x1e\xfa"), WF_INSN_OTHER, 0, 0, 0, false}, /* endbr64 */
	{BYTES("\xf0\x48\x0f\xb1\x0f"), WF_INSN_OTHER, 0, WF_INSN_REFUSED, 0, false},
	{BYTES("\x62\xf1\x7c\x48\x28\xc0"), WF_INSN_OTHER, 0, WF_INSN_REFUSED, 0, false},
};

static void instructions_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct wf_insn insn[16];
		uint32_t count;

		assert_int_equal(wf_decoder_run(decoder, (const uint8_t *)kinds[i].bytes,
						kinds[i].size, BASE, insn, 16, &count),
				 0);
		assert_int_equal(count, 1);
		assert_int_equal(insn[0].size, kinds[i].size);
		if (insn[0].kind != kinds[i].kind || insn[0].condition != kinds[i].condition ||
		    insn[0].flags != kinds[i].flags || insn[0].target != kinds[i].target)
			fail_msg("row %zu: kind %u condition %u flags %u target %llx", i,
				 insn[0].kind, insn[0].condition, insn[0].flags,
				 (unsigned long long)insn[0].target);
		assert_int_equal(wf_insn_is_emulated(&insn[0]), kinds[i].emulated);
	}
}

static void code_that_does_not_decode_is_refused(void **state)
{
	static const uint8_t broken[] = {0x55, 0x06}, cut[] = {0x55, 0xe8, 0, 0};
	struct wf_insn insn[4];
	uint32_t count;

	(void)state;
	assert_int_equal(wf_decoder_run(decoder, broken, 2, BASE, insn, 4, &count), -EILSEQ);
	assert_int_equal(count, 1);
	assert_int_equal(wf_decoder_run(decoder, cut, 4, BASE, insn, 4, &count), -EILSEQ);
	assert_int_equal(wf_decoder_run(decoder, broken, 2, BASE, insn, 0, &count), -E2BIG);
}

#define BIT(reg) (1u << WF_REG_##reg)

static const struct {
	const char *bytes;
	uint8_t size, form, dst, src, width;
	uint32_t written;
	int64_t imm;
	bool writes_memory;
} forms[] = {
	{BYTES("\x89\xd8"), WF_FORM_MOVE, WF_REG_RAX, WF_REG_RBX, 4, BIT(RAX), 0, false},
	{BYTES("\x48\x89\xd8"), WF_FORM_MOVE, WF_REG_RAX, WF_REG_RBX, 8, BIT(RAX), 0, false},
	{BYTES("\x88\xd8"), WF_FORM_OTHER, WF_REG_RAX, WF_REG_RBX, 1, BIT(RAX), 0, false},
	{BYTES("\x31\xc0"), WF_FORM_CONSTANT, WF_REG_RAX, WF_REG_RAX, 4, BIT(RAX), 0, false},
	{BYTES("\x31\xd8"), WF_FORM_OTHER, WF_REG_RAX, WF_REG_RBX, 4, BIT(RAX), 0, false},
	{BYTES("\xb8\xff\xff\xff\xff"), WF_FORM_CONSTANT, WF_REG_RAX, WF_REG_NONE, 4, BIT(RAX),
	 0xffffffff, false},
	{BYTES("\x48\xc7\xc0\xff\xff\xff\xff"), WF_FORM_CONSTANT, WF_REG_RAX, WF_REG_NONE, 8,
	 BIT(RAX), -1, false},
	{BYTES("\x83\xc8\xff"), WF_FORM_CONSTANT, WF_REG_RAX, WF_REG_NONE, 4, BIT(RAX), 0xffffffff,
	 false},
	{BYTES("\x83\xf8\x05"), WF_FORM_COMPARE, WF_REG_RAX, WF_REG_NONE, 4, 0, 5, false},
	{BYTES("\x83\xe8\x09"), WF_FORM_SUBTRACT, WF_REG_RAX, WF_REG_NONE, 4, BIT(RAX), 9, false},
	{BYTES("\x48\x63\x04\x8a"), WF_FORM_LOAD_SIGNED, WF_REG_RAX, WF_REG_NONE, 4, BIT(RAX), 0,
	 false},
	{BYTES("\x0f\xb6\xc0"), WF_FORM_ZERO_EXTEND, WF_REG_RAX, WF_REG_RAX, 1, BIT(RAX), 0, false},
	{BYTES("\x48\x98"), WF_FORM_SIGN_EXTEND, WF_REG_RAX, WF_REG_RAX, 4, BIT(RAX), 0, false},
	{BYTES("\x48\x01\xd0"), WF_FORM_ADD, WF_REG_RAX, WF_REG_RDX, 8, BIT(RAX), 0, false},
	{BYTES("\x48\x89\x07"), WF_FORM_STORE, WF_REG_NONE, WF_REG_RAX, 8, 0, 0, true},
	{BYTES("\x85\xc0"), WF_FORM_OTHER, WF_REG_RAX, WF_REG_RAX, 4, 0, 0, false},
	{BYTES("\x55"), WF_FORM_OTHER, WF_REG_RBP, WF_REG_NONE, 8, BIT(RSP), 0, false},
	{BYTES("\x5b"), WF_FORM_OTHER, WF_REG_RBX, WF_REG_NONE, 8, BIT(RSP) | BIT(RBX), 0, false},
	{BYTES("\x48\x87\xf7"), WF_FORM_OTHER, WF_REG_RDI, WF_REG_RSI, 8, BIT(RDI) | BIT(RSI), 0,
	 false},
	{BYTES("\x48\xf7\xf1"), WF_FORM_OTHER, WF_REG_RCX, WF_REG_NONE, 8,
	 BIT(RAX) | BIT(RDX) | BIT(RCX), 0, false},
	{BYTES("\x40\xb6\x01"), WF_FORM_OTHER, WF_REG_RSI, WF_REG_NONE, 1, BIT(RSI), 1, false},
};

static void values_are_followed_through_instructions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct wf_insn insn = {.address = BASE, .size = forms[i].size};
		struct wf_detail detail;

		assert_int_equal(
			wf_decoder_detail(decoder, (const uint8_t *)forms[i].bytes, &insn, &detail),
			0);
		if (detail.form != forms[i].form || detail.dst != forms[i].dst ||
		    detail.src != forms[i].src || detail.width != forms[i].width ||
		    detail.written != forms[i].written ||
		    (forms[i].imm && detail.imm != forms[i].imm) ||
		    detail.writes_memory != forms[i].writes_memory)
			fail_msg("row %zu: form %u dst %u src %u width %u written %x memory %d", i,
				 detail.form, detail.dst, detail.src, detail.width, detail.written,
				 detail.writes_memory);
	}
}

static void memory_operands_are_resolved(void **state)
{
	static const uint8_t relative[] = {0x48, 0x8d, 0x05, 0x10, 0, 0, 0};
	static const uint8_t scaled[] = {0xff, 0x24, 0xc5, 0, 0x20, 0x40, 0};
	static const uint8_t segment[] = {0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0};
	struct wf_insn insn = {.address = BASE, .size = 7};
	struct wf_detail detail;

	(void)state;
	assert_int_equal(wf_decoder_detail(decoder, relative, &insn, &detail), 0);
	assert_int_equal(detail.form, WF_FORM_ADDRESS);
	assert_true(detail.memory.valid);
	assert_int_equal(detail.memory.base, WF_REG_NONE);
	assert_int_equal(detail.memory.disp, BASE + 7 + 0x10);
	assert_int_equal(wf_decoder_detail(decoder, scaled, &insn, &detail), 0);
	assert_int_equal(detail.memory.index, WF_REG_RAX);
	assert_int_equal(detail.memory.scale, 8);
	assert_int_equal(detail.memory.disp, 0x402000);
	insn.size = sizeof(segment);
	assert_int_equal(wf_decoder_detail(decoder, segment, &insn, &detail), 0);
	assert_false(detail.memory.valid);
}

static void newer_instructions_have_their_length(void **state)
{
	static const struct {
		const char *bytes;
		uint8_t size;
	} rows[] = {
		{BYTES("\xf3\x48\x0f\x1e\xc8")},                 /* rdsspq */
		{BYTES("\xf3\x48\x0f\xae\xe9")},                 /* incsspq */
		{BYTES("\x62\xf3\x7d\x20\x3f\x07\x00")},         /* vpcmpub, memory */
		{BYTES("\x62\xb2\x75\x20\x26\xd1")},             /* vptestmb */
		{BYTES("\x62\xf2\xe5\x28\xb4\x0e")},             /* vpmadd52luq */
		{BYTES("\x62\xf1\x65\x48\x72\xcb\x10")},         /* vpsrad by a constant */
		{BYTES("\xc5\xfb\x93\xc0")},                     /* kmovd */
		{BYTES("\xc4\xe1\xfb\x93\xc0")},                 /* kmovq */
		{BYTES("\xc4\x62\x7d\x5a\x1d\x06\xe5\xff\xff")}, /* vbroadcasti128 */
		{BYTES("\x0f\x01\xee")},                         /* rdpkru */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(wf_length_of((const uint8_t *)rows[i].bytes, rows[i].size + 1u),
				 rows[i].size);
		assert_int_equal(wf_length_of((const uint8_t *)rows[i].bytes, rows[i].size - 1u),
				 0);
	}
}

/* One line of `objdump -d --no-show-raw-insn`: "  401136:\tjmp    401140 <main+0x10>". */
struct oracle_line {
	uint64_t address, target;
	char mnemonic[16];
	bool direct;
};

static bool read_line(FILE *objdump, struct oracle_line *line)
{
	char text[512], operand[256];

	while (fgets(text, sizeof(text), objdump)) {
		unsigned long long address, target;
		char *body = strchr(text, '\t');

		operand[0] = '\0';
		if (!body || sscanf(text, " %llx:", &address) != 1)
			continue;
		if (!strncmp(body + 1, "bnd ", 4) || !strncmp(body + 1, "notrack ", 8))
			body = strchr(body, ' ');
		if (sscanf(body + 1, "%15s %255s", line->mnemonic, operand) < 1)
			continue;
		line->address = address;
		line->direct = sscanf(operand, "%llx", &target) == 1 && operand[0] != '*';
		line->target = line->direct ? target : 0;
		return true;
	}
	return false;
}

static uint8_t expected_kind(const struct oracle_line *line)
{
	if (!strcmp(line->mnemonic, "call"))
		return line->direct ? WF_INSN_CALL : WF_INSN_CALL_INDIRECT;
	if (!strcmp(line->mnemonic, "jmp"))
		return line->direct ? WF_INSN_JMP : WF_INSN_JMP_INDIRECT;
	if (!strcmp(line->mnemonic, "jrcxz") || !strcmp(line->mnemonic, "jecxz"))
		return WF_INSN_LOOP;
	if (line->mnemonic[0] == 'j')
		return WF_INSN_JCC;
	return WF_INSN_OTHER;
}

/* Check what lies in one unwind entry, with the oracle's lines from `line` on. */
static void check_function(struct wf_binary *elf, uint64_t start, uint64_t size, FILE *objdump,
			   struct oracle_line *line, struct wf_insn *insns)
{
	const uint8_t *bytes = wf_binary_bytes(elf, start, size);
	uint32_t count;

	assert_non_null(bytes);
	if (wf_decoder_run(decoder, bytes, size, start, insns, 1 << 20, &count) < 0)
		fail_msg("function at %llx does not decode", (unsigned long long)start);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t kind;

		while (line->address < insns[i].address && read_line(objdump, line))
			;
		kind = expected_kind(line);
		if (line->address != insns[i].address ||
		    (kind != WF_INSN_OTHER &&
		     (kind != insns[i].kind || line->target != insns[i].target)))
			fail_msg("%llx: %s to %llx, decoded as kind %u to %llx at %llx",
				 (unsigned long long)line->address, line->mnemonic,
				 (unsigned long long)line->target, insns[i].kind,
				 (unsigned long long)insns[i].target,
				 (unsigned long long)insns[i].address);
	}
}

static int find_libc(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	if (!strstr(info->dlpi_name, "libc.so.6"))
		return 0;
	snprintf(data, 256, "%s", info->dlpi_name);
	return 1;
}

static void the_c_library_decodes_as_objdump_says(void **state)
{
	struct oracle_line line = {0};
	char path[256] = "", command[512];
	struct wf_insn *insns = calloc(1 << 20, sizeof(*insns));
	struct wf_binary *elf;
	uint64_t text, size, start, length;
	unsigned functions = 0;
	FILE *objdump;

	(void)state;
	dl_iterate_phdr(find_libc, path);
	assert_int_equal(wf_binary_open(path, path, NULL, &elf, NULL), 0);
	snprintf(command, sizeof(command), "objdump -d --no-show-raw-insn %s", path);
	objdump = popen(command, "r");
	assert_non_null(objdump);
	assert_int_equal(wf_binary_text(elf, 0, &text, &size), 0);
	for (uint64_t at = text; at < text + size;) {
		if (wf_binary_fde(elf, at, &start, &length) < 0) {
			at++;
			continue;
		}
		/* The linkage table's entries are described as one function. */
		if (wf_binary_symbol_at(elf, start) && functions++ < 3000)
			check_function(elf, start, length, objdump, &line, insns);
		at = start + length;
	}
	assert_true(functions > 1000);
	pclose(objdump);
	wf_binary_free(elf);
	free(insns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instructions_are_told_apart),
		cmocka_unit_test(code_that_does_not_decode_is_refused),
		cmocka_unit_test(values_are_followed_through_instructions),
		cmocka_unit_test(memory_operands_are_resolved),
		cmocka_unit_test(newer_instructions_have_their_length),
		cmocka_unit_test(the_c_library_decodes_as_objdump_says),
	};

	return cmocka_run_group_tests_name("decode", tests, set_up, tear_down);
}
