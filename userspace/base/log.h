/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - messages to stderr, one line each, prefixed "wftrace: ".
 *
 * Any thread. The level is process-wide and set once by main.
 */
#ifndef WF_BASE_LOG_H
#define WF_BASE_LOG_H

enum wf_log_level { WF_LOG_ERROR, WF_LOG_WARN, WF_LOG_INFO, WF_LOG_DEBUG };

void wf_log_set_level(enum wf_log_level level);
enum wf_log_level wf_log_get_level(void);

/* ERROR, WARN and INFO are for the user: "wftrace: text". DEBUG adds the area: "wftrace[area]:
 * text". */
void wf_log(enum wf_log_level level, const char *area, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
