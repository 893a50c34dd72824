/* SPDX-License-Identifier: Apache-2.0 */
#include "env.h"

#include <stdio.h>

const char *wf_env_of(const struct wf_env *env, const char *name)
{
	const char *value = env->lookup(env->context, name);

	return value && *value ? value : NULL;
}

const char *wf_env_of_traces(const struct wf_env *env, const char *what,
			     char ret_name[WF_ENV_NAME_MAX])
{
	const char *value;

	snprintf(ret_name, WF_ENV_NAME_MAX, "OTEL_EXPORTER_OTLP_TRACES_%s", what);
	value = wf_env_of(env, ret_name);
	if (value)
		return value;
	snprintf(ret_name, WF_ENV_NAME_MAX, "OTEL_EXPORTER_OTLP_%s", what);
	return wf_env_of(env, ret_name);
}
