# SPDX-License-Identifier: Apache-2.0
"""Breakpoints in the text of a running process, and symbols: read from ELF, not asked of wftrace."""
import os
import struct
import subprocess


def segments(data):
    """(file offset, address, file size) of the executable LOAD segments of an ELF64 image."""
    phoff, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    found = []
    for i in range(count):
        kind, flags, offset, vaddr, _, filesz = struct.unpack_from("<IIQQQQ", data, phoff + i * size)
        if kind == 1 and flags & 1:
            found.append((offset, vaddr, filesz))
    return found


def text_maps(pid, name):
    """(start, end, file offset, path) of executable mappings whose file name begins with `name`."""
    found = []
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            part = line.split(None, 5)
            if len(part) == 6 and "x" in part[1] and os.path.basename(part[5].strip()).startswith(name):
                start, end = (int(x, 16) for x in part[0].split("-"))
                found.append((start, end, int(part[2], 16), part[5].strip()))
    return found


def probed(pid, path, name=None):
    """File offsets in the text of `path`, as mapped by a process, that hold a breakpoint now."""
    with open(path, "rb") as f:
        data = f.read()
    found = []
    for start, end, offset, _ in text_maps(pid, name or os.path.basename(path)):
        with open(f"/proc/{pid}/mem", "rb") as mem:
            mem.seek(start)
            live = mem.read(end - start)
        kept = data[offset:offset + len(live)]
        if live[:len(kept)] == kept:
            continue
        found += [offset + i for i in range(len(kept)) if live[i] != kept[i]]
    return found


def symbols(path):
    """{name: (file offset, size)} of the functions of an ELF64 file, by nm."""
    with open(path, "rb") as f:
        loads = segments(f.read())
    found = {}
    for flag in ("-S", "-SD"):
        out = subprocess.run(["nm", flag, "--defined-only", str(path)], capture_output=True, text=True, check=False)
        for line in out.stdout.splitlines():
            part = line.split()
            if len(part) == 4 and part[2] in "tTwWiu":
                address, size = int(part[0], 16), int(part[1], 16)
                for offset, vaddr, filesz in loads:
                    if vaddr <= address < vaddr + filesz:
                        found[part[3].split("@")[0]] = (address - vaddr + offset, size)
    return found


def function_probed(pid, path, function, name=None):
    """True when a breakpoint lies inside one function."""
    offset, size = symbols(path)[function]
    return any(offset <= at < offset + size for at in probed(pid, path, name))


def disassemble(path, function):
    """The instructions of one function as text, by objdump."""
    out = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--disassemble={function}", str(path)],
                         capture_output=True, text=True, check=True).stdout
    return [line.split("\t", 1)[1].strip() for line in out.splitlines() if line.startswith(" ") and "\t" in line]
