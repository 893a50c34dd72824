/* SPDX-License-Identifier: Apache-2.0 */
/*
 * need.h - what profiles require of a Python process, as its agent is told. Inside the request
 * module. Pure.
 */
#ifndef WF_PYTHON_NEED_H
#define WF_PYTHON_NEED_H

#include "userspace/base/buf.h"
#include "userspace/rule/ruleset.h"

/* 'needs': [...], or nothing where no profile requires a module. */
void wf_need_put(const struct wf_ruleset *rules, struct wf_buf *out);

#endif
