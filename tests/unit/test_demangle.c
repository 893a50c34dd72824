/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/target/demangle.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void mangled_names_become_readable(void **state)
{
	static const struct {
		const char *raw, *text;
	} cases[] = {
		{"_ZN2ns5Class6methodEi", "ns::Class::method(int)"},
		{"_ZNK5Stage3runERKSs", "Stage::run(std::string const&) const"},
		/* Rust, legacy: the hash goes, escapes are decoded */
		{"_ZN3app5stage3run17h0123456789abcdefE", "app::stage::run"},
		{"_ZN3app5stage3run17h0123456789abcdefE.llvm.123", "app::stage::run"},
		{"_ZN52_$LT$app..Stage$u20$as$u20$core..ops..drop..Drop$GT$"
		 "4drop17h0123456789abcdefE",
		 "<app::Stage as core::ops::drop::Drop>::drop"},
		{"_ZN3app4main28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
		 "app::main::{{closure}}"},
		/* Rust, v0 */
		{"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
		{"_RNvMs_Cs4Cv8Wi1oAIB_7mycrateNtB4_3Bar3baz", "<mycrate::Bar>::baz"},
		{"_RNvXCs15kBYyAo9fc_7mycrateNtB2_7ExampleNtB2_5Trait3foo",
		 "<mycrate::Example as mycrate::Trait>::foo"},
		{"_RINvCsjI9LBZFqZEg_7mycrate7examplelKj1_EB2_", "mycrate::example::<i32, 1>"},
		{"_RNCNvCsgStHSCytQ6I_7mycrate4main0B3_", "mycrate::main::{closure#0}"},
		{"_RINvNtCs1_4core3ptr13drop_in_placeRShE", "core::ptr::drop_in_place::<&[u8]>"},
		{"_RINvC1a1fDINtB2_2FnThEEp6OutputuEL_E", "a::f::<dyn a::Fn<(u8), Output = ()>>"},
		/* not ours, or broken */
		{"main", NULL},
		{"_Zoops", NULL},
		{"_RNvC", NULL},
		{"_RNvB_3foo", NULL},
		{"", NULL},
	};
	struct wf_arena *arena = wf_arena_new(1 << 20);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *text = wf_demangle(cases[i].raw, arena);

		if (!cases[i].text)
			assert_null(text);
		else if (!text)
			fail_msg("%s is not demangled", cases[i].raw);
		else
			assert_string_equal(text, cases[i].text);
	}
	wf_arena_free(arena);
}

static void bare_names_lose_parameters_and_template_arguments(void **state)
{
	static const struct {
		const char *text, *bare;
	} cases[] = {
		{"main", "main"},
		{"ns::Class::method(int)", "ns::Class::method"},
		{"Stage::run(std::string const&) const", "Stage::run"},
		{"Stage::run() const &", "Stage::run"},
		{"void ns::f<int, (char)60>(int)", "ns::f"},
		{"int const* ns::Vec<std::pair<int, char> >::at(unsigned long)", "ns::Vec::at"},
		{"std::map<int, A>& ns::g<int>()", "ns::g"},
		{"(anonymous namespace)::helper(void (*)(int))", "(anonymous namespace)::helper"},
		{"ns::(anonymous namespace)::C::m()", "ns::(anonymous namespace)::C::m"},
		{"C::operator()(int) const", "C::operator()"},
		{"C::operator[](int)", "C::operator[]"},
		{"C::operator<(C const&)", "C::operator<"},
		{"C::operator<<(int)", "C::operator<<"},
		{"std::ostream& operator<< <int>(std::ostream&, int)", "operator<<"},
		{"bool operator< <int>(A<int>, A<int>)", "operator<"},
		{"C::operator->() const", "C::operator->"},
		{"C::operator<=>(C const&) const", "C::operator<=>"},
		{"C::operator bool() const", "C::operator bool"},
		{"C::operator std::vector<int, std::allocator<int> >()", "C::operator std::vector"},
		{"operator new[](unsigned long)", "operator new[]"},
		{"operator\"\" _km(long double)", "operator\"\" _km"},
		{"C::~C()", "C::~C"},
		{"A<int>::A(int)", "A::A"},
		{"main::{lambda(int)#1}::operator()(int) const", "main::{lambda#1}::operator()"},
		{"auto f(int)::{lambda(auto:1)#2}::operator()<int>(int) const",
		 "f::{lambda#2}::operator()"},
		{"f(int) const::Local::run()", "f::Local::run"},
		{"f[abi:cxx11](int)", "f"},
		{"std::__cxx11::basic_string<char>::append(char const*)",
		 "std::__cxx11::basic_string::append"},
		{"foo(int) [clone .part.0]", "foo"},
		{"void (*pick<int>(int))(char)", "pick"},
		{"decltype (a+b) add<int, int>(int, int)", "add"},
		{"decltype(auto) any()", "any"},
		{"void call<&(C::operator<(int))>()", "call"},
		{"void sort<bool (*)(int, int)>(bool (*)(int, int))", "sort"},
		{"non-virtual thunk to B::f(int)", "non-virtual thunk to B::f"},
		{"operator_like::run()", "operator_like::run"},
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		wf_demangle_bare(cases[i].text, false, out, sizeof(out));
		assert_string_equal(out, cases[i].bare);
	}
}

static void bare_names_of_rust_are_paths(void **state)
{
	static const struct {
		const char *text, *bare;
	} cases[] = {
		{"app::stage::run", "app::stage::run"},
		{"<app::Stage<T> as app::Run>::run", "app::Stage::run"},
		{"<mycrate::Bar>::baz", "mycrate::Bar::baz"},
		{"core::num::<impl u32>::pow", "core::num::u32::pow"},
		{"app::<impl app::Run for app::Stage<u8>>::run", "app::app::Stage::run"},
		{"mycrate::example::<i32, 0x1>", "mycrate::example"},
		{"mycrate::example::<fn(u8) -> u8>::inner", "mycrate::example::inner"},
		{"app::main::{{closure}}", "app::main::{{closure}}"},
		{"app::main::{closure#0}", "app::main::{closure#0}"},
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		wf_demangle_bare(cases[i].text, false, out, sizeof(out));
		assert_string_equal(out, cases[i].bare);
	}
}

static void template_arguments_stay_where_asked(void **state)
{
	static const struct {
		const char *text, *bare;
	} cases[] = {
		{"int ns::Vec<int>::at(unsigned long)", "ns::Vec<int>::at"},
		{"<app::Stage<T> as app::Run>::run", "<app::Stage<T> as app::Run>::run"},
		{"void f<std::pair<int, char> >(int)", "f<std::pair<int, char> >"},
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		wf_demangle_bare(cases[i].text, true, out, sizeof(out));
		assert_string_equal(out, cases[i].bare);
	}
}

static void a_bare_name_that_does_not_fit_is_empty(void **state)
{
	char out[8] = "x";

	(void)state;
	assert_int_equal(wf_demangle_bare("ns::Class::method(int)", false, out, sizeof(out)), 0);
	assert_string_equal(out, "");
	assert_int_equal(wf_demangle_bare("f(int)", false, out, sizeof(out)), 1);
	assert_string_equal(out, "f");
}

/* Each level doubles the text: 40 levels are 8 TiB. */
static void a_name_that_explodes_is_left_as_it_is(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char raw[1024] = "_Z1f1a1bIS_S_E";

	(void)state;
	for (int level = 1; level <= 34; level++) {
		size_t len = strlen(raw);
		char c = digits[level];

		snprintf(raw + len, sizeof(raw) - len, "S0_IS%c_S%c_E", c, c);
	}
	assert_null(wf_demangle_alloc(raw));
	/* Back references of Rust's scheme do the same. */
	snprintf(raw, sizeof(raw), "_RINvC1a1b");
	for (int level = 0; level < 30; level++) {
		size_t len = strlen(raw);

		snprintf(raw + len, sizeof(raw) - len, "TB%c_B%c_E", digits[level], digits[level]);
	}
	assert_null(wf_demangle_alloc(raw));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mangled_names_become_readable),
		cmocka_unit_test(bare_names_lose_parameters_and_template_arguments),
		cmocka_unit_test(bare_names_of_rust_are_paths),
		cmocka_unit_test(template_arguments_stay_where_asked),
		cmocka_unit_test(a_bare_name_that_does_not_fit_is_empty),
		cmocka_unit_test(a_name_that_explodes_is_left_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
