/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usdt_args.h - the arguments of a static probe, as its note spells them: "-4@$5 8@-8(%rbp)".
 * x86-64. The text is hostile input. Pure, any thread.
 */
#ifndef WF_USDT_ARGS_H
#define WF_USDT_ARGS_H

#include <stddef.h>

#include "bpf/record.h"
#include "userspace/base/err.h"

#define WF_USDT_ARGS_MAX   12 /* what <sys/sdt.h> allows */
#define WF_USDT_REASON_MAX 64

struct wf_usdt_arg {
	struct wf_source source;         /* type WF_SRC_I8 .. F64 by size and sign */
	char reason[WF_USDT_REASON_MAX]; /* why it cannot be captured; "" = it can */
};

/*
 * Parse the whole string. An argument that is well formed but out of reach (a symbol, a vector
 * register, a part like %ah) gets a reason. -EINVAL where the text is broken, -E2BIG for more
 * than WF_USDT_ARGS_MAX arguments.
 */
int wf_usdt_args_parse(const char *text, struct wf_usdt_arg ret[WF_USDT_ARGS_MAX],
		       size_t *ret_count, struct wf_err *err);

#endif
