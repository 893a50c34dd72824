#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Random C++ programs: what they call depends only on the seed, never on the compiler.

Every expression holds at most one call, arithmetic is unsigned, calls are limited by a depth that
is handed down and by a budget. So a build with -finstrument-functions tells what any other build
of the same text must do. `gen_cpp.py SEED` prints a program.
"""
import random
import sys

FUNCTIONS, SHAPES, LEAVES = 14, 4, 3
DEPTH, BUDGET = 14, 1500
TAIL_CALLERS_MAX, TAIL_CHAIN_MAX = 3, 3

HEAD = """// Made by gen_cpp.py from seed {seed}.
#include "traced.h"

typedef unsigned long num;
struct Small {{ num code; }};
struct Big {{ num code; char text[200]; virtual ~Big() {{}} }};
struct Bigger : Big {{ num more; }};
static volatile num sink;
static long budget = {budget};
static num mix(num v) {{ return (v ^ (v >> 7)) * 0x9e3779b97f4a7c15UL + 1; }}
"""

LEAF = """
TRACED num leaf_{i}(num v)
{{
	OPAQUE();
	budget--;
	sink ^= v;
	return v * {factor} + {i};
}}
struct Guard{i} {{ num v; ~Guard{i}() {{ sink ^= leaf_{i}(v); }} }};
"""

RAISE = """
TRACED __attribute__((noreturn)) void raise_{i}(num v)
{{
	OPAQUE();
	sink ^= v;
	throw {thrown};
}}
"""

MAIN = """
int main()
{{
	num total = 0;

	ready();
	for (num round = 0; round < {rounds}; round++) {{
		budget = {budget};
		try {{
			total = mix(total + call_0(round));
		}} catch (...) {{
			total = mix(total + 17);
		}}
	}}
	printf("total %lu sink %lu\\n", total, (num)sink);
	return 0;
}}
"""


class Generator:
    """Writes one function after the other; each may call all of them."""

    def __init__(self, seed):
        self.seed = seed
        self.r = random.Random(seed)
        self.wide = {i for i in range(1, FUNCTIONS) if self.r.random() < 0.2}
        self.tail_callers = [0] * FUNCTIONS
        self.tail_level = [0] * FUNCTIONS  # longest chain of tail calls that ends in a jump from here
        self.thrown = ["Small{v}", "Bigger()", "42", "(const char *)\"text\""]

    def declare(self):
        lines = []
        for i in range(FUNCTIONS):
            lines.append(f"TRACED num fn_{i}({self.parameters(i)});")
        for i in range(SHAPES):
            base = f" : Shape{i - 1}" if i else ""
            virtual = "virtual " if not i else ""
            lines.append(f"struct Shape{i}{base} {{ {virtual}num area(long d, num v) TRACED_ATTRIBUTES; "
                         f"{'virtual ~Shape0() {}' if not i else ''} }};")
        lines.append("extern Shape0 *const shapes[4];")
        lines.append("extern num (*const table[4])(long, num);")
        lines.append("static num call_0(num v) { return fn_0(%d, v); }" % DEPTH)
        return "\n".join(lines) + "\n"

    def parameters(self, i):
        more = ", num p3, num p4, num p5, num p6, num p7, num p8, num p9" if i in self.wide else ""
        return f"long d, num v{more}"

    def call(self, i, value):
        if i in self.wide:
            return f"fn_{i}(d - 1, {value}, 3, 4, 5, v, 7, v + 8, 9)"
        return f"fn_{i}(d - 1, {value})"

    def any_call(self, value="v"):
        kind = self.r.random()
        if kind < 0.12:
            return f"leaf_{self.r.randrange(LEAVES)}({value})"
        if kind < 0.24:
            return f"shapes[(v >> 3) & 3]->area(d - 1, {value})"
        if kind < 0.32:
            return f"table[(v >> 5) & 3](d - 1, {value})"
        return self.call(self.r.randrange(FUNCTIONS), value)

    def statement(self, level):
        r = self.r
        kinds = [self.arithmetic, self.simple_call, self.simple_call, self.early_return, self.throwing]
        if level < 2:
            kinds += [self.loop, self.switch, self.branch, self.trying, self.guarded]
        return r.choice(kinds)(level)

    def block(self, level, most=3):
        return "".join(self.statement(level) for _ in range(self.r.randint(1, most)))

    def arithmetic(self, _):
        return self.r.choice([
            "v = mix(v);\n", f"v ^= v >> {self.r.randint(1, 30)};\n", f"v += {self.r.randint(1, 999)};\n", "sink ^= v;\n",
            f"v = (num)((double)(v & 0xffff) * {self.r.randint(1, 9)}.5);\n"])

    def simple_call(self, _):
        return f"v += {self.any_call(f'v + {self.r.randint(0, 99)}')};\n"

    def early_return(self, _):
        return f"if (v % {self.r.choice([11, 13, 17, 19])} == {self.r.randint(0, 10)})\n\treturn v * 3;\n"

    def throwing(self, _):
        which = self.r.randrange(len(self.thrown))
        what = f"raise_{which}(v)" if self.r.random() < 0.5 else f"throw {self.thrown[which]}"
        return f"if (v % {self.r.choice([13, 17, 19, 23])} == {self.r.randint(0, 6)})\n\t{what};\n"

    def loop(self, level):
        return (f"for (num i{level} = 0; i{level} < {self.r.randint(2, 4)}; i{level}++) {{\n"
                f"v += i{level};\n{self.block(level + 1, 2)}}}\n")

    def switch(self, level):
        cases = self.r.choice([3, 6, 8])
        text = f"switch (v % {cases}) {{\n"
        for i in range(cases):
            text += f"case {i}: {{\n{self.statement(level + 1)}" + ("break;\n" if self.r.random() < 0.8 else "") + "}\n"
        return text + "}\n"

    def branch(self, level):
        text = f"if (v & {1 << self.r.randint(0, 6)}) {{\n{self.block(level + 1, 2)}}}"
        return text + (f" else {{\n{self.block(level + 1, 2)}}}\n" if self.r.random() < 0.5 else "\n")

    def trying(self, level):
        text = f"try {{\n{self.block(level + 1, 2)}}}"
        if self.r.random() < 0.7:
            text += f" catch (const Small &e) {{\nv ^= e.code;\n{self.statement(2)}}}"
        if self.r.random() < 0.5:
            text += " catch (Big &) {\n" + ("throw;\n" if self.r.random() < 0.4 else f"{self.statement(2)}") + "}"
        return text + f" catch (...) {{\nv += {self.r.randint(1, 99)};\n" + ("throw;\n" if self.r.random() < 0.2 else "") + "}\n"

    def guarded(self, level):
        return f"{{\nGuard{self.r.randrange(LEAVES)} guard{{v}};\n{self.block(level + 1, 2)}}}\n"

    def tail(self, i):
        """A call in tail position, if the target's callers and the chain behind it are few enough."""
        target = self.r.randrange(i + 1, FUNCTIONS) if i + 1 < FUNCTIONS else None
        if target is None or self.tail_callers[target] >= TAIL_CALLERS_MAX or self.tail_level[target] >= TAIL_CHAIN_MAX:
            return "return mix(v);\n"
        self.tail_callers[target] += 1
        self.tail_level[i] = max(self.tail_level[i], self.tail_level[target] + 1)
        return f"return {self.call(target, 'mix(v)')};\n"

    def body(self, i):
        text = "OPAQUE();\nif (budget-- <= 0 || d <= 0)\n\treturn v;\n"
        pad = self.r.choice([0, 0, 0, 40, 3000])
        if pad:
            text += f"volatile char pad[{pad}];\npad[v % {pad}] = (char)v;\nsink ^= (num)pad[v % {pad}];\n"
        text += self.block(0, 5)
        if i is not None and self.r.random() < 0.5:
            return text + self.tail(i)
        return text + "OPAQUE();\nreturn mix(v);\n"

    def program(self):
        text = HEAD.format(seed=self.seed, budget=BUDGET)
        text += "".join(LEAF.format(i=i, factor=self.r.randint(3, 99)) for i in range(LEAVES))
        text += "".join(RAISE.format(i=i, thrown=t) for i, t in enumerate(self.thrown))
        text += self.declare()
        # Targets of tail calls come first, so that the length of the chain behind them is known.
        for i in reversed(range(FUNCTIONS)):
            text += f"\nTRACED num fn_{i}({self.parameters(i)})\n{{\n{self.body(i)}}}\n"
        for i in range(SHAPES):
            text += f"\nnum Shape{i}::area(long d, num v)\n{{\n{self.body(None)}}}\n"
        plain = [i for i in range(FUNCTIONS) if i not in self.wide]
        text += "".join(f"static Shape{i} shape_{i};\n" for i in range(SHAPES))
        text += "Shape0 *const shapes[4] = {" + ", ".join(f"&shape_{i}" for i in range(SHAPES)) + "};\n"
        text += "num (*const table[4])(long, num) = {" + ", ".join(f"fn_{self.r.choice(plain)}" for _ in range(4)) + "};\n"
        return text + MAIN.format(budget=BUDGET, rounds=20)


def generate(seed):
    return Generator(seed).program()


if __name__ == "__main__":
    print(generate(int(sys.argv[1])), end="")
