/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/python/need.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void profiles_tell_the_agent_what_they_require(void **state)
{
	static const struct {
		const char *requires[2]; /* of one profile each */
		const char *text;
	} cases[] = {
		{{"", ""}, ""},
		{{"requires: {python: app.engine}\n", ""},
		 "'needs': [{'profile': 't', 'from': 0, 'end': 2, 'any': [[['app.engine', ''], ], "
		 "]}, "
		 "], "},
		{{"requires: [{python: [a, b.*], version: '>=2,<3'}, {python: c, library: l}]\n",
		  ""},
		 "'needs': [{'profile': 't', 'from': 0, 'end': 2, 'any': [[['a', '>=2,<3'], "
		 "['b.*', '>=2,<3'], ], [['c', ''], ], ]}, ], "},
		/* the second variant asks for no module */
		{{"requires: [{python: a}, {executable: x}]\n", ""}, "'needs': [], "},
		{{"requires: {python: a}\n", "requires: {python: \"b'c\"}\n"},
		 "'needs': [{'profile': 't', 'from': 0, 'end': 2, 'any': [[['a', ''], ], ]}, "
		 "{'profile': 't', 'from': 2, 'end': 4, 'any': [[['b\\'c', ''], ], ]}, ], "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wf_ruleset *rules = NULL;
		struct wf_buf out;

		wf_buf_init(&out, 4096);
		assert_int_equal(wf_ruleset_new(&rules, NULL), 0);
		for (int p = 0; p < 2; p++) {
			struct wf_buf yaml;

			wf_buf_init(&yaml, 4096);
			wf_buf_printf(&yaml,
				      "wftrace: 1\nprofile: t\n%sspans: [{function: "
				      "[m:f, m:g]}]\n",
				      cases[i].requires[p]);
			assert_int_equal(wf_ruleset_add_yaml(rules, p ? "u.yaml" : "t.yaml",
							     yaml.data, yaml.len, NULL),
					 0);
			wf_buf_done(&yaml);
		}
		wf_need_put(rules, &out);
		assert_string_equal(out.data ? out.data : "", cases[i].text);
		wf_buf_done(&out);
		wf_ruleset_free(rules);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profiles_tell_the_agent_what_they_require),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
