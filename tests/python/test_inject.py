# SPDX-License-Identifier: Apache-2.0
"""A text runs in an interpreter that works, waits or is full, and the program does not notice."""
import os
import signal
import time

from seam import everywhere
from harness import kill, target_test

# Works until stdin ends; says at the end what is in __main__.
BUSY = """
import sys, threading
end = []
threading.Thread(target=lambda: (sys.stdin.read(), end.append(1)), daemon=True).start()
before = n = None
before = sorted(globals())
print("ready", flush=True)
n = 0
while not end:
    n += 1
n = None
print(sorted(globals()) == before, flush=True)
"""

# Sits in one long C call until a line comes.
ASLEEP = """
import os
print("ready", flush=True)
os.read(0, 1)
n = 0
for i in range(2000000):
    n += i
import sys
print("ran" if hasattr(sys, "wftrace_was_here") else "quiet", flush=True)
"""

VERSION = "import sys\nresult = '%d.%d.%d %s' % (*sys.version_info[:3], sorted(globals()))"


@everywhere
@target_test()
def test_a_text_runs_and_answers(t):
    target = t.script(BUSY)
    fds = target.fds()
    answer = t.inject(target, VERSION)
    t.equal(answer.result, f"{t.version} ['__builtins__', '__name__', 'origin', 'sys']", f"result of {answer}")
    t.wait(lambda: target.fds() == fds, "the target's side closes")
    t.undisturbed(target, ["True"])


@target_test()
def test_an_exception_is_an_answer(t):
    target = t.script(BUSY)
    t.equal(t.inject(target, "raise ValueError('so \\u20ac \"')").result, '{"error":"ValueError: so € \\""}', "answer")
    t.equal(t.inject(target, "no python").result[:22], '{"error":"SyntaxError:', "answer")
    t.equal(t.inject(target, "result = 7").result, '{"error":"TypeError: result is no str"}', "answer")
    t.equal(t.inject(target, "x = 1").result, '{"error":"KeyError: \'result\'"}', "answer")
    t.equal(t.inject(target, "result = '\\udc80'").result, "\\udc80", "answer")
    t.equal(t.inject(target, "class E(Exception):\n  def __str__(self): 1/0\nraise E").result, '{"error":"E"}', "answer")
    t.undisturbed(target)


@everywhere
@target_test()
def test_what_comes_after_the_answer_disturbs_nobody(t):
    target = t.script(BUSY)
    for text in ("def after():\n  import sys; sys.wftrace_after = 7", "def after(): 1 / 0", "after = None"):
        t.equal(t.inject(target, f"result = 'before'\n{text}").result, "before", text)
    seen = t.inject(target, "import sys\nresult = str(getattr(sys, 'wftrace_after', 0))")
    t.equal(seen.result, "7", "what was left by it")
    t.undisturbed(target)


@target_test()
def test_the_image_is_there_while_the_text_runs(t):
    target = t.script(BUSY)
    image = t.write("image", "y" * 300000)
    read = "d = open(origin).read()\nresult = '%d %s %s' % (len(d), set(d), origin[:14])"
    t.equal(t.inject(target, read, "--image", image).result, "300000 {'y'} /proc/self/fd/", "image")
    t.equal(t.inject(target, "result = repr(origin)").result, "''", "origin without an image")
    fds = "import os\nresult = ' '.join(os.readlink('/proc/self/fd/' + f) for f in sorted(os.listdir('/proc/self/fd'))[:-1])"
    t.true("/memfd:wftrace (deleted)" not in t.inject(target, fds).result, "the image's descriptor is closed")
    t.undisturbed(target)


@target_test()
def test_a_big_answer_and_a_big_text(t):
    target = t.script(BUSY)
    text = "#" + "x" * 2000000 + "\nresult = 'z' * 3000000"
    t.equal(len(t.inject(target, text).result), 3000000, "length of the answer")
    t.undisturbed(target)


@everywhere
@target_test(120)
def test_every_slot_of_the_ring(t):
    """Past slots 0, 15, 16 and 31, and from 3.13 on 299, around its end."""
    target = t.script(BUSY)
    count = 310 if t.minor == 13 else 40
    answer = t.inject(target, None, "--count", str(count), timeout=100)
    t.equal((answer.results, answer.errno), (["ok"] * count, 0), "answers")
    t.undisturbed(target, ["True"])


FLOOD = """
#include <pthread.h>
#include <unistd.h>
extern int Py_AddPendingCall(int (*)(void *), void *);
static volatile int stop;
static long added[3], ran;
static pthread_t threads[3];
static int call(void *p) { __atomic_add_fetch(&ran, 1, __ATOMIC_SEQ_CST); return 0; }
static void *flood(void *p) { while (!stop) { if (Py_AddPendingCall(call, 0) == 0) ++*(long *)p; usleep(20); } return 0; }
void begin(void) { for (int i = 0; i < 3; i++) pthread_create(&threads[i], 0, flood, &added[i]); }
void end(void) { stop = 1; for (int i = 0; i < 3; i++) pthread_join(threads[i], 0); }
long balance(void) { return added[0] + added[1] + added[2] - ran; }
long calls(void) { return ran; }
"""

FLOODED = """
import ctypes, sys, threading
flood = ctypes.CDLL(sys.argv[1])
end = []
threading.Thread(target=lambda: (sys.stdin.read(), end.append(1)), daemon=True).start()
flood.begin()
print("ready", flush=True)
n = 0
while not end:
    n += 1
flood.end()
for i in range(1000000):
    n += 1
print(flood.balance(), flood.calls() > 1000, flush=True)
"""


@target_test(180)
def test_a_program_that_floods_the_queue_itself(t):
    """150 requests among thousands of the program's own pending calls: none is lost."""
    library = t.compile("flood.so", FLOOD, "-shared", "-fPIC", "-lpthread")
    target = t.script(FLOODED, library)
    answer = t.inject(target, None, "--count", "150", timeout=150)
    t.equal((len(answer.results), answer.error), (150, ""), "answers")
    t.undisturbed(target, ["0 True"])


CROWD = """
import asyncio, sys, threading, time
end = []
def work():
    n = 0
    while not end:
        n += sum(range(100))
async def step(i):
    await asyncio.sleep(0.001 * (i % 3))
    return i
async def main():
    print("ready", flush=True)
    while not end:
        done = await asyncio.gather(*[step(i) for i in range(20)])
        assert done == list(range(20))
        try:
            await asyncio.wait_for(asyncio.sleep(1), 0.001)
        except asyncio.TimeoutError:
            pass
threading.Thread(target=lambda: (sys.stdin.read(), end.append(1)), daemon=True).start()
for i in range(3):
    threading.Thread(target=work).start()
asyncio.run(main())
"""


@target_test(240)
def test_a_busy_program_is_entered_many_times(t):
    target = t.script(CROWD)
    fds = target.fds()
    count = 500 if t.soak else 15
    answer = t.inject(target, None, "--count", str(count), timeout=200)
    t.equal((len(answer.results), answer.error), (count, ""), "answers")
    t.wait(lambda: target.fds() == fds, "no descriptor is left", 10)
    t.undisturbed(target)


@target_test()
def test_a_blocked_main_thread_is_waited_for(t):
    target = t.asleep(ASLEEP)
    inject = t.start_inject(target, "import sys\nsys.wftrace_was_here = 1\nresult = 'late'")
    t.equal(inject.line(), "state waiting", "state")
    time.sleep(0.2)
    target.send()
    lines, _, _ = inject.finish()
    t.equal(lines[-1:], ["result late"], "answer")
    t.undisturbed(target, ["ran"])


@everywhere
@target_test()
def test_waiting_can_be_withdrawn(t):
    """The text never runs, and the next one does."""
    target = t.asleep(ASLEEP)
    answer = t.inject(target, "import sys\nsys.wftrace_was_here = 1\nresult = 'no'", "--withdraw", "100")
    t.equal((answer.states, answer.values("withdrawn"), answer.result), (["waiting"], ["0"], None), "the withdrawal")
    again = t.inject(target, "import sys\nsys.wftrace_was_here = 1\nresult = 'no'", "--withdraw", "100")
    t.equal(again.values("withdrawn"), ["0"], "the second withdrawal")
    inject = t.start_inject(target, "result = 'next'")
    t.equal(inject.line(), "state waiting", "state")
    target.send()
    t.equal(inject.finish()[0][-1:], ["result next"], "the next answer")
    t.undisturbed(target, ["quiet"])


@target_test()
def test_a_tracer_killed_before_the_header_leaves_nothing(t):
    target = t.script(BUSY)
    fds = target.fds()
    answer = t.inject(target, "import sys\nsys.wftrace_was_here = 1\nresult = ''", "--kill", "delivered")
    t.equal(answer.status, -signal.SIGKILL, "the tracer's status")
    t.wait(lambda: target.fds() == fds, "the target's side closes")
    seen = t.inject(target, "import sys\nresult = repr(hasattr(sys, 'wftrace_was_here'))")
    t.equal(seen.result, "False", "whether the text ran")
    t.undisturbed(target, ["True"])


@target_test()
def test_a_tracer_killed_while_it_waits(t):
    """The request stays behind, finds nobody, and closes."""
    target = t.asleep(ASLEEP)
    t.equal(t.inject(target, "result = 'no'", "--kill", "waiting").status, -signal.SIGKILL, "the tracer's status")
    fds = target.fds()
    target.send()
    t.wait(lambda: target.popen.poll() is not None or target.fds() == fds, "the target's side closes")
    t.undisturbed(target, ["quiet"])


INTERRUPTED = """
import sys, signal
def leave(*_):
    raise SystemExit(7)
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
try:
    while 1:
        pass
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def hold(t, target):
    """A request that has been delivered and is not begun."""
    inject = t.start_inject(target, "result = 'went on'", "--hold", "delivered")
    while inject.line() not in ("state delivered", ""):
        pass
    return inject


@target_test()
def test_an_interrupt_meanwhile_reaches_the_program(t):
    target = t.script(INTERRUPTED)
    hold(t, target)
    os.kill(target.pid, signal.SIGINT)
    t.undisturbed(target, ["interrupted"])


@target_test()
def test_an_exit_that_a_signal_asks_for_meanwhile_happens(t):
    if t.minor >= 14:
        return  # the debugger interface ends what its script raises
    target = t.script(INTERRUPTED)
    hold(t, target)
    os.kill(target.pid, signal.SIGTERM)
    t.equal(target.finish(), ([], "", 7), "output and status")


# A child that waited for us would have slept hundreds of times.
FORKS = """
import os, resource, sys, threading
end = []
threading.Thread(target=lambda: (sys.stdin.read(), end.append(1)), daemon=True).start()
print("ready", flush=True)
forks = 0
while not end:
    pid = os.fork()
    if pid == 0:
        n = 0
        for i in range(20000):
            n += i
        os._exit(resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw > 50)
    assert os.waitpid(pid, 0)[1] == 0
    forks += 1
print(forks > 10, flush=True)
"""


@target_test(120)
def test_children_forked_meanwhile_do_nothing(t):
    target = t.script(FORKS, options=["-W", "ignore"])
    answer = t.inject(target, None, "--count", "60", timeout=100)
    t.equal((len(answer.results), answer.error), (60, ""), "answers")
    t.undisturbed(target, ["True"])


@target_test()
def test_a_program_that_is_replaced_while_it_is_waited_for(t):
    text = """
import os, sys
print("ready", flush=True)
os.read(0, 1)
os.execv(sys.executable, [sys.executable, "-c", "print('next')"])
"""
    target = t.asleep(text)
    inject = t.start_inject(target, "result = 'no'")
    t.equal(inject.line(), "state waiting", "state")
    target.send()
    # exec may come before or after the interpreter looks at its queue
    lines, _, _ = inject.finish()
    t.true(lines[-1].startswith(("error 3 ", "result no")), f"what was said: {lines}")
    t.undisturbed(target, ["next"])


@target_test()
def test_a_program_that_ends_while_it_is_waited_for(t):
    target = t.asleep("import os\nprint('ready', flush=True)\nos.read(0, 1)\nos._exit(0)")
    inject = t.start_inject(target, "result = 'no'")
    t.equal(inject.line(), "state waiting", "state")
    kill(target)
    t.contains(inject.finish()[0][-1], "error 3 ", "what was said")


@target_test()
def test_one_owner_at_a_time(t):
    target = t.script(BUSY)
    first = t.start_inject(target, None, "--stay")
    while first.line() != "result ok":
        pass
    second = t.inject(target)
    t.equal(second.errno, 16, f"errno of {second}")
    t.contains(second.error, f"by the wftrace with PID {first.pid}", "the owner's name")
    kill(first)
    first.popen.wait()
    t.equal(t.inject(target).result, "ok", "answer once the owner was killed")
    t.undisturbed(target, ["True"])


@target_test()
def test_an_owner_that_lets_go(t):
    target = t.script(BUSY)
    first = t.start_inject(target, None, "--stay", "--release")
    while first.line() != "result ok":
        pass
    t.equal(t.inject(target).errno, 16, "errno while it is owned")
    first.send()
    first.popen.wait()
    t.equal(t.inject(target).result, "ok", "answer after it let go")
    t.undisturbed(target, ["True"])


@target_test()
def test_a_stopped_program_is_waited_for(t):
    target = t.script(BUSY)
    os.kill(target.pid, signal.SIGSTOP)
    inject = t.start_inject(target)
    t.equal(inject.line(), "state waiting", "state")
    time.sleep(0.1)
    with open(f"/proc/{target.pid}/stat", encoding="utf-8") as stat:
        t.equal(stat.read().rsplit(")", 1)[1].split()[0], "T", "state of the stopped program")
    os.kill(target.pid, signal.SIGCONT)
    t.equal(inject.finish()[0][-1:], ["result ok"], "answer")
    t.undisturbed(target, ["True"])
