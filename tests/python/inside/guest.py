# SPDX-License-Identifier: Apache-2.0
"""In a test's program: the agent is loaded as the tracer would load it, then commands are obeyed.

A command is a JSON line on stdin: {"do": "apply", "request": ...} or {"do": NAME, ...} for a function
of the program; the answer is a JSON line on stdout.
"""
import json
import os
import sys


def apply(request):
    """A request as the tracer brings it: the script the first time, a call later."""
    if '_wftrace' in sys.modules:
        return json.loads(sys.modules['_wftrace'].apply(request))
    with open(os.environ['WF_SCRIPT']) as file:
        text = file.read() + '\nresult = start(origin, %r)\n' % (request,)
    held = {'origin': os.environ['WF_AGENT']}
    exec(compile(text, '<string>', 'exec'), held)
    return json.loads(held['result'])


def depth(recurse):
    """How deep recurse(N) may call itself."""
    low, high = 1, 3000
    while low < high - 1:
        middle = (low + high) // 2
        try:
            recurse(middle)
            low = middle
        except RecursionError:
            high = middle
    return low


def serve(commands):
    for line in sys.stdin:
        command = json.loads(line)
        name = command.pop('do')
        if name == 'apply':
            answer = apply(command['request'])
        else:
            answer = commands[name](**command)
        print(json.dumps(answer), flush=True)
