/* SPDX-License-Identifier: Apache-2.0 */
/* env.h - the environment as an argument, so that what reads it stays pure. */
#ifndef WF_ENV_H
#define WF_ENV_H

#define WF_ENV_NAME_MAX 64

/* A variable's value, or NULL. An empty one counts as not set, as OpenTelemetry wants it. */
typedef const char *(*wf_env_lookup)(void *context, const char *name);

struct wf_env {
	wf_env_lookup lookup;
	void *context;
};

/* A variable that is set and not empty, or NULL. */
const char *wf_env_of(const struct wf_env *env, const char *name);
/*
 * OTEL_EXPORTER_OTLP_TRACES_<what>, else OTEL_EXPORTER_OTLP_<what>, else NULL: the form of the
 * signal overrides the general one. ret_name says which it was.
 */
const char *wf_env_of_traces(const struct wf_env *env, const char *what,
			     char ret_name[WF_ENV_NAME_MAX]);

#endif
