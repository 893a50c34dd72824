// SPDX-License-Identifier: Apache-2.0
// Values of every type that a rule can capture, at fixed places with fixed contents.
#include "traced.h"

#include <cstdint>
#include <string>

struct Inner {
	int32_t number;    // 0
	uint16_t port;     // 4
	bool flag;         // 6
	const char *label; // 8
	double ratio;      // 16
	float third;       // 24
	char tag[12];      // 28
};

struct Outer {
	uint64_t id;      // 0
	Inner *inner;     // 8
	std::string name; // 16
};

static volatile long total;

TRACED int tr_signed(int8_t a, int16_t b, int32_t c, int64_t d)
{
	OPAQUE();
	total += a + b + c + d;
	return c;
}

TRACED unsigned tr_unsigned(uint8_t a, uint16_t b, uint32_t c, uint64_t d)
{
	OPAQUE();
	total += a + b + c + d;
	return c;
}

TRACED bool tr_flags(bool yes, bool no, const void *pointer)
{
	OPAQUE();
	total += yes + no + !pointer;
	return yes && !no;
}

TRACED const char *tr_string(const char *text)
{
	OPAQUE();
	total += text ? (long)strlen(text) : -1;
	return text;
}

TRACED long tr_std(const std::string &text)
{
	OPAQUE();
	total += (long)text.size();
	return (long)text.size();
}

TRACED long tr_fields(const Outer *outer)
{
	OPAQUE();
	total += outer->inner->number;
	return (long)outer->id;
}

TRACED long tr_many(long a, long b, long c, long d, long e, long f, long g, int h, const char *i)
{
	OPAQUE();
	total += a + b + c + d + e + f + g + h + i[0];
	return -(a + g);
}

TRACED long tr_doubles(const double *values, const float *single)
{
	OPAQUE();
	total += (long)values[1] + (long)*single;
	return 0;
}

TRACED void *tr_pointer(long which)
{
	OPAQUE();
	total += which;
	return which ? (void *)0x1234567890UL : nullptr;
}

TRACED int tr_negative(int x)
{
	OPAQUE();
	return -x;
}

TRACED bool tr_is_even(long x)
{
	OPAQUE();
	return x % 2 == 0;
}

class Shape
{
      public:
	explicit Shape(int sides) : sides_(sides)
	{
	}
	int scaled(int factor, const char *unit) __attribute__((noinline));

      private:
	int sides_;
};

int Shape::scaled(int factor, const char *unit)
{
	OPAQUE();
	total += unit[0];
	return sides_ * factor;
}

static void strings()
{
	static char long_text[3001];

	memset(long_text, 'L', sizeof(long_text) - 1);
	tr_string("");
	tr_string("plain");
	tr_string(long_text);
	tr_string("bad \xff\xfe utf-8 \xc3");
	tr_string(nullptr);
	tr_string("gr\xc3\xbc\xc3\x9f dich");
	tr_string("quote \" backslash \\ tab \t newline \n bell \a");
	tr_std("");
	tr_std("short");
	tr_std("fifteen chars..");
	tr_std("sixteen chars...");
	tr_std(std::string(200, 'h'));
}

int main()
{
	Inner inner = {-5, 8080, true, "a label", 2.5, 0.25F, "tagged"};
	Outer outer = {0xffffffffffffffffUL, &inner, "a name longer than sixteen"};
	const double values[3] = {1.5, -1e300, 3.25};
	const float single = -0.5F;

	ready();
	tr_signed(-128, -32768, -2147483647 - 1, INT64_MIN);
	tr_signed(127, 32767, 2147483647, INT64_MAX);
	tr_signed(-1, -1, -1, -1);
	tr_unsigned(255, 65535, 4294967295U, UINT64_MAX);
	tr_unsigned(0, 0, 0, 0);
	tr_flags(true, false, (void *)0x1000);
	strings();
	tr_fields(&outer);
	tr_many(1, 2, 3, 4, 5, 6, -7, -8, "ninth");
	tr_doubles(values, &single);
	tr_pointer(0);
	tr_pointer(1);
	tr_negative(5);
	tr_is_even(4);
	tr_is_even(5);
	Shape(3).scaled(4, "cm");
	printf("total %ld\n", total);
	return 0;
}
