/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "userspace/base/json.h"
#include "userspace/span/wire.h"

#define BUFFER_BYTES   (256 * 1024)
#define JSON_BYTES_MAX (16 * 1024 * 1024)

struct wf_reader {
	int fd;
	char *name;
	struct wf_recording_info info;
	char *version, *kernel, *rules, *options;
	uint64_t offset; /* in the file, of buffer[start] */
	size_t start, end;
	bool at_end;
	_Alignas(8) unsigned char buffer[BUFFER_BYTES];
};

void wf_reader_free(struct wf_reader *reader)
{
	if (!reader)
		return;
	wf_closep(&reader->fd);
	free(reader->name);
	free(reader->version);
	free(reader->kernel);
	free(reader->rules);
	free(reader->options);
	free(reader);
}

static size_t buffered(const struct wf_reader *reader)
{
	return reader->end - reader->start;
}

/* Have `want` bytes in the buffer, or what is left of the file. */
static int fill(struct wf_reader *reader, size_t want, struct wf_err *err)
{
	if (buffered(reader) >= want)
		return 0;
	memmove(reader->buffer, reader->buffer + reader->start, buffered(reader));
	reader->end -= reader->start;
	reader->start = 0;
	while (reader->end < want && !reader->at_end) {
		ssize_t n =
			read(reader->fd, reader->buffer + reader->end, BUFFER_BYTES - reader->end);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return wf_err_set(err, errno, "%s: cannot read: %s", reader->name,
					  strerror(errno));
		reader->at_end = n == 0;
		reader->end += (size_t)n;
	}
	return 0;
}

static void consume(struct wf_reader *reader, size_t bytes)
{
	reader->start += bytes;
	reader->offset += bytes;
}

static char *dup_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? strdup(text) : NULL;
}

static char *dup_json(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

static int parse_info(struct wf_reader *reader, const char *text, size_t len, struct wf_err *err)
{
	struct wf_err why = {0};
	json_t *object = NULL;

	errno = 0; /* set where any of this finds no memory */
	if (wf_json_read(text, len, &object, &why) == -ENOMEM)
		return wf_err_set(err, ENOMEM, "out of memory");
	if (!json_is_object(object)) {
		json_decref(object);
		return wf_err_set(err, EBADMSG, "%s: damaged head: %s", reader->name,
				  object ? "not an object" : why.msg);
	}
	reader->version = dup_text(object, "version");
	reader->kernel = dup_text(object, "kernel");
	reader->rules = dup_json(object, "rules");
	reader->options = dup_json(object, "options");
	json_decref(object);
	reader->info.version = reader->version;
	reader->info.kernel = reader->kernel;
	reader->info.rules_json = reader->rules;
	reader->info.options_json = reader->options;
	return errno == ENOMEM ? wf_err_set(err, ENOMEM, "out of memory") : 0;
}

/* The JSON may be longer than the buffer. */
static int read_json(struct wf_reader *reader, size_t len, struct wf_err *err)
{
	size_t padded = (len + 7) & ~(size_t)7, done = 0;
	wf_auto(wf_freep) char *text = malloc(padded + 1);

	if (!text)
		return wf_err_set(err, ENOMEM, "out of memory");
	while (done < padded) {
		size_t part = padded - done;
		int rc = fill(reader, 1, err);

		if (rc < 0)
			return rc;
		if (part > buffered(reader))
			part = buffered(reader);
		if (!part)
			return wf_err_set(err, EBADMSG,
					  "%s: the recording ends in its head, at byte %" PRIu64,
					  reader->name, reader->offset);
		memcpy(text + done, reader->buffer + reader->start, part);
		consume(reader, part);
		done += part;
	}
	return parse_info(reader, text, len, err);
}

static int read_head(struct wf_reader *reader, struct wf_err *err)
{
	struct wf_recording_header header;
	int rc = fill(reader, sizeof(header), err);

	if (rc < 0)
		return rc;
	if (buffered(reader) < sizeof(header) ||
	    memcmp(reader->buffer, WF_RECORDING_MAGIC, sizeof(header.magic)) != 0)
		return wf_err_set(err, EBADMSG, "%s: not a wftrace recording", reader->name);
	memcpy(&header, reader->buffer, sizeof(header));
	if (header.abi != WF_ABI)
		return wf_err_set(err, EPROTO,
				  "%s: recorded with record format %u, this wftrace reads %u; "
				  "replay it with the version that made it",
				  reader->name, header.abi, WF_ABI);
	if (header.header_bytes != sizeof(header) || header.json_bytes > JSON_BYTES_MAX)
		return wf_err_set(err, EBADMSG, "%s: damaged head", reader->name);
	consume(reader, sizeof(header));
	reader->info.realtime_ns = header.realtime_ns;
	return read_json(reader, header.json_bytes, err);
}

int wf_reader_new_fd(int fd, const char *name, struct wf_reader **ret, struct wf_err *err)
{
	wf_auto(wf_closep) int owned = fd;
	wf_auto(wf_reader_freep) struct wf_reader *reader = malloc(sizeof(*reader));
	int rc;

	if (!reader)
		return wf_err_set(err, ENOMEM, "out of memory");
	memset(reader, 0, offsetof(struct wf_reader, buffer));
	reader->fd = wf_take_fd(&owned);
	reader->name = strdup(name);
	if (!reader->name)
		return wf_err_set(err, ENOMEM, "out of memory");
	rc = read_head(reader, err);
	if (rc < 0)
		return rc;
	*ret = wf_take(reader);
	return 0;
}

int wf_reader_new(const char *path, struct wf_reader **ret, struct wf_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return wf_err_set(err, errno, "%s: cannot open: %s", path, strerror(errno));
	return wf_reader_new_fd(fd, path, ret, err);
}

const struct wf_recording_info *wf_reader_info(const struct wf_reader *reader)
{
	return &reader->info;
}

static int damaged(const struct wf_reader *reader, const char *what, struct wf_err *err)
{
	return wf_err_set(err, EBADMSG,
			  "%s: %s at byte %" PRIu64 "; what stands before it was read",
			  reader->name, what, reader->offset);
}

int wf_reader_next(struct wf_reader *reader, const struct wf_rec_head **ret, struct wf_err *err)
{
	const struct wf_rec_head *head;
	size_t padded;
	int rc = fill(reader, sizeof(*head), err);

	if (rc < 0)
		return rc;
	if (!buffered(reader))
		return 0;
	if (buffered(reader) < sizeof(*head))
		return damaged(reader, "the recording is cut", err);
	head = (const struct wf_rec_head *)(reader->buffer + reader->start);
	padded = wf_wire_padded(head);
	if (padded < sizeof(*head))
		return damaged(reader, "damaged record", err);
	rc = fill(reader, padded, err);
	if (rc < 0)
		return rc;
	head = (const struct wf_rec_head *)(reader->buffer + reader->start);
	if (buffered(reader) < padded)
		return damaged(reader, "the recording is cut", err);
	if (!wf_wire_check(head, padded))
		return damaged(reader, "damaged record", err);
	consume(reader, padded);
	*ret = head;
	return 1;
}
