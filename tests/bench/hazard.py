# SPDX-License-Identifier: Apache-2.0
"""The hazard matrix: end-to-end tests that compare a traced run with an untraced one."""
import re
import subprocess
import sys

import priority
from row import Group
from workshop import ROOT, Failure



def measure(shop):
    # what happens is tested here, not how fast
    with priority.usual():
        done = subprocess.run([sys.executable, str(ROOT / "tests" / "e2e" / "run.py"), "-k", "hazard"],
                              capture_output=True, text=True, errors="replace", check=False)
    total = re.search(r"^e2e: (\d+) passed, (\d+) failed, (\d+) skipped$", done.stdout, re.M)
    if not total or not int(total[1]) + int(total[2]):
        raise Failure(f"the tests did not run: {(done.stdout + done.stderr)[-300:]}")
    failed = re.findall(r"^not ok\s+(?:\w+\.)?(\w+)", done.stdout, re.M)
    yield ("hazards.failed", int(total[2]),
           f"{total[1]} passed, {total[3]} skipped" + (f"; failed: {', '.join(failed)}" if failed else ""))


GROUPS = (Group(("hazards.failed",), 150, measure),)
