# SPDX-License-Identifier: Apache-2.0
"""Log records of `logging`, and of loguru, with the span that they were written in."""

SLOT_TEXT, SLOT_TEMPLATE, SLOT_LOGGER, SLOT_LEVEL, SLOT_FILE, SLOT_LINE, SLOT_FUNCTION, SLOT_NAME = \
    240, 244, 245, 246, 247, 248, 249, 251
PLAIN_TYPES = (str, int, float, bool, type(None))


THREADS_KEPT = 1000


def log_hooks():
    if not STATE.request.get('logs'):
        return
    for module_name, class_name, name, hook in (('logging', 'Logger', 'handle', logging_record),
                                                ('loguru._handler', 'Handler', 'emit', loguru_record)):
        cls = own_dict(sys.modules.get(module_name)).get(class_name)
        function = own_dict(cls).get(name) if isinstance(cls, type) else None
        if type(function) is FunctionType:
            hook_once(module_name, function, hook, nothing, 2)


def logging_record(_logger, record):
    held = own_dict(record)
    raised = held.get('exc_info')
    text = held.get('msg')
    fields = {SLOT_LEVEL: held.get('levelno'), SLOT_NAME: held.get('levelname'), SLOT_LOGGER: held.get('name'),
              SLOT_FILE: held.get('pathname'), SLOT_LINE: held.get('lineno'), SLOT_FUNCTION: held.get('funcName'),
              SLOT_TEMPLATE: text}
    if type(text) is str:
        fields[SLOT_TEXT] = merged(text, held.get('args'))
    ship(fields, raised[1] if type(raised) is tuple and len(raised) == 3 else None, held)


def loguru_record(_handler, record):
    """Every handler of loguru is given the same dict: the first one counts."""
    if type(record) is not dict or seen_by_another_handler(record):
        return
    level, file, raised = record.get('level'), record.get('file'), record.get('exception')
    fields = {SLOT_LEVEL: getattr(level, 'no', None), SLOT_NAME: getattr(level, 'name', None),
              SLOT_LOGGER: record.get('name'), SLOT_FILE: getattr(file, 'path', None),
              SLOT_LINE: record.get('line'), SLOT_FUNCTION: record.get('function'),
              SLOT_TEXT: record.get('message')}
    ship(fields, raised[1] if isinstance(raised, tuple) and len(raised) == 3 else None, record.get('extra'))


def seen_by_another_handler(record):
    """Known by its address and its time, as no two records of one thread have both in common."""
    thread, when = _thread.get_ident(), record.get('time')
    mark = id(record), iso_text(when) if when is not None else None
    if STATE.logged.get(thread) == mark:
        return True
    if len(STATE.logged) >= THREADS_KEPT:
        STATE.logged.clear()
    STATE.logged[thread] = mark
    return False


def ship(fields, exception, ids_to):
    """By the first rule that wants it. `ids_to`: the dict that gets the ids, where the rule says so."""
    level, name = fields[SLOT_LEVEL], fields[SLOT_LOGGER]
    if type(level) is not int or type(name) is not str:
        return
    for rule in STATE.request['logs']:
        if level >= rule.get('level', 0) and glob_match(rule.get('logger', '*'), name):
            told = [item for pair in fields.items() if type(pair[1]) in (str, int) for item in pair]
            STATE.native.log(rule['rule'], tuple(told), exception)
            if rule.get('write_ids') and type(ids_to) is dict:
                write_ids(ids_to)
            return


def merged(text, args):
    """The text with its arguments, where that runs no code of the program."""
    if not args:
        return text
    values = args.values() if type(args) is dict else args if type(args) is tuple else None
    if values is None or any(type(value) not in PLAIN_TYPES for value in values):
        return text
    try:
        return text % args
    except (TypeError, ValueError, KeyError):
        return text


def write_ids(held):
    token = STATE.native.current()
    if token is None:
        return
    ids = STATE.native.ids(token)
    held['trace_id'] = '%016x%016x' % ids[4:6]
    held['span_id'] = '%016x' % ids[0]
