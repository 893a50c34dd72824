/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner.h - the user that a process belongs to, by the name that its own root gives.
 *
 * Not through NSS: its modules may ask the network, and know the host's users only. What is read
 * is the target's /etc/passwd, which is hostile input. Control thread.
 */
#ifndef WF_OWNER_H
#define WF_OWNER_H

#include <stddef.h>

#include "userspace/target/target.h"

/* -ENOENT where its root does not name the user. */
int wf_owner_name(const struct wf_target *target, char *out, size_t size);

#endif
