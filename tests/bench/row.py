# SPDX-License-Identifier: Apache-2.0
"""The rows: what is measured, in which unit, against which bar."""


class Row:
    """`vm`: the bar was set for a nested virtual machine and says nothing elsewhere."""

    def __init__(self, name, unit, bar=None, vm=False):
        self.id, self.unit, self.bar, self.vm = name, unit, bar, vm
        self.value, self.how = None, "not measured"

    def holds(self, nested):
        """True, False, or None where there is no bar, no value or no say."""
        if self.bar is None or self.value is None or (self.vm and not nested):
            return None
        sign, number = self.bar.split()
        number = float(number)
        return {"<=": self.value <= number, "<": self.value < number, ">=": self.value >= number,
                "=": self.value == number}[sign]

    def as_dict(self, nested):
        return {"id": self.id, "value": self.value, "unit": self.unit, "bar": self.bar,
                "holds": self.holds(nested), "how": self.how}


class Group:
    """Rows that are measured together: measure(shop) yields (id, value, how) of each.

    It takes about `seconds`. Where it fails, the rows that it did not come to have no value; those
    of other groups do not notice.
    """

    def __init__(self, rows, seconds, measure):
        self.rows, self.seconds, self.measure = rows, seconds, measure


ROWS = (
    ("call.full_vs_empty_pair", "ratio", "<= 1.25"),
    ("call.string_vs_empty_pair", "ratio", "<= 1.45"),
    ("call.full_vs_bpftrace", "ratio", "<= 0.85"),
    ("call.endbr64_vs_bpftrace", "ratio", "<= 0.15", True),
    ("call.dropped_vs_empty_entry", "ratio", "<= 1.90"),
    ("call.predicted_error", "%", "<= 20"),
    ("call.exit_site_vs_ret", "ratio", "<= 0.5", True),
    ("call.exit_site_vs_ret_protoc", "ratio"),
    ("call.exit_site_vs_ret_cmake", "ratio"),
    ("collector.spans_per_s", "spans/s", ">= 500000"),
    ("collector.gzip_spans_per_s", "spans/s"),
    ("collector.allocs_per_1000", "allocations", "= 0"),
    ("memory.rss_1000_probes_mb", "MiB", "<= 30"),
    ("memory.kernel_mb", "MiB", "<= 48"),
    ("memory.startup_peak_mb", "MiB", "<= 80"),
    ("attach.1000_s", "s", "< 1"),
    ("attach.detach_1000_s", "s", "< 1"),
    ("attach.10000_s", "s", "< 5"),
    ("attach.detach_10000_s", "s", "< 5"),
    ("load.lost", "spans", "= 0"),
    ("hazards.failed", "tests", "= 0"),
    ("overhead.pgbench", "%"),
    ("overhead.pgbench_vs_empty", "ratio", "<= 3"),
    ("overhead.pgbench_select", "%"),
    ("overhead.pgbench_select_vs_empty", "ratio"),
    ("overhead.fastapi", "%"),
    ("overhead.fastapi_vs_sdk", "ratio", "<= 0.25"),
    ("overhead.fastapi_price", "%"),
    ("overhead.fastapi_price_vs_sdk", "ratio"),
    ("python.chosen", "ratio", "<= 2.8"),
    ("python.chosen_root", "ratio"),
    ("python.unchosen", "ratio", "<= 1.01"),
    ("python.unchosen_raising", "ratio", "<= 1.10"),
    ("python.idle_ns", "ns"),
    ("python.after_detach", "ratio", ">= 0.99"),
    ("python.sdk_over_chosen", "ratio", ">= 10"),
    ("python.sdk_over_chosen_new", "ratio", ">= 8"),
)


def make_rows():
    return {row[0]: Row(*row) for row in ROWS}
