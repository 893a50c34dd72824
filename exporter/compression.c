/* SPDX-License-Identifier: Apache-2.0 */
#include "compression.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "userspace/base/cleanup.h"

static void free_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

static bool is_loopback(const char *host)
{
	struct in_addr address;

	return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	       (inet_pton(AF_INET, host, &address) == 1 &&
		ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET);
}

static bool stays_here(const char *text)
{
	wf_auto(free_url) CURLU *url = curl_url();
	char *host = NULL;
	bool here;

	if (!url || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return false;
	here = is_loopback(host);
	curl_free(host);
	return here;
}

bool wf_compression_pays(enum wf_compression compression, const char *url)
{
	if (compression == WF_COMPRESSION_OUTSIDE)
		return !stays_here(url);
	return compression == WF_COMPRESSION_GZIP;
}

int wf_compression_from_env(wf_env_lookup lookup, void *context, enum wf_compression *ret,
			    struct wf_err *err)
{
	struct wf_env env = {lookup, context};
	char name[WF_ENV_NAME_MAX];
	const char *value = wf_env_of_traces(&env, "COMPRESSION", name);

	*ret = WF_COMPRESSION_OUTSIDE;
	if (!value)
		return 0;
	if (strcasecmp(value, "gzip") == 0)
		*ret = WF_COMPRESSION_GZIP;
	else if (strcasecmp(value, "none") == 0)
		*ret = WF_COMPRESSION_NONE;
	else
		return wf_err_set(err, EOPNOTSUPP, "%s=%.40s is not known; use gzip or none", name,
				  value);
	return 0;
}
