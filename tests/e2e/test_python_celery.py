# SPDX-License-Identifier: Apache-2.0
"""A Celery worker with a pool of forked processes and Redis between, attached to while it works."""
import ast
import os
import signal
import sys
from collections import Counter

from harness import ARMED, PROGRAMS, need_tool
from load import pythons
from shop import tell

RULES = ["orders_celery:order(n=arg.n, total=return) kind consumer",
         "orders_celery:refuse(n=arg.n) kind consumer", "orders_celery:ponder kind consumer",
         "orders_celery:price"]
ORDER, REFUSE, PONDER, PRICE = (f"orders_celery.{name}" for name in ("order", "refuse", "ponder", "price"))


class Shop:
    """Redis, a worker with two processes, and who sends it tasks."""

    def __init__(self, t, python):
        self.t = t
        socket = t.dir / f"{python.parts[-3]}.sock"
        self.redis = t.spawn([need_tool("redis-server"), "--port", "0", "--unixsocket", socket, "--save", "",
                              "--appendonly", "no", "--dir", t.dir, "--daemonize", "no"])
        t.wait(socket.exists, "redis is there", 20)
        env = {**os.environ, "PYTHONPATH": str(PROGRAMS), "HOME": str(t.dir),
               "ORDERS_BROKER": f"redis+socket://{socket}"}
        self.worker = t.spawn([python, "-m", "celery", "-A", "orders_celery", "worker", "-P", "prefork", "-c", "2", "-l",
                               "warning", "--without-gossip", "--without-mingle", "--without-heartbeat"], env=env)
        self.client = t.start([python, PROGRAMS / "orders_client.py"], env=env)

    def ask(self, line, want):
        seen = len(self.client.out.lines)
        tell(self.client, line)
        self.t.equal(self.client.out.lines[seen:-1], want, line)

    def orders(self, first, last):
        self.ask(f"order {first} {last}", [f"{n} {20 * n + 10}" for n in range(first, last)])

    def failures(self):
        self.ask("refuse 0 10", [f"{n} OutOfStock no {n} left" for n in range(10)])

    def states(self):
        """{process of the pool: what is changed in it}."""
        seen = len(self.client.out.lines)
        tell(self.client, "state 0 20")
        return dict(ast.literal_eval(line.split(" ", 1)[1]) for line in self.client.out.lines[seen:-1])

    def stop(self):
        self.client.finish()
        self.worker.signal(signal.SIGTERM)
        self.t.equal(self.worker.wait(), 0, "; ".join(self.worker.err.all()))
        self.redis.signal(signal.SIGTERM)
        self.redis.wait()


def check(t, trace):
    t.equal({s.name for s in trace.spans if s.parent is None}, {ORDER, REFUSE, PONDER}, "roots")
    t.equal(len({s.trace for s in trace.spans}), sum(s.parent is None for s in trace.spans), "traces")
    for span in trace.named(ORDER):
        t.equal([s.name for s in trace.children(span)], [PRICE] * 2, f"below {span}")
        t.equal((span.kind, span.error, span.attr("total")), ("consumer", False, 20 * span.attr("n") + 10), f"{span}")
    for span in trace.named(REFUSE):
        t.equal((span.error, span.exceptions()), (True, [("orders_celery.OutOfStock", f"no {span.attr('n')} left")]), f"{span}")
    for span in trace.named(PONDER):
        t.true(span.error and span.exceptions()[0][0].endswith("SoftTimeLimitExceeded"), f"{span}")


def test_celery_under_load(t):
    for python in pythons():
        shop = Shop(t, python)
        shop.orders(0, 50)
        before = shop.states()
        t.equal((len(before), any(before.values())), (2, False), f"{python}: before")
        tracer, last = t.attach(shop.worker, RULES, wait=False), 50
        while not tracer.err.wait(lambda text: text.startswith(ARMED), 0.001):
            shop.orders(last, last + 50)
            last += 50
        shop.orders(last, last + 100)
        shop.failures()
        shop.ask("ponder 0 1", ["0 SoftTimeLimitExceeded SoftTimeLimitExceeded()"])
        tracer.signal(signal.SIGINT)
        first = last + 100
        while tracer.alive():  # processes that have nothing to do run no code, so they could not disarm
            shop.orders(first, first + 20)
            first += 20
        trace = tracer.stop()
        shop.orders(0, 50)
        shop.failures()
        t.equal(shop.states(), before, f"{python}: what is left")
        shop.stop()
        check(t, trace)
        numbers = [s.attr("n") for s in trace.named(ORDER)]
        t.true(set(range(last, last + 100)) <= set(numbers), f"{python}: {len(numbers)} tasks")
        t.equal(Counter(numbers).most_common(1)[0][1], 1, f"{python}: one span of each task")
        t.equal((len(trace.named(REFUSE)), len(trace.named(PONDER))), (10, 1), python)


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
