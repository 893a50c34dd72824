# SPDX-License-Identifier: Apache-2.0
"""redis-server under redis-benchmark: as many calls as commands were sent, results as without a tracer."""
import re

from harness import Failure, find_tool, need_tool

REQUESTS = 20000


class Redis:
    """A server of the test's own, on a unix socket."""

    def __init__(self, t):
        self.t = t
        self.socket = t.dir / "redis.sock"
        self.process = t.spawn([
            need_tool("redis-server"), "--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no",
            "--dir", t.dir, "--daemonize", "no"])
        t.wait(lambda: self.socket.exists() and self.cli("PING") == ["PONG"], "redis answers", 20)

    def cli(self, *words):
        process = self.t.spawn(["redis-cli", "-s", self.socket, *words])
        process.wait()
        return process.out.all()

    def commands(self):
        text = " ".join(self.cli("INFO", "stats"))
        return int(re.search(r"total_commands_processed:(\d+)", text)[1])

    def benchmark(self):
        process = self.t.spawn(["redis-benchmark", "-s", self.socket, "-n", str(REQUESTS), "-c", "8", "-P", "4", "-q",
                                "-t", "set,get,lpush"])
        if process.wait(120):
            raise Failure("redis-benchmark failed: " + "; ".join(process.err.all()))

    def stop(self):
        self.cli("SHUTDOWN", "NOSAVE")
        return self.process.wait()


def test_redis_under_load(t):
    if find_tool("redis-benchmark") is None:
        need_tool("redis-benchmark")
    t.need_wftrace()
    redis = Redis(t)
    tracer = t.attach(redis.process.pid, ["call", "processCommand", "setCommand", "getCommand", "lpushCommand"])
    before = redis.commands()
    redis.benchmark()
    t.equal(redis.cli("GET", "key:__rand_int__"), ["VXK"], "a value that the benchmark set")
    after = redis.commands()
    trace = tracer.stop()
    t.equal(redis.stop(), 0, "exit status")
    counts = trace.counts()
    # Each INFO and the last GET are commands, too; the first INFO was counted in `before` already.
    t.equal((counts["setCommand"], counts["getCommand"], counts["lpushCommand"]), (REQUESTS, REQUESTS + 1, REQUESTS), "calls")
    t.true(counts["call"] >= after - before, f"{counts['call']} calls of call() for {after - before} commands")
    t.equal(counts["processCommand"], counts["call"], "processCommand and call")
    for (parent, name), number in trace.edges().items():
        t.true(name in ("processCommand",) or parent == {"call": "processCommand"}.get(name, "call"),
               f"{number} times {name} below {parent}")
    t.equal(trace.ledger["ring_full"], 0, "lost to a full ring")


test_redis_under_load.deadline = 300
