/* SPDX-License-Identifier: Apache-2.0 */
#include "define.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "userspace/base/buf.h"
#include "userspace/target/srcline.h"

#define TEXT_BYTES_MAX 10000 /* generated names have no end, and a record holds them all */
#define JSON_BYTES_MAX 65000

static const char *exit_name(enum wf_exit_method exit)
{
	switch (exit) {
	case WF_EXIT_SITES:
		return "sites";
	case WF_EXIT_MIXED:
		return "mixed";
	case WF_EXIT_RETS:
		return "rets";
	case WF_EXIT_HANDED_OVER:
		return "handed_over";
	case WF_EXIT_TAIL_JUMP:
		return "tail_jump";
	case WF_EXIT_PAIR:
		return "pair";
	default:
		return "none";
	}
}

static void put_text(struct wf_buf *out, const char *key, const char *text)
{
	wf_buf_printf(out, ",\"%s\":", key);
	wf_buf_json_string(out, text, strnlen(text, TEXT_BYTES_MAX));
}

int wf_define_json(const struct wf_plan *plan, const struct wf_plan_function *function,
		   bool executable, const struct wf_srclines *lines, char **ret)
{
	const struct wf_binary *elf = plan->files[function->file].elf;
	const char *source;
	struct wf_buf out;
	uint32_t line;

	wf_buf_init(&out, JSON_BYTES_MAX);
	wf_buf_printf(&out, "{\"rule\":%u,\"address\":%" PRIu64 ",\"exit\":\"%s\"",
		      function->rule->index, function->address, exit_name(function->exit));
	put_text(&out, "name", function->name);
	put_text(&out, "symbol", function->symbol);
	put_text(&out, "file", wf_binary_shown(elf));
	put_text(&out, "build_id", wf_binary_build_id(elf));
	if (wf_srclines_find(lines, function->address, &source, &line)) {
		put_text(&out, "source", source);
		wf_buf_printf(&out, ",\"line\":%u", line);
	}
	wf_buf_puts(&out, executable ? ",\"executable\":true}" : "}");
	if (out.failed) {
		wf_buf_done(&out);
		return -ENOMEM;
	}
	*ret = out.data;
	return 0;
}
