# SPDX-License-Identifier: Apache-2.0
"""Include order: a module (foo.c and foo.h) includes only what its layer or a lower one holds.

layers.txt has one layer a line, lowest first: `folder: module...`. `module(part...)` is a unit: the
parts implement the module's header and may include it, so they count as one for the cycle check;
among the files themselves there is no cycle either.
"""
import os
import re

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
UNIT = re.compile(r'([\w]+)(?:\(([^)]*)\))?')
LIST = 'tests/style/layers.txt'


def module(path):
    return re.sub(r'(\.bpf)?\.[ch]$', '', path)


def includes(path, text, known):
    """(line, file) of each quoted include that names a file of the tree."""
    for match in INCLUDE.finditer(text):
        for base in (os.path.dirname(path), ''):
            target = os.path.normpath(os.path.join(base, match.group(1)))
            if target in known:
                yield text.count('\n', 0, match.start(1)) + 1, target
                break


def cycle(graph):
    """One cycle of a graph, or None."""
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

    return next(filter(None, (visit(node) for node in sorted(graph))), None)


def parse(lines):
    """{module: layer number}, {module: unit}"""
    layer_of, unit_of = {}, {}
    for number, line in enumerate(lines):
        folder, _, rest = line.partition(':')
        for head, parts in UNIT.findall(rest):
            for name in [head] + parts.split():
                layer_of[f'{folder}/{name}'] = number
                unit_of[f'{folder}/{name}'] = f'{folder}/{head}'
    return layer_of, unit_of


def check(texts, lines):
    layer_of, unit_of = parse(lines)
    files, units = {}, {}
    for path in sorted(texts):
        own = module(path)
        if own not in layer_of:
            yield f'{path}:1: {own} stands in no line of {LIST}'
            continue
        for number, target in includes(path, texts[path], texts):
            other = module(target)
            files.setdefault(path, set()).add(target)
            if unit_of.get(other) != unit_of[own]:
                units.setdefault(unit_of[own], set()).add(unit_of.get(other, other))
            if layer_of.get(other, -1) > layer_of[own]:
                yield f'{path}:{number}: {own} may not include {other}, which stands above it'
    for graph in files, units:
        found = cycle(graph)
        if found:
            yield f'{LIST}:1: include cycle: ' + ' -> '.join(found)
    existing = {module(path) for path in texts}
    for name in sorted(set(layer_of) - existing):
        yield f'{LIST}:1: {name} does not exist'
