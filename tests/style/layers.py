# SPDX-License-Identifier: Apache-2.0
"""Include order: a module (foo.c and foo.h) includes only what its layer or a lower one holds."""
import os
import re

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def module(path):
    return re.sub(r'(\.bpf)?\.[ch]$', '', path)


def includes(path, text, known):
    """(line, module) of each quoted include that names a file of the tree."""
    for match in INCLUDE.finditer(text):
        for base in (os.path.dirname(path), ''):
            target = os.path.normpath(os.path.join(base, match.group(1)))
            if target in known:
                yield text.count('\n', 0, match.start(1)) + 1, module(target)
                break


def cycle(graph):
    """One cycle of the module graph, or None."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return None
        path.append(node)
        for after in sorted(graph.get(node, ())):
            found = visit(after)
            if found:
                return found
        done.add(path.pop())
        return None

    for node in sorted(graph):
        found = visit(node)
        if found:
            return found
    return None


def check(texts, lines):
    layer_of = {}
    for number, line in enumerate(lines):
        for name in line.split():
            layer_of[name] = number
    graph = {}
    for path in sorted(texts):
        own = module(path)
        if own not in layer_of:
            yield f'{path}:1: {own} stands in no line of tests/style/layers.txt'
            continue
        for number, other in includes(path, texts[path], texts):
            if other != own:
                graph.setdefault(own, set()).add(other)
            if layer_of.get(other, -1) > layer_of[own]:
                yield f'{path}:{number}: {own} may not include {other}, which stands above it'
    found = cycle(graph)
    if found:
        yield f'{found[0]}.c:1: include cycle: ' + ' -> '.join(found)
    for name in sorted(layer_of):
        if not any(module(path) == name for path in texts):
            yield f'tests/style/layers.txt:1: {name} does not exist'
