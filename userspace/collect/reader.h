/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.h - read a recording back, record by record.
 *
 * The file is not trusted: every size is checked. What stands before a cut or corrupt place is
 * given out whole, then one error says where the file goes wrong. One thread at a time.
 */
#ifndef WF_READER_H
#define WF_READER_H

#include "recording.h"

struct wf_reader;

/* Open a file and check its head. -EBADMSG: not a recording, or damaged; -EPROTO: another ABI. */
int wf_reader_new(const char *path, struct wf_reader **ret, struct wf_err *err);
/* The same on an open descriptor (a pipe too), which it then owns; `name` is for messages. */
int wf_reader_new_fd(int fd, const char *name, struct wf_reader **ret, struct wf_err *err);
void wf_reader_free(struct wf_reader *reader);

/* Lives as long as the reader; members may be NULL. */
const struct wf_recording_info *wf_reader_info(const struct wf_reader *reader);

/*
 * The next record, checked and 8-byte aligned, borrowed until the next call. 1 = a record, 0 = end
 * of the file, negative = damaged or unreadable from here on (say it, keep what came before).
 */
int wf_reader_next(struct wf_reader *reader, const struct wf_rec_head **ret, struct wf_err *err);

WF_DEFINE_FREEP(wf_reader_freep, struct wf_reader, wf_reader_free)

#endif
