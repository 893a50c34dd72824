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
                                disarm: all taken back, the owner forgotten
                                status: counts, what waits
     'owner': {'nonce': 1234, 'pid': 77, 'name': 'wftrace attach'},   who asks
     'method': None,            'swap' or 'monitor' to force one (tests)
     'limits': {'functions': 10000, 'string': 2048, 'items': 32, 'idle_s': 10},
     'handoff': True,           threads, executors, process pools, Process
     'context': False,          publish the current span of each thread for native functions;
                                coroutines then report their suspensions
     'sdk': True,               join the current span of an OpenTelemetry SDK
     'logs': [{'rule': 9, 'logger': '*', 'level': 20, 'write_ids': False}],
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
     'key': {'name': 'jobs', 'give' | 'take': PATH, 'as': 'parent' | 'link'}}   own queues

PATH is a list of steps; the first is a root:

    ['arg', NAME] ['position', N] ['args'] ['kwargs'] ['self'] ['cell', NAME] ['caller', NAME]
    ['local', NAME] ['return'] ['exception']                at exit only
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
{"error": "..."}.
"""
