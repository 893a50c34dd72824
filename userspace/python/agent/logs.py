# SPDX-License-Identifier: Apache-2.0
"""Log records of `logging`, and of loguru, with the span that they were written in."""

SLOT_TEXT, SLOT_TEMPLATE, SLOT_LOGGER, SLOT_LEVEL, SLOT_FILE, SLOT_LINE, SLOT_FUNCTION, SLOT_NAME = \
    240, 244, 245, 246, 247, 248, 249, 251
PLAIN_TYPES = (str, int, float, bool, type(None))


def log_hooks():
    if not STATE.request.get('logs'):
        return
    logger = own_dict(sys.modules.get('logging')).get('Logger')
    function = own_dict(logger).get('handle') if isinstance(logger, type) else None
    if type(function) is FunctionType:
        hook_with_argument('logging', function, log_record)


def hook_with_argument(name, function, before):
    """A hook that gets the second argument too."""
    if name in STATE.hooked:
        return
    STATE.hooked.add(name)
    try:
        STATE.hooks.append(swap_hook(function, quiet(before), nothing, 2))
    except Refusal:
        pass


def log_record(logger, record):
    held = own_dict(record)
    level, name = held.get('levelno'), held.get('name')
    if type(level) is not int or type(name) is not str:
        return
    for rule in STATE.request['logs']:
        if level >= rule.get('level', 0) and glob_match(rule.get('logger', '*'), name):
            ship(rule, held)
            return


def ship(rule, held):
    fields = [SLOT_LEVEL, held['levelno'], SLOT_LOGGER, held['name']]
    text = held.get('msg')
    if type(text) is str:
        fields += [SLOT_TEXT, merged(text, held.get('args')), SLOT_TEMPLATE, text]
    for slot, key in ((SLOT_FILE, 'pathname'), (SLOT_LINE, 'lineno'), (SLOT_FUNCTION, 'funcName'),
                      (SLOT_NAME, 'levelname')):
        if type(held.get(key)) in (str, int):
            fields += [slot, held[key]]
    raised = held.get('exc_info')
    exception = raised[1] if type(raised) is tuple and len(raised) == 3 else None
    STATE.native.log(rule['id'] if 'id' in rule else rule['rule'], tuple(fields), exception)
    if rule.get('write_ids'):
        write_ids(held)


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
