/* SPDX-License-Identifier: Apache-2.0 */
#include "usdt_args.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/str.h"

#define ARG_BYTES_MAX 256

/* One argument, cut into its parts. */
struct operand {
	char text[ARG_BYTES_MAX]; /* without spaces */
	char *at;                 /* behind the size */
	int size;                 /* 1, 2, 4, 8; others are refused */
	bool is_signed, is_float;
};

static int refuse(struct wf_usdt_arg *ret, const char *why)
{
	snprintf(ret->reason, sizeof(ret->reason), "%s", why);
	return 0;
}

/* The DWARF number of a general register in any width; WF_REG_NONE = it is none. */
static uint8_t register_number(const char *name, size_t len)
{
	static const struct {
		const char *names[4];
		uint8_t reg;
	} known[] = {
		{{"rax", "eax", "ax", "al"}, WF_REG_RAX},
		{{"rdx", "edx", "dx", "dl"}, WF_REG_RDX},
		{{"rcx", "ecx", "cx", "cl"}, WF_REG_RCX},
		{{"rbx", "ebx", "bx", "bl"}, WF_REG_RBX},
		{{"rsi", "esi", "si", "sil"}, WF_REG_RSI},
		{{"rdi", "edi", "di", "dil"}, WF_REG_RDI},
		{{"rbp", "ebp", "bp", "bpl"}, WF_REG_RBP},
		{{"rsp", "esp", "sp", "spl"}, WF_REG_RSP},
	};
	unsigned number = 0;
	size_t digits;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		for (size_t j = 0; j < 4; j++) {
			if (strlen(known[i].names[j]) == len &&
			    memcmp(known[i].names[j], name, len) == 0)
				return known[i].reg;
		}
	}
	if (len < 2 || name[0] != 'r')
		return WF_REG_NONE;
	for (digits = 1; digits < len && digits < 3 && isdigit((unsigned char)name[digits]);
	     digits++)
		number = number * 10 + (unsigned)(name[digits] - '0');
	if (number < 8 || number > 15 || len - digits > 1 ||
	    (len > digits && !strchr("dwb", name[digits])))
		return WF_REG_NONE;
	return (uint8_t)(WF_REG_R8 + number - 8);
}

static bool parse_number(const char *text, __s64 *ret)
{
	uint64_t above;
	int64_t value;

	if (wf_parse_i64(text, &value) == 0) {
		*ret = value;
		return true;
	}
	if (wf_parse_u64(text, &above) < 0)
		return false;
	*ret = (__s64)above;
	return true;
}

static uint8_t source_type(const struct operand *operand)
{
	if (operand->is_float)
		return operand->size == 4 ? WF_SRC_F32 : WF_SRC_F64;
	switch (operand->size) {
	case 1:
		return operand->is_signed ? WF_SRC_I8 : WF_SRC_U8;
	case 2:
		return operand->is_signed ? WF_SRC_I16 : WF_SRC_U16;
	case 4:
		return operand->is_signed ? WF_SRC_I32 : WF_SRC_U32;
	default:
		return operand->is_signed ? WF_SRC_I64 : WF_SRC_U64;
	}
}

static int parse_constant(const struct operand *operand, struct wf_usdt_arg *ret)
{
	const char *text = operand->at + 1;

	if (parse_number(text, &ret->source.constant))
		return operand->is_float ? refuse(ret, "a constant cannot be a float") : 0;
	if (isalpha((unsigned char)*text) || *text == '_' || *text == '.')
		return refuse(ret, "it is relative to a symbol");
	return -EINVAL;
}

static int parse_register(const struct operand *operand, struct wf_usdt_arg *ret)
{
	const char *name = operand->at + 1;
	size_t len = strlen(name);

	ret->source.reg = register_number(name, len);
	if (ret->source.reg != WF_REG_NONE)
		return operand->is_float ? refuse(ret, "it is a float in a general register") : 0;
	if (strchr(name, ':'))
		return refuse(ret, "it is thread-local");
	if (strncmp(name, "xmm", 3) == 0 || strncmp(name, "ymm", 3) == 0 ||
	    strncmp(name, "zmm", 3) == 0)
		return refuse(ret, "it is in a vector register");
	if (len == 2 && name[1] == 'h' && strchr("abcd", name[0]))
		return refuse(ret, "it is in the second byte of a register");
	return -EINVAL;
}

/* One of "%base", "%index", "scale" between commas; may be empty. */
static int parse_inner_register(const char *text, uint8_t *ret)
{
	*ret = WF_REG_NONE;
	if (!*text)
		return 0;
	if (*text != '%')
		return -EINVAL;
	*ret = register_number(text + 1, strlen(text + 1));
	return *ret == WF_REG_NONE ? -EINVAL : 0;
}

/* "(%base,%index,scale)": what stands between the parentheses, cut at the commas. */
static int parse_inner(char *inner, struct wf_source *source)
{
	char *parts[3] = {inner, NULL, NULL};
	uint64_t scale = 1;

	for (size_t i = 1; i < 3; i++) {
		char *comma = strchr(parts[i - 1], ',');

		if (!comma)
			break;
		*comma = '\0';
		parts[i] = comma + 1;
	}
	if (parse_inner_register(parts[0], &source->reg) < 0 ||
	    (parts[1] && parse_inner_register(parts[1], &source->index_reg) < 0) ||
	    (parts[2] && wf_parse_u64(parts[2], &scale) < 0))
		return -EINVAL;
	if ((scale != 1 && scale != 2 && scale != 4 && scale != 8) ||
	    source->index_reg == WF_REG_RSP)
		return -EINVAL;
	if (source->reg == WF_REG_NONE && source->index_reg == WF_REG_NONE)
		return -EINVAL;
	source->scale = (uint8_t)scale;
	return 0;
}

/* A number in front of the parentheses; anything else names a symbol. */
static int parse_displacement(const char *text, struct wf_usdt_arg *ret)
{
	__s64 value = 0;

	if (*text && !parse_number(text, &value)) {
		if (strpbrk(text, "%$()"))
			return -EINVAL;
		return refuse(ret, "it is relative to a symbol");
	}
	if (value < INT32_MIN || value > INT32_MAX)
		return -EINVAL;
	ret->source.offset[0] = (int32_t)value;
	return 0;
}

static int parse_memory(const struct operand *operand, struct wf_usdt_arg *ret)
{
	char *open = strchr(operand->at, '('), *close = strrchr(operand->at, ')');
	int rc;

	ret->source.steps = 1;
	if (!open) {
		if (parse_number(operand->at, &ret->source.constant))
			return 0;
		if (strpbrk(operand->at, "%$)") || !*operand->at)
			return -EINVAL;
		return refuse(ret, "it is relative to a symbol");
	}
	if (!close || close < open || close[1])
		return -EINVAL;
	*open = *close = '\0';
	rc = parse_displacement(operand->at, ret);
	if (rc < 0)
		return rc;
	if (strcmp(open + 1, "%rip") == 0)
		return ret->reason[0] ? 0 : refuse(ret, "it is relative to the instruction");
	return parse_inner(open + 1, &ret->source);
}

/* "-4@", "8f@"; without it the whole is the operand, 8 bytes wide. */
static int parse_size(struct operand *operand)
{
	char *at = operand->text, *digits;

	operand->at = operand->text;
	operand->size = 8;
	operand->is_signed = *at == '-';
	digits = at += operand->is_signed;
	while (isdigit((unsigned char)*at))
		at++;
	operand->is_float = at > digits && *at == 'f';
	if (at == digits || at > digits + 3 || at[operand->is_float] != '@') {
		operand->is_signed = operand->is_float = false;
		return 0;
	}
	operand->size = 0;
	for (; digits < at; digits++)
		operand->size = operand->size * 10 + (*digits - '0');
	operand->at = at + operand->is_float + 1;
	return *operand->at ? 0 : -EINVAL;
}

static bool size_is_known(const struct operand *operand)
{
	if (operand->is_float)
		return operand->size == 4 || operand->size == 8;
	return operand->size == 1 || operand->size == 2 || operand->size == 4 || operand->size == 8;
}

static int parse_operand(struct operand *operand, struct wf_usdt_arg *ret)
{
	int rc = parse_size(operand);

	*ret = (struct wf_usdt_arg){
		.source = {.reg = WF_REG_NONE, .index_reg = WF_REG_NONE, .scale = 1}};
	if (rc < 0)
		return rc;
	ret->source.type = source_type(operand);
	if (*operand->at == '$')
		rc = parse_constant(operand, ret);
	else if (*operand->at == '%')
		rc = parse_register(operand, ret);
	else
		rc = parse_memory(operand, ret);
	if (rc == 0 && !ret->reason[0] && !size_is_known(operand))
		return refuse(ret, "its size is not 1, 2, 4 or 8 bytes");
	return rc;
}

/* Copy the next argument without spaces; those inside parentheses do not end it. */
static int next_operand(const char **text, struct operand *ret)
{
	size_t len = 0;
	int open = 0;

	*text += strspn(*text, " \t");
	if (!**text)
		return 0;
	for (; **text && (open > 0 || !strchr(" \t", **text)); (*text)++) {
		open += (**text == '(') - (**text == ')');
		if (strchr(" \t", **text))
			continue;
		if (len + 1 >= sizeof(ret->text))
			return -EINVAL;
		ret->text[len++] = **text;
	}
	ret->text[len] = '\0';
	return 1;
}

int wf_usdt_args_parse(const char *text, struct wf_usdt_arg ret[WF_USDT_ARGS_MAX],
		       size_t *ret_count, struct wf_err *err)
{
	struct operand operand;
	const char *at = text;
	size_t count = 0;
	int rc;

	while ((rc = next_operand(&at, &operand)) > 0) {
		if (count == WF_USDT_ARGS_MAX)
			return wf_err_set(err, E2BIG, "more than %d arguments: '%.200s'",
					  WF_USDT_ARGS_MAX, text);
		rc = parse_operand(&operand, &ret[count++]);
		if (rc < 0)
			break;
	}
	if (rc < 0)
		return wf_err_set(err, -rc, "cannot read the probe's arguments '%.200s'", text);
	*ret_count = count;
	return 0;
}
