/* SPDX-License-Identifier: Apache-2.0 */
/* privilege.h - give up every capability, for good. Each thread does it for itself. */
#ifndef WF_BASE_PRIVILEGE_H
#define WF_BASE_PRIVILEGE_H

/* 0 or -errno. */
int wf_privilege_drop(void);

#endif
