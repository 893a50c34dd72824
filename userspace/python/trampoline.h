/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trampoline.h - the machine code that a pending call runs in a target: a Python text in a fresh
 * dictionary, whose failure is nobody's business. Position independent. Pure.
 *
 * It returns 0 and leaves no exception behind, with one exception: what is no `Exception` (a
 * KeyboardInterrupt or SystemExit that a signal handler of the program raised meanwhile) goes on to
 * the program, as it would have without us.
 */
#ifndef WF_PYTHON_TRAMPOLINE_H
#define WF_PYTHON_TRAMPOLINE_H

#include <stddef.h>
#include <stdint.h>

#include "runtime.h"

#define WF_TRAMPOLINE_MAX 224

/* The code for this interpreter; it takes the text's address. Its length. */
size_t wf_trampoline_build(const struct wf_python *python, uint8_t out[WF_TRAMPOLINE_MAX]);
/* Where in it a function lies that returns 0 and does nothing. */
size_t wf_trampoline_nothing(void);

#endif
