#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stack use of BPF programs, read from the object file.

Since Linux 6.13 a tracing program with a function of 64 bytes of stack or more runs on a private
stack, and a nested hit of such a program is dropped in silence; a tail call anywhere in the
program prevents it. Iterators do not nest.
"""
import struct
import sys

STACK_MAX = 64
FRAME, STACK_MARGIN = 10, 8  # r10; the verifier counts in slots of 8 bytes
CALL, MOV, ADD = 0x85, 0xbf, 0x07
TAIL_CALL = 12


class Object:
    """The parts of a BPF ELF file that matter: code sections, function symbols, relocations."""

    def __init__(self, path):
        with open(path, 'rb') as file:
            self.data = data = file.read()
        offset, count, names = (struct.unpack_from('<Q', data, 40)[0],
                                *struct.unpack_from('<HH', data, 60))
        self.sections = [struct.unpack_from('<IIQQQQIIQQ', data, offset + 64 * i) for i in range(count)]
        self.names = [self.text(names, s[0]) for s in self.sections]
        symtab = next(s for s in self.sections if s[1] == 2)
        self.symbols = [struct.unpack_from('<IBBHQQ', data, symtab[4] + 24 * i)
                        for i in range(symtab[5] // 24)]
        self.strings = symtab[6]
        self.relocations = {}
        for s in self.sections:
            if s[1] == 9:
                for i in range(s[5] // 16):
                    at, info = struct.unpack_from('<QQ', data, s[4] + 16 * i)
                    self.relocations[s[7], at] = info >> 32

    def text(self, section, offset):
        start = self.sections[section][4] + offset
        return self.data[start:self.data.index(b'\0', start)].decode()

    def functions(self):
        """{(section, offset): (name, size)}"""
        return {(s[3], s[4]): (self.text(self.strings, s[0]), s[5])
                for s in self.symbols if s[1] & 15 == 2 and s[3]}


def callee(obj, section, at, imm):
    """Where a call to another function goes, or None where it leaves the object."""
    relocation = obj.relocations.get((section, at))
    if relocation is None:
        return section, at + 8 * (imm + 1)
    symbol = obj.symbols[relocation]
    return (symbol[3], symbol[4] + 8 * (imm + 1)) if symbol[3] else None


def scan(obj, section, start, size):
    """(stack bytes, functions called, holds a tail call) of one function."""
    depth, calls, tail, at, from_frame = 0, set(), False, start, set()
    while at < start + size:
        code, regs, off, imm = struct.unpack_from('<BBhi', obj.data, obj.sections[section][4] + at)
        dst, src = regs & 15, regs >> 4
        if code & 7 in (2, 3) and dst == FRAME:
            depth = max(depth, -off)
        elif code & 7 == 1 and src == FRAME:
            depth = max(depth, -off)
        elif code == ADD and dst in from_frame:
            depth = max(depth, -imm)
        elif code == CALL and src == 1:
            calls.add(callee(obj, section, at, imm))
        elif code == CALL and src == 0 and imm == TAIL_CALL:
            tail = True
        if code == MOV and src == FRAME:
            from_frame.add(dst)
        elif code & 7 in (0, 1, 4, 7) and code != ADD:
            from_frame.discard(dst)
        at += 16 if code == 0x18 else 8
    return -(-depth // STACK_MARGIN) * STACK_MARGIN, calls - {None}, tail


def programs(path):
    """(section, name, {function: stack bytes}, holds a tail call) of each program."""
    obj = Object(path)
    functions = obj.functions()
    facts = {key: scan(obj, *key, functions[key][1]) for key in functions}
    for key, (name, _) in sorted(functions.items()):
        if obj.names[key[0]] == '.text':
            continue
        reached, todo = set(), [key]
        while todo:
            one = todo.pop()
            if one in facts and one not in reached:
                reached.add(one)
                todo += facts[one][1]
        stacks = {functions[one][0]: facts[one][0] for one in reached}
        yield obj.names[key[0]], name, stacks, any(facts[one][2] for one in reached)


def check(path):
    for section, name, stacks, tail in programs(path):
        deep = {f: n for f, n in stacks.items() if n >= STACK_MAX}
        if deep and not tail and not section.startswith('iter'):
            worst = ', '.join(f'{f} {n} bytes' for f, n in sorted(deep.items()))
            yield f'{path}:1: {name} ({section}) has no tail call, but: {worst}'


if __name__ == '__main__':
    for arg in sys.argv[1:]:
        for row in programs(arg):
            print(arg, *row)
