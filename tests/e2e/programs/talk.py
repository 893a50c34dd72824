# SPDX-License-Identifier: Apache-2.0
"""How programs are told what to do: lines on standard input, and one on standard output for each."""
import os
import select
import time


def argument(text):
    return int(text) if text.isdigit() else text


def listen(command):
    """Do each line, WORD ARGUMENT..., until `end` or the end of input; never block, but run code."""
    print("ready", os.getpid(), flush=True)
    while True:
        while not select.select([0], [], [], 0)[0]:
            time.sleep(0.002)
        text = os.read(0, 100)
        if not text:
            return
        for word, *rest in filter(None, map(str.split, text.decode().splitlines())):
            if word == "end":
                return
            answer = command(word, *map(argument, rest))
            print(word, "done", "" if answer is None else answer, flush=True)
