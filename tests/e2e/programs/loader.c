/* SPDX-License-Identifier: Apache-2.0 */
/* Loads, calls and unloads libplug.so as often as the first argument says, a line for each step. */
#include "trio.h"

#include <dlfcn.h>

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 2, sum = 0;

	ready();
	for (long round = 0; round < rounds; round++) {
		void *library = dlopen("./libplug.so", RTLD_NOW);
		long (*call)(long) = library ? (long (*)(long))dlsym(library, "plug_call") : NULL;

		if (!call) {
			printf("no library: %s\n", dlerror());
			return 1;
		}
		printf("loaded %ld\n", round);
		wait_line();
		for (long i = 0; i < 100; i++)
			sum += call(i);
		dlclose(library);
		for (long i = 0; i < 10; i++)
			sum += tr_outer(i);
		printf("closed %ld\n", round);
		wait_line();
	}
	printf("sum %ld\n", sum);
	return 0;
}
