/* SPDX-License-Identifier: Apache-2.0 */
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "userspace/base/json.h"
#include "userspace/span/wire.h"

#define BUFFER_BYTES (256 * 1024)

struct wf_recording {
	int fd;
	char *path;
	bool failed;
	struct wf_recording_counters counters;
	uint64_t safe_bytes;     /* file length up to the last whole record */
	uint64_t buffer_records; /* whole records in the buffer */
	size_t buffer_used;
	unsigned char buffer[BUFFER_BYTES];
};

void wf_recording_free(struct wf_recording *recording)
{
	if (!recording)
		return;
	wf_closep(&recording->fd);
	free(recording->path);
	free(recording);
}

/* Reuse an existing file only where nobody else can be reading it or be overwritten by it. */
static int open_existing(const char *path, struct wf_err *err)
{
	wf_auto(wf_closep) int fd =
		open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return wf_err_set(err, errno, "%s: cannot open for writing: %s", path,
				  errno == ELOOP ? "it is a symbolic link" : strerror(errno));
	if (fstat(fd, &st) < 0)
		return wf_err_set(err, errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return wf_err_set(err, EINVAL, "%s: not a regular file; name another one", path);
	if (st.st_uid != geteuid() || st.st_nlink > 1)
		return wf_err_set(err, EPERM,
				  "%s: belongs to another user or has a second name; remove it or "
				  "name another file",
				  path);
	if (fchmod(fd, 0600) < 0 || ftruncate(fd, 0) < 0)
		return wf_err_set(err, errno, "%s: cannot empty it: %s", path, strerror(errno));
	return wf_take_fd(&fd);
}

static int open_file(const char *path, struct wf_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (errno == EEXIST)
		return open_existing(path, err);
	return wf_err_set(err, errno, "%s: cannot create: %s", path, strerror(errno));
}

static int write_all(int fd, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Once: say what happened, cut the half record off, stop writing. */
static int fail(struct wf_recording *recording, int rc, struct wf_err *err)
{
	recording->failed = true;
	recording->counters.lost += recording->buffer_records;
	recording->counters.records -= recording->buffer_records;
	recording->buffer_records = 0;
	recording->buffer_used = 0;
	if (ftruncate(recording->fd, (off_t)recording->safe_bytes) < 0)
		return wf_err_set(err, -rc,
				  "%s: cannot write: %s; the recording ends in a cut record",
				  recording->path, strerror(-rc));
	return wf_err_set(err, -rc,
			  "%s: cannot write: %s; the recording ends here, tracing goes on",
			  recording->path, strerror(-rc));
}

static int flush(struct wf_recording *recording, struct wf_err *err)
{
	int rc = write_all(recording->fd, recording->buffer, recording->buffer_used);

	if (rc < 0)
		return fail(recording, rc, err);
	recording->safe_bytes += recording->buffer_used;
	recording->counters.bytes = recording->safe_bytes;
	recording->buffer_used = 0;
	recording->buffer_records = 0;
	return 0;
}

static void set_text(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, json_string(text));
}

static int set_json(json_t *object, const char *key, const char *text, struct wf_err *err)
{
	struct wf_err why = {0};
	json_t *value;
	int rc = text ? wf_json_read(text, strlen(text), &value, &why) : 0;

	if (rc == -ENOMEM)
		return wf_err_set(err, ENOMEM, "out of memory");
	if (rc < 0)
		return wf_err_set(err, EINVAL, "%s of the recording: %s", key, why.msg);
	if (!text)
		return 0;
	return json_object_set_new(object, key, value) ? wf_err_set(err, ENOMEM, "out of memory")
						       : 0;
}

static int info_to_json(const struct wf_recording_info *info, char **ret, struct wf_err *err)
{
	json_t *object;
	int rc;

	errno = 0; /* set where any of this finds no memory */
	object = json_object();
	set_text(object, "version", info->version);
	set_text(object, "kernel", info->kernel);
	rc = set_json(object, "rules", info->rules_json, err);
	if (!rc)
		rc = set_json(object, "options", info->options_json, err);
	if (!rc) {
		*ret = json_dumps(object, JSON_COMPACT);
		rc = *ret ? 0 : -ENOMEM;
	}
	if (rc == -ENOMEM || errno == ENOMEM)
		rc = wf_err_set(err, ENOMEM, "out of memory");
	json_decref(object);
	return rc;
}

static int write_head(struct wf_recording *recording, const struct wf_recording_info *info,
		      struct wf_err *err)
{
	static const char zeros[8];
	wf_auto(wf_freep) char *json = NULL;
	struct wf_recording_header header = {.abi = WF_ABI, .header_bytes = sizeof(header)};
	size_t len, padded;
	int rc = info_to_json(info, &json, err);

	if (rc < 0)
		return rc;
	len = strlen(json);
	padded = (len + 7) & ~(size_t)7;
	if (len > UINT32_MAX)
		return wf_err_set(err, E2BIG, "%s: the rules are too long", recording->path);
	memcpy(header.magic, WF_RECORDING_MAGIC, sizeof(header.magic));
	header.realtime_ns = info->realtime_ns;
	header.json_bytes = (uint32_t)len;
	rc = write_all(recording->fd, &header, sizeof(header));
	if (!rc)
		rc = write_all(recording->fd, json, len);
	if (!rc)
		rc = write_all(recording->fd, zeros, padded - len);
	if (rc < 0)
		return wf_err_set(err, -rc, "%s: cannot write: %s", recording->path, strerror(-rc));
	recording->safe_bytes = sizeof(header) + padded;
	recording->counters.bytes = recording->safe_bytes;
	return 0;
}

int wf_recording_new(const char *path, const struct wf_recording_info *info,
		     struct wf_recording **ret, struct wf_err *err)
{
	wf_auto(wf_recording_freep) struct wf_recording *recording = malloc(sizeof(*recording));
	int rc;

	if (!recording)
		return wf_err_set(err, ENOMEM, "out of memory");
	memset(recording, 0, offsetof(struct wf_recording, buffer));
	recording->fd = -1;
	recording->path = strdup(path);
	if (!recording->path)
		return wf_err_set(err, ENOMEM, "out of memory");
	recording->fd = open_file(path, err);
	if (recording->fd < 0)
		return recording->fd;
	rc = write_head(recording, info, err);
	if (rc < 0)
		return rc;
	*ret = wf_take(recording);
	return 0;
}

int wf_recording_write(struct wf_recording *recording, const struct wf_rec_head *record,
		       struct wf_err *err)
{
	size_t padded = wf_wire_padded(record);
	int rc = 0;

	if (recording->failed) {
		recording->counters.lost++;
		return 0;
	}
	if (BUFFER_BYTES - recording->buffer_used < padded)
		rc = flush(recording, err);
	if (rc < 0) {
		recording->counters.lost++;
		return rc;
	}
	memcpy(recording->buffer + recording->buffer_used, record, record->size);
	memset(recording->buffer + recording->buffer_used + record->size, 0, padded - record->size);
	recording->buffer_used += padded;
	recording->buffer_records++;
	recording->counters.records++;
	return 0;
}

int wf_recording_finish(struct wf_recording *recording, struct wf_err *err)
{
	int rc = recording->failed ? 0 : flush(recording, err);

	/* Some file systems report a full disk or quota only here. */
	if (close(wf_take_fd(&recording->fd)) < 0 && !rc && !recording->failed) {
		int code = errno;

		recording->failed = true;
		return wf_err_set(err, code, "%s: cannot write: %s", recording->path,
				  strerror(code));
	}
	return rc;
}

const struct wf_recording_counters *wf_recording_counters(const struct wf_recording *recording)
{
	return &recording->counters;
}
