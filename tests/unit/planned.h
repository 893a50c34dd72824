/* SPDX-License-Identifier: Apache-2.0 */
/* planned.h - one file and the plan for it. */
#ifndef WF_TEST_PLANNED_H
#define WF_TEST_PLANNED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compile.h"
#include "userspace/plan/planner.h"

static struct wf_binary *elf;
static struct wf_ruleset *rules;
static struct wf_plan *plan;
static uint32_t matched[16];

static inline void plan_text(const char *const *texts, const struct wf_plan_options *options)
{
	static const struct wf_plan_options none;
	struct wf_err err = {0};

	assert_int_equal(wf_ruleset_new(&rules, NULL), 0);
	for (size_t i = 0; texts[i]; i++) {
		bool yaml = !strncmp(texts[i], "wftrace:", 8);
		int rc = yaml ? wf_ruleset_add_yaml(rules, "test.yaml", texts[i], strlen(texts[i]),
						    &err)
			      : wf_ruleset_add_short(rules, texts[i], &err);

		if (rc < 0)
			fail_msg("%s", err.msg);
	}
	if (wf_plan_new(rules, &elf, 1, options ? options : &none, matched, &plan, &err) < 0)
		fail_msg("%s", err.msg);
}

static inline void plan_one(const char *text)
{
	const char *const texts[] = {text, NULL};

	plan_text(texts, NULL);
}

static inline void plan_done(void)
{
	wf_plan_free(plan);
	wf_ruleset_free(rules);
	plan = NULL;
	rules = NULL;
}

static inline void plan_close(void)
{
	plan_done();
	wf_binary_free(elf);
	elf = NULL;
}

static inline void plan_open(const char *compiler, const char *language, const char *text)
{
	elf = compile_open(compiler, language, text, "plan");
	assert_non_null(elf);
}

static inline const struct wf_plan_site *plan_site(uint8_t kind, unsigned n)
{
	for (uint32_t f = 0; f < plan->file_count; f++)
		for (uint32_t i = 0; i < plan->files[f].site_count; i++)
			if (plan->files[f].sites[i].spec.kind == kind && !n--)
				return &plan->files[f].sites[i];
	return NULL;
}

static inline const struct wf_capture *plan_capture(const struct wf_plan_site *of, unsigned n)
{
	assert_non_null(of);
	assert_true(n < of->spec.capture_count);
	return &plan->captures[of->spec.capture_first + n];
}

#endif
