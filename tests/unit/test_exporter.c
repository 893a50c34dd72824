/* SPDX-License-Identifier: Apache-2.0 */
#include "exporter/exporter.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporter/file_sink.h"
#include "exporter/queue.h"
#include "sample_spans.h"
#include "userspace/base/clock.h"
#include "userspace/base/log.h"

#define S  UINT64_C(1000000000)
#define MS UINT64_C(1000000)

static char directory[] = "/tmp/wf-exporter-XXXXXX";

static char *path_of(const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
	return path;
}

static void add(struct wf_exporter *exporter, const char *text)
{
	struct wf_destination destination;

	assert_int_equal(wf_destination_parse(text, &destination, NULL), 0);
	assert_int_equal(wf_exporter_add(exporter, &destination, NULL), 0);
	wf_destination_done(&destination);
}

static struct wf_exporter *exporter_with(const char *text)
{
	struct wf_exporter_config config = {.otlp.seed = 1};
	struct wf_exporter *exporter;

	assert_int_equal(wf_exporter_new(&config, &exporter, NULL), 0);
	add(exporter, text);
	return exporter;
}

static void push(struct wf_exporter *exporter, uint32_t spans, uint64_t first_id)
{
	struct wf_batch *batch = sample_batch(spans, first_id);

	wf_exporter_push(exporter, batch);
	wf_batch_unref(batch);
}

static struct wf_sink_counters counters_of(struct wf_exporter *exporter, unsigned index)
{
	struct wf_exporter_sink sink;

	wf_exporter_sink_read(exporter, index, &sink);
	return sink.counters;
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word))
		n++;
	return n;
}

static void every_span_pushed_is_in_the_file(void **state)
{
	char *path = path_of("spans.jsonl"), *to = NULL, *text;
	struct wf_exporter *exporter;
	struct stat st;
	uint64_t i;
	size_t len;

	(void)state;
	assert_true(asprintf(&to, "file:%s", path) > 0);
	exporter = exporter_with(to);
	assert_int_equal(wf_exporter_start(exporter, NULL), 0);
	for (i = 0; i < 50; i++)
		push(exporter, 100, i * 100 + 1);
	wf_exporter_stop(exporter, wf_clock_monotonic_ns() + 10 * S);
	assert_int_equal(counters_of(exporter, 0).spans_in, 5000);
	assert_int_equal(counters_of(exporter, 0).exported, 5000);
	assert_int_equal(wf_exporter_inbox_lost(exporter, WF_SIGNAL_SPANS), 0);
	wf_exporter_free(exporter);
	assert_int_equal(wf_read_file(path, 64 << 20, &text, &len, NULL), 0);
	assert_int_equal(count(text, "\"spanId\""), 5000);
	assert_int_equal(text[len - 1], '\n');
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	free(text);
	free(to);
	unlink(path);
	free(path);
}

static void a_full_inbox_drops_the_batch_and_counts_its_spans(void **state)
{
	struct wf_exporter_config config = {.inbox_batches = 3};
	struct wf_exporter *exporter;
	struct wf_batch *batch;
	char *to = NULL;
	unsigned i;

	(void)state;
	assert_int_equal(wf_exporter_new(&config, &exporter, NULL), 0);
	assert_true(asprintf(&to, "file:%s/inbox.jsonl", directory) > 0);
	add(exporter, to);
	/* Nobody takes anything before the thread runs. */
	for (i = 0; i < 5; i++) {
		batch = sample_batch(10, i * 10 + 1);
		assert_int_equal(wf_exporter_push(exporter, batch), i < 3);
		wf_batch_unref(batch);
	}
	assert_int_equal(wf_exporter_inbox_lost(exporter, WF_SIGNAL_SPANS), 20);
	assert_int_equal(wf_exporter_start(exporter, NULL), 0);
	wf_exporter_stop(exporter, wf_clock_monotonic_ns() + 10 * S);
	assert_int_equal(counters_of(exporter, 0).exported, 30);
	wf_exporter_free(exporter);
	unlink(to + 5);
	free(to);
}

/* A port of this machine where nobody listens. */
static void dead_address(char *text, size_t size)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(text, size, "http://127.0.0.1:%u", ntohs(address.sin_port));
	close(fd);
}

static void a_dead_endpoint_is_left_at_the_deadline_with_its_losses_named(void **state)
{
	struct wf_sink_counters counters;
	struct wf_exporter *exporter;
	char address[64], *to = NULL;
	uint64_t begin, i;

	(void)state;
	dead_address(address, sizeof(address));
	assert_true(asprintf(&to, "file:%s/beside.jsonl", directory) > 0);
	exporter = exporter_with(address);
	add(exporter, to);
	assert_int_equal(wf_exporter_start(exporter, NULL), 0);
	for (i = 0; i < 40; i++)
		push(exporter, 100, i * 100 + 1);
	begin = wf_clock_monotonic_ns();
	wf_exporter_stop(exporter, begin + 300 * MS);
	assert_true(wf_clock_monotonic_ns() - begin < 3 * S);
	counters = counters_of(exporter, 0);
	assert_int_equal(counters.spans_in, 4000);
	assert_int_equal(counters.exported, 0);
	assert_int_equal(counters.lost_retries, 4000);
	assert_int_equal(counters_of(exporter, 1).exported, 4000);
	wf_exporter_free(exporter);
	unlink(to + 5);
	free(to);
}

static void note_failure(void *context, const struct wf_sink *sink)
{
	int fd = *(int *)context;
	char byte = (char)sink->failed;

	assert_int_equal(write(fd, &byte, 1), 1);
}

static void the_owner_learns_that_the_reader_of_a_pipe_left(void **state)
{
	int pipe_fds[2], notes[2];
	struct wf_exporter_config config = {.on_failed = note_failure, .context = &notes[1]};
	struct wf_exporter *exporter;
	struct pollfd ready;
	char note = 0;

	(void)state;
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	assert_int_equal(pipe2(notes, O_CLOEXEC), 0);
	config.console = (struct wf_console_options){.fd = pipe_fds[1], .json = true};
	assert_int_equal(wf_exporter_new(&config, &exporter, NULL), 0);
	add(exporter, "console");
	assert_int_equal(wf_exporter_start(exporter, NULL), 0);
	close(pipe_fds[0]);
	push(exporter, 10, 1);
	ready = (struct pollfd){.fd = notes[0], .events = POLLIN};
	assert_int_equal(poll(&ready, 1, 10000), 1);
	assert_int_equal(read(notes[0], &note, 1), 1);
	assert_int_equal(note, EPIPE);
	push(exporter, 10, 11);
	wf_exporter_stop(exporter, wf_clock_monotonic_ns() + 10 * S);
	assert_int_equal(counters_of(exporter, 0).lost_write, 20);
	wf_exporter_free(exporter);
	close(pipe_fds[1]);
	close(notes[0]);
	close(notes[1]);
}

static void nothing_pushed_ends_at_once_and_free_stops(void **state)
{
	struct wf_exporter *exporter = exporter_with("http://127.0.0.1:9");
	uint64_t begin;

	(void)state;
	assert_int_equal(wf_exporter_start(exporter, NULL), 0);
	begin = wf_clock_monotonic_ns();
	wf_exporter_stop(exporter, begin + 10 * S);
	assert_true(wf_clock_monotonic_ns() - begin < 3 * S);
	wf_exporter_free(exporter);

	exporter = exporter_with("http://127.0.0.1:9");
	assert_int_equal(wf_exporter_start(exporter, NULL), 0);
	push(exporter, 10, 1);
	wf_exporter_free(exporter);
	wf_exporter_free(NULL);
}

static void a_destination_that_cannot_be_is_said(void **state)
{
	static const char *const rows[][2] = {
		{"file:/nonexistent/dir/spans", "No such file or directory"},
		{"file:/", "Is a directory"},
	};
	struct wf_exporter *exporter = exporter_with("http://127.0.0.1:9");
	struct wf_destination destination;
	char *fifo = path_of("fifo"), *to = NULL;
	struct wf_err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(wf_destination_parse(rows[i][0], &destination, NULL), 0);
		assert_true(wf_exporter_add(exporter, &destination, &err) < 0);
		assert_non_null(strstr(err.msg, rows[i][1]));
		wf_destination_done(&destination);
	}
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_true(asprintf(&to, "file:%s", fifo) > 0);
	assert_int_equal(wf_destination_parse(to, &destination, NULL), 0);
	assert_int_equal(wf_exporter_add(exporter, &destination, &err), -ENXIO);
	assert_non_null(strstr(err.msg, "nobody reads"));
	wf_destination_done(&destination);
	assert_int_equal(wf_destination_parse("http://127.0.0.1:9", &destination, NULL), 0);
	assert_int_equal(wf_exporter_add(exporter, &destination, &err), -EINVAL);
	wf_destination_done(&destination);
	wf_exporter_free(exporter);
	unlink(fifo);
	free(fifo);
	free(to);
}

/* A limit on the file's size cuts a write short, as a full disk does. */
static void a_file_that_cannot_grow_holds_whole_lines_only(void **state)
{
	struct rlimit before, limit;
	char *path = path_of("limited.jsonl"), *text;
	struct wf_sink *sink;
	struct wf_batch *batch;
	size_t len, i;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 100000;
	assert_int_equal(wf_file_sink_new("file", path, &sink, NULL), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (i = 0; i < 10; i++) {
		batch = sample_batch(100, 1);
		sink->ops->push(sink, batch);
		wf_batch_unref(batch);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(sink->counters.spans_in, 1000);
	assert_int_equal(sink->counters.exported, 200);
	assert_int_equal(sink->counters.lost_write, 800);
	/* There is room again: it goes on. */
	batch = sample_batch(100, 1);
	sink->ops->push(sink, batch);
	wf_batch_unref(batch);
	assert_int_equal(sink->counters.exported, 300);
	sink->ops->free(sink);
	assert_int_equal(wf_read_file(path, 1 << 20, &text, &len, NULL), 0);
	assert_int_equal(count(text, "\n"), 3);
	assert_int_equal(count(text, "\"spanId\""), 300);
	assert_int_equal(text[len - 1], '\n');
	free(text);
	unlink(path);
	free(path);
}

static void the_queue_is_bounded_by_number_and_by_bytes(void **state)
{
	struct wf_batch *batch = sample_batch(10, 1), *everything = sample_everything();
	size_t bytes = wf_arena_used(batch->arena) + 10 * sizeof(*batch->spans);
	struct wf_queue *few = wf_queue_new(2, SIZE_MAX, WF_SIGNAL_SPANS),
			*small = wf_queue_new(100, 2 * bytes, WF_SIGNAL_SPANS);

	(void)state;
	assert_true(wf_queue_push(few, batch));
	assert_true(wf_queue_push(few, everything));
	assert_false(wf_queue_push(few, batch));
	assert_int_equal(wf_queue_spans(few), 16); /* the notice is none */
	assert_int_equal(wf_queue_drop(few), 10);
	wf_queue_advance(few, 4, 3);
	assert_int_equal(wf_queue_peek(few)->from, 4);
	assert_int_equal(wf_queue_spans(few), 3);
	wf_queue_advance(few, 7, 3);
	assert_null(wf_queue_peek(few));
	assert_int_equal(atomic_load(&everything->refs), 1);

	assert_true(wf_queue_push(small, batch));
	assert_true(wf_queue_push(small, batch));
	assert_false(wf_queue_push(small, batch));
	wf_queue_free(small);
	assert_int_equal(atomic_load(&batch->refs), 1);

	/* One that is larger than the limit alone is still taken by an empty queue. */
	small = wf_queue_new(100, 10, WF_SIGNAL_SPANS);
	assert_true(wf_queue_push(small, batch));
	assert_false(wf_queue_push(small, batch));
	wf_queue_free(small);
	wf_queue_free(few);
	wf_batch_unref(everything);
	wf_batch_unref(batch);
}

static int set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	wf_log_set_level(WF_LOG_ERROR);
	return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_span_pushed_is_in_the_file),
		cmocka_unit_test(a_full_inbox_drops_the_batch_and_counts_its_spans),
		cmocka_unit_test(a_dead_endpoint_is_left_at_the_deadline_with_its_losses_named),
		cmocka_unit_test(the_owner_learns_that_the_reader_of_a_pipe_left),
		cmocka_unit_test(nothing_pushed_ends_at_once_and_free_stops),
		cmocka_unit_test(a_destination_that_cannot_be_is_said),
		cmocka_unit_test(a_file_that_cannot_grow_holds_whole_lines_only),
		cmocka_unit_test(the_queue_is_bounded_by_number_and_by_bytes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
