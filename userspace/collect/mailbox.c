// SPDX-License-Identifier: Apache-2.0
#include "mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "userspace/base/buf.h"
#include "userspace/base/clock.h"

struct wf_mailbox {
	pthread_mutex_t lock;
	struct wf_buf filling, taking; /* swapped by the taker */
	uint64_t lost;
	int fd;
};

int wf_mailbox_new(size_t max_bytes, struct wf_mailbox **ret, struct wf_err *err)
{
	wf_auto(wf_mailbox_freep) struct wf_mailbox *mailbox = calloc(1, sizeof(*mailbox));

	if (!mailbox)
		return wf_err_set(err, ENOMEM, "out of memory");
	pthread_mutex_init(&mailbox->lock, NULL);
	wf_buf_init(&mailbox->filling, max_bytes);
	wf_buf_init(&mailbox->taking, max_bytes);
	mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->fd < 0)
		return wf_err_set(err, errno, "eventfd: %s", strerror(errno));
	*ret = wf_take(mailbox);
	return 0;
}

void wf_mailbox_free(struct wf_mailbox *mailbox)
{
	if (!mailbox)
		return;
	wf_buf_done(&mailbox->filling);
	wf_buf_done(&mailbox->taking);
	if (mailbox->fd >= 0)
		close(mailbox->fd);
	pthread_mutex_destroy(&mailbox->lock);
	free(mailbox);
}

static int put_padded(struct wf_mailbox *mailbox, const void *head, size_t head_len,
		      const void *body, size_t body_len)
{
	static const char zeros[8];
	size_t total = head_len + body_len, pad = -total & 7;
	uint64_t one = 1;
	int rc = -ENOSPC;

	pthread_mutex_lock(&mailbox->lock);
	if (mailbox->filling.len + total + pad <= mailbox->filling.max) {
		rc = wf_buf_append(&mailbox->filling, head, head_len);
		rc = rc < 0 ? rc : wf_buf_append(&mailbox->filling, body, body_len);
		rc = rc < 0 ? rc : wf_buf_append(&mailbox->filling, zeros, pad);
	}
	if (rc < 0)
		mailbox->lost++;
	pthread_mutex_unlock(&mailbox->lock);
	if (rc == 0 && write(mailbox->fd, &one, sizeof(one)) < 0)
		return 0; /* the counter is full: the reader is woken anyway */
	return rc;
}

int wf_mailbox_put(struct wf_mailbox *mailbox, const struct wf_rec_head *record)
{
	return put_padded(mailbox, record, record->size, NULL, 0);
}

int wf_mailbox_put_text(struct wf_mailbox *mailbox, uint16_t kind, uint32_t span, uint32_t tgid,
			const char *json)
{
	size_t len = strlen(json), size = sizeof(struct wf_rec_text) + ((len + 7) & ~(size_t)7);
	struct wf_rec_text text = {
		.head = {.kind = kind, .span = span, .tid = tgid, .tgid = tgid},
		.len = len,
	};

	if (size > UINT16_MAX)
		return -E2BIG;
	text.head.size = size;
	text.head.time_ns = wf_clock_monotonic_ns();
	return put_padded(mailbox, &text, sizeof(text), json, len);
}

void wf_mailbox_take(struct wf_mailbox *mailbox, wf_mailbox_deliver deliver, void *context)
{
	uint64_t count;
	struct wf_buf swap;

	if (read(mailbox->fd, &count, sizeof(count)) < 0)
		return; /* nothing waits */
	pthread_mutex_lock(&mailbox->lock);
	swap = mailbox->taking;
	mailbox->taking = mailbox->filling;
	mailbox->filling = swap;
	pthread_mutex_unlock(&mailbox->lock);
	for (size_t at = 0; at < mailbox->taking.len;) {
		const struct wf_rec_head *record = (const void *)(mailbox->taking.data + at);

		deliver(context, record);
		at += ((size_t)record->size + 7) & ~(size_t)7;
	}
	wf_buf_reset(&mailbox->taking);
}

int wf_mailbox_fd(const struct wf_mailbox *mailbox)
{
	return mailbox->fd;
}

uint64_t wf_mailbox_lost(const struct wf_mailbox *mailbox)
{
	return mailbox->lost;
}
