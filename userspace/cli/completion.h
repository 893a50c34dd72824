/* SPDX-License-Identifier: Apache-2.0 */
/* completion.h - completion scripts for bash and zsh, made from the tables. */
#ifndef WF_COMPLETION_H
#define WF_COMPLETION_H

#include <stdio.h>

/* shell: "bash" or "zsh". The caller checks the stream for errors. */
void wf_completion_print(const char *shell, FILE *out);

#endif
