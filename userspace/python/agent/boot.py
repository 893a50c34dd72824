# SPDX-License-Identifier: Apache-2.0
"""The agent's Python part: one script, joined from the files of this folder.

The tracer has the target execute it once, in a fresh dict that holds `origin`, followed by
`result = start(origin, REQUEST)`; later requests run `result = sys.modules['_wftrace'].apply(REQUEST)`.
REQUEST is one literal of dicts, lists, str, int, float, None and booleans, nothing else:

    {'abi': 1,
     'sequence': 7,             grows with each request of one owner; a repeated one is answered
                                with the first answer (PEP 768 runs a script once a thread)
     'do': 'arm',               arm: these rules instead of the present ones
                                list: what could be armed, nothing is changed
                                rescan: armed too what has come since
                                disarm: all taken back, the owner forgotten
                                status: counts, what waits
     'owner': {'nonce': 1234, 'pid': 77, 'name': 'wftrace attach'},   who asks
     'method': None,            'swap' or 'monitor' to force one (tests)
     'limits': {'functions': 10000, 'string': 2048, 'items': 32, 'idle_s': 10},
     'handoff': True,           threads, executors, process pools, Process
     'context': False,          publish the current span of each thread for native functions;
                                coroutines then report their suspensions
     'begins': False,           nothing of the program has run yet
     'sdk': True,               join the current span of an OpenTelemetry SDK
     'logs': [{'rule': 9, 'logger': '*', 'level': 20, 'write_ids': False}],
     'needs': [{'profile': 'shop', 'from': 3, 'end': 7, 'any': [[['app.engine', '>=2.0,<3'], ...], ...]}],
                                rules 3 to 6 only where all modules of one list are imported, in
                                these versions ('' = any)
     'rules': [RULE, ...]}

RULE, where all but id and target may be left out:

    {'id': 1,                   goes into every record
     'target': 'etl:load',      as the user wrote it:
          module:qualname       a glob in either part; nested: f.<locals>.g; a script's own module
          file.py:qualname      name and file.py:name mean __main__ too
          overrides of m:C.f    the functions that stand for f in C and its subclasses
          values of m:DICT      the functions in a registry: a dict, list or tuple
          unwrapped m:f         the innermost of a __wrapped__ chain, not the outermost
     'kind': 'span',            or 'event': one note at entry on the innermost open span
     'nearest': None,           event: id of the rule whose innermost open span gets it
     'open': False,             a start record too, as every root has one
     'once': False,             the outermost call per object only (self, else per rule)
     'suppress': [],            ids of rules that make no span below this one
     'root': False,             takes no parent
     'remote': PATH,            value of traceparent (str, bytes, or a list of byte pairs of headers)
     'active': False,           measure suspensions
     'guards': {'any': False, 'tests': [[PATH, OP, CONSTANT], ...]},   on entry values;
                                OP: '==', '!=', '<', '<=', '>', '>=', 'in'; absent is false
     'captures': [[SLOT, 'entry' | 'exit', PATH], ...],     SLOT 0..239
     'key': {'name': 'jobs',     own queues: calls that give a key, and those that take it
          'give': PATH, 'give_at': 'entry' | 'exit',
          'take': PATH, 'as': 'parent' | 'link', 'keep': False}}   keep: it can be taken again

PATH is a list of steps; the first is a root:

    ['arg', NAME] ['position', N] ['argument', N] ['args'] ['kwargs'] ['self'] ['cell', NAME] ['caller', NAME]
    ['local', NAME] ['return'] ['exception']                at exit only
                                position: from 0; argument: from 1, in methods after self
    ['attr', NAME]              __dict__, slots; of classes and modules their own dict
    ['attr!', NAME]             any attribute: may run a property
    ['call!']                   calls it without arguments
    ['item', N | STRING]        of exact dict, list, tuple
    ['len'] ['type']            number of items of an exact built-in; name of the type
    ['each']                    the steps after it run on every item of a list, tuple, set or dict
    ['count'] ['sum'] ['min'] ['max'] ['any']               after each
    ['first', PATH, OP, CONSTANT]                           item for which it holds

The answer is JSON text: {"abi", "python", "build", "armed": [{"function", "rule", "name", "file", "line",
"how", "async", "note"}], "refused": [{"rule", "name", "why"}], "waiting": [{"rule", "target", "why"}]} or
{"error": "..."}, with "busy": true where the same request may be answered a little later.
"""

import sys
import _imp
import _thread
import _weakref

BUILD = ''  # a digest of the whole agent: put in by the build
ABI = 1
VERSION = sys.version_info[:3]
MONITORED = VERSION >= (3, 12)

VARARGS, VARKEYWORDS, NESTED, GENERATOR = 0x04, 0x08, 0x10, 0x20
COROUTINE, ITERABLE_COROUTINE, ASYNC_GENERATOR = 0x80, 0x100, 0x200

FunctionType = type(lambda: None)
CodeType = type(FunctionType.__code__.__get__(lambda: None))
ModuleType = type(sys)
MethodType = type(type('Box', (), {'call': lambda self: None})().call)


def builtin_module(name):
    """One that is part of the interpreter. Without `import`: the program may be in the middle of one, whose
    lock importlib loses (until 3.12) where another one is taken between its steps."""
    module = sys.modules.get(name)
    if module is None:
        module = _imp.create_builtin(type(sys.implementation)(name=name))
        _imp.exec_builtin(module)
    return module


class Refusal(Exception):
    """Why something cannot be armed, in words for the user."""


class Turn:
    """One change at a time. No plain lock: a request may come while its own thread is inside of
    another one, and a fork may leave a lock behind that nobody gives back."""

    def __init__(self):
        self.process = self.lock = self.thread = None

    def take(self, seconds):
        process, thread = STATE.native.process(), _thread.get_ident()
        if self.process != process:
            self.process, self.thread, self.lock = process, None, _thread.allocate_lock()
        if self.thread == thread or not self.lock.acquire(True, seconds):
            return False
        self.thread = thread
        return True

    def give(self):
        self.thread = None
        self.lock.release()


class State:
    """All that the agent knows in this process; one instance."""

    def __init__(self):
        self.native = None      # the .so as a module
        self.turn = Turn()
        self.answered = {}      # nonce -> (sequence, answer)
        self.owner = None       # dict of the request
        self.request = None
        self.rules = []
        self.armed = []         # Armed
        self.by_function = {}   # key of a Pick -> Armed
        self.hooks = []         # Swap of hand-offs, logs and the import system
        self.buried = []        # Swap that could not be undone, as another tool's code is on top
        self.hooked = set()     # names of hooks that are in place
        self.logged = {}        # thread -> mark of its latest record of loguru
        self.functions = 0      # numbers given so far; one is never given twice
        self.tool = None        # sys.monitoring tool id
        self.waiter = None      # another one, until the program begins
        self.asked_at = 0.0     # when that was taken
        self.waiting, self.refused = [], []
        self.unmet = []         # (need, why it is not met)
        self.lost = None        # nonce of the owner from whom all was taken back
        self.closing_seen = True


class Armed:
    """A function that is armed, and how to take it back."""

    def __init__(self, number, rule, name, code):
        self.number, self.rule, self.name, self.code = number, rule, name, code
        self.how, self.note, self.swaps, self.watched = '', '', [], None
        self.probe = self.original = None
        self.early = False  # by its code, before there is a function


STATE = State()


def json_text(value):
    """JSON of dicts, lists, str, int, float, bool and None; the target may not have json loaded."""
    if value is None:
        return 'null'
    if value is True or value is False:
        return 'true' if value else 'false'
    if isinstance(value, dict):
        return '{' + ', '.join(json_text(str(k)) + ': ' + json_text(v) for k, v in value.items()) + '}'
    if isinstance(value, (list, tuple)):
        return '[' + ', '.join(json_text(v) for v in value) + ']'
    if isinstance(value, (int, float)):
        return repr(value)
    out = []
    for c in str(value):
        if c in '"\\':
            out.append('\\' + c)
        elif ' ' <= c <= '~':
            out.append(c)
        elif ord(c) > 0xffff:
            high, low = divmod(ord(c) - 0x10000, 0x400)
            out.append('\\u%04x\\u%04x' % (0xd800 + high, 0xdc00 + low))
        else:
            out.append('\\u%04x' % ord(c))
    return '"' + ''.join(out) + '"'


def glob_match(pattern, text):
    """* and ? and [...] as in a shell, on the whole text, without backtracking beyond one star."""
    p = t = 0
    star = back = -1
    while t < len(text):
        step = glob_step(pattern, p, text[t]) if p < len(pattern) else 0
        if p < len(pattern) and pattern[p] == '*':
            star, back = p, t
            p += 1
        elif step:
            p, t = p + step, t + 1
        elif star >= 0:
            back += 1
            p, t = star + 1, back
        else:
            return False
    return pattern[p:].strip('*') == ''


def glob_step(pattern, p, c):
    """Characters of the pattern that stand for c, 0 where it does not fit."""
    if pattern[p] == '[':
        end = pattern.find(']', p + 2)
        if end > 0:
            inside = pattern[p + 1:end]
            negated = inside[:1] in '!^' and len(inside) > 1
            inside = inside[1:] if negated else inside
            found = c in inside or any(
                inside[i] <= c <= inside[i + 2] for i in range(len(inside) - 2) if inside[i + 1] == '-')
            return end + 1 - p if found != negated else 0
    return int(pattern[p] in ('?', c))


def is_glob(text):
    return any(c in text for c in '*?[')


def near(name, names):
    """At most three of names that name may have meant, the nearest first."""
    scored = []
    for other in list(names)[:5000]:
        distance = edit_distance(name.lower(), other.lower(), 3)
        if distance <= max(1, min(3, len(name) // 3)):
            scored.append((distance, other))
    return [other for _, other in sorted(scored)[:3]]


def edit_distance(a, b, most):
    """Letters changed, added, left out, or swapped with the next one; more than most: at least that."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    above, row = [], list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above2, above, row = above, row, [i]
        for j, y in enumerate(b, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                best = min(best, above2[j - 2] + 1)
            row.append(best)
        if min(row) > most:
            return most + 1
    return row[-1]


def suggestion(name, names):
    found = near(name, names)
    return '; did you mean %s?' % ' or '.join(found) if found else ''
