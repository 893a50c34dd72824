// SPDX-License-Identifier: Apache-2.0
// C++ exceptions through traced frames: throw, rethrow, nested, carried to another thread.
#include "trio.h"

#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

static long caught;

static void throw_odd(long x)
{
	if (x & 1)
		throw std::runtime_error("odd " + std::to_string(x));
}

static void plain_throw()
{
	trio_action = throw_odd;
	for (long i = 0; i < 1000; i++) {
		try {
			tr_outer(i);
		} catch (const std::exception &) {
			caught++;
			sink_deeper(3);
		}
	}
}

// Catches what tr_outer throws, and throws it on.
TRACED long tr_rethrow(long x)
{
	OPAQUE();
	try {
		return tr_outer(x) + 1;
	} catch (const std::runtime_error &) {
		caught++;
		sink_deeper(2);
		throw;
	}
}

static void rethrow()
{
	trio_action = throw_odd;
	for (long i = 0; i < 200; i++) {
		try {
			tr_rethrow(i);
		} catch (const std::exception &) {
			caught++;
			sink_deeper(3);
		}
	}
}

struct Cleanup {
	~Cleanup();
};

// While one exception unwinds, a destructor throws and catches another.
TRACED void tr_cleanup()
{
	OPAQUE();
	try {
		throw_odd(1);
	} catch (const std::exception &) {
		caught++;
		tr_after(1);
	}
}

Cleanup::~Cleanup()
{
	tr_cleanup();
}

TRACED long tr_guarded(long x)
{
	Cleanup cleanup;

	OPAQUE();
	return tr_outer(x) + 1;
}

static void nested()
{
	trio_action = throw_odd;
	for (long i = 0; i < 200; i++) {
		try {
			tr_guarded(i);
		} catch (const std::exception &) {
			caught++;
			sink_deeper(3);
		}
	}
}

static void across_threads()
{
	trio_action = throw_odd;
	for (long i = 0; i < 100; i++) {
		std::exception_ptr carried;
		std::thread([&] {
			try {
				tr_outer(i);
			} catch (...) {
				carried = std::current_exception();
			}
			sink_deeper(2);
		}).join();
		try {
			if (carried)
				std::rethrow_exception(carried);
		} catch (const std::exception &e) {
			caught++;
			sink_deeper(3);
		}
	}
}

// A scalar and a class without what(): the type is all there is to say.
static void odd_types()
{
	for (long i = 0; i < 10; i++) {
		trio_action = [](long x) {
			if (x & 1)
				throw 42;
			throw std::string("text");
		};
		try {
			tr_outer(i);
		} catch (int) {
			caught++;
		} catch (const std::string &) {
			caught++;
		}
		sink_deeper(3);
	}
}

int main(int argc, char **argv)
{
	const std::string mode = argc > 1 ? argv[1] : "throw";

	ready();
	if (mode == "throw")
		plain_throw();
	else if (mode == "rethrow")
		rethrow();
	else if (mode == "nested")
		nested();
	else if (mode == "threads")
		across_threads();
	else if (mode == "types")
		odd_types();
	printf("caught %ld total %ld\n", caught, trio_total);
	return 0;
}
