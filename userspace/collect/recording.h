/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recording.h - write the ordered record stream to a file.
 *
 * The file: a struct wf_recording_header, the JSON of struct wf_recording_info padded to 8 bytes,
 * then the records as the data thread consumed them (bpf/record.h), each padded to 8 bytes.
 * Everything is little endian. reader.h reads it. Data thread only.
 *
 * Recordings hold captured values, so the file is for its owner only (0600), an existing file is
 * reused only if it is a plain file of the same user, and links are not followed.
 */
#ifndef WF_RECORDING_H
#define WF_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

#define WF_RECORDING_MAGIC "WFTRACE\n"

struct wf_recording_header {
	char magic[8];
	uint32_t abi;          /* WF_ABI */
	uint32_t header_bytes; /* of this struct */
	uint64_t realtime_ns;  /* when it was started */
	uint32_t json_bytes;   /* without padding */
	uint32_t pad;
};

/* Texts are borrowed; NULL = left out. The two JSON ones must be valid JSON. */
struct wf_recording_info {
	uint64_t realtime_ns;
	const char *version; /* of wftrace */
	const char *kernel;  /* release */
	const char *rules_json;
	const char *options_json;
};

struct wf_recording;

struct wf_recording_counters {
	uint64_t records, bytes;
	uint64_t lost; /* records that came after a write failed */
};

/* Create or empty the file and write its head. */
int wf_recording_new(const char *path, const struct wf_recording_info *info,
		     struct wf_recording **ret, struct wf_err *err);
/* Without a flush; use wf_recording_finish before. */
void wf_recording_free(struct wf_recording *recording);

/*
 * Append one record. Buffered. The first failure (disk full) is returned, with the file's name;
 * the file is cut back to its last whole record, later records are counted as lost and answer 0.
 */
int wf_recording_write(struct wf_recording *recording, const struct wf_rec_head *record,
		       struct wf_err *err);
/* Write what is buffered and close. Fails as write does, once. */
int wf_recording_finish(struct wf_recording *recording, struct wf_err *err);
const struct wf_recording_counters *wf_recording_counters(const struct wf_recording *recording);

WF_DEFINE_FREEP(wf_recording_freep, struct wf_recording, wf_recording_free)

#endif
