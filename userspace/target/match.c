/* SPDX-License-Identifier: Apache-2.0 */
#include "match.h"

#include <ctype.h>
#include <string.h>

#include "demangle.h"
#include "userspace/base/str.h"

#define BARE_MAX 4096

struct wf_matcher {
	char *pattern;
	char *word; /* the longest that a fitting mangled name must hold, NULL = none */
	bool is_glob, keep_arguments;
};

/* Words that demanglers write and mangled names do not spell out. */
static const char synthetic[] =
	" std allocator basic_string string basic_istream basic_ostream basic_iostream char_traits "
	"operator anonymous namespace lambda unnamed type new delete co_await auto decltype void "
	"bool "
	"char wchar_t char8_t char16_t char32_t short int long float double unsigned signed "
	"__int128 "
	"__float128 _Float16 nullptr_t decltype const volatile restrict noexcept true false this "
	"sizeof non virtual thunk to covariant return TLS init wrapper function for guard variable "
	"closure shim impl as dyn mut fn unsafe extern punycode str i8 i16 i32 i64 i128 isize u8 "
	"u16 "
	"u32 u64 u128 usize f32 f64 ";

static bool is_synthetic(const char *word, size_t len)
{
	char text[32];

	if (len >= sizeof(text))
		return false;
	memcpy(text, word, len);
	text[len] = '\0';
	return strstr(synthetic, text) != NULL;
}

static bool is_number(const char *word, size_t len)
{
	return strspn(word, "0123456789") >= len;
}

static size_t word_length(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '_')
		len++;
	return len;
}

static bool is_useful(const char *word, size_t len)
{
	return len && !is_synthetic(word, len) && !is_number(word, len);
}

/* What no wildcard stands for and no demangler invents. Length 0 = there is none. */
static size_t longest_word(const char *pattern, size_t *ret_start)
{
	size_t at = 0, best = 0;

	while (pattern[at]) {
		size_t len = word_length(pattern + at);
		size_t set = pattern[at] == '[' ? strcspn(pattern + at, "]") : 0;

		if (len > best && is_useful(pattern + at, len)) {
			*ret_start = at;
			best = len;
		}
		if (set && pattern[at + set])
			len = set + 1;
		at += len ? len : 1;
	}
	return best;
}

struct wf_matcher *wf_matcher_new(const char *pattern)
{
	wf_auto(wf_matcher_freep) struct wf_matcher *matcher = calloc(1, sizeof(*matcher));
	size_t start = 0, len = longest_word(pattern, &start);

	if (!matcher)
		return NULL;
	matcher->pattern = strdup(pattern);
	matcher->word = len ? strndup(pattern + start, len) : NULL;
	matcher->is_glob = wf_glob_is_pattern(pattern);
	matcher->keep_arguments = strchr(pattern, '<') && !strstr(pattern, "operator<");
	return matcher->pattern && (!len || matcher->word) ? wf_take(matcher) : NULL;
}

void wf_matcher_free(struct wf_matcher *matcher)
{
	if (!matcher)
		return;
	free(matcher->pattern);
	free(matcher->word);
	free(matcher);
}

const char *wf_matcher_pattern(const struct wf_matcher *matcher)
{
	return matcher->pattern;
}

bool wf_matcher_fits(const struct wf_matcher *matcher, const char *text)
{
	return strcmp(matcher->pattern, text) == 0 ||
	       (matcher->is_glob && wf_glob_match(matcher->pattern, text));
}

void wf_symbol_bare(const struct wf_symbol *symbol, bool keep_arguments, char *out, size_t size)
{
	wf_auto(wf_freep) char *text = wf_demangle_alloc(symbol->base);
	size_t len = strlen(symbol->base);

	if (text && wf_demangle_bare(text, keep_arguments, out, size))
		return;
	len = len < size ? len : size - 1;
	memcpy(out, symbol->base, len);
	out[len] = '\0';
}

bool wf_matcher_takes(const struct wf_matcher *matcher, const struct wf_symbol *symbol)
{
	char bare[BARE_MAX];

	if (wf_matcher_fits(matcher, symbol->name) ||
	    (symbol->base != symbol->name && wf_matcher_fits(matcher, symbol->base)))
		return true;
	if (!wf_is_mangled(symbol->base) || (matcher->word && !strstr(symbol->base, matcher->word)))
		return false;
	wf_symbol_bare(symbol, matcher->keep_arguments, bare, sizeof(bare));
	return wf_matcher_fits(matcher, bare);
}
