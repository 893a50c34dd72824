# SPDX-License-Identifier: Apache-2.0
"""Interpreters that wait at their start, by wftrace.pth, until wftrace is in: no call is missed."""
import os
import shutil
import sys

from harness import ROOT
from shop import few, minor

MODULE = "def call(n):\n    return n\n"
PROGRAM = "import shelf\nfor n in range(50):\n    shelf.call(n)\n"
LEFT = "import os\nprint('WFTRACE_WAIT' in os.environ)\n"


def environment(t, python, seconds):
    """With the file among the user's own packages, as an image has it among the system's."""
    site = t.dir / f"base-{minor(python)}"
    folder = site / "lib" / f"python3.{minor(python)}" / "site-packages"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "userspace" / "python" / "wftrace.pth", folder)
    (folder / "shelf.py").write_text(MODULE)
    return {**os.environ, "PYTHONUSERBASE": str(site), "WFTRACE_WAIT": str(seconds)}


def test_no_call_is_missed(t):
    for python in few(t):
        if minor(python) >= 15:
            continue  # counts as an interpreter only after its packages were set up
        path, ledger = t.dir / "spans.jsonl", t.dir / "early.json"
        status, out, err = t.wftrace("run", "-f", "shelf:call(n=arg.n)", "--json", "-o", path, "--ledger", ledger,
                                     "--", python, "-c", PROGRAM, env=environment(t, python, 10))
        t.equal((status, out), (0, []), f"{python}: {err}")
        t.equal(sum("shelf.call" in line for line in path.read_text().splitlines()), 50, f"{python}: {err}")


def test_without_a_tracer_the_program_begins_all_the_same(t):
    for python in few(t):
        for seconds in (0.2, "soon"):
            process = t.spawn([python, "-c", LEFT], env=environment(t, python, seconds))
            status = process.wait()
            t.equal((status, process.out.all(), process.err.all()), (0, [str(seconds == "soon")], []), python)
            shutil.rmtree(t.dir / f"base-{minor(python)}")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 120
