/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a recording: the reader must end with 0 or one error, and give whole records. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "userspace/collect/reader.h"
#include "userspace/span/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touch every byte, so that the sanitizer sees a record that is shorter than it says. */
static void touch(const struct wf_rec_head *record)
{
	static volatile uint8_t last;

	for (size_t i = 0; i < record->size; i++)
		last = ((const uint8_t *)record)[i];
	(void)last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct wf_reader *reader = NULL;
	const struct wf_rec_head *record;
	struct wf_err err = {0};
	int rc;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	rc = wf_reader_new_fd(fd, "fuzz", &reader, &err);
	while (rc >= 0 && (rc = wf_reader_next(reader, &record, &err)) > 0) {
		if (!wf_wire_check(record, record->size))
			abort();
		touch(record);
	}
	if (rc < 0 && !err.msg[0])
		abort();
	wf_reader_free(reader);
	return 0;
}
