/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of many shapes for the execution test of plans; what they compute does not matter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <setjmp.h>

#define NOINLINE __attribute__((noinline))
NOINLINE int plain(int x)
{
	return x * 3 + 1;
}

NOINLINE int early(int x)
{
	if (x < 0)
		return -1;
	if (x == 0)
		return 0;
	if (plain(x) > 100)
		return 7;
	return x;
}

NOINLINE int sw(int x)
{
	switch (x) {
	case 0:
		return plain(1);
	case 1:
		return 5;
	case 2:
		return plain(3) + 1;
	case 3:
		return 9;
	case 4:
		return plain(x);
	case 5:
		return 2;
	case 6:
		return early(x);
	case 7:
		return 1;
	case 8:
		return plain(2) - 3;
	case 9:
		return 44;
	default:
		return -5;
	}
}

NOINLINE int bigsw(unsigned char c)
{
	int r = 0;
	switch (c) {
	case 'a':
		r = plain(1);
		break;
	case 'b':
		r = 2;
		break;
	case 'c':
		r = plain(c);
		break;
	case 'd':
		r = 4;
	case 'e':
		r += 5;
		break;
	case 'f':
		r = 6;
		break;
	case 'g':
		r = plain(9);
		break;
	case 'h':
		r = 8;
		break;
	case 'i':
		r = 3;
		break;
	case 'j':
		r = 10;
		break;
	default:
		r = -1;
	}
	return r + 1;
}

NOINLINE long loop(int n)
{
	long s = 0;
	for (int i = 0; i < n; i++) {
		s += early(i);
		if (s > 100000)
			return s;
	}
	return s;
}

NOINLINE int fact(int n)
{
	return n < 2 ? 1 : n * fact(n - 1);
}

NOINLINE int tail_target(int a, int b)
{
	if (a > b)
		return a;
	return plain(b);
}

NOINLINE int tail(int a)
{
	return tail_target(a, 10);
}

NOINLINE int tail2(int a)
{
	if (a & 1)
		return tail(a + 1);
	return tail_target(a, a + 1);
}

NOINLINE int even(unsigned n);
NOINLINE int odd(unsigned n)
{
	return n == 0 ? 0 : even(n - 1);
}

NOINLINE int even(unsigned n)
{
	return n == 0 ? 1 : odd(n - 1);
}

int (*hook)(int);
NOINLINE int hooked(int x)
{
	if (hook)
		return hook(x);
	return early(x);
}

NOINLINE int many(int a, int b, int c, int d, int e, int f, int g, int h)
{
	return plain(a + b + c) + plain(d + e + f) + g * h;
}

NOINLINE int var(int n, ...)
{
	va_list v;
	va_start(v, n);
	int s = 0;
	for (int i = 0; i < n; i++)
		s += va_arg(v, int);
	va_end(v);
	return s;
}

NOINLINE int vla(int n)
{
	char b[n + 1];
	memset(b, n, n);
	b[n] = 0;
	return plain(b[0]);
}

NOINLINE int big(int n)
{
	char b[70000];
	b[0] = n;
	b[69999] = n;
	return plain(b[0]) + b[69999];
}

NOINLINE void nothing(void)
{
}

NOINLINE void store(int *p)
{
	*p = plain(*p);
}

NOINLINE char *str(const char *s)
{
	if (!s)
		return NULL;
	char *p = malloc(strlen(s) + 1);
	memcpy(p, s, strlen(s) + 1);
	return p;
}

NOINLINE int cmp(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

NOINLINE double fl(double a, float b)
{
	return a > 1 ? a * b : plain((int)b);
}

NOINLINE _Bool isodd(int x)
{
	return x & 1;
}

static jmp_buf jb;
NOINLINE void thrower(int x)
{
	if (x)
		longjmp(jb, x);
	plain(x);
}

NOINLINE int catcher(int x)
{
	int r = setjmp(jb);
	if (r)
		return r;
	thrower(x);
	return -1;
}

NOINLINE int align(int n)
{
	__attribute__((aligned(64))) char b[128];
	memset(b, n, 128);
	return plain(b[5]);
}

NOINLINE unsigned long ret64(unsigned long x)
{
	if (x > 10)
		return x << 33;
	return 0xffffffffffUL;
}

NOINLINE int deep(int n, int *p)
{
	if (n == 0)
		return *p;
	int q = *p + 1;
	return deep(n - 1, &q) + 1;
}

NOINLINE int cond(int a, int b)
{
	return a && plain(b) ? 3 : 4;
}

NOINLINE int strs(const char *s)
{
	int n = 0;
	while (*s) {
		if (*s == 'x')
			break;
		n++;
		s++;
	}
	return n;
}

static NOINLINE int lots(int a)
{
	int r = 0;
	if (a & 1)
		r += plain(1);
	if (a & 2)
		r += plain(2);
	if (a & 4)
		r += plain(3);
	if (a & 8)
		return r;
	if (a & 16)
		r -= plain(4);
	if (a & 32)
		return -r;
	return r * 2;
}

int main(void)
{
	long s = 0;
	for (int k = 0; k < 40; k++) {
		s += early(k - 3);
		s += sw(k % 12);
		s += bigsw('a' + k % 12);
		s += loop(k);
		s += fact(k % 10);
		s += tail(k);
		s += tail2(k);
		s += odd(k);
		hook = k & 1 ? plain : 0;
		s += hooked(k);
		s += many(k, 2, 3, 4, 5, 6, 7, 8);
		s += var(3, k, 2, 3);
		s += vla(k + 1);
		s += big(k);
		nothing();
		int q = k;
		store(&q);
		s += q;
		free(str(k & 1 ? "abc" : NULL));
		int a[5] = {5, 3, k, 1, 4};
		qsort(a, 5, 4, cmp);
		s += a[0];
		s += (long)fl(k, 2.5f);
		s += isodd(k);
		s += catcher(k);
		s += align(k);
		s += ret64(k);
		s += deep(k % 7, &q);
		s += cond(k & 1, k);
		s += strs("abcxdef");
		s += lots(k);
	}
	printf("%ld\n", s);
	return 0;
}
