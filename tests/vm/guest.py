# SPDX-License-Identifier: Apache-2.0
"""The guest: an initramfs made of this machine's own files, so that nothing is downloaded but a kernel.

It holds busybox, wftrace and the demo as they were built here, Debian's python3 with the part of its
library that the end-to-end tests use, those tests, and their programs as the host compiled them.
"""
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HOME = str(ROOT)  # the same place in the guest: debug information names it
SETTINGS = "/settings"  # a shell fragment that init reads
MERGED = re.compile(r"^/(bin|sbin|lib|lib64)/")
TOOLS = ("/usr/bin/nm", "/usr/bin/objdump", "/usr/bin/setpriv", "/usr/bin/unshare")
EXTRAS = ("/usr/bin/sqlite3",)  # a test without them is skipped
LIBRARIES = ("/lib/x86_64-linux-gnu/libgcc_s.so.1",)  # glibc loads it where a thread is cancelled
MUSL = "/lib/ld-musl-x86_64.so.1"  # loader and library in one file
UNUSED = re.compile(r"^(test|idlelib|tkinter|ensurepip|lib2to3|pydoc_data|distutils|turtledemo|unittest|"
                    r"xmlrpc|wsgiref|curses|dbm|venv|config-.*)$")
NO_COMPILER = b"#!/bin/sh\necho \"$0: the guest has no compiler; the host has to build this program\" >&2\nexit 1\n"
FILES = {
    "/etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "/etc/group": b"root:x:0:\nnogroup:x:65534:\n",
}


class Missing(Exception):
    """This machine lacks something that the guest needs."""


def libraries(paths):
    """The files that the dynamic loader would map for these programs and libraries."""
    found = set()
    done = subprocess.run(["ldd", *map(str, paths)], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        match = re.search(r"(?:=> )?(/\S+) \(0x", line)
        if match:
            found.add(match.group(1))
    return sorted(found)


class Guest:
    """Paths in the guest and what they hold: bytes, the target of a link, or a file of this machine."""

    def __init__(self):
        self.entries = {}
        self.folders = {"/proc", "/sys", "/dev", "/tmp", "/root", "/run", "/usr/sbin", "/usr/lib64"}

    def put(self, path, mode, data, mtime=0):
        path = MERGED.sub(r"/usr/\1/", path)
        self.entries[path] = (mode, data, int(mtime))
        folder = os.path.dirname(path)
        while folder != "/":
            self.folders.add(folder)
            folder = os.path.dirname(folder)

    def add_file(self, source, to=None):
        source = Path(source)
        if not source.is_file():
            raise Missing(f"{source} is missing")
        info = source.stat()
        self.put(str(to or source), stat.S_IFREG | stat.S_IMODE(info.st_mode), source, info.st_mtime)

    def add_link(self, path, target):
        self.put(path, stat.S_IFLNK | 0o777, target.encode())

    def add_text(self, path, data, mode=0o755):
        self.put(path, stat.S_IFREG | mode, data)

    def add_programs(self, sources, to=None):
        """Programs or libraries, and the libraries that they need."""
        for source in sources:
            self.add_file(source, f"{to}/{Path(source).name}" if to else None)
        for library in libraries(sources):
            self.add_file(library)

    def add_busybox(self):
        self.add_file("/bin/busybox")
        names = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
        for name in names:
            self.entries.setdefault(f"/usr/bin/{name}", (stat.S_IFLNK | 0o777, b"busybox", 0))

    def add_python(self):
        """The interpreter of Debian's python3, without what the tests never import."""
        ask = "import sys, sysconfig; print(sys.executable); print(sysconfig.get_path('stdlib'))"
        done = subprocess.run(["/usr/bin/python3", "-c", ask], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Missing("/usr/bin/python3 does not run")
        program, library = done.stdout.split()
        self.add_programs([program])
        self.add_link("/usr/bin/python3", os.path.basename(os.path.realpath(program)))
        self.add_file(os.path.realpath(program))
        modules = []
        for folder, folders, names in os.walk(library):
            folders[:] = [name for name in folders if not UNUSED.match(name)]
            for name in names:
                self.add_file(os.path.join(folder, name))
                if name.endswith(".so"):
                    modules.append(os.path.join(folder, name))
        self.add_programs(modules)

    def add_tree(self, folder, to):
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                self.add_file(path, f"{to}/{path.relative_to(folder)}")

    def add_tests(self, scratch):
        """The tests as bytecode too: compiling them takes half a second of an emulated processor."""
        for name in ("e2e", "vm"):
            copy = scratch / "tests" / name
            shutil.copytree(ROOT / "tests" / name, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            subprocess.run(["/usr/bin/python3", "-m", "compileall", "-q", str(copy)], check=False)
            self.add_tree(copy, f"{HOME}/tests/{name}")

    def add_project(self, out, programs, compilers):
        """wftrace, demo, tests and their programs; each compiler is a stub at its path of the host."""
        self.add_programs([out / "wftrace"], f"{HOME}/build")
        self.add_programs([out / "demo" / "workflow"], f"{HOME}/build/demo")
        self.add_tests(out / "vm")
        self.add_file(ROOT / "userspace" / "python" / "wftrace.pth", f"{HOME}/userspace/python/wftrace.pth")
        self.add_file(ROOT / "demo" / "run.sh", f"{HOME}/demo/run.sh")
        self.add_file(ROOT / "scripts" / "can_trace.sh", f"{HOME}/scripts/can_trace.sh")
        self.add_programs(programs, f"{HOME}/build/e2e")
        for path in compilers:
            self.add_text(path, NO_COMPILER)

    def build(self, out, programs, compilers, settings):
        """Everything."""
        self.add_busybox()
        self.add_programs((*TOOLS, *filter(os.path.exists, EXTRAS)))
        self.add_programs(LIBRARIES)
        if os.path.exists(MUSL):
            self.add_file(MUSL)
        self.add_python()
        self.add_project(out, programs, compilers)
        self.add_file(ROOT / "tests" / "vm" / "init", "/init")
        self.add_text(SETTINGS, f"{settings}cd '{HOME}'\n".encode())
        for path, data in FILES.items():
            self.add_text(path, data, 0o644)
        for name in ("bin", "sbin", "lib", "lib64"):
            self.add_link(f"/{name}", f"usr/{name}")

    def write(self, path):
        """As the cpio archive, format `newc`, that the kernel unpacks into its first file system."""
        with open(path, "wb") as out:
            for folder in sorted(self.folders):
                append(out, folder, stat.S_IFDIR | 0o755, b"", 0)
            for name, (mode, data, mtime) in sorted(self.entries.items()):
                append(out, name, mode, data if isinstance(data, bytes) else data.read_bytes(), mtime)
            append(out, "/TRAILER!!!", 0, b"", 0)


def append(out, name, mode, data, mtime):
    """One member: 13 numbers of 8 hexadecimal digits, the name, the bytes, each padded to 4."""
    name = name[1:].encode() + b"\0"
    numbers = (0, mode, 0, 0, 1, mtime, len(data), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % number for number in numbers) + name
    out.write(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))
