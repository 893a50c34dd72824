# SPDX-License-Identifier: Apache-2.0
"""What is not there yet: modules that are imported later, and types of the standard library."""


def import_hook():
    """After each import, look for what waits. In place only where something can come."""
    bootstrap = sys.modules.get('_frozen_importlib')
    function = own_dict(bootstrap).get('_load_unlocked') if bootstrap is not None else None
    if type(function) is FunctionType:
        hook_once('import', function, nothing, imported)


def imported(spec, _note, _result):
    if STATE.request is None or not STATE.native.traced():
        return
    name = getattr(spec, 'name', None)
    if name in STANDARD:
        standard_types()
    find_sdk()
    hand_offs()
    log_hooks()
    if type(name) is str and (wants_needed(name) or
                              any(is_dynamic(rule) or wants_module(rule, name) for rule in STATE.rules)):
        rescan(name)


def is_dynamic(rule):
    """Whether what a rule names may come at any time: subclasses, entries of a registry."""
    return ' of ' in rule['target']


def wants_module(rule, name):
    """Whether a rule may name something in this module."""
    pattern = rule['target'].replace('unwrapped ', '').partition(':')[0].strip()
    return pattern == name or pattern.endswith('.py') or is_glob(pattern) and glob_match(pattern, name)


STANDARD = {'decimal': (('Decimal',), 1), 'uuid': (('UUID',), 1),
            'datetime': (('datetime', 'date', 'time', 'timedelta'), 2), 'enum': ((), 0)}


def standard_types():
    """Types whose values are told by their text; only those that the program has loaded."""
    converters = {}
    for module_name, (names, how) in STANDARD.items():
        held = own_dict(sys.modules.get(module_name))
        for name in names:
            if isinstance(held.get(name), type):
                converters[held[name]] = how
    enum_type = own_dict(sys.modules.get('enum')).get('EnumMeta')
    STATE.native.standard(converters, enum_type if isinstance(enum_type, type) else None)


def iso_text(value):
    """Text of a datetime, unless its time zone is code of the program."""
    zone = getattr(value, 'tzinfo', None)
    if zone is not None and type(zone).__module__ not in ('datetime', 'zoneinfo', '_zoneinfo'):
        return None
    return value.isoformat() if hasattr(value, 'isoformat') else str(value)


def find_sdk():
    """Where the OpenTelemetry SDK keeps its current span, if the program has one."""
    if not STATE.request.get('sdk', True):
        return
    context = own_dict(sys.modules.get('opentelemetry.context'))
    propagation = own_dict(sys.modules.get('opentelemetry.trace.propagation'))
    runtime, key = context.get('_RUNTIME_CONTEXT'), propagation.get('_SPAN_KEY')
    var = own_dict(runtime).get('_current_context') if runtime is not None else None
    if type(var).__name__ == 'ContextVar' and type(key) is str:
        STATE.native.sdk(var, key)
