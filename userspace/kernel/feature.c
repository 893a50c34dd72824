// SPDX-License-Identifier: Apache-2.0
#include "feature.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "userspace/base/str.h"

#define TRACE_UPROBE_MULTI 48
#define LINK_CREATE        28
#define SYSCALL_UPROBE     336

static const struct {
	const char *name;
	int number;
} caps[WF_CAPS] = {
	[WF_CAP_BPF] = {"BPF", CAP_BPF},
	[WF_CAP_PERFMON] = {"PERFMON", CAP_PERFMON},
	[WF_CAP_SYS_PTRACE] = {"SYS_PTRACE", CAP_SYS_PTRACE},
	[WF_CAP_DAC_READ_SEARCH] = {"DAC_READ_SEARCH", CAP_DAC_READ_SEARCH},
	[WF_CAP_CHECKPOINT_RESTORE] = {"CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE},
	[WF_CAP_SYS_ADMIN] = {"SYS_ADMIN", CAP_SYS_ADMIN},
};

const char *wf_cap_name(enum wf_cap cap)
{
	return caps[cap].name;
}

/* A program that does nothing, of the kind that multi links want. */
static int load_empty_program(void)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = (enum bpf_attach_type)TRACE_UPROBE_MULTI);

	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "wf_probe", "GPL", code, 2, &opts);
}

/* The errno with which a multi link to "/" is refused tells how far the kernel got. */
static int refused_link(int prog_fd, int pid)
{
	uint64_t offset = 0;
	struct {
		uint32_t prog_fd, target_fd, attach_type, flags;
		uint64_t path, offsets, ref_ctr_offsets, cookies;
		uint32_t count, multi_flags, pid, pad;
	} attr = {
		.prog_fd = prog_fd,
		.attach_type = TRACE_UPROBE_MULTI,
		.path = (uintptr_t) "/",
		.offsets = (uintptr_t)&offset,
		.count = 1,
		.pid = pid,
	};
	int fd = syscall(SYS_bpf, LINK_CREATE, &attr, sizeof(attr));

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void probe_multi(struct wf_features *features)
{
	wf_auto(wf_closep) int prog = load_empty_program();

	if (prog < 0)
		return;
	/* "/" is no regular file: a kernel that knows the link type says EBADF */
	features->uprobe_multi = refused_link(prog, 0) == EBADF;
	/* The fix that made the pid filter cover all threads also checks the pid's range first. */
	features->pid_filter = features->uprobe_multi && refused_link(prog, -1) == EINVAL;
}

static enum wf_nop5 probe_nop5(void)
{
	if (syscall(SYSCALL_UPROBE) == 0)
		return WF_NOP5_UNSAFE; /* unknown behaviour: assume the worst */
	if (errno == ENOSYS)
		return WF_NOP5_PLAIN;
	return errno == EPROTO ? WF_NOP5_FIXED : WF_NOP5_UNSAFE;
}

static void read_caps(struct wf_features *features, const char *status)
{
	const char *line = strstr(status, "\nCapEff:");
	uint64_t effective = 0;

	if (!line || sscanf(line, " CapEff: %" SCNx64, &effective) != 1)
		return;
	for (int i = 0; i < WF_CAPS; i++)
		if (effective >> caps[i].number & 1)
			features->effective_caps |= 1u << i;
}

/* In the initial namespace a process has one pid; its namespace also has a fixed inode number. */
static bool in_initial_pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == 0xeffffffcu;
}

static void read_lockdown(struct wf_features *features)
{
	wf_auto(wf_freep) char *text = NULL;
	char *start, *end;

	if (wf_read_file("/sys/kernel/security/lockdown", 256, &text, NULL, NULL) < 0)
		return;
	start = strchr(text, '[');
	end = start ? strchr(start, ']') : NULL;
	if (end && (size_t)(end - start) < sizeof(features->lockdown))
		memcpy(features->lockdown, start + 1, end - start - 1);
}

int wf_feature_probe(struct wf_features *ret, struct wf_err *err)
{
	wf_auto(wf_freep) char *status = NULL;
	struct utsname name;
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = wf_read_file("/proc/self/status", 1 << 16, &status, NULL, err);
	if (rc < 0)
		return wf_err_wrap(err, rc, "is /proc mounted?");
	read_caps(ret, status);
	if (uname(&name) == 0)
		memcpy(ret->release, name.release, sizeof(ret->release));
	/* -EPERM and the like count as yes: what lacks then are the capabilities */
	ret->cookies = libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_get_attach_cookie,
					       NULL) != 0;
	ret->btf = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
	ret->host_pids = in_initial_pid_namespace();
	read_lockdown(ret);
	ret->nop5 = probe_nop5();
	probe_multi(ret);
	if (ret->btf && ret->cookies && !wf_feature_missing_caps(ret))
		ret->tier = ret->uprobe_multi ? WF_TIER_FULL : WF_TIER_REDUCED;
	return 0;
}

uint32_t wf_feature_missing_caps(const struct wf_features *features)
{
	uint32_t full = 1u << WF_CAP_BPF | 1u << WF_CAP_PERFMON | 1u << WF_CAP_SYS_PTRACE |
			1u << WF_CAP_DAC_READ_SEARCH;
	uint32_t admin = 1u << WF_CAP_SYS_ADMIN;
	uint32_t held = features->effective_caps;

	if (held & admin)
		held |= 1u << WF_CAP_BPF | 1u << WF_CAP_PERFMON | 1u << WF_CAP_CHECKPOINT_RESTORE;
	return (features->uprobe_multi ? full : full | admin) & ~held;
}

static void list_caps(uint32_t missing, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (int i = 0; i < WF_CAPS; i++)
		if (missing >> i & 1 && used < size)
			used += snprintf(out + used, size - used, "%sCAP_%s", used ? ", " : "",
					 caps[i].name);
}

int wf_feature_require(const struct wf_features *features, struct wf_err *err)
{
	uint32_t missing = wf_feature_missing_caps(features);
	char names[128];

	if (missing) {
		list_caps(missing, names, sizeof(names));
		return wf_err_set(err, EPERM,
				  "missing %s: run as root, or give wftrace these capabilities",
				  names);
	}
	if (!features->btf)
		return wf_err_set(
			err, ENOSYS,
			"this kernel (%s) has no BTF: it needs CONFIG_DEBUG_INFO_BTF, as the "
			"kernels of Debian 12, RHEL 9, Ubuntu 22.04 and later have",
			features->release);
	if (!features->cookies)
		return wf_err_set(err, ENOSYS,
				  "this kernel (%s) has no attach cookies for probes: wftrace "
				  "needs Linux 5.15 or later (Debian 12, RHEL 9, Ubuntu 22.04)",
				  features->release);
	if (!features->host_pids)
		return wf_err_set(
			err, ENOSYS,
			"wftrace runs in a pid namespace of its own: run it in the host's (docker "
			"--pid=host, Kubernetes hostPID: true)");
	if (features->tier == WF_TIER_NONE)
		return wf_err_set(err, ENOSYS,
				  "this kernel (%s) cannot trace: see `wftrace doctor`",
				  features->release);
	return 0;
}
