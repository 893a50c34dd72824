/* SPDX-License-Identifier: Apache-2.0 */
/* C++ functions that throw and catch, for the execution test of plans. */
#include <map>
#include <string>
#include <vector>
#include <stdexcept>
#include <cstdio>
#include <memory>
#include <algorithm>
#include <functional>
#define NOINLINE __attribute__((noinline))
struct Base {
	virtual ~Base() = default;
	virtual int run(int x) = 0;
};
struct A : Base {
	int run(int x) override;
};
struct B : Base {
	A a;
	int run(int x) override;
};
NOINLINE static int boom(int x)
{
	if (x % 3 == 0)
		throw std::runtime_error("boom");
	if (x % 7 == 1)
		throw x;
	return x + 1;
}

NOINLINE int A::run(int x)
{
	std::string s(x % 10, 'x');
	return boom(x) + (int)s.size();
}

NOINLINE int B::run(int x)
{
	try {
		return a.run(x);
	} catch (const std::runtime_error &e) {
		return (int)e.what()[0];
	} catch (int v) {
		return v;
	}
}

NOINLINE int retry(Base &b, int x)
{
	for (int i = 0; i < 5; i++) {
		try {
			return b.run(x + i);
		} catch (...) {
			if (i == 4)
				throw;
		}
	}
	return 0;
}

NOINLINE int wrapped(Base *b, int x)
{
	return b->run(x);
}

NOINLINE int cleanup(int x)
{
	std::vector<std::string> v;
	for (int i = 0; i < x % 5; i++)
		v.push_back(std::to_string(i));
	std::unique_ptr<int> p(new int(x));
	return boom(x) + *p + (int)v.size();
}

NOINLINE int nested(int x)
{
	try {
		try {
			return cleanup(x);
		} catch (int) {
			return cleanup(x + 1);
		}
	} catch (std::exception &) {
		return -2;
	}
}

NOINLINE int rethrow(int x)
{
	try {
		return nested(x) + boom(x + 2);
	} catch (int) {
		throw std::logic_error("l");
	}
}

NOINLINE int outer(int x)
{
	try {
		return rethrow(x);
	} catch (std::logic_error &) {
		return 5;
	} catch (std::exception &) {
		return 6;
	}
}

NOINLINE int maps(int x)
{
	std::map<std::string, int> m;
	for (int i = 0; i < x; i++)
		m[std::to_string(i * 7 % 5)] += i;
	int s = 0;
	for (auto &k : m)
		s += k.second;
	return s;
}

NOINLINE int lam(int x)
{
	std::function<int(int)> f = [x](int y) {
		if (y > 3)
			throw 1;
		return x + y;
	};
	try {
		return f(x % 6);
	} catch (int) {
		return -1;
	}
}

template <class T> NOINLINE T mx(const std::vector<T> &v)
{
	return *std::max_element(v.begin(), v.end());
}

NOINLINE void sorter(std::vector<int> &v)
{
	std::sort(v.begin(), v.end(), [](int a, int b) { return a % 3 < b % 3; });
}

NOINLINE int switcher(const std::string &s)
{
	switch (s.size() % 6) {
	case 0:
		return 1;
	case 1:
		throw 5;
	case 2:
		return maps(3);
	case 3:
		return lam(2);
	case 4:
		return (int)s.size();
	default:
		return -1;
	}
}

int main()
{
	long t = 0;
	A a;
	B b;
	for (int i = 0; i < 40; i++) {
		t += b.run(i);
		try {
			t += retry(a, i);
		} catch (...) {
			t++;
		}
		t += wrapped(&b, i);
		try {
			t += cleanup(i);
		} catch (...) {
			t += 2;
		}
		t += nested(i);
		t += outer(i);
		t += maps(i % 9);
		t += lam(i);
		std::vector<int> v{5, i, 3, i * 2};
		t += mx(v);
		sorter(v);
		t += v[0];
		try {
			t += switcher(std::string(i, 'a'));
		} catch (int k) {
			t += k;
		}
	}
	printf("%ld\n", t);
}
