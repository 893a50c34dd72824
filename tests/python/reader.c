/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.c - the tests' tracer: probes the sites of an agent and writes each record as a JSON line.
 *
 * Usage: reader AGENT.so    A line on stdin is answered, once all records before it are out, by
 * {"sync": "LINE", "hits": N, "lost": N, "faults": N}. End of input detaches.
 */
#include <bpf/libbpf.h>
#include <bpf/bpf.h>
#include <gelf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/agent.h"
#include "reader.skel.h"

struct seen {
	__u32 tgid, tid;
	__u64 site;
	__u8 bytes[WF_AGENT_BYTES_MAX];
};

static void put_text(const char *text, unsigned len)
{
	putchar('"');
	for (unsigned i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\' || c < ' ' || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static bool put_values(const __u8 *bytes, unsigned len);

static bool put_value(const struct wf_rec_attr *attr)
{
	const char *payload = (const char *)(attr + 1);
	uint64_t bits = 0;
	double number;

	if (attr->len == 8)
		memcpy(&bits, payload, 8);
	memcpy(&number, &bits, 8);
	switch (attr->type) {
	case WF_VAL_I64:
		printf("%" PRId64, (int64_t)bits);
		return true;
	case WF_VAL_BOOL:
		fputs(bits ? "true" : "false", stdout);
		return true;
	case WF_VAL_F64:
		printf("%.17g", number);
		return true;
	case WF_AGENT_VAL_NONE:
		fputs("null", stdout);
		return true;
	case WF_AGENT_VAL_LIST:
		printf("{\"items\": ");
		put_values((const __u8 *)payload, attr->len);
		printf(", \"of\": %u}", attr->full_len);
		return true;
	case WF_VAL_STRING:
		put_text(payload, attr->len);
		return true;
	default:
		printf("{\"type\": %u, \"text\": ", attr->type);
		put_text(payload, attr->len);
		putchar('}');
		return true;
	}
}

static bool put_values(const __u8 *bytes, unsigned len)
{
	const struct wf_rec_attr *attr;
	unsigned at = 0, whole;

	putchar('[');
	while (at + sizeof(*attr) <= len) {
		attr = (const struct wf_rec_attr *)(bytes + at);
		whole = sizeof(*attr) + ((attr->len + 7u) & ~7u);
		if (at + whole > len)
			return false;
		printf("%s[%u, ", at ? ", " : "", attr->slot);
		put_value(attr);
		printf(", %u]", attr->full_len);
		at += whole;
	}
	putchar(']');
	return at == len;
}

static int on_record(void *context, void *data, size_t bytes)
{
	const struct seen *seen = data;
	const struct wf_agent_record *r = (const void *)seen->bytes;

	(void)context;
	(void)bytes;
	if (r->size != sizeof(*r) + r->tag_bytes || r->size > WF_AGENT_BYTES_MAX) {
		printf("{\"broken\": %u}\n", r->size);
		return 0;
	}
	printf("{\"pid\": %u, \"tid\": %u, \"site\": %" PRIu64
	       ", \"kind\": %u, \"status\": %u, \"flags\": %u, "
	       "\"rule\": %u, \"function\": %u, ",
	       seen->tgid, seen->tid, (uint64_t)seen->site, r->kind, r->status, r->flags, r->rule,
	       r->function);
	printf("\"id\": \"%llx\", \"parent\": \"%llx\", \"root\": \"%llx\", \"trace\": "
	       "\"%016llx%016llx\", "
	       "\"link\": \"%llx\", \"link_root\": \"%llx\", ",
	       r->id, r->parent_id, r->root_id, r->trace_hi, r->trace_lo, r->link_id,
	       r->link_root_id);
	printf("\"start\": %llu, \"end\": %llu, \"parent_start\": %llu, \"root_start\": %llu, "
	       "\"active\": %llu, "
	       "\"suspensions\": %u, \"owner\": %u, \"task\": \"%llx\", \"values\": ",
	       r->start_ns, r->end_ns, r->parent_start_ns, r->root_start_ns, r->active_ns,
	       r->suspensions, r->owner_tid, r->task_key);
	put_values(seen->bytes + sizeof(*r), r->tag_bytes);
	printf("}\n");
	return 0;
}

/* Offset in the file of a symbol. */
static long offset_of(Elf *elf, const char *name)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header, at;
	Elf_Data *data;
	GElf_Sym symbol;
	const char *found;

	while ((section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNSYM)
			continue;
		data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
			found = elf_strptr(elf, header.sh_link, symbol.st_name);
			if (!found || strcmp(found, name) ||
			    !gelf_getshdr(elf_getscn(elf, symbol.st_shndx), &at))
				continue;
			return (long)(symbol.st_value - at.sh_addr + at.sh_offset);
		}
	}
	fprintf(stderr, "reader: no symbol %s\n", name);
	exit(1);
}

static struct bpf_link *probe(struct bpf_program *program, const char *path, Elf *elf,
			      const char *site)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options,
		    .ref_ctr_offset = (size_t)offset_of(elf, "wf_agent_gate"));
	struct bpf_link *link = bpf_program__attach_uprobe_opts(
		program, -1, path, (size_t)offset_of(elf, site), &options);

	if (!link) {
		perror("reader: attach");
		exit(1);
	}
	return link;
}

static void serve(struct reader_bpf *skeleton, struct ring_buffer *ring)
{
	struct pollfd input = {.fd = 0, .events = POLLIN};
	char line[256];

	for (;;) {
		int ready = poll(&input, 1, 20);

		ring_buffer__consume(ring);
		if (ready <= 0)
			continue;
		if (!fgets(line, sizeof(line), stdin))
			return;
		line[strcspn(line, "\n")] = 0;
		ring_buffer__consume(ring);
		printf("{\"sync\": \"%s\", \"hits\": %llu, \"lost\": %llu, \"faults\": %llu}\n",
		       line, skeleton->bss->hits, skeleton->bss->lost, skeleton->bss->faults);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	static const char *const sites[] = {"wf_site_span", "wf_site_start", "wf_site_note"};
	struct bpf_program *programs[3];
	struct bpf_link *links[3];
	struct reader_bpf *skeleton;
	struct ring_buffer *ring;
	Elf *elf;
	int fd, count = argc > 2 ? atoi(argv[2]) : 3;

	if (argc < 2 || count < 1 || count > 3 || elf_version(EV_CURRENT) == EV_NONE)
		return 2;
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	skeleton = reader_bpf__open_and_load();
	if (!elf || !skeleton) {
		perror("reader: load");
		return 1;
	}
	programs[0] = skeleton->progs.on_span;
	programs[1] = skeleton->progs.on_start;
	programs[2] = skeleton->progs.on_note;
	for (int i = 0; i < count; i++)
		links[i] = probe(programs[i], argv[1], elf, sites[i]);
	ring = ring_buffer__new(bpf_map__fd(skeleton->maps.ring), on_record, NULL, NULL);
	if (!ring)
		return 1;
	printf("{\"ready\": true}\n");
	fflush(stdout);
	serve(skeleton, ring);
	for (int i = 0; i < count; i++)
		bpf_link__destroy(links[i]);
	reader_bpf__destroy(skeleton);
	return 0;
}
