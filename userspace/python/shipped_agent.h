/* SPDX-License-Identifier: Apache-2.0 */
/* shipped_agent.h - what goes into a Python process, embedded in the binary: the .so, and the
 * script of boot.py. Both end with a NUL that is not counted. */
#ifndef WF_SHIPPED_AGENT_H
#define WF_SHIPPED_AGENT_H

#include <stddef.h>

extern const unsigned char wf_agent_image[];
extern const size_t wf_agent_image_bytes;
extern const unsigned char wf_agent_script[];
extern const size_t wf_agent_script_bytes;

#endif
