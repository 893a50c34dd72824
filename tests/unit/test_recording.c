/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/collect/reader.h"
#include "userspace/collect/recording.h"

static const struct wf_recording_info sample_info = {
	.realtime_ns = 1700000000000000000ull,
	.version = "0.1.0",
	.kernel = "6.1.0",
	.rules_json = "{\"rules\":[]}",
	.options_json = "{\"depth\":3}",
};

struct place {
	char dir[64], path[96], other[96];
};

static int place_make(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	snprintf(place->dir, sizeof(place->dir), "/tmp/wftrace-test-XXXXXX");
	if (!mkdtemp(place->dir))
		return -1;
	snprintf(place->path, sizeof(place->path), "%s/a.wfr", place->dir);
	snprintf(place->other, sizeof(place->other), "%s/b.wfr", place->dir);
	*state = place;
	return 0;
}

static int place_remove(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	unlink(place->other);
	rmdir(place->dir);
	free(place);
	return 0;
}

static struct wf_rec_span sample_record(uint64_t i)
{
	return (struct wf_rec_span){
		.head = {.kind = WF_REC_SPAN, .size = sizeof(struct wf_rec_span), .time_ns = i},
		.id = i,
	};
}

static void write_sample(const char *path, uint64_t records)
{
	struct wf_recording *recording = NULL;
	struct wf_err err = {0};

	assert_int_equal(wf_recording_new(path, &sample_info, &recording, &err), 0);
	for (uint64_t i = 1; i <= records; i++) {
		struct wf_rec_span record = sample_record(i);

		assert_int_equal(wf_recording_write(recording, &record.head, &err), 0);
	}
	assert_int_equal(wf_recording_finish(recording, &err), 0);
	assert_int_equal(wf_recording_counters(recording)->records, records);
	wf_recording_free(recording);
}

/* Reads until the end or an error; returns the records read, and the last answer in *rc. */
static uint64_t read_all(const char *path, int *rc, struct wf_err *err)
{
	struct wf_reader *reader = NULL;
	const struct wf_rec_head *head;
	uint64_t count = 0;

	*rc = wf_reader_new(path, &reader, err);
	if (*rc < 0)
		return 0;
	while ((*rc = wf_reader_next(reader, &head, err)) > 0)
		assert_int_equal(head->time_ns, ++count);
	wf_reader_free(reader);
	return count;
}

static void what_was_written_is_read_back(void **state)
{
	struct place *place = *state;
	struct wf_reader *reader = NULL;
	struct wf_err err = {0};
	struct stat st;
	int rc;

	write_sample(place->path, 5000);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(read_all(place->path, &rc, &err), 5000);
	assert_int_equal(rc, 0);
	assert_int_equal(wf_reader_new(place->path, &reader, &err), 0);
	assert_int_equal(wf_reader_info(reader)->realtime_ns, sample_info.realtime_ns);
	assert_string_equal(wf_reader_info(reader)->version, "0.1.0");
	assert_string_equal(wf_reader_info(reader)->kernel, "6.1.0");
	assert_string_equal(wf_reader_info(reader)->rules_json, "{\"rules\":[]}");
	assert_string_equal(wf_reader_info(reader)->options_json, "{\"depth\":3}");
	wf_reader_free(reader);
}

static void an_existing_file_is_emptied_and_made_private(void **state)
{
	struct place *place = *state;
	struct wf_err err = {0};
	struct stat st;
	int rc;

	write_sample(place->path, 5000);
	assert_int_equal(chmod(place->path, 0644), 0);
	write_sample(place->path, 3);
	assert_int_equal(read_all(place->path, &rc, &err), 3);
	assert_int_equal(rc, 0);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void what_is_not_a_plain_file_of_ours_is_refused(void **state)
{
	struct place *place = *state;
	struct wf_recording *recording = NULL;
	struct wf_err err = {0};

	assert_int_equal(symlink(place->other, place->path), 0);
	assert_int_equal(wf_recording_new(place->path, &sample_info, &recording, &err), -ELOOP);
	assert_non_null(strstr(err.msg, place->path));
	assert_int_equal(unlink(place->path), 0);
	assert_int_equal(mkfifo(place->path, 0600), 0);
	assert_true(wf_recording_new(place->path, &sample_info, &recording, &err) < 0);
	assert_int_equal(wf_recording_new("/dev/null", &sample_info, &recording, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "not a regular file"));
	assert_int_equal(wf_recording_new("/nowhere/x", &sample_info, &recording, &err), -ENOENT);
	assert_null(recording);
}

/* The file size limit stands for a full disk: write() fails in the middle in the same way. */
static void a_full_disk_is_said_once_and_leaves_whole_records(void **state)
{
	struct place *place = *state;
	struct rlimit before, limit;
	struct wf_recording *recording = NULL;
	struct wf_err err = {0};
	uint64_t failures = 0, read;
	int rc;

	assert_int_equal(wf_recording_new(place->path, &sample_info, &recording, &err), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 600001;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (uint64_t i = 1; i <= 10000; i++) {
		struct wf_rec_span record = sample_record(i);

		failures += wf_recording_write(recording, &record.head, &err) < 0;
	}
	assert_int_equal(wf_recording_finish(recording, &err), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(failures, 1);
	assert_non_null(strstr(err.msg, place->path));
	read = read_all(place->path, &rc, &err);
	assert_int_equal(rc, 0);
	assert_int_equal(read, wf_recording_counters(recording)->records);
	assert_int_equal(wf_recording_counters(recording)->lost, 10000 - read);
	assert_true(read > 1000);
	wf_recording_free(recording);
}

static void a_cut_file_gives_what_was_good_and_one_error(void **state)
{
	struct place *place = *state;
	struct stat st;

	write_sample(place->path, 20);
	assert_int_equal(stat(place->path, &st), 0);
	for (off_t cut = st.st_size - 1; cut > st.st_size - 400; cut--) {
		struct wf_err err = {0};
		uint64_t whole = 20 - (uint64_t)(st.st_size - cut + 127) / 128;
		bool clean = (st.st_size - cut) % 128 == 0;
		int rc;

		assert_int_equal(truncate(place->path, cut), 0);
		assert_int_equal(read_all(place->path, &rc, &err), whole);
		assert_int_equal(rc, clean ? 0 : -EBADMSG);
		if (!clean)
			assert_non_null(strstr(err.msg, "at byte"));
	}
}

static void patch(const char *path, off_t at, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
	close(fd);
}

static void damage_is_found_wherever_it_is(void **state)
{
	struct place *place = *state;
	static const struct {
		off_t at; /* negative: from the end */
		const char *bytes;
		size_t len;
		int rc;
		uint64_t good;
		const char *says;
	} cases[] = {
		{0, "X", 1, -EBADMSG, 0, "not a wftrace recording"},
		{8, "\x63", 1, -EPROTO, 0, "record format 99"},
		{12, "\xff", 1, -EBADMSG, 0, "damaged head"},
		{24, "\xff\xff\xff\x7f", 4, -EBADMSG, 0, "damaged head"},
		{24, "\xff\xff\x0f\x00", 4, -EBADMSG, 0, "ends in its head"},
		{32, "!", 1, -EBADMSG, 0, "damaged head"},
		/* size of the last of ten records: too short for its kind, zero, too long */
		{-126, "\x40\x00", 2, -EBADMSG, 9, "damaged record"},
		{-126, "\x00\x00", 2, -EBADMSG, 9, "damaged record"},
		{-126, "\xff\xff", 2, -EBADMSG, 9, "is cut"},
		/* attribute bytes beyond the record */
		{-8, "\x08\x00", 2, -EBADMSG, 9, "damaged record"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wf_err err = {0};
		struct stat st;
		int rc;

		write_sample(place->path, 10);
		assert_int_equal(stat(place->path, &st), 0);
		patch(place->path, cases[i].at < 0 ? st.st_size + cases[i].at : cases[i].at,
		      cases[i].bytes, cases[i].len);
		assert_int_equal(read_all(place->path, &rc, &err), cases[i].good);
		assert_int_equal(rc, cases[i].rc);
		assert_non_null(strstr(err.msg, cases[i].says));
		assert_non_null(strstr(err.msg, place->path));
	}
}

static void a_head_longer_than_the_buffer_is_read(void **state)
{
	struct place *place = *state;
	struct wf_recording_info info = sample_info;
	char *rules = malloc(1000003);
	struct wf_recording *recording = NULL;
	struct wf_reader *reader = NULL;
	const struct wf_rec_head *head;

	memset(rules, 'x', 1000002);
	rules[0] = rules[1000001] = '"';
	rules[1000002] = '\0';
	info.rules_json = rules;
	assert_int_equal(wf_recording_new(place->path, &info, &recording, NULL), 0);
	assert_int_equal(wf_recording_finish(recording, NULL), 0);
	wf_recording_free(recording);
	assert_int_equal(wf_reader_new(place->path, &reader, NULL), 0);
	assert_string_equal(wf_reader_info(reader)->rules_json, rules);
	assert_int_equal(wf_reader_next(reader, &head, NULL), 0);
	wf_reader_free(reader);
	free(rules);
}

#define ON_A_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_PLACE(what_was_written_is_read_back),
		ON_A_PLACE(an_existing_file_is_emptied_and_made_private),
		ON_A_PLACE(what_is_not_a_plain_file_of_ours_is_refused),
		ON_A_PLACE(a_full_disk_is_said_once_and_leaves_whole_records),
		ON_A_PLACE(a_cut_file_gives_what_was_good_and_one_error),
		ON_A_PLACE(damage_is_found_wherever_it_is),
		ON_A_PLACE(a_head_longer_than_the_buffer_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
