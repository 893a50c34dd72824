/* SPDX-License-Identifier: Apache-2.0 */
/*
 * empty.c - the yardstick: programs that do nothing. `empty PID FILE pair|entry
 * OFFSET[:SEMAPHORE]...` attaches them to those places of one process, or of all with PID 0 (entry,
 * or entry and return), says `ready`, and leaves when its stdin ends.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRACE_UPROBE_MULTI 48
#define LINK_CREATE        28
#define FLAG_RETURN        1
#define OFFSETS_MAX        64

static int load_empty(void)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = (enum bpf_attach_type)TRACE_UPROBE_MULTI);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "empty", "GPL", code, 2, &opts);
}

struct sites {
	uint64_t offsets[OFFSETS_MAX], semaphores[OFFSETS_MAX];
	unsigned count;
	bool has_semaphores;
};

static int link_create(const char *path, const struct sites *sites, unsigned flags, pid_t pid)
{
	struct {
		uint32_t prog_fd, target_fd, attach_type, flags;
		uint64_t path, offsets, ref_ctr_offsets, cookies;
		uint32_t count, multi_flags, pid, pad;
	} attr = {
		.prog_fd = (uint32_t)load_empty(),
		.attach_type = TRACE_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)sites->offsets,
		.ref_ctr_offsets = sites->has_semaphores ? (uintptr_t)sites->semaphores : 0,
		.count = sites->count,
		.multi_flags = flags,
		.pid = (uint32_t)pid,
	};

	return (int)syscall(SYS_bpf, LINK_CREATE, &attr, sizeof(attr));
}

static void add_site(struct sites *sites, const char *text)
{
	char *end;

	sites->offsets[sites->count] = strtoull(text, &end, 0);
	sites->semaphores[sites->count] = *end == ':' ? strtoull(end + 1, NULL, 0) : 0;
	sites->has_semaphores |= sites->semaphores[sites->count] != 0;
	sites->count++;
}

int main(int argc, char **argv)
{
	static struct sites sites;
	pid_t pid;

	if (argc < 5 || argc - 4 > OFFSETS_MAX)
		return 2;
	pid = (pid_t)strtol(argv[1], NULL, 10);
	for (int i = 4; i < argc; i++)
		add_site(&sites, argv[i]);
	if (link_create(argv[2], &sites, 0, pid) < 0 ||
	    (strcmp(argv[3], "pair") == 0 && link_create(argv[2], &sites, FLAG_RETURN, pid) < 0)) {
		perror("uprobe_multi link");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
