/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - from argv to struct wf_config. Pure: prints nothing, does not end the process.
 */
#ifndef WF_CLI_H
#define WF_CLI_H

#include "config.h"

/*
 * Parse the whole command line, argv[0] included. argv must live as long as the config, which the
 * caller releases also after an error. -EINVAL for what is wrong, -ENOTSUP for what a later
 * version brings; both mean exit code 2.
 */
int wf_cli_parse(int argc, char *const *argv, struct wf_config *config, struct wf_err *err);

#endif
