# SPDX-License-Identifier: Apache-2.0
"""Throughput that a real web server in Python loses: FastAPI under uvicorn, three spans a request."""
import json
import os
import select
import shutil
import socket
import statistics
import time
from pathlib import Path

import priority
from load import receiver
from receiver import venv_python
from row import Group
from shop import VERSIONS
from window import Windows, cpu_seconds
from workshop import HERE, OUT, Failure

CLIENTS, SECONDS = 4, 2
RULES = ("web:order(customer=arg.request.customer) kind server", "web:find_items(count=arg.wishes|len)",
         "web:keep_order(customer=arg.customer, count=return)", "web:price(item=arg.item) kind server",
         "web:find_price(item=arg.item)", "web:make_bill(currency=arg.currency)")
BODY = json.dumps({"customer": "a customer", "wishes": [{"sku": f"sku-{i}", "number": i} for i in range(1, 11)]}).encode()
ORDER = (b"POST /order HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
         b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY), b'"total":3850}')
PRICE = (b"GET /price/42?currency=USD HTTP/1.1\r\nHost: bench\r\nAccept: application/json\r\n\r\n",
         b'{"total":840,"currency":"USD"}')
LONGEST = 4000  # bytes of an answer


def pythons():
    """Debian's, whose code is swapped, and the newest of pyenv, where it is monitored; with the packages."""
    found = [path for path in (Path("/usr/bin/python3"), *VERSIONS[-1:]) if path.exists()]
    return [venv_python(OUT, HERE / "requirements.txt", path, f"web-{i}") for i, path in enumerate(found)]


class Clients:
    """Connections that ask again as soon as they are answered."""

    def __init__(self, path, request, answer):
        self.request, self.answer = request, answer
        self.sockets = [socket.socket(socket.AF_UNIX) for _ in range(CLIENTS)]
        for each in self.sockets:
            each.connect(str(path))
        self.poll = select.epoll()
        for each in self.sockets:
            self.poll.register(each, select.EPOLLIN)
        self.by_number = {each.fileno(): each for each in self.sockets}
        self.read = dict.fromkeys(self.by_number, b"")

    def ask(self, seconds):
        """Answers a second."""
        for each in self.sockets:
            each.sendall(self.request)
        begin, count = time.monotonic(), 0
        waiting = len(self.sockets)
        while waiting:
            for number, _ in self.poll.poll():
                each = self.by_number[number]
                self.read[number] += each.recv(8192)
                if not self.read[number].endswith(self.answer):
                    if len(self.read[number]) > LONGEST:
                        raise Failure(f"the server answered {self.read[number]!r}")
                    continue
                self.read[number] = b""
                count += 1
                if time.monotonic() - begin < seconds:
                    each.sendall(self.request)
                else:
                    waiting -= 1
        return count, count / (time.monotonic() - begin)

    def close(self):
        self.poll.close()
        for each in self.sockets:
            each.close()


class Window:
    def __init__(self, server, seconds):
        before = cpu_seconds(server.process.pid)
        self.count, self.tps = server.clients.ask(seconds)
        self.server_us = 1e6 * (cpu_seconds(server.process.pid) - before) / self.count
        self.tracer_us = self.spans = 0


class Server:
    """uvicorn with web.py on the target's processor, and its clients. sdk: with an SDK that sends to that URL."""

    def __init__(self, shop, python, exchange, sdk=None):
        path = shop.dir / f"{python.parts[-3]}{'-sdk' if sdk else ''}.sock"
        env = {**os.environ, "PYTHONPATH": str(shop.dir), "PYTHONDONTWRITEBYTECODE": "1", "BENCH_SDK": sdk or "",
               "OTEL_SERVICE_NAME": "bench"}
        self.process = shop.spawn([*shop.on_cpu(shop.target_cpu), python, "-m", "uvicorn", "web:app", "--uds",
                                   path, "--timeout-keep-alive", "600", "--log-level", "warning", "--no-access-log"],
                                  env=env)
        shop.wait(path.exists, "the web server", 30)
        priority.share([self.process.pid])
        self.clients = Clients(path, *exchange)
        Window(self, SECONDS)  # warm


class Series(Windows):
    """Windows of one server without anything and with wftrace, and of one with an SDK, in turns."""

    def __init__(self, shop, python, url, exchange):
        super().__init__("plain", "traced", "sdk")
        self.shop, self.url = shop, url
        self.version = python.parent.parent.joinpath("pyvenv.cfg").read_text().split("version = ")[1].split()[0]
        self.server, self.with_sdk = Server(shop, python, exchange), Server(shop, python, exchange, url)

    def traced_window(self):
        tracer = self.shop.trace(self.server.process, RULES, "--to", self.url)
        before = cpu_seconds(tracer.pid)
        window = Window(self.server, SECONDS)
        window.tracer_us = 1e6 * (cpu_seconds(tracer.pid) - before) / window.count
        ledger = tracer.stop(check=False).ledger
        if not ledger["balanced"] or ledger["entries"] < 3 * (window.count - CLIENTS):
            raise Failure(f"not all was traced, or the ledger is off: {ledger.raw}")
        window.spans = ledger["entries"] / window.count
        return window

    def round(self, even):
        makers = {"plain": lambda: Window(self.server, SECONDS), "traced": self.traced_window,
                  "sdk": lambda: Window(self.with_sdk, SECONDS)}
        for name in list(makers) if even else reversed(makers):
            self.windows[name].append(makers[name]())

    def close(self):
        self.server.clients.close()
        self.with_sdk.clients.close()

    def over_sdk(self):
        return self.added_us("traced") / max(self.added_us("sdk"), 1e-9)

    def describe(self):
        low, high = self.interval("traced")
        return (f"{self.version}: {self.loss('traced'):.1f} %, 95 % interval {low:.1f} to {high:.1f}, "
                f"{self.median('plain', 'tps'):.0f} requests/s untraced, CPU time of a request in the server "
                f"{self.median('plain', 'server_us'):.0f} us untraced, {self.median('traced', 'server_us'):.0f} traced, "
                f"and {self.median('traced', 'tracer_us'):.0f} in wftrace; with the SDK "
                f"{self.median('sdk', 'server_us'):.0f} us, {self.loss('sdk'):.1f} % lost")


def group(name, what, rounds, exchange):
    over_sdk = f"{name}_vs_sdk"

    def measure(shop):
        for module in ("web.py", "spanned.py"):
            shutil.copy(HERE / module, shop.dir)
        os.sched_setaffinity(0, {shop.tracer_cpu})  # the clients, so that nothing else runs beside the server
        _, url = receiver(shop)
        series = [Series(shop, python, url, exchange) for python in pythons()]
        count = shop.rounds(rounds)
        for i in range(count):
            for each in series:
                each.round(i % 2)
        for each in series:
            each.close()
        os.sched_setaffinity(0, shop.cpus)
        worst = max(series, key=lambda each: each.loss("traced"))
        spans = statistics.median(window.spans for window in worst.windows["traced"])
        yield (name, worst.loss("traced"),
               f"FastAPI under uvicorn, {what}, {spans:.0f} spans a request, OTLP/http, {CLIENTS} clients; the worst "
               f"of {'; '.join(each.describe() for each in series)}; median of {count} rounds")
        yield (over_sdk, round(max(each.over_sdk() for each in series), 2),
               "CPU time added to a request, over what the same spans by OpenTelemetry's SDK add")
    return Group((name, over_sdk), 15 + rounds * 6 * (SECONDS + 1), measure)


GROUPS = (group("overhead.fastapi", "an order of ten lines checked, looked up and kept by SQLite", 16, ORDER),
          group("overhead.fastapi_price", "the least request there is", 4, PRICE))
