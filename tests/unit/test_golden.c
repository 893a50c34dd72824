/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings in tests/golden and the spans that they have to become, byte for byte. To accept a
 * wanted change run with WF_GOLDEN=update, which writes both anew from scene.h, and read the diff.
 */
#include "scene.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump.h"
#include "userspace/base/str.h"
#include "userspace/collect/reader.h"

#define GOLDEN "tests/golden/"

static const struct {
	const char *name;
	void (*play)(struct scene *scene);
} scenes[] = {
	{"server", scene_server},
	{"family", scene_family},
	{"short", scene_short},
};

#define SCENES (sizeof(scenes) / sizeof(*scenes))

static struct wf_assembler *assembler_make(const struct wf_ruleset *rules)
{
	struct wf_assembler_config config = {
		.rules = rules,
		.batch_spans = 512,
		.batch_bytes = 4 << 20,
		.held_spans_max = 10000,
		.held_ns_max = 30000000000ull,
	};
	struct wf_assembler *assembler = NULL;

	assert_int_equal(wf_assembler_new(&config, &assembler, NULL), 0);
	return assembler;
}

static void take(struct wf_assembler *assembler, struct wf_buf *out)
{
	struct wf_batch *batch;

	while ((batch = wf_assembler_take(assembler))) {
		for (uint32_t i = 0; i < batch->count; i++)
			dump_span(out, &batch->spans[i]);
		wf_batch_unref(batch);
	}
}

static void finish(struct wf_assembler *assembler, struct wf_buf *out)
{
	wf_assembler_finish(assembler);
	take(assembler, out);
	assert_all_counted(wf_assembler_counters(assembler));
	wf_assembler_free(assembler);
}

/* The spans of a recording, and the error that ends it, if one does. */
static void replay(const char *path, struct wf_buf *out)
{
	struct wf_reader *reader = NULL;
	struct wf_ruleset *rules = NULL;
	struct wf_assembler *assembler;
	const struct wf_rec_head *record;
	const char *json;
	struct wf_err err = {0};

	assert_int_equal(wf_reader_new(path, &reader, &err), 0);
	json = wf_reader_info(reader)->rules_json;
	assert_int_equal(wf_ruleset_from_json(json, strlen(json), &rules, &err), 0);
	assembler = assembler_make(rules);
	while (wf_reader_next(reader, &record, &err) > 0) {
		wf_assembler_record(assembler, record);
		take(assembler, out);
	}
	finish(assembler, out);
	if (err.code)
		wf_buf_printf(out, "%s\n", err.msg);
	wf_ruleset_free(rules);
	wf_reader_free(reader);
}

/* What a live run does with each record. */
struct live {
	struct wf_assembler *assembler;
	struct wf_recording *recording;
	struct wf_buf *out;
};

static void put_live(void *ctx, const struct wf_rec_head *record)
{
	struct live *live = ctx;

	assert_int_equal(wf_recording_write(live->recording, record, NULL), 0);
	wf_assembler_record(live->assembler, record);
	take(live->assembler, live->out);
}

static void play_live(size_t scene, const char *path, struct wf_buf *out)
{
	struct wf_recording_info info = {.realtime_ns = 1700000000000000000ull, .version = "0.1.0"};
	struct live live = {.out = out};
	struct scene stage = {put_live, &live};
	struct wf_ruleset *rules = NULL;
	struct wf_err err = {0};
	char *json = NULL;

	assert_int_equal(wf_ruleset_new(&rules, &err), 0);
	if (wf_ruleset_add_yaml(rules, "scene.yaml", scene_rules, strlen(scene_rules), &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(wf_ruleset_to_json(rules, &json, &err), 0);
	info.rules_json = json;
	assert_int_equal(wf_recording_new(path, &info, &live.recording, &err), 0);
	live.assembler = assembler_make(rules);
	scenes[scene].play(&stage);
	finish(live.assembler, out);
	assert_int_equal(wf_recording_finish(live.recording, &err), 0);
	wf_recording_free(live.recording);
	wf_ruleset_free(rules);
	free(json);
}

static void write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void compare(const char *name, const struct wf_buf *got)
{
	char path[128], *expected = NULL;
	size_t len = 0;

	snprintf(path, sizeof(path), GOLDEN "%s.jsonl", name);
	if (getenv("WF_GOLDEN"))
		write_file(path, got->data, got->len);
	assert_int_equal(wf_read_file(path, 1 << 20, &expected, &len, NULL), 0);
	assert_string_equal(got->data, expected);
	free(expected);
}

static void recordings_become_the_spans_they_always_became(void **state)
{
	(void)state;
	for (size_t i = 0; i < SCENES; i++) {
		char path[128];
		struct wf_buf out;

		wf_buf_init(&out, 1 << 20);
		snprintf(path, sizeof(path), GOLDEN "%s.wfr", scenes[i].name);
		if (getenv("WF_GOLDEN")) {
			play_live(i, path, &out);
			wf_buf_reset(&out);
			assert_int_equal(chmod(path, 0644), 0);
		}
		replay(path, &out);
		compare(scenes[i].name, &out);
		wf_buf_done(&out);
	}
}

static void a_replay_gives_the_bytes_of_the_live_run(void **state)
{
	char path[] = "/tmp/wftrace-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < SCENES; i++) {
		struct wf_buf live, replayed;

		wf_buf_init(&live, 1 << 20);
		wf_buf_init(&replayed, 1 << 20);
		play_live(i, path, &live);
		replay(path, &replayed);
		assert_true(live.len > 0);
		assert_string_equal(live.data, replayed.data);
		wf_buf_done(&live);
		wf_buf_done(&replayed);
	}
	unlink(path);
}

static void a_cut_recording_gives_its_good_part_and_one_line(void **state)
{
	struct wf_buf out;
	char *bytes = NULL;
	size_t len = 0;

	(void)state;
	wf_buf_init(&out, 1 << 20);
	if (getenv("WF_GOLDEN")) {
		assert_int_equal(wf_read_file(GOLDEN "server.wfr", 1 << 20, &bytes, &len, NULL), 0);
		write_file(GOLDEN "cut.wfr", bytes, len - 201);
		free(bytes);
	}
	replay(GOLDEN "cut.wfr", &out);
	compare("cut", &out);
	wf_buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recordings_become_the_spans_they_always_became),
		cmocka_unit_test(a_replay_gives_the_bytes_of_the_live_run),
		cmocka_unit_test(a_cut_recording_gives_its_good_part_and_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
