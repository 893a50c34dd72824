# SPDX-License-Identifier: Apache-2.0
"""The Python programs that are traced: every interpreter at hand, and talking to a program."""
import functools
import os
import subprocess
from pathlib import Path

from harness import PROGRAMS, ROOT, Skip, wait_for

VERSIONS = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3"), key=lambda p: int(p.parts[-3].split(".")[1]))
RULES = ["__main__:Shop.order(n=arg.n, shop=self.name, first=arg.rows[0], rows=arg.rows|len, total=return)",
         "shop.py:item(price=arg.price, gone=arg.missing) when arg.price >= 10", "__main__:fail"]


def sees_programs(python):
    """Those of tests/python/newer.sh have a root of their own."""
    os.environ.setdefault("WFTRACE_SHOWN", str(ROOT))
    return subprocess.run([python, "-c", "import os, sys; sys.exit(not os.path.isdir(sys.argv[1]))", PROGRAMS],
                          capture_output=True, check=False).returncode == 0


@functools.cache
def interpreters():
    """Debian's and those of pyenv, oldest first; or those that WF_PYTHONS names."""
    if os.environ.get("WF_PYTHONS"):
        return os.environ["WF_PYTHONS"].split()
    found = [p for p in VERSIONS if int(p.parts[-3].split(".")[1]) >= 8]
    found += filter(sees_programs, sorted(Path.home().glob(".cache/wftrace/pythons/bin/python3.1[4-9]")))
    found.insert(len(found) // 2, Path("/usr/bin/python3"))
    found = [str(p) for p in found if p.exists()]
    if not found:
        raise Skip("no Python to be traced")
    return found


def few(t):
    """The oldest, Debian's and the newest; all of them in a soak."""
    found = interpreters()
    return found if t.soak else list(dict.fromkeys([found[0], found[len(found) // 2], found[-1]]))


def minor(python):
    """The 12 of 3.12."""
    text = subprocess.run([python, "-c", "import sys; print(sys.version_info[1])"], capture_output=True, check=True)
    return int(text.stdout)


def oldest():
    return interpreters()[0]


def newest():
    return interpreters()[-1]


def tell(target, line):
    """Say it, and return what comes behind `WORD done`."""
    word, seen = line.split()[0] + " done", len(target.out.lines)
    target.go(line)
    wait_for(lambda: any(x.startswith(word) for x in target.out.lines[seen:]), f"an answer to {line!r}")
    return target.out.lines[-1][len(word):].strip()


def trace(t, python, rules, *options, says=("orders 20",), check=True, program="shop.py"):
    """Start it, attach, say something to it, leave: (Trace, the program, which runs on)."""
    target = t.start([python, PROGRAMS / program])
    tracer = t.attach(target, rules, *options)
    for line in says:
        tell(target, line)
    return tracer.stop(check=check), target


__all__ = ["PROGRAMS", "RULES", "few", "interpreters", "minor", "newest", "oldest", "tell", "trace"]
