/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stepper.h - run a program under ptrace with a breakpoint on every site of a plan, and compare
 * what the sites say with what really happens: a breakpoint on each traced function's first
 * instruction, and one on its return address.
 */
#ifndef WF_TEST_STEPPER_H
#define WF_TEST_STEPPER_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "userspace/base/map.h"
#include "userspace/plan/plan.h"

#define STEPPER_FRAMES      20000
#define STEPPER_CPU_SECONDS 2

struct stepper_frame { /* a call that really is open */
	uint32_t function;
	uint64_t sp, back; /* address of the return address, and what it holds */
	uint64_t argument; /* first integer argument */
	bool entered, exited, returns_known;
	int64_t returned; /* as captured */
};

struct stepper {
	pid_t pid;
	uint64_t bias;
	const struct wf_plan *plan;
	const struct wf_plan_file *file;
	struct wf_map *originals; /* address -> byte under the breakpoint */
	struct wf_map *functions; /* first instruction -> function + 1 */
	struct wf_map *backs;     /* return addresses that were seen */
	struct stepper_frame *frames;
	uint32_t depth;
	uint64_t calls, hits, budget; /* hits at most, 0 = no limit */
	uint64_t abandoned;           /* frames that did not return by themselves */
	uint64_t unmatched;           /* exits of functions that are only jumped to */
	uint64_t values;              /* compared with the truth */
	unsigned wrong;
	char first_wrong[256];
	int status;
};

static inline void stepper_blame(struct stepper *s, const char *what, uint32_t function,
				 uint64_t address)
{
	if (!s->wrong++)
		snprintf(s->first_wrong, sizeof(s->first_wrong), "%s: %s at 0x%llx (call %llu)",
			 what,
			 function < s->plan->function_count ? s->plan->functions[function].name
							    : "?",
			 (unsigned long long)address, (unsigned long long)s->calls);
}

static inline uint64_t stepper_word(struct stepper *s, uint64_t address)
{
	return (uint64_t)ptrace(PTRACE_PEEKDATA, s->pid, (void *)address, NULL);
}

static inline void stepper_plant(struct stepper *s, uint64_t address)
{
	uint64_t word = stepper_word(s, address), byte;

	if (wf_map_get(s->originals, address, &byte))
		return;
	wf_map_put(s->originals, address, word & 0xff);
	ptrace(PTRACE_POKEDATA, s->pid, (void *)address, (void *)((word & ~0xffULL) | 0xcc));
}

static inline uint64_t stepper_reg(const struct user_regs_struct *regs, uint8_t reg)
{
	const unsigned long long *const all[] = {
		&regs->rax, &regs->rdx, &regs->rcx, &regs->rbx, &regs->rsi, &regs->rdi,
		&regs->rbp, &regs->rsp, &regs->r8,  &regs->r9,  &regs->r10, &regs->r11,
		&regs->r12, &regs->r13, &regs->r14, &regs->r15,
	};

	return reg < 16 ? *all[reg] : 0;
}

/* The value that the kernel program would copy, cut to its type. */
static inline int64_t stepper_value(struct stepper *s, const struct user_regs_struct *regs,
				    const struct wf_source *source)
{
	uint64_t value = source->reg == WF_REG_NONE ? (uint64_t)source->constant
						    : stepper_reg(regs, source->reg);

	for (unsigned i = 0; i < source->steps; i++)
		value = stepper_word(s, value + (uint64_t)(int64_t)source->offset[i]);
	switch (source->type) {
	case WF_SRC_I32:
		return (int32_t)value;
	case WF_SRC_I8:
		return (int8_t)value;
	default:
		return (int64_t)value;
	}
}

static inline bool stepper_leaves(const struct wf_spec *spec, uint64_t eflags)
{
	bool carry = eflags & 1, parity = eflags >> 2 & 1, zero = eflags >> 6 & 1;
	bool sign = eflags >> 7 & 1, overflow = eflags >> 11 & 1;
	const bool flags[] = {overflow,
			      carry,
			      zero,
			      carry || zero,
			      sign,
			      parity,
			      sign != overflow,
			      zero || sign != overflow};
	bool taken = flags[spec->condition >> 1] != (spec->condition & 1);

	return spec->direction == 3 || spec->direction == (taken ? 1 : 2);
}

static inline bool stepper_closes(struct stepper *s, const struct wf_spec *spec, uint32_t span)
{
	const struct wf_tail_set *set = &s->plan->tail_sets[spec->tail_set];

	if (span == spec->span)
		return true;
	for (uint32_t i = 0; spec->tail_set && i < set->count; i++)
		if (set->span[i] == span)
			return true;
	return false;
}

static inline void stepper_capture(struct stepper *s, const struct user_regs_struct *regs,
				   const struct wf_spec *spec, struct stepper_frame *frame)
{
	for (unsigned i = 0; i < spec->capture_count; i++) {
		const struct wf_capture *capture = &s->plan->captures[spec->capture_first + i];
		int64_t value = stepper_value(s, regs, &capture->source);

		if (spec->kind != WF_SITE_ENTER) {
			frame->returned = value;
			frame->returns_known = true;
		} else if (value != (int64_t)frame->argument) {
			stepper_blame(s, "argument differs", frame->function, regs->rip);
		} else {
			s->values++;
		}
	}
}

static inline void stepper_enter(struct stepper *s, const struct user_regs_struct *regs,
				 const struct wf_plan_site *site, uint64_t sp)
{
	struct stepper_frame *top = s->depth ? &s->frames[s->depth - 1] : NULL;

	if (!top || top->function != site->function || top->sp != sp || top->entered) {
		stepper_blame(s, "entry without a call", site->function, site->address);
		return;
	}
	top->entered = true;
	stepper_capture(s, regs, &site->spec, top);
}

static inline void stepper_exit(struct stepper *s, const struct user_regs_struct *regs,
				const struct wf_plan_site *site, uint64_t sp)
{
	bool matched = false;

	for (uint32_t i = s->depth; i-- > 0 && s->frames[i].sp <= sp;) {
		struct stepper_frame *frame = &s->frames[i];
		uint32_t span = s->plan->functions[frame->function].span;

		if (frame->sp != sp || !stepper_closes(s, &site->spec, span) || frame->exited)
			continue;
		frame->exited = true;
		matched = true;
		if (span == site->spec.span)
			stepper_capture(s, regs, &site->spec, frame);
	}

	s->unmatched += !matched;
}

static inline void stepper_sites(struct stepper *s, const struct user_regs_struct *regs,
				 uint64_t address)
{
	/* An entry comes before an exit at the same instruction. */
	for (unsigned pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < s->file->site_count; i++) {
			const struct wf_plan_site *site = &s->file->sites[i];
			uint64_t sp = stepper_reg(regs, site->spec.cfa_reg) +
				      (uint64_t)(int64_t)site->spec.cfa_offset;

			if (site->address + s->bias != address ||
			    (site->spec.kind == WF_SITE_ENTER) != !pass)
				continue;
			if (!pass)
				stepper_enter(s, regs, site, sp);
			else if (stepper_leaves(&site->spec, regs->eflags))
				stepper_exit(s, regs, site, sp);
		}
}

/* What the plan said about a call that has returned. */
static inline void stepper_judge(struct stepper *s, const struct stepper_frame *frame, uint64_t rax)
{
	if (!frame->entered)
		stepper_blame(s, "entry not seen", frame->function, frame->back);
	else if (!frame->exited)
		stepper_blame(s, "exit not seen", frame->function, frame->back);
	if (!frame->returns_known)
		return;
	s->values++;
	if ((int32_t)frame->returned != (int32_t)rax)
		stepper_blame(s, "return value differs", frame->function, frame->back);
}

static inline void stepper_return(struct stepper *s, const struct user_regs_struct *regs)
{
	while (s->depth && s->frames[s->depth - 1].sp < regs->rsp) {
		const struct stepper_frame *frame = &s->frames[--s->depth];

		/* A handler may jump to where the call would have returned to; but it made calls.
		 */
		if (frame->sp + 8 == regs->rsp && frame->back == regs->rip &&
		    stepper_word(s, frame->sp) == frame->back)
			stepper_judge(s, frame, regs->rax);
		else
			s->abandoned++;
	}
}

static inline void stepper_call(struct stepper *s, const struct user_regs_struct *regs,
				uint32_t function)
{
	uint64_t back = stepper_word(s, regs->rsp);

	while (s->depth && s->frames[s->depth - 1].sp < regs->rsp) {
		s->depth--;
		s->abandoned++;
	}
	s->calls++;
	if (s->depth == STEPPER_FRAMES) {
		stepper_blame(s, "too deep for the test", function, regs->rip);
		return;
	}
	s->frames[s->depth++] = (struct stepper_frame){
		.function = function, .sp = regs->rsp, .back = back, .argument = regs->rdi};
	wf_map_put(s->backs, back, 1);
	stepper_plant(s, back);
}

static inline bool stepper_over(struct stepper *s, struct user_regs_struct *regs, uint64_t byte)
{
	uint64_t word = stepper_word(s, regs->rip);

	ptrace(PTRACE_POKEDATA, s->pid, (void *)regs->rip, (void *)((word & ~0xffULL) | byte));
	ptrace(PTRACE_SETREGS, s->pid, NULL, regs);
	ptrace(PTRACE_SINGLESTEP, s->pid, NULL, NULL);
	if (waitpid(s->pid, &s->status, 0) < 0 || !WIFSTOPPED(s->status))
		return false;
	ptrace(PTRACE_POKEDATA, s->pid, (void *)regs->rip, (void *)((word & ~0xffULL) | 0xcc));
	return true;
}

/* One breakpoint. False where the program is gone. */
static inline bool stepper_hit(struct stepper *s)
{
	struct user_regs_struct regs;
	uint64_t byte, function, seen;

	ptrace(PTRACE_GETREGS, s->pid, NULL, &regs);
	regs.rip--;
	if (!wf_map_get(s->originals, regs.rip, &byte))
		return false;
	s->hits++;
	if (wf_map_get(s->backs, regs.rip, &seen))
		stepper_return(s, &regs);
	if (wf_map_get(s->functions, regs.rip, &function))
		stepper_call(s, &regs, (uint32_t)function - 1);
	stepper_sites(s, &regs, regs.rip);
	return stepper_over(s, &regs, byte);
}

static inline uint64_t stepper_base(pid_t pid)
{
	char path[64], line[256];
	unsigned long long start = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (maps && fgets(line, sizeof(line), maps) && sscanf(line, "%llx-", &start) != 1)
		start = 0;
	if (maps)
		fclose(maps);
	return start;
}

static inline void stepper_prepare(struct stepper *s)
{
	for (uint32_t i = 0; i < s->file->site_count; i++)
		stepper_plant(s, s->file->sites[i].address + s->bias);
	for (uint32_t i = 0; i < s->plan->function_count; i++) {
		const struct wf_plan_function *function = &s->plan->functions[i];

		if (!function->span)
			continue;
		wf_map_put(s->functions, function->address + s->bias, i + 1);
		stepper_plant(s, function->address + s->bias);
	}
}

/* To its end, or to the end of the budget; then it is killed. */
static inline void stepper_loop(struct stepper *s)
{
	int signal = 0;

	for (;;) {
		ptrace(PTRACE_CONT, s->pid, NULL, (void *)(long)signal);
		if (waitpid(s->pid, &s->status, 0) < 0 || !WIFSTOPPED(s->status))
			return;
		signal = WSTOPSIG(s->status);
		if (signal == SIGTRAP && stepper_hit(s))
			signal = 0;
		else if (signal == SIGTRAP)
			return;
		if (s->budget && s->hits > s->budget) {
			kill(s->pid, SIGKILL);
			waitpid(s->pid, &s->status, 0);
			s->status = 0;
			return;
		}
	}
}

/* `linked` is the lowest address of the program's segments: 0 for position-independent ones. */
static inline void stepper_run(struct stepper *s, const struct wf_plan *plan, const char *program,
			       uint64_t linked)
{
	s->plan = plan;
	s->file = &plan->files[0];
	s->originals = wf_map_new(1 << 20);
	s->functions = wf_map_new(1 << 20);
	s->backs = wf_map_new(1 << 20);
	s->frames = calloc(STEPPER_FRAMES, sizeof(*s->frames));
	s->pid = fork();
	if (s->pid == 0) {
		const struct rlimit seconds = {STEPPER_CPU_SECONDS, STEPPER_CPU_SECONDS};

		personality(ADDR_NO_RANDOMIZE);
		setrlimit(RLIMIT_CPU, &seconds); /* random programs need not end */
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	waitpid(s->pid, &s->status, 0);
	s->bias = stepper_base(s->pid) - linked;
	stepper_prepare(s);
	stepper_loop(s);
	wf_map_free(s->originals);
	wf_map_free(s->functions);
	wf_map_free(s->backs);
	free(s->frames);
}

#endif
