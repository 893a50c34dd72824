/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox.h - a bounded queue of records from one thread to another.
 *
 * Control hands RESOURCE and DEFINE records to data, data hands PROCESS and NOTE records to
 * control. Any thread. The fd is readable while something waits.
 */
#ifndef WF_MAILBOX_H
#define WF_MAILBOX_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

struct wf_mailbox;

typedef void (*wf_mailbox_deliver)(void *context, const struct wf_rec_head *record);

int wf_mailbox_new(size_t max_bytes, struct wf_mailbox **ret, struct wf_err *err);
void wf_mailbox_free(struct wf_mailbox *mailbox);
/* Copies the record. -ENOSPC at the maximum, counted. */
int wf_mailbox_put(struct wf_mailbox *mailbox, const struct wf_rec_head *record);
/* A text record (RESOURCE, DEFINE) made on the fly. */
int wf_mailbox_put_text(struct wf_mailbox *mailbox, uint16_t kind, uint32_t span, uint32_t tgid,
			const char *json);
/* Hand over everything that waits, in order. */
void wf_mailbox_take(struct wf_mailbox *mailbox, wf_mailbox_deliver deliver, void *context);
int wf_mailbox_fd(const struct wf_mailbox *mailbox);
uint64_t wf_mailbox_lost(const struct wf_mailbox *mailbox);

WF_DEFINE_FREEP(wf_mailbox_freep, struct wf_mailbox, wf_mailbox_free)

#endif
