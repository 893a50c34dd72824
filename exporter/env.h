/* SPDX-License-Identifier: Apache-2.0 */
/* env.h - the environment as an argument, so that what reads it stays pure. */
#ifndef WF_ENV_H
#define WF_ENV_H

/* A variable's value, or NULL. An empty one counts as not set, as OpenTelemetry wants it. */
typedef const char *(*wf_env_lookup)(void *context, const char *name);

#endif
