# SPDX-License-Identifier: Apache-2.0
"""What profiles require before their rules are armed here: modules, and versions of their packages."""

SIGNS = (('==', lambda a, b: a == b), ('!=', lambda a, b: a != b), ('<=', lambda a, b: a <= b),
         ('>=', lambda a, b: a >= b), ('~=', lambda a, b: a >= b), ('<', lambda a, b: a < b), ('>', lambda a, b: a > b))


def is_unmet(rule):
    """Whether the profile of this rule is not to be used here, or not yet."""
    return any(need['from'] <= rule['id'] < need['end'] for need, _ in STATE.unmet)


def wants_needed(name):
    """Whether a module that was imported may be, or belong to, one that a profile waits for."""
    top = name.partition('.')[0]
    for need, _ in STATE.unmet:
        for pattern in [pattern for variant in need['any'] for pattern, _ in variant]:
            first = pattern.partition('.')[0]
            if first == top or is_glob(first):
                return True
    return False


def needs_now(answer):
    """Look again at what was not met: whether some of it is now. What changed is told."""
    before, STATE.unmet = STATE.unmet, []
    for need, known_why in before:
        why, final = lacking(need)
        if not why:
            continue
        STATE.unmet.append((need, why))
        if why != known_why:
            answer['refused' if final else 'waiting'].append(
                {'rule': need['from'], 'name' if final else 'target': "profile '%s'" % need['profile'], 'why': why})
    return len(STATE.unmet) < len(before)


def lacking(need):
    """(what is missing, whether it is so for good); ('', False) where one variant holds."""
    reasons, final = [], True
    for variant in need['any']:
        why = ''
        for pattern, version in variant:
            why, stays = lacking_module(pattern, version)
            if why:
                final = final and stays
                break
        if not why:
            return '', False
        reasons.append(why)
    return '; '.join(reasons), final


def lacking_module(pattern, version):
    found = [pattern] if is_a(sys.modules.get(pattern), ModuleType) else [name for name, _ in modules_of(pattern)]
    if not found:
        return 'no module %s is imported' % pattern, False
    versions = [(name, version_of(name)) for name in found] if version else []
    if not version or any(held and in_range(held, version) for _, held in versions):
        return '', False
    name, held = versions[0]
    if held:
        return '%s is of version %s, and %s is required' % (name, held[:40], version), True
    if is_beginning(name):
        return 'module %s is being imported' % name, False
    return 'nothing tells the version of %s, and %s is required' % (name, version), True


def is_beginning(name):
    """Its package's own code still runs, and may give its version yet."""
    spec = own_dict(sys.modules.get(name.partition('.')[0])).get('__spec__')
    return bool(own_dict(spec).get('_initializing'))


def version_of(name):
    """Version of the package of a module, as it tells it or as it was installed; None: not known."""
    parts = name.split('.')
    packages = ['.'.join(parts[:i]) for i in range(1, len(parts) + 1)]
    for package in packages:
        text = own_dict(sys.modules.get(package)).get('__version__')
        if type(text) is str and numbers(text):
            return text
    for package in packages:
        text = installed_version(package)
        if text:
            return text
    return None


def installed_version(package):
    """From the name of NAME-VERSION.dist-info in the folder that the package lies in."""
    path = file_of(sys.modules.get(package)).split('/')
    up = package.count('.') + (2 if path[-1].startswith('__init__.') else 1)
    if len(path) <= up:
        return None
    try:
        entries = sys.modules['posix'].listdir('/'.join(path[:-up]))
    except Exception:  # an audit hook of the program may say no
        return None
    for entry in entries:
        stem, dot, kind = entry.rpartition('.')
        name, _, version = stem.partition('-')
        if dot and kind in ('dist-info', 'egg-info') and plain_name(name) == plain_name(package):
            return version.partition('-')[0]
    return None


def plain_name(name):
    return name.lower().replace('-', '_').replace('.', '_')


def numbers(text):
    """[2, 0, 1] of '2.0.1rc1': what stands behind the numbers does not count, nor do zeros at the end."""
    found = []
    for part in text.partition('!')[2].split('.') if '!' in text else text.split('.'):
        digits = part[:len(part) - len(part.lstrip('0123456789'))]
        if not digits:
            break
        found.append(int(digits[:9]))
        if digits != part:
            break
    while len(found) > 1 and not found[-1]:
        found.pop()
    return found


def in_range(text, bounds):
    held = numbers(text)
    for bound in bounds.split(','):
        bound = bound.strip()
        sign, holds = next((sign, holds) for sign, holds in SIGNS if bound.startswith(sign))
        wanted = bound[len(sign):].strip()
        family = [int(part) for part in wanted.split('.')[:-1]]
        padded = held + [0] * len(family)
        if not holds(held, numbers(wanted)) or sign == '~=' and padded[:len(family)] != family:
            return False
    return True
