/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - a console on one end of a pipe, and what it wrote. */
#ifndef WF_TEST_BENCH_H
#define WF_TEST_BENCH_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "exporter/console.h"
#include "sample_spans.h"

#define MS 1000000ull
#define S  1000000000ull

static const struct wf_style bench_ascii = {.width = 0};

struct bench {
	struct wf_sink *sink;
	int fds[2];
	char text[1 << 16];
};

static inline void bench_begin(struct bench *bench, struct wf_console_options options)
{
	assert_int_equal(pipe2(bench->fds, O_CLOEXEC | O_NONBLOCK), 0);
	options.fd = bench->fds[1];
	assert_int_equal(wf_console_new("console", &options, &bench->sink, NULL), 0);
	bench->sink->ops->work(bench->sink, S);
}

static inline const char *bench_read(struct bench *bench)
{
	ssize_t n = read(bench->fds[0], bench->text, sizeof(bench->text) - 1);

	bench->text[n > 0 ? n : 0] = '\0';
	return bench->text;
}

static inline void bench_push(struct bench *bench, struct wf_batch *batch)
{
	bench->sink->ops->push(bench->sink, batch);
	wf_batch_unref(batch);
}

static inline void bench_end(struct bench *bench)
{
	bench->sink->ops->free(bench->sink);
	close(bench->fds[0]);
	close(bench->fds[1]);
}

static inline unsigned bench_count(const char *text, const char *word)
{
	unsigned n = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word))
		n++;
	return n;
}

static inline void bench_took(struct wf_span *span, uint64_t ns)
{
	span->end_ns = span->start_ns + ns;
}

/* root { a { b (failed) } c }, children first. */
static inline struct wf_batch *bench_tree(void)
{
	struct wf_batch *batch = wf_batch_new(8, 1 << 16);
	struct wf_resource *shop = sample_resource("shop");
	struct wf_span *span;

	span = sample_span(batch, "b", 1, 4, 2);
	bench_took(span, 100000);
	sample_exception(batch, span);
	bench_took(sample_span(batch, "a", 1, 2, 1), 500000);
	bench_took(sample_span(batch, "c", 1, 3, 1), 250000);
	span = sample_span(batch, "root", 1, 1, 0);
	sample_take_resource(span, shop);
	sample_attribute(batch->arena, &span->attributes, "order.id", sample_int(42));
	sample_attribute(batch->arena, &span->attributes, "code.function.name",
			 sample_text("dull"));
	wf_resource_unref(shop);
	return batch;
}

/* Times are shown in local time. */
static inline int bench_zone(void **state)
{
	(void)state;
	return setenv("TZ", "UTC", 1);
}

#endif
