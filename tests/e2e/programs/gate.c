/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into any program: it waits before main for the tracer, with all its libraries mapped.
 */
#include "traced.h"

__attribute__((constructor)) static void gate(void)
{
	char c;

	unsetenv("LD_PRELOAD");
	dprintf(1, "ready %d\n", (int)getpid());
	while (read(0, &c, 1) == 1 && c != '\n')
		;
}
