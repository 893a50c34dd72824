# SPDX-License-Identifier: Apache-2.0
"""Web servers in Python that are attached to while they answer: FastAPI under uvicorn, WSGI under gunicorn."""
import hashlib
import os
import signal
import sys

from harness import PROGRAMS
from load import Clients, Connection, ask, listening, pythons

ASGI = ["orders_asgi:order(n=arg.n, total=return['total']) kind server", "orders_asgi:bill", "orders_asgi:fetch(n=arg.n)",
        "orders_asgi:report(n=arg.n) kind server", "orders_asgi:fail(n=arg.n) kind server", "orders_asgi:look_up(item=arg.item)",
        "sqlite3_step@libsqlite3*"]
WSGI = ["orders_wsgi:application(path=arg.environ['PATH_INFO']) kind server", "orders_wsgi:order(n=arg.n)",
        "orders_wsgi:price"]
ORDER, REPORT, FAIL = "orders_asgi.order", "orders_asgi.report", "orders_asgi.fail"


def asgi_answer(n):
    if n % 8 == 0:
        return f"/fail/{n}", 410, {"detail": f"gone {n}"}
    if n % 4 == 0:
        return f"/report/{n}", 200, {"n": n, "price": 10 * n}
    return f"/order/{n}", 200, {"n": n, "total": 60}


def serve(t, python, command, socket, patch=()):
    env = {**os.environ, "PYTHONPATH": str(PROGRAMS), "HOME": str(t.dir)}
    server = t.spawn([python, "-m", *command], env=env)
    listening(t, socket)
    return server


def uvicorn(t, python, loop):
    socket = t.dir / f"{loop}-{python.parts[-3]}.sock"
    command = ["uvicorn", "orders_asgi:app", "--uds", socket, "--loop", loop, "--log-level", "warning"]
    return serve(t, python, command, socket), socket


def whole(t, trace, endpoints, clients):
    """The roots of whole requests. Others are what requests went on with that ran at attach, one of each client."""
    roots = [s for s in trace.spans if s.parent is None]
    pieces = [s for s in roots if s.name not in endpoints]
    t.true(len(pieces) <= 5 * clients, f"{len(pieces)} roots that are no request: {pieces[:3]}")
    t.equal(len({s.trace for s in roots}), len(roots), "a request in the trace of another")
    return [s for s in roots if s.name in endpoints and not s.cut]


def check_native(t, trace, span):
    """A row and the end of the rows. What is native is left first."""
    if span.end < max(s.end for s in trace.named("sqlite3_step")):
        t.equal([s.name for s in trace.children(span)], ["sqlite3_step"] * 2, f"below {span}")


def check_order(t, trace, span):
    """A request's tree holds what it did, and nothing of what ran beside it."""
    t.equal(span.attr("total"), 60, f"{span}")
    below = trace.children(span)
    t.equal([s.name for s in below], ["orders_asgi.fetch", "orders_asgi.bill"], f"below {span}")
    t.equal(len(trace.children(below[1])), 2, f"below {below[1]}")
    for fetch in [below[0], *trace.children(below[1])]:
        t.equal((fetch.name, fetch.attr("n")), ("orders_asgi.fetch", span.attr("n")), "whose it is")
        look_up, = trace.children(fetch)
        check_native(t, trace, look_up)


def check_orders(t, trace, clients):
    trace.check(turns=True)
    roots = whole(t, trace, {ORDER, REPORT, FAIL}, clients)
    t.true(all(s.kind == "server" for s in roots), "kinds")
    for span in [s for s in roots if s.name == ORDER]:
        check_order(t, trace, span)
    for span in [s for s in roots if s.name == REPORT]:
        look_up, = trace.children(span)
        t.equal((look_up.name, look_up.attr("item")), ("orders_asgi.look_up", span.attr("n")), "in a thread")
        check_native(t, trace, look_up)
    for span in [s for s in roots if s.name == FAIL]:
        t.equal([kind for kind, _ in span.exceptions()], ["fastapi.exceptions.HTTPException"], f"why: {span}")
    return roots


def test_fastapi_under_load(t):
    for python, loop in zip(pythons(), ("asyncio", "uvloop")):
        server, socket = uvicorn(t, python, loop)
        clients = Clients(socket, asgi_answer)
        clients.more(100)
        before = ask(Connection(socket), "/state")
        tracer = t.attach(server, ASGI)
        first = clients.done
        clients.more(400)
        asked = clients.done - first
        trace = tracer.stop(check=False)
        after = ask(Connection(socket), "/state")
        clients.more(100)
        clients.stop()
        roots = check_orders(t, trace, len(clients.threads))
        t.true(len(roots) >= asked - len(clients.threads), f"{len(roots)} of {asked} requests")
        t.equal((before, after), ((200, {"changed": []}),) * 2, f"{python}: what is left")
        server.signal(signal.SIGTERM)
        t.equal((server.wait() in (0, -signal.SIGTERM), server.err.all()), (True, []), f"{python}: status and stderr")


def wsgi_answer(n):
    def price(i):
        return int(hashlib.sha256(str(i).encode()).hexdigest()[:6], 16)
    return f"/order/{n}", 200, {"n": n, "total": price(n) + price(n + 1)}


def states(t, socket, pids):
    """What is changed in each of these workers."""
    found = {}

    def more():
        _, state = ask(Connection(socket), "/state")
        found[state["pid"]] = state["changed"]
        return pids <= set(found)
    t.wait(more, "all workers to answer")
    return {pid: found[pid] for pid in pids}


def test_gunicorn_replaces_a_worker_under_load(t):
    for python in pythons():
        socket = t.dir / f"{python.parts[-3]}.sock"
        master = serve(t, python, ["gunicorn", "-w", "3", "-b", f"unix:{socket}", "--log-level", "warning",
                                   "orders_wsgi"], socket)
        clients = Clients(socket, wsgi_answer)
        clients.more(100)
        old = t.wait(lambda: len(t.children_of(master.pid)) == 3 and t.children_of(master.pid), "three workers")
        t.equal(states(t, socket, set(old)), {pid: [] for pid in old}, f"{python}: before")
        tracer = t.attach(master, WSGI)
        clients.more(200)
        os.kill(old[0], signal.SIGKILL)
        new, = t.wait(lambda: set(t.children_of(master.pid)) - set(old), "another worker")
        clients.more(400)
        trace = tracer.stop(check=False)
        clients.more(100)
        t.equal(states(t, socket, set(old[1:])), {pid: [] for pid in old[1:]}, f"{python}: what is left")
        clients.stop(broken=1)  # what the killed worker had begun
        master.signal(signal.SIGTERM)
        t.equal(master.wait(), 0, f"{python}: status")
        trace.check(turns=True)
        requests = whole(t, trace, {"orders_wsgi.application"}, 4)
        t.equal({s.pid for s in requests}, {*old, new}, f"{python}: processes")
        for span in requests:
            n = int(span.attr("path").rpartition("/")[2])
            call, = trace.children(span)
            t.equal((call.name, call.attr("n")), ("orders_wsgi.order", n), f"{python}: below {span}")
            t.equal([s.name for s in trace.children(call)], ["orders_wsgi.price"] * 2, f"{python}: below {call}")


for _test in [v for n, v in list(vars(sys.modules[__name__]).items()) if n.startswith("test_")]:
    _test.deadline = 300
