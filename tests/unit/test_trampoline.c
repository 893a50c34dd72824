/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "userspace/python/trampoline.h"

/* An interpreter of six functions, which notes what it is asked. */
static struct {
	char log[128];
	void *dict, *result;
	int occurred, is_exception;
} fake;

static int an_object, a_result, exception_type;
static void *exception = &exception_type;

static void note(const char *what)
{
	strncat(fake.log, what, sizeof(fake.log) - strlen(fake.log) - 1);
}

static void *dict_new(void)
{
	note("dict ");
	return fake.dict;
}

static void *run_string(const char *text, int start, void *globals, void *locals, void *flags)
{
	note(strcmp(text, "x = 1") == 0 && start == 257 && globals == fake.dict &&
			     locals == fake.dict && !flags
		     ? "run "
		     : "wrong ");
	return fake.result;
}

static void dec_ref(void *object)
{
	note(object == &an_object ? "-dict " : object == &a_result ? "-result " : "-null ");
}

static void err_clear(void)
{
	note("clear ");
}

static void *err_occurred(void)
{
	return fake.occurred ? &exception_type : NULL;
}

static int err_matches(void *type)
{
	note(type == &exception_type ? "match " : "wrong ");
	return fake.is_exception;
}

static uint8_t *place(void)
{
	struct wf_python python = {0};
	uint8_t code[WF_TRAMPOLINE_MAX];
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(page != MAP_FAILED);
	python.symbols[WF_PY_DICT_NEW] = (uintptr_t)dict_new;
	python.symbols[WF_PY_RUN_STRING] = (uintptr_t)run_string;
	python.symbols[WF_PY_DEC_REF] = (uintptr_t)dec_ref;
	python.symbols[WF_PY_ERR_CLEAR] = (uintptr_t)err_clear;
	python.symbols[WF_PY_ERR_OCCURRED] = (uintptr_t)err_occurred;
	python.symbols[WF_PY_ERR_MATCHES] = (uintptr_t)err_matches;
	python.symbols[WF_PY_EXCEPTION] = (uintptr_t)&exception;
	memcpy((uint8_t *)page + 16, code, wf_trampoline_build(&python, code));
	assert_int_equal(mprotect(page, 4096, PROT_READ | PROT_EXEC), 0);
	return (uint8_t *)page + 16;
}

static int call(size_t offset)
{
	uint8_t *code = place();
	int (*function)(const char *);
	void *entry = code + offset;
	int rc;

	memcpy(&function, &entry, sizeof(function));
	rc = function("x = 1");
	munmap(code - 16, 4096);
	return rc;
}

static void a_call_runs_the_text_whatever_comes_of_it(void **state)
{
	static const struct {
		void *dict, *result;
		int occurred, is_exception, rc;
		const char *log;
	} cases[] = {
		{&an_object, &a_result, 0, 0, 0, "dict run -result clear -dict "},
		{&an_object, NULL, 1, 1, 0, "dict run match clear -dict "},
		{&an_object, NULL, 1, 0, -1, "dict run match -dict "},
		{&an_object, NULL, 0, 0, 0, "dict run clear -dict "},
		{NULL, NULL, 1, 1, 0, "dict match clear -null "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&fake, 0, sizeof(fake));
		fake.dict = cases[i].dict;
		fake.result = cases[i].result;
		fake.occurred = cases[i].occurred;
		fake.is_exception = cases[i].is_exception;
		assert_int_equal(call(0), cases[i].rc);
		assert_string_equal(fake.log, cases[i].log);
	}
}

static void the_call_that_does_nothing_returns_0(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	assert_int_equal(call(wf_trampoline_nothing()), 0);
	assert_string_equal(fake.log, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_runs_the_text_whatever_comes_of_it),
		cmocka_unit_test(the_call_that_does_nothing_returns_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
