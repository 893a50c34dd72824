# SPDX-License-Identifier: Apache-2.0
"""A large real library, libLLVM, mapped by a process that sleeps."""
import os
import re
import subprocess

from workshop import Failure, need_tool

MANY = ("LLVM*@libLLVM*",)             # its C interface: 1,200 functions
LARGE = ("llvm::[A-R]*@libLLVM*",)     # over 10,000


def path():
    """Of the libLLVM that clang uses."""
    said = subprocess.run(["ldd", need_tool("clang")], capture_output=True, text=True, check=False).stdout
    found = re.search(r"libLLVM\S* => (\S+)", said)
    if not found:
        raise Failure("clang does not use a shared libLLVM")
    return found[1]


def holder(shop, threads=1):
    """A process with this many threads, each of which calls text() once it is told to go."""
    program = shop.tool("load", "shape.S", libs=["-lpthread"])
    return shop.start([program, threads, 0, 0], env={**os.environ, "LD_PRELOAD": path()})
