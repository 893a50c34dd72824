# SPDX-License-Identifier: Apache-2.0
"""Programs that forbid, starve or hide; each gets one clear line, and goes on as before."""
import os
import re
import shutil
import subprocess
import sys
import time

import seam
from seam import everywhere, few, once
from harness import target_test
from test_inject import BUSY

NOT_SUPPORTED, BUSY_NOW, CANCELLED, NO_ENTRY, EARLY, ENDED, READ_ONLY = 95, 16, 125, 2, 11, 3, 30

# A program with an audit hook, which runs until its input ends.
AUDITED = """
import sys, threading
end, on, seen = [], [], []
threading.Thread(target=lambda: (sys.stdin.read(), end.append(1)), daemon=True).start()
def hook(event, args):
    if on:
        %s
sys.addaudithook(hook)
print("ready", flush=True)
on.append(1)
while not end:
    pass
on.clear()
print(*seen or ["well"], flush=True)
"""
DENY = AUDITED % """
        if event == sys.argv[1]:
            raise RuntimeError("denied " + event)
"""
SEEN = AUDITED % "event in seen or seen.append(event)"


@everywhere
@target_test()
def test_audit_hooks_are_respected(t):
    target = t.script(SEEN)
    answer = t.inject(target)
    t.equal(answer.errno, NOT_SUPPORTED, f"errno of {answer}")
    t.contains(answer.error, "has audit hooks", "why")
    t.undisturbed(target, ["well"])


@few
@target_test(120)
def test_an_audit_hook_that_denies_anything_costs_only_the_attach(t):
    if t.minor >= 14:
        raise seam.NotFor("the debugger interface prints what a hook raises")
    target = t.script(SEEN)
    t.equal(t.inject(target, None, "--force").result, "ok", "forced")
    seen = target.finish()[0][0].split()
    t.true("compile" in seen and "exec" in seen, f"events: {seen}")
    runs = []
    for event in seen:
        target = t.script(DENY, event)
        runs.append((event, target, t.start_inject(target, None, "--force")))
    for event, target, inject in runs:
        said = inject.finish()[0][-1]
        t.true(said.startswith(f"error {CANCELLED} ") or "denied" in said or said == "result ok", f"{event}: {said}")
        t.undisturbed(target, ["well"])


HOOK = """
extern int PySys_AddAuditHook(int (*)(const char *, void *, void *), void *);
static int hook(const char *event, void *args, void *data) { return 0; }
int add(void) { return PySys_AddAuditHook(hook, 0); }
"""


@everywhere
@target_test()
def test_native_audit_hooks_are_respected(t):
    library = t.compile("hook.so", HOOK, "-shared", "-fPIC")
    target = t.script("import ctypes, sys\nassert ctypes.PyDLL(sys.argv[1]).add() == 0\n" + BUSY, library)
    answer = t.inject(target)
    t.equal(answer.errno, NOT_SUPPORTED, f"errno of {answer}")
    t.contains(answer.error, "has audit hooks", "why")
    t.equal(t.inject(target, None, "--force").result, "ok", "forced")
    t.undisturbed(target, ["True"])


@everywhere
@target_test()
def test_a_program_that_has_just_started(t):
    """At whatever moment of its start and end: an answer or a plain error, and it runs as ever."""
    path = t.write("target.py", "import json\nprint('well', flush=True)\n")
    for step in range(100 if t.soak else 12):
        target = t.start([t.python, path], ready=False)
        time.sleep(step * 0.004)
        answer = t.inject(target)
        t.true(answer.result == "ok" or answer.errno in (EARLY, ENDED, NO_ENTRY, CANCELLED), f"what was said: {answer}")
        t.undisturbed(target, ["well"])


DEEP = """
import os
def down():
    global told
    try:
        down()
    except RecursionError:
        if told:
            return
        os.write(1, line)
        told = True
        n = 0
        while n < 8000000:
            n += 1
line = b"ready" + bytes([10])
told = False
down()
print("well", flush=True)
"""


@everywhere
@target_test()
def test_a_program_at_its_recursion_limit(t):
    target = t.script(DEEP)
    answer = t.inject(target, "result = 'in'")
    t.true(answer.result == "in" or answer.errno in (CANCELLED, 3), f"what was said: {answer}")
    t.undisturbed(target, ["well"])


STARVED = """
import resource, sys
print("ready", flush=True)
sys.stdin.read(1)
with open("/proc/self/statm") as statm:
    used = int(statm.read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used, resource.RLIM_INFINITY))
hold = []
try:
    while 1:
        hold.append(bytes(100))
except MemoryError:
    pass
for i in range(3000000):
    pass
hold = None
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
print("well", flush=True)
"""


@target_test()
def test_a_program_without_memory(t):
    if t.minor >= 14:
        raise seam.NotFor("the debugger interface says so when it cannot open its script")
    target = t.script(STARVED)
    target.send()
    time.sleep(0.3)
    answer = t.inject(target, "result = 'in'")
    t.true(answer.result is not None or answer.errno in (CANCELLED, 3), f"what was said: {answer}")
    t.undisturbed(target, ["well"])


SLEEPER = """
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>
static int disturbed, which;
static void *sleeper(void *unused)
{
	struct epoll_event event;
	struct timespec hour = {3600};
	struct timeval timeout = {3600};
	struct sembuf wait = {0, -1, 0};
	sigset_t set;
	int ends[2], epoll = epoll_create1(0), sem = semget(IPC_PRIVATE, 1, 0600);
	char byte;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	for (;;) {
		int rc = which == 0 ? epoll_wait(epoll, &event, 1, -1) :
			 which == 1 ? sigtimedwait(&set, 0, &hour) :
			 which == 2 ? semtimedop(sem, &wait, 1, &hour) :
			 recv(ends[0], &byte, 1, 0);
		if (rc < 0 && errno == EINTR)
			disturbed++;
	}
}
void begin(int number) { pthread_t thread; which = number; pthread_create(&thread, 0, sleeper, 0); }
int count(void) { return disturbed; }
"""

SLEPT = """
import ctypes, sys, threading, time
library = ctypes.CDLL(sys.argv[1])
end = []
threading.Thread(target=lambda: (sys.stdin.read(), end.append(1)), daemon=True).start()
library.begin(int(sys.argv[2]))
time.sleep(0.1)
print("ready", flush=True)
while not end:
    pass
print(library.count(), flush=True)
"""


@few
@target_test(120)
def test_native_threads_are_not_disturbed(t):
    """epoll_wait, sigtimedwait, semtimedop, and recv with a time-out: refused; forced, they notice nothing."""
    library = t.compile("sleeper.so", SLEEPER, "-shared", "-fPIC", "-lpthread")
    runs = []
    for number, call in enumerate(("epoll_wait", "sigtimedwait", "semtimedop", "recv")):
        target = t.script(SLEPT, library, str(number))
        runs.append((call, target, t.start_inject(target)))
    for call, target, inject in runs:
        said = inject.finish()[0][-1]
        t.true(said.startswith(f"error {NOT_SUPPORTED} ") and f"sits in {call}" in said, f"what was said: {said}")
        t.equal(t.inject(target, None, "--force", "--count", "20").results, ["ok"] * 20, "forced")
        t.undisturbed(target, ["0"])


@few
@target_test()
def test_an_idle_event_loop_needs_no_force(t):
    """The interpreter's own epoll repeats its call."""
    target = t.script("""
import asyncio, sys
async def main():
    end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print("ready", flush=True)
    while not end.done():
        await asyncio.sleep(0.3)
asyncio.run(main())
""")
    for _ in range(3):
        t.equal(t.inject(target).result, "ok", "answer")
    t.undisturbed(target)


NOT_ROOT = """
import ctypes, os, sys, threading
if os.getuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0
print("ready", flush=True)
end = []
threading.Thread(target=lambda: (sys.stdin.read(), end.append(1)), daemon=True).start()
while not end:
    pass
"""
WHO = "import os\nresult = '%d %d %d' % (os.getpid(), os.getuid(), len(open(origin).read()))"
SEALED = """mount -t proc proc /proc; mount -t tmpfs -o ro,noexec none /dev/shm; mount -o remount,bind,ro /
exec "$@\""""


def seal(t, argv):
    """A program in namespaces of its own, with nothing that it could write: (target, PID of the program)."""
    outer = ["unshare", "-m", "-p", "-i", "-n", "-f", "--propagation", "private", "sh", "-c", SEALED, "sh"]
    target = t.start(outer + argv, ready=False)
    if target.line() != "ready":
        raise seam.Skip("no such namespaces here: " + target.stderr()[-100:])
    with open(f"/proc/{target.pid}/task/{target.pid}/children", encoding="utf-8") as children:
        return target, int(children.read().split()[0])


@target_test()
def test_another_user_and_namespaces_and_a_read_only_root(t):
    """uid 65534 without a privilege, by its own act or from its start; own namespaces; nothing writable."""
    script, image = t.write("target.py", NOT_ROOT), t.write("image", "y" * 5000)
    os.chmod(image, 0o644)
    drop = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs", "--inh-caps=-all",
            "--bounding-set=-all"] if t.python.startswith("/usr/bin/") else []
    target, pid = seal(t, [*drop, t.python, script])
    answer = t.inject(pid, WHO, "--image", image)
    if t.minor < 14:
        t.equal(answer.result, "1 65534 5000", f"answer: {answer}")
    else:
        t.equal(answer.errno, READ_ONLY, f"errno of {answer}")
        t.contains(answer.error, "/dev/shm, /tmp, /run and /var/tmp are read-only", "why")
    t.undisturbed(target)
    target = t.start([t.python, script])
    t.equal(t.inject(target, WHO, "--image", image).result, f"{target.pid} 65534 5000", "answer to another user")
    t.undisturbed(target)


@everywhere
@target_test()
def test_remote_debugging_switched_off(t):
    if t.minor < 14:
        raise seam.NotFor("before PEP 768")
    target = t.script(BUSY, options=["-X", "disable-remote-debug"])
    answer = t.inject(target)
    t.equal(answer.errno, NOT_SUPPORTED, f"errno of {answer}")
    t.contains(answer.error, "remote debugging off", "why")
    t.undisturbed(target, ["True"])


@target_test()
def test_isolated_and_without_site(t):
    target = t.script(BUSY, options=["-I", "-S", "-E"])
    t.equal(t.inject(target, "import sys\nresult = str('site' in sys.modules)").result, "False", "answer")
    t.undisturbed(target, ["True"])


@target_test()
def test_a_debugger_that_was_first(t):
    target = t.script(BUSY)
    strace = shutil.which("strace") or shutil.which("gdb")
    if not strace:
        raise seam.Skip("neither strace nor gdb")
    argv = [strace, "-qq", "-e", "trace=none", "-p", str(target.pid)]
    if strace.endswith("gdb"):
        argv = [strace, "-q", "-nx", "-ex", f"attach {target.pid}"]
    debugger = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        traced = re.compile(r"TracerPid:\t[1-9]")
        t.wait(lambda: traced.search(open(f"/proc/{target.pid}/status").read()), "the debugger attaches", 20)
        answer = t.inject(target)
        t.equal(answer.errno, BUSY_NOW, f"errno of {answer}")
        t.contains(answer.error, "traced by another process", "why")
    finally:
        debugger.kill()
        debugger.wait()
    t.undisturbed(target, ["True"])


@target_test()
def test_a_sub_interpreter_beside_it(t):
    name = "_interpreters" if t.minor >= 13 else "_xxsubinterpreters"
    target = t.script(f"import {name} as s\nother = s.create()\n" + BUSY + "\ns.destroy(other)")
    t.equal(t.inject(target, "import sys\nresult = sys.argv[0][-9:]").result, "target.py", "answer")
    t.undisturbed(target, ["True"])


@once
@target_test()
def test_what_is_no_python_that_can_be_entered(t):
    sleep = t.start(["sleep", "100"], ready=False)
    answer = t.inject(sleep, None, "--find")
    t.equal(answer.errno, NO_ENTRY, f"errno of {answer}")
    t.contains(answer.error, "holds no Python interpreter", "why")
    for version in "2.7.18", "3.7.16":
        python = os.path.expanduser(f"~/.pyenv/versions/{version}/bin/python")
        if os.path.exists(python):
            old = t.start([python, "-c", "import time; time.sleep(100)"], ready=False)
            t.wait(lambda: t.inject(old).errno == NOT_SUPPORTED, "a Python that is too old", 5)
            t.contains(t.inject(old).error, "before 3.8", "why")
    t.contains(t.inject(os.getpid(), None, "--find").lines[0], sys.version.split()[0], "this Python")


@once
@target_test()
def test_files_that_were_deleted(t):
    copy = os.path.join(t.folder, "python-copy")
    shutil.copy(os.path.realpath("/usr/bin/python3"), copy)
    target = t.start([copy, t.write("target.py", BUSY)])
    os.unlink(copy)
    t.equal(t.inject(target).result, "ok", "answer")
    t.undisturbed(target, ["True"])
