# SPDX-License-Identifier: Apache-2.0
"""A WSGI application without a framework."""
import hashlib
import json
import os

import residue


def price(n):
    return int(hashlib.sha256(str(n).encode()).hexdigest()[:6], 16)


def order(n):
    return {"n": n, "total": price(n) + price(n + 1)}


def state():
    return {"pid": os.getpid(), "changed": residue.changed()}


def application(environ, start_response):
    path = environ["PATH_INFO"].strip("/").split("/")
    body = state() if path[0] == "state" else order(int(path[1]))
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
