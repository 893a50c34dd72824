# SPDX-License-Identifier: Apache-2.0
"""Interpreters inside other programs, in containers, and builds that are no good."""
import concurrent.futures
import json
import os
import shutil
import socket
import struct
import subprocess

import interpreter
import seam
from seam import everywhere, few, once
from harness import PATIENCE, target_test
from test_inject import BUSY
from test_inject_hostile import NOT_SUPPORTED, WHO

LIBRARY = "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0"
DEBIAN = dict(os.environ, PATH="/usr/bin:/bin")

EMBED = """
#include <Python.h>
#include <stdio.h>
int main(void)
{
	char line[10];
	Py_Initialize();
	puts("ready");
	fflush(stdout);
	PyRun_SimpleString("import sys, threading\\nend = []\\n"
		"threading.Thread(target=lambda: (sys.stdin.read(), end.append(1)), daemon=True).start()\\n"
		"while not end: pass\\n");
	return Py_FinalizeEx() ? 1 : 0;
}
"""

HOST = """
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	void *python = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (!python)
		return 9;
	((void (*)(void))dlsym(python, "Py_Initialize"))();
	puts("ready");
	fflush(stdout);
	((int (*)(const char *, void *))dlsym(python, "PyRun_SimpleStringFlags"))(
		"import sys, threading\\nend = []\\n"
		"threading.Thread(target=lambda: (sys.stdin.read(), end.append(1)), daemon=True).start()\\n"
		"while not end: pass\\n", 0);
	return 0;
}
"""



def config(*flags):
    done = subprocess.run(["python3-config", *flags], text=True, stdout=subprocess.PIPE, env=DEBIAN, check=False)
    return done.stdout.split()


@once
@target_test()
def test_interpreters_inside_other_programs(t):
    """Linked to libpython, and with it opened RTLD_LOCAL."""
    program = t.compile("embed", EMBED, *config("--includes"), *config("--ldflags", "--embed"))
    target = t.start([program])
    t.contains(t.inject(target, None, "--find").lines[0], "embedded", "what was found")
    t.equal(t.inject(target).result, "ok", "answer")
    t.undisturbed(target)
    if not os.path.exists(LIBRARY):
        raise seam.Skip(LIBRARY + " is not installed")
    target = t.start([t.compile("host", HOST, "-ldl"), LIBRARY])
    t.equal(t.inject(target).result, "ok", "answer of a library opened RTLD_LOCAL")
    t.undisturbed(target)


@once
@target_test()
def test_an_interpreter_linked_into_a_program(t):
    """With its names, with those it exports only, and with none."""
    archive = os.path.join(*config("--configdir"), "libpython3.11.a")
    if not os.path.exists(archive):
        raise seam.Skip("there is no libpython3.11.a")
    more = [flag for flag in config("--ldflags", "--embed") if "python" not in flag]
    flags = [*config("--includes"), archive, *more, "-lexpat", "-lz", "-no-pie"]
    target = t.start([t.compile("names", EMBED, *flags)])
    t.equal(t.inject(target).result, "ok", "answer of one with names")
    t.undisturbed(target)
    target = t.start([t.compile("exports", EMBED, *flags, "-rdynamic", "-s")])
    t.equal(t.inject(target).result, "ok", "answer of one that was stripped and exports names")
    t.undisturbed(target)
    target = t.start([t.compile("bare", EMBED, *flags, "-s")])
    answer = t.inject(target)
    t.equal(answer.errno, NOT_SUPPORTED, f"errno of {answer}")
    t.contains(answer.error, "has no names to call (stripped", "why")
    t.undisturbed(target)


APPLICATION = """
import os, threading
def application(environment, start):
    start("200 OK", [])
    n = sum(range(10000))
    return [b"%d" % os.getpid()]
"""


def ask(path):
    """One HTTP request to a socket file: the PID that answers."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20 * PATIENCE)
        sock.connect(path)
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while part := sock.recv(4096):
            answer += part
    return int(answer.rsplit(b"\r\n", 1)[1])


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return [int(word) for word in file.read().split()]


@once
@target_test(120)
def test_uwsgi_workers(t):
    """2 workers with 2 threads: entered when the next request comes; every request is answered."""
    uwsgi = shutil.which("uwsgi-core")
    if not uwsgi:
        raise seam.Skip("uwsgi-core is not installed")
    path = os.path.join(t.folder, "socket")
    t.write("app.py", APPLICATION)
    target = t.start([uwsgi, "--plugin", "python311", "--http-socket", path, "--module", "app", "--chdir", t.folder,
                      "--master", "--processes", "2", "--threads", "2", "--die-on-term", "--disable-logging"],
                     ready=False, env=DEBIAN)
    t.wait(lambda: os.path.exists(path), "uwsgi listens", 20)
    t.wait(lambda: len(children(target.pid)) == 2, "uwsgi starts its workers", 20)
    workers = children(target.pid)
    asked = [(pid, t.start_inject(pid, "import os\nresult = '%s %d' % (__name__, os.getpid())"))
             for pid in workers]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        t.wait(lambda: all(pool.map(ask, [path] * 16)) and all(inject.popen.poll() is not None for _, inject in asked),
               "every worker is entered", 30)
        answers = set(pool.map(ask, [path] * 100))
    for pid, inject in asked:
        t.equal(inject.finish()[0][-1], f"result _wftrace {pid}", "answer")
    t.equal((children(target.pid), len(workers), answers - set(workers)), (workers, 2, set()), "the workers")
    target.popen.terminate()
    target.finish()
    t.true("Traceback" not in target.stderr(), target.stderr())


def bundle(t, argv):
    """A container of runc on the interpreter's own files, read-only but for /dev/shm."""
    home = os.path.dirname(os.path.dirname(os.path.realpath(t.python)))
    usr = os.path.join(home, "root", "usr") if os.path.basename(home) == "pythons" else "/usr"
    binds = {"/usr": usr, "/opt": t.folder}
    if home.startswith("/root/") and usr == "/usr":
        binds[home] = home
    root = os.path.join(t.folder, "rootfs")
    for folder in "proc", "dev/shm", *(path.lstrip("/") for path in binds):
        os.makedirs(os.path.join(root, folder))
    for link in "bin", "lib", "lib64":
        os.symlink("usr/" + link, os.path.join(root, link))
    mounts = [{"destination": "/proc", "type": "proc", "source": "proc"},
              {"destination": "/dev/shm", "type": "tmpfs", "source": "shm"}]
    mounts += [{"destination": inside, "type": "bind", "source": outside, "options": ["rbind", "ro"]}
               for inside, outside in binds.items()]
    with open(os.path.join(t.folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump({"ociVersion": "1.0.2", "root": {"path": "rootfs", "readonly": True}, "hostname": "inside",
                   "process": {"terminal": False, "user": {"uid": 1234, "gid": 1234}, "cwd": "/", "args": argv,
                               "noNewPrivileges": True, "env": ["PATH=/usr/bin"]},
                   "mounts": mounts,
                   "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network")]}}, file)


@few
@target_test(120)
def test_a_container(t):
    runc = shutil.which("runc")
    if not runc:
        raise seam.Skip("runc is not installed")
    inside = "/usr/bin/" + os.path.basename(t.python) if "pythons/bin" in t.python else os.path.realpath(t.python)
    t.write("busy.py", BUSY)
    image = t.write("image", "y" * 5000)
    os.chmod(t.folder, 0o755)
    bundle(t, [inside, "/opt/busy.py"])
    name = "wftrace-" + os.path.basename(t.folder)
    command = [runc, "--root", os.path.join(t.folder, "runc")]
    target = t.start([*command, "run", "-b", t.folder, name], ready=False)
    try:
        if target.line() != "ready":
            raise seam.Skip("no container here: " + target.stderr()[-200:])
        state = subprocess.run([*command, "state", name], stdout=subprocess.PIPE, text=True, check=True).stdout
        t.equal(t.inject(json.loads(state)["pid"], WHO, "--image", image).result, "1 1234 5000", "answer")
        t.undisturbed(target, ["True"])
    finally:
        subprocess.run([*command, "delete", "-f", name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def patched(t, words):
    """This interpreter, running, with other words at their offsets in the table that it publishes."""
    if t.minor < 13 or "pythons/bin" not in t.python:
        raise seam.NotFor("no table in a program that could be copied")
    name = os.path.basename(t.python)
    with open(os.path.join(os.path.dirname(os.path.dirname(t.python)), "root", "usr", "bin", name), "rb") as file:
        program = bytearray(file.read())
    at = program.index(b"xdebugpy")
    while program[at + 10:at + 12] != bytes([t.minor, 3]):
        at = program.index(b"xdebugpy", at + 1)
    for offset, value in words.items():
        struct.pack_into("<Q", program, at + offset, value)
    path = os.path.join(t.folder, "patched")
    with open(path, "wb") as file:
        file.write(program)
    os.chmod(path, 0o755)
    return t.script(f"import os, sys\nif sys.argv[1:]:\n    os.execv({path!r}, [{path!r}, __file__])\n" + BUSY, "again")


@once
@target_test()
def test_a_build_without_the_lock_is_left_alone(t):
    python = interpreter.without_gil()
    if python is None:
        raise seam.NotFor("no free-threaded Python here: see builds.sh")
    path = t.write("free.py", BUSY)
    target = t.start([python.path, path])
    answer = t.inject(target, WHO)
    t.equal((answer.errno, answer.states), (NOT_SUPPORTED, []), f"{answer}")
    t.contains(answer.error, "free-threaded Python (without the GIL), which cannot be traced yet", "why")
    t.undisturbed(target, ["True"])


@everywhere
@target_test()
def test_builds_that_are_no_good(t):
    """Free-threaded, or with a table that cannot be right: left alone."""
    cases = [({16: 1}, "free-threaded"), ({8: 0x03110000}, "tables of another version")]
    if t.minor >= 14:
        cases.append(({32: 1 << 40}, "not the one of"))
    for words, why in cases:
        target = patched(t, words)
        answer = t.inject(target)
        t.equal(answer.errno, NOT_SUPPORTED, f"errno of {answer}")
        t.contains(answer.error, why, "why")
        t.undisturbed(target, ["True"])
