// SPDX-License-Identifier: Apache-2.0
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bpf/state.h"
#include "userspace/base/clock.h"
#include "userspace/base/log.h"
#include "wftrace.skel.h"

#define RINGS_BYTES_TOTAL  (32u << 20)
#define RING_BYTES_MIN     (128u << 10)
#define TRACE_UPROBE_MULTI 48 /* BPF_TRACE_UPROBE_MULTI, newer than Debian 12's headers */

struct wf_kernel {
	struct wf_kernel_config config;
	struct wftrace_bpf *skel;
	int *ring_fds;
	int ring_count;
	uint32_t ring_bytes;
	struct bpf_link *fork_link, *exec_link, *exit_link;
	uint32_t generation;
};

__attribute__((format(printf, 2, 0))) static int forward_libbpf(enum libbpf_print_level level,
								const char *fmt, va_list args)
{
	char line[512];

	if (wf_log_get_level() < WF_LOG_DEBUG || level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	wf_log(WF_LOG_DEBUG, "libbpf", "%s", line);
	return 0;
}

/* The largest power of two, in whole pages, that gives every CPU its share. */
static uint32_t ring_size(const struct wf_kernel_config *config, int cpus)
{
	uint32_t size = RING_BYTES_MIN;
	uint32_t share = config->ring_bytes ? config->ring_bytes : RINGS_BYTES_TOTAL / cpus;

	if (config->ring_bytes)
		size = getpagesize();
	while (size <= share / 2)
		size *= 2;
	return size;
}

static int size_maps(struct wf_kernel *kernel)
{
	const struct wf_kernel_config *config = &kernel->config;
	struct {
		struct bpf_map *map;
		uint32_t entries;
	} sizes[] = {
		{kernel->skel->maps.specs, config->spec_max},
		{kernel->skel->maps.captures, config->capture_max},
		{kernel->skel->maps.guards, config->guard_max},
		{kernel->skel->maps.tail_sets, config->tail_set_max},
		{kernel->skel->maps.rings, kernel->ring_count},
		/* only the pattern of the others: it need not have their size */
		{kernel->skel->maps.ring, (uint32_t)getpagesize()},
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int rc = bpf_map__set_max_entries(sizes[i].map,
						  sizes[i].entries ? sizes[i].entries : 1);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int make_rings(struct wf_kernel *kernel, struct wf_err *err)
{
	for (uint32_t cpu = 0; cpu < (uint32_t)kernel->ring_count; cpu++) {
		int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "wf_ring", 0, 0, kernel->ring_bytes,
					NULL);

		if (fd < 0)
			return wf_err_set(err, errno, "ring of %u bytes for CPU %u: %s",
					  kernel->ring_bytes, cpu, strerror(errno));
		kernel->ring_fds[cpu] = fd;
		if (bpf_map__update_elem(kernel->skel->maps.rings, &cpu, sizeof(cpu), &fd,
					 sizeof(fd), 0))
			return wf_err_set(err, errno, "ring table: %s", strerror(errno));
	}
	return 0;
}

static int load_error(int rc, struct wf_err *err)
{
	if (rc == -EPERM || rc == -EACCES)
		return wf_err_set(
			err, EPERM,
			"the kernel refused the programs: run as root, or with the capabilities "
			"BPF, PERFMON, SYS_PTRACE and DAC_READ_SEARCH (`wftrace doctor` lists "
			"them)");
	if (rc == -ENOMEM)
		return wf_err_set(err, ENOMEM,
				  "the kernel has no memory for the programs' maps: "
				  "raise RLIMIT_MEMLOCK or the cgroup's memory limit");
	return wf_err_set(
		err, ENOSYS,
		"this kernel does not load the programs (%s): `wftrace doctor` says what it "
		"lacks, -v shows the verifier's words",
		strerror(-rc));
}

static int attach_tracepoints(struct wf_kernel *kernel, struct wf_err *err)
{
	kernel->fork_link = bpf_program__attach(kernel->skel->progs.on_fork);
	kernel->exec_link = bpf_program__attach(kernel->skel->progs.on_exec);
	kernel->exit_link = bpf_program__attach(kernel->skel->progs.on_exit);
	if (!kernel->fork_link || !kernel->exec_link || !kernel->exit_link)
		return wf_err_set(err, errno ? errno : ENOSYS,
				  "process tracepoints: %s (needs kernel BTF and CAP_PERFMON)",
				  strerror(errno));
	return 0;
}

static void set_control(struct wf_kernel *kernel)
{
	struct wf_control *control = (struct wf_control *)&kernel->skel->data_control->control;

	control->open_age_ns = kernel->config.open_age_ns;
	control->depth_max = kernel->config.depth_max;
	control->follow = kernel->config.follow;
	control->wake_bytes = kernel->ring_bytes / 4;
	control->epoch = 1;
}

int wf_kernel_new(const struct wf_kernel_config *config, struct wf_kernel **ret, struct wf_err *err)
{
	wf_auto(wf_kernel_freep) struct wf_kernel *kernel = calloc(1, sizeof(*kernel));
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	char why[128];
	int rc;

	if (!kernel)
		return wf_err_set(err, ENOMEM, "out of memory");
	kernel->config = *config;
	kernel->ring_count = libbpf_num_possible_cpus();
	kernel->ring_fds = calloc(kernel->ring_count, sizeof(int));
	if (!kernel->ring_fds)
		return wf_err_set(err, ENOMEM, "out of memory");
	memset(kernel->ring_fds, -1, kernel->ring_count * sizeof(int));
	libbpf_set_print(forward_libbpf);
	setrlimit(RLIMIT_MEMLOCK, &unlimited); /* kernels before 5.11 count maps against it */
	kernel->skel = wftrace_bpf__open();
	if (!kernel->skel) {
		rc = errno;
		libbpf_strerror(rc, why, sizeof(why));
		return wf_err_set(err, rc, "programs: %s", why);
	}
	kernel->ring_bytes = ring_size(config, kernel->ring_count);
	rc = size_maps(kernel);
	if (rc < 0)
		return wf_err_set(err, -rc, "map sizes: %s", strerror(-rc));
	if (config->tier == WF_TIER_FULL)
		bpf_program__set_expected_attach_type(kernel->skel->progs.on_site,
						      TRACE_UPROBE_MULTI);
	rc = wftrace_bpf__load(kernel->skel);
	if (rc < 0)
		return load_error(rc, err);
	rc = make_rings(kernel, err);
	if (rc < 0)
		return rc;
	set_control(kernel);
	rc = attach_tracepoints(kernel, err);
	if (rc < 0)
		return rc;
	*ret = wf_take(kernel);
	return 0;
}

void wf_kernel_stop_tracepoints(struct wf_kernel *kernel)
{
	bpf_link__destroy(kernel->fork_link);
	bpf_link__destroy(kernel->exec_link);
	bpf_link__destroy(kernel->exit_link);
	kernel->fork_link = kernel->exec_link = kernel->exit_link = NULL;
}

void wf_kernel_free(struct wf_kernel *kernel)
{
	if (!kernel)
		return;
	wf_kernel_stop_tracepoints(kernel);
	for (int i = 0; kernel->ring_fds && i < kernel->ring_count; i++)
		if (kernel->ring_fds[i] >= 0)
			close(kernel->ring_fds[i]);
	free(kernel->ring_fds);
	wftrace_bpf__destroy(kernel->skel);
	free(kernel);
}

static struct wf_control *control_of(struct wf_kernel *kernel)
{
	return (struct wf_control *)&kernel->skel->data_control->control;
}

int wf_kernel_add_process(struct wf_kernel *kernel, pid_t tgid)
{
	struct wf_process process = {0};
	uint32_t key = tgid;
	/* a child that the kernel has taken in already keeps what it got from its parent */
	int rc = bpf_map__update_elem(kernel->skel->maps.processes, &key, sizeof(key), &process,
				      sizeof(process), BPF_NOEXIST);

	return rc == -EEXIST ? 0 : rc;
}

int wf_kernel_set_agent(struct wf_kernel *kernel, pid_t tgid, uint64_t page,
			uint64_t clock_offset_ns)
{
	struct wf_process process = {.agent_page = page, .clock_offset_ns = clock_offset_ns};
	uint32_t key = tgid;
	int rc = bpf_map__update_elem(kernel->skel->maps.processes, &key, sizeof(key), &process,
				      sizeof(process), BPF_EXIST);

	wf_kernel_new_epoch(kernel);
	return rc;
}

int wf_kernel_remove_process(struct wf_kernel *kernel, pid_t tgid)
{
	uint32_t key = tgid;

	return bpf_map__delete_elem(kernel->skel->maps.processes, &key, sizeof(key), 0);
}

void wf_kernel_new_epoch(struct wf_kernel *kernel)
{
	__atomic_fetch_add(&control_of(kernel)->epoch, 1, __ATOMIC_SEQ_CST);
}

void wf_kernel_arm(struct wf_kernel *kernel)
{
	__atomic_store_n(&control_of(kernel)->armed, 1, __ATOMIC_SEQ_CST);
}

void wf_kernel_disarm(struct wf_kernel *kernel)
{
	__atomic_store_n(&control_of(kernel)->armed, 0, __ATOMIC_SEQ_CST);
}

void wf_kernel_hold(struct wf_kernel *kernel, pid_t tgid)
{
	__atomic_store_n(&control_of(kernel)->hold_tgid, tgid, __ATOMIC_SEQ_CST);
}

enum wf_held_at wf_kernel_held(struct wf_kernel *kernel, bool reset)
{
	uint32_t *held = &control_of(kernel)->held;

	return reset ? __atomic_exchange_n(held, WF_HELD_NOT, __ATOMIC_SEQ_CST)
		     : __atomic_load_n(held, __ATOMIC_SEQ_CST);
}

uint32_t wf_kernel_open_slot(struct wf_kernel *kernel, uint32_t slot)
{
	uint32_t generation = ++kernel->generation;

	__atomic_store_n(&control_of(kernel)->generation[slot], generation, __ATOMIC_SEQ_CST);
	return generation;
}

void wf_kernel_close_slot(struct wf_kernel *kernel, uint32_t slot)
{
	__atomic_store_n(&control_of(kernel)->generation[slot], 0, __ATOMIC_SEQ_CST);
}

int wf_kernel_sweep(struct wf_kernel *kernel, bool final, struct wf_err *err)
{
	struct wf_totals *totals = (struct wf_totals *)&kernel->skel->data_totals->totals;
	struct bpf_link *link;
	wf_auto(wf_closep) int fd = -1;
	char none[64];

	memset(totals->live, 0, sizeof(totals->live));
	totals->open_now = 0;
	control_of(kernel)->sweep_final = final;
	link = bpf_program__attach_iter(kernel->skel->progs.on_sweep, NULL);
	if (!link)
		return wf_err_set(err, errno, "task iterator: %s", strerror(errno));
	fd = bpf_iter_create(bpf_link__fd(link));
	while (fd >= 0 && read(fd, none, sizeof(none)) > 0)
		;
	bpf_link__destroy(link);
	return fd < 0 ? wf_err_set(err, errno, "task iterator: %s", strerror(errno)) : 0;
}

static void deliver_frame(const struct wf_stack *stack, uint32_t k, uint32_t tgid, uint64_t now,
			  void (*deliver)(void *, const struct wf_rec_head *), void *context)
{
	const struct wf_frame *frame = &stack->frames[k];
	struct wf_rec_span record = {
		.head = {.kind = WF_REC_UNFINISHED,
			 .size = sizeof(record),
			 .span = frame->span,
			 .time_ns = now,
			 .tid = tgid,
			 .tgid = tgid},
		.start_ns = frame->start_ns,
		.id = frame->id,
		.parent_id = frame->parent_id,
		.trace_hi = stack->trace_hi,
		.trace_lo = stack->trace_lo,
		.root_id = stack->root_id,
		.root_start_ns = stack->root_start_ns,
		.generation = stack->generation,
		.depth = k,
		.status = WF_END_UNFINISHED,
		.flags = frame->id == stack->root_id ? WF_SPAN_ROOT : 0,
	};

	deliver(context, &record.head);
}

void wf_kernel_saved_stacks(struct wf_kernel *kernel,
			    void (*deliver)(void *context, const struct wf_rec_head *record),
			    void *context)
{
	struct wf_totals *totals = (struct wf_totals *)&kernel->skel->data_totals->totals;
	int fd = bpf_map__fd(kernel->skel->maps.saved_stacks);
	wf_auto(wf_freep) struct wf_stack *stack = malloc(sizeof(*stack));
	struct wf_stack_key key;
	uint64_t now = wf_clock_monotonic_ns();

	while (stack && bpf_map_get_next_key(fd, NULL, &key) == 0) {
		if (bpf_map_lookup_elem(fd, &key, stack) == 0 && stack->depth <= WF_FRAMES_MAX) {
			for (uint32_t k = stack->depth; k-- > 0;) {
				if (stack->frames[k].flags & WF_FRAME_QUIET)
					continue;
				deliver_frame(stack, k, key.tgid, now, deliver, context);
				totals->counters[WF_CNT_UNFINISHED]++;
			}
		}
		if (bpf_map_delete_elem(fd, &key))
			return;
	}
}

void wf_kernel_totals(const struct wf_kernel *kernel, struct wf_kernel_totals *ret)
{
	const struct wf_totals *totals = (const void *)&kernel->skel->data_totals->totals;

	for (int i = 0; i < WF_COUNTERS; i++)
		ret->counters[i] = totals->counters[i] + totals->live[i];
	for (int i = 0; i < WF_AGENT_COUNTERS; i++)
		ret->agent[i] = totals->agent[i];
	ret->open_now = totals->open_now;
}

enum wf_tier wf_kernel_tier(const struct wf_kernel *kernel)
{
	return kernel->config.tier;
}

struct bpf_program *wf_kernel_site_program(const struct wf_kernel *kernel)
{
	return kernel->skel->progs.on_site;
}

int wf_kernel_site_prog(const struct wf_kernel *kernel)
{
	return bpf_program__fd(kernel->skel->progs.on_site);
}

int wf_kernel_ring_count(const struct wf_kernel *kernel)
{
	return kernel->ring_count;
}

uint32_t wf_kernel_ring_bytes(const struct wf_kernel *kernel)
{
	return kernel->ring_bytes;
}

int wf_kernel_ring_fd(const struct wf_kernel *kernel, int cpu)
{
	return kernel->ring_fds[cpu];
}

const struct wf_kernel_config *wf_kernel_get_config(const struct wf_kernel *kernel)
{
	return &kernel->config;
}

static int put(struct bpf_map *map, uint32_t index, const void *value, size_t size)
{
	return bpf_map__update_elem(map, &index, sizeof(index), value, size, BPF_ANY);
}

int wf_kernel_put_spec(struct wf_kernel *kernel, uint32_t index, const struct wf_spec *spec)
{
	return put(kernel->skel->maps.specs, index, spec, sizeof(*spec));
}

int wf_kernel_put_capture(struct wf_kernel *kernel, uint32_t index,
			  const struct wf_capture *capture)
{
	return put(kernel->skel->maps.captures, index, capture, sizeof(*capture));
}

int wf_kernel_put_guard(struct wf_kernel *kernel, uint32_t index, const struct wf_guard *guard)
{
	return put(kernel->skel->maps.guards, index, guard, sizeof(*guard));
}

int wf_kernel_put_tail_set(struct wf_kernel *kernel, uint32_t index, const struct wf_tail_set *set)
{
	return put(kernel->skel->maps.tail_sets, index, set, sizeof(*set));
}
