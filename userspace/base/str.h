/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str.h - small string helpers: globs, UTF-8, durations, numbers, files. Pure but for read_file.
 */
#ifndef WF_BASE_STR_H
#define WF_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/* Shell glob with * ? and [set]; no special case for '/' or a leading dot. */
bool wf_glob_match(const char *pattern, const char *text);
bool wf_glob_is_pattern(const char *text);

/* Bytes of the sequence at text (1..4); 0 = invalid byte, -1 = cut by the end. Strict. */
int wf_utf8_next(const char *text, size_t len);
/*
 * Copy len bytes to out as valid UTF-8: each invalid byte becomes U+FFFD, a cut sequence at the
 * end is dropped. out must hold 3 * len + 1 bytes. Returns the length.
 */
size_t wf_utf8_clean(char *out, const char *text, size_t len);
bool wf_utf8_valid(const char *text, size_t len);
/* The largest length <= max that does not cut a sequence. */
size_t wf_utf8_truncate(const char *text, size_t len, size_t max);

/* "500ms", "5s", "2m", "1h", "250us", "10ns"; no sign, decimals allowed. -EINVAL otherwise. */
int wf_parse_duration(const char *text, uint64_t *ret_ns);
/* "1.5 ms", "12 us", for people. out holds at least 16 bytes. */
void wf_format_duration(uint64_t ns, char *out, size_t size);
/* Decimal or 0x hex, whole string. -EINVAL, -ERANGE. */
int wf_parse_u64(const char *text, uint64_t *ret);
int wf_parse_i64(const char *text, int64_t *ret);
int wf_parse_double(const char *text, double *ret);

/* Value of a hexadecimal digit in either case, -1 for what is none. */
int wf_hex_digit(char c);

/* What follows the last '/'. */
const char *wf_base_name(const char *path);

/* Edit distance, at most `max` (then max + 1): for "did you mean". */
unsigned wf_edit_distance(const char *a, const char *b, unsigned max);

/* A whole small file (/proc too), NUL-ended, to be freed. -EFBIG over max_bytes. */
int wf_read_file(const char *path, size_t max_bytes, char **ret, size_t *ret_len,
		 struct wf_err *err);

/* 64-bit mixer (splitmix64 finaliser), for hashing and id generation. */
uint64_t wf_mix64(uint64_t value);

#endif
