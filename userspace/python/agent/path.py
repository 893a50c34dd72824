# SPDX-License-Identifier: Apache-2.0
"""Paths of a request, checked and compiled to the steps that path.c follows."""

ROOT_VALUE, ROOT_FRAME, ROOT_RESULT, ROOT_EXCEPTION, ROOT_CALLER, ROOT_CONSTANT = range(6)
STEPS = {'attr': 10, 'attr!': 11, 'call!': 12, 'item': 13, 'len': 14, 'type': 15, 'each': 16, 'first': 17,
         'id': 18}
STEP_CELL = 19
AGGREGATES = {'count': 1, 'sum': 2, 'min': 3, 'max': 4, 'any': 5}
OPERATORS = {'<': 0, '<=': 1, '==': 2, '!=': 3, '>': 4, '>=': 5, 'in': 6}


class Shape:
    """The parameters of a code object."""

    def __init__(self, code):
        names, n = code.co_varnames, code.co_argcount
        self.code = code
        self.positional = list(names[:n])
        self.keyword = list(names[n:n + code.co_kwonlyargcount])
        self.only = code.co_posonlyargcount
        at = n + code.co_kwonlyargcount
        self.varargs = self.varkeywords = None
        if code.co_flags & VARARGS:
            self.varargs = names[at]
            at += 1
        if code.co_flags & VARKEYWORDS:
            self.varkeywords = names[at]
        self.names = self.positional + self.keyword + [n for n in (self.varargs, self.varkeywords) if n]
        for name in self.names:
            if not name.isidentifier():
                raise Refusal('its parameter %r is not a name' % name)

    def signature(self):
        parts = list(self.positional)
        if self.only:
            parts.insert(self.only, '/')
        if self.varargs:
            parts.append('*' + self.varargs)
        elif self.keyword:
            parts.append('*')
        return ', '.join(parts + self.keyword + (['**' + self.varkeywords] if self.varkeywords else []))

    def call(self):
        parts = list(self.positional) + (['*' + self.varargs] if self.varargs else [])
        parts += ['%s=%s' % (k, k) for k in self.keyword]
        return ', '.join(parts + (['**' + self.varkeywords] if self.varkeywords else []))


class Plan:
    """The paths of one rule on one function: what the wrapper passes, and compiled tuples."""

    def __init__(self, shape, monitored, cells=None):
        self.shape, self.monitored, self.cells = shape, monitored, cells
        self.wants_exit = False
        self.entry_names, self.exit_names = [], []  # locals that wrapper code passes on

    def compile(self, path, at_exit=False):
        if not path:
            raise Refusal('an empty path')
        root = self.root(path[0], at_exit)
        return tuple(root) + compile_steps(path[1:])

    def root(self, step, at_exit):
        """The first pairs of the compiled path."""
        kind = step[0]
        if kind in ('return', 'exception', 'local') and not at_exit:
            raise Refusal('%s is not known at entry' % kind)
        if kind == 'return':
            return [(ROOT_RESULT, None)]
        if kind == 'exception':
            return [(ROOT_EXCEPTION, None)]
        if kind == 'caller':
            return [(ROOT_CALLER, sys.intern(step[1]))]
        if kind == 'local':
            if not self.monitored:
                raise Refusal('local variables need sys.monitoring (3.12), and no generator')
            return [(ROOT_FRAME, sys.intern(step[1]))]
        if kind == 'cell':
            return self.cell(step[1], at_exit)
        name, rest = self.parameter(step)
        return [self.named(name, at_exit)] + rest

    def parameter(self, step):
        """(parameter, further steps) of ['arg', NAME], ['position', N], ['args'], ['kwargs'], ['self']."""
        kind, shape = step[0], self.shape
        if kind == 'self':
            if not shape.positional:
                raise Refusal('it has no self')
            return shape.positional[0], []
        if kind == 'arg':
            if step[1] not in shape.names:
                raise Refusal('no parameter %s%s' % (step[1], suggestion(step[1], shape.names)))
            return step[1], []
        if kind == 'position':
            if step[1] < len(shape.positional):
                return shape.positional[step[1]], []
            if shape.varargs:
                return shape.varargs, [(STEPS['item'], step[1] - len(shape.positional))]
            raise Refusal('it has %d positional parameters' % len(shape.positional))
        name = {'args': shape.varargs, 'kwargs': shape.varkeywords}.get(kind)
        if kind not in ('args', 'kwargs'):
            raise Refusal('unknown root %s' % kind)
        if not name:
            raise Refusal('it takes no %s' % ('*args' if kind == 'args' else '**kwargs'))
        return name, []

    def named(self, name, at_exit):
        if self.monitored:
            return ROOT_FRAME, sys.intern(name)
        names = self.exit_names if at_exit else self.entry_names
        if name not in names:
            names.append(name)
        return ROOT_VALUE, names.index(name)

    def cell(self, name, at_exit):
        if name not in self.shape.code.co_freevars:
            raise Refusal('no closure variable %s' % name)
        if self.monitored or not self.cells:  # nested wrappers own the same variables
            return [self.named(name, at_exit)]
        return [(ROOT_CONSTANT, self.cells[self.shape.code.co_freevars.index(name)]), (STEP_CELL, None)]


def settle_arguments(part, first):
    """A rule with ['argument', N] as positions; `first` is that of argument 1."""
    if isinstance(part, dict):
        return {key: settle_arguments(value, first) for key, value in part.items()}
    if not isinstance(part, (list, tuple)):
        return part
    if len(part) == 2 and part[0] == 'argument' and type(part[1]) is int:
        return ['position', part[1] - 1 + first]
    return [settle_arguments(value, first) for value in part]


def compile_steps(steps):
    """Pairs for path.c; what follows `each` becomes its argument."""
    out = []
    for i, step in enumerate(steps):
        kind = step[0]
        if kind not in STEPS:
            raise Refusal('unknown step %s' % kind)
        if kind == 'each':
            rest, how = list(steps[i + 1:]), 0
            if rest and rest[-1][0] in AGGREGATES:
                how = AGGREGATES[rest.pop()[0]]
            out.append((STEPS[kind], (compile_steps(rest), how)))
            break
        argument = step[1] if len(step) > 1 else None
        if kind in ('attr', 'attr!'):
            argument = sys.intern(argument)
        if kind == 'first':
            argument = (compile_steps(step[1]), OPERATORS[step[2]], step[3])
        out.append((STEPS[kind], argument))
    return tuple(out)


def compile_tests(plan, tests):
    out = []
    for path, operator, constant in tests:
        constant = tuple(constant) if operator == 'in' else constant
        out.append((plan.compile(path), OPERATORS[operator], constant))
    return tuple(out)
