/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define END_MAX        8

static atomic_int log_level = WF_LOG_INFO;

void wf_log_set_level(enum wf_log_level level)
{
	atomic_store_explicit(&log_level, level, memory_order_relaxed);
}

enum wf_log_level wf_log_get_level(void)
{
	return atomic_load_explicit(&log_level, memory_order_relaxed);
}

/* Names and messages may come from a target: nothing in them may reach the terminal as control. */
static void defuse(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = text[i];

		if (c == '\n' || c == '\t')
			text[i] = ' ';
		else if (c < 0x20 || c == 0x7f)
			text[i] = '?';
	}
}

/* On a terminal the message may lie over a longer status line. */
static size_t end_of_line(char *end)
{
	const char *term = isatty(STDERR_FILENO) ? getenv("TERM") : NULL;
	const char *text = term && *term && strcmp(term, "dumb") ? "\033[K\n" : "\n";
	size_t len = strlen(text);

	memcpy(end, text, len);
	return len;
}

void wf_log(enum wf_log_level level, const char *area, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	size_t len;
	va_list args;
	int n;

	if (level > wf_log_get_level())
		return;
	if (level == WF_LOG_DEBUG && area)
		n = snprintf(line, sizeof(line), "wftrace[%s]: ", area);
	else
		n = snprintf(line, sizeof(line), "wftrace: ");
	if (n < 0 || (size_t)n >= sizeof(line) / 2)
		return;
	len = n;
	va_start(args, fmt);
	n = vsnprintf(line + len, sizeof(line) - len - END_MAX, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	len += (size_t)n < sizeof(line) - len - END_MAX ? (size_t)n
							: sizeof(line) - len - END_MAX - 1;
	defuse(line, len);
	len += end_of_line(line + len);
	/* One write, so that lines of two threads do not mix. A lost message is no failure. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}
