# SPDX-License-Identifier: Apache-2.0
"""What profiles require: rules are armed where a module is there, in a version that fits."""
from seam import request, rules_for

# module -> source; a package that was installed has its version in the name of a folder
FILES = {
    'told/__init__.py': "from . import engine\n__version__ = '2.4.0rc1'\n",
    'told/engine.py': 'def run(x):\n    return x\n',
    'in_stalled/__init__.py': 'from . import engine\n',
    'in_stalled/engine.py': 'def run(x):\n    return x\n',
    'In.Stalled-1.10.dist-info/METADATA': '',
    'bare.py': 'def run(x):\n    return x\n',
}
RULES = ['__main__:called', 'told.engine:run', 'in_stalled.engine:run', 'bare:run']


def packages(test):
    for name, text in FILES.items():
        path = test.directory / 'packages' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    test.sites.append(str(test.directory / 'packages'))


def needing(*variants, profile='shop'):
    """All of RULES are of one profile."""
    return [{'profile': profile, 'from': 1, 'end': 1 + len(RULES), 'any': [list(v) for v in variants]}]


def start(test, needs, *loaded):
    guest = test.guest('needs.py')
    for name in loaded:
        guest.say('load', name=name)
    return guest, guest.say('apply', request=request(rules_for(RULES), needs=needs))


def names(answer):
    return sorted(entry['name'] for entry in answer['armed'])


def test_a_module_that_is_there_or_comes(test):
    reader = test.reader()
    packages(test)
    guest, answer = start(test, needing([['told.engine', '']]), 'told')
    assert names(answer) == ['__main__:called', 'told.engine:run'], answer
    guest.end()
    guest, answer = start(test, needing([['told.eng*', '']]), 'bare')
    assert (names(answer), answer['refused']) == ([], []), answer
    assert answer['waiting'] == [{'rule': 1, 'target': "profile 'shop'", 'why': 'no module told.eng* is imported'}]
    reader.records()
    guest.say('load', name='in_stalled.engine')
    assert not reader.records()
    guest.say('load', name='told')
    armed = [r['function'] for r in reader.records() if r['kind'] == 'armed']
    assert len(armed) == 4, armed  # those of modules that were there before, too
    guest.say('load', name='bare')
    assert [r['function'] for r in reader.records() if r['kind'] == 'span'], 'a call of __main__:called'
    answer = guest.say('apply', request=request([], do='disarm', sequence=1))
    guest.say('load', name='json')
    assert not [r for r in reader.records() if r['kind'] != 'span'], 'disarmed'
    guest.end()


VERSIONS = [
    ('told', '>=2.4', True), ('told.engine', '>=2,<3', True), ('told', '==2.4', True), ('told', '~=2.1', True),
    ('told', '>2.4', False), ('told', '!=2.4.0', False), ('told', '<2.4', False), ('told', '~=2.5', False),
    ('told', '>=2.4.1', False), ('told', '~=1.0', False), ('told', '>=2, <=2.4.0', True),
    ('in_stalled.engine', '>=1.9', True), ('in_stalled', '<1.2', False),
]


def test_versions(test):
    test.reader()
    packages(test)
    for module, bounds, fits in VERSIONS:
        guest, answer = start(test, needing([[module, bounds]]), 'told', 'in_stalled')
        assert bool(answer['armed']) == fits, (module, bounds, answer)
        held = '2.4.0rc1' if module.startswith('told') else '1.10'
        why = '%s is of version %s, and %s is required' % (module, held, bounds)
        assert [e['why'] for e in answer['refused']] == ([] if fits else [why]), answer
        assert not answer['waiting'] or fits, answer
        guest.end()


def test_the_first_variant_that_holds(test):
    reader = test.reader()
    packages(test)
    guest, answer = start(test, needing([['told', '>=3']], [['bare', '']]), 'told')
    assert answer['waiting'][0]['why'] == \
        'told is of version 2.4.0rc1, and >=3 is required; no module bare is imported', answer
    guest.say('load', name='bare')
    assert len([r for r in reader.records() if r['kind'] == 'armed']) == 3
    guest.end()
    guest, answer = start(test, needing([['bare', '>=1'], ['told', '']]), 'told', 'bare')
    assert answer['refused'][0]['why'] == 'nothing tells the version of bare, and >=1 is required', answer
    guest.end()


def test_a_version_that_comes_too_late_is_waited_for(test):
    """A package may import its modules before it says its version; one that does not fit is refused then."""
    reader = test.reader()
    packages(test)
    for bounds, kinds in (('>=2', {'armed'}), ('>=3', {'refused'})):
        guest, answer = start(test, needing([['told.engine', bounds]]))
        assert answer['waiting'] and not answer['refused'], answer
        reader.records()
        guest.say('load', name='told')
        notes = [r for r in reader.records() if r['kind'] in ('armed', 'refused')]
        assert {r['kind'] for r in notes} == kinds, notes
        guest.end()


def test_profiles_are_decided_one_by_one(test):
    test.reader()
    packages(test)
    needs = needing([['bare', '']], profile='a')
    needs[0]['end'] = 2
    guest, answer = start(test, needs, 'told')
    assert names(answer) == ['told.engine:run'], answer
    assert [e['target'] for e in answer['waiting']] == ["profile 'a'", 'in_stalled.engine:run', 'bare:run'], answer
    guest.end()
