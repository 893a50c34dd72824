# SPDX-License-Identifier: Apache-2.0
"""A WSGI application without a framework."""
import hashlib
import json
import os


def price(n):
    return int(hashlib.sha256(str(n).encode()).hexdigest()[:6], 16)


def order(n):
    return {"n": n, "total": price(n) + price(n + 1)}


def application(environ, start_response):
    path = environ["PATH_INFO"].strip("/").split("/")
    body = {"pid": os.getpid()} if path[0] == "pid" else order(int(path[1]))
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
