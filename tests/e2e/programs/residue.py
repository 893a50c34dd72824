# SPDX-License-Identifier: Apache-2.0
"""What a tracer could leave in a program: changed() says what differs from when it was first called."""
import gc
import marshal
import os
import signal
import sys
import threading
from types import FunctionType

KEPT = {}


def functions():
    """Those of all modules and of their classes."""
    found = {}
    for name, module in list(sys.modules.items()):
        holders = [(name, vars(module))] if type(module) is type(sys) else []
        holders += [(f"{name}.{key}", vars(value)) for _, held in holders for key, value in list(held.items())
                    if type(value) is type]
        for prefix, held in holders:
            for key, value in list(held.items()):
                value = value.__func__ if type(value) in (staticmethod, classmethod) else value
                if type(value) is FunctionType:
                    found[f"{prefix}.{key}"] = value
    return found


def shape(function):
    code = function.__code__
    try:
        content = marshal.dumps(code, 2)
    except ValueError:  # it holds what no compiler has put there
        content = None
    return function, code, content, sorted(vars(function)), function.__defaults__, len(function.__closure__ or ())


def tools():
    """Of sys.monitoring: whose they are, and of those of nobody what is still set."""
    monitoring = getattr(sys, "monitoring", None)
    found = []
    for tool in range(6) if monitoring else ():
        found.append(monitoring.get_tool(tool))
        if found[-1] is None:
            monitoring.use_tool_id(tool, "residue")
            found.append(monitoring.get_events(tool))
            found += [monitoring.register_callback(tool, 1 << bit, None) for bit in range(15)]
            found += [name for name, f in KEPT["functions"].items() if monitoring.get_local_events(tool, f[1])]
            monitoring.free_tool_id(tool)
    return found


def rest():
    return {"tools": tools(), "trace": (sys.gettrace(), sys.getprofile()), "finders": list(map(id, sys.meta_path)),
            "hooks": (id(sys.excepthook), id(sys.unraisablehook), id(threading.excepthook)), "gc": list(gc.callbacks),
            "threads": sorted(t.name for t in threading.enumerate() if "AnyIO" not in t.name),
            "depth": sys.getrecursionlimit(), "switch": sys.getswitchinterval(),
            "signals": [signal.getsignal(n) for n in range(1, 32) if n not in (9, 19)],
            "files": [link for link in links() if "socket:" not in link and "sqlite" not in link]}


def links():
    found = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{fd}"))
        except OSError:  # the folder itself
            pass
    return sorted(link for link in found if not link.startswith(f"/proc/{os.getpid()}/"))


def mappings():
    """Names of mapped memory files: one of the agent's may stay, idle."""
    with open("/proc/self/maps") as maps:
        return {line.split(None, 5)[5].strip() for line in maps if "memfd:" in line}


def changed():
    """Names of what is not as it was; nothing at the first time."""
    if not KEPT:
        KEPT["functions"] = {name: shape(function) for name, function in functions().items()}
        KEPT["rest"], KEPT["mappings"] = rest(), mappings()
        return []
    now = functions()
    found = [name for name, kept in KEPT["functions"].items()
             if name in now and now[name] is kept[0] and shape(kept[0]) != kept]
    after = rest()
    found += [f"{key}: {value}, not {KEPT['rest'][key]}" for key, value in after.items() if value != KEPT["rest"][key]]
    found += [name for name in mappings() - KEPT["mappings"] if "memfd:wftrace" not in name]
    return found
