# SPDX-License-Identifier: Apache-2.0
"""Windows of one server's work under load, without and with something on it, in turns."""
import math
import os
import statistics
from pathlib import Path


def cpu_seconds(pid):
    """Of a process and those of its children that were waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


class Windows:
    """By name, those of "plain" among them: a window has tps, and microseconds of CPU time each."""

    def __init__(self, *names):
        self.windows = {name: [] for name in names}

    def median(self, who, what):
        return statistics.median(getattr(window, what) for window in self.windows[who])

    def losses(self, who):
        """Percent of the transactions, sorted, each against the window of its own round."""
        return sorted(100 * (1 - one.tps / plain.tps)
                      for one, plain in zip(self.windows[who], self.windows["plain"]))

    def loss(self, who):
        return round(statistics.median(self.losses(who)), 2)

    def interval(self, who):
        """Where the median of the losses lies in 95 of 100 cases, by their order alone."""
        losses = self.losses(who)
        count = len(losses)
        cut = max(0, math.floor(count / 2 - 0.98 * math.sqrt(count)))
        return losses[cut], losses[count - 1 - cut]

    def added_us(self, who):
        """CPU time of a transaction, all processes together, over that without anything."""
        return sum(self.median(who, what) - self.median("plain", what) for what in ("server_us", "tracer_us"))
