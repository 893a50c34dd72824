# SPDX-License-Identifier: Apache-2.0
"""Calls nest as the program means it, whatever runs between them."""
import re

from seam import everywhere, request, rules_for, tree

TARGETS = ['__main__:' + name for name in ('leaf', 'step', 'outer', 'items', 'chain', 'fails', 'request')]


def names_of(answer):
    assert 'error' not in answer and not answer['refused'] and not answer['waiting'], answer
    return {a['function']: a['name'].rpartition(':')[2] for a in answer['armed']}


@everywhere
def test_every_way_of_nesting(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('nesting.py')
        names = names_of(guest.say('apply', request=request(rules_for(TARGETS), method=method)))
        for case in guest.say('cases'):
            wanted = guest.say('run', name=case)
            text = re.sub(' quiet| 24[12]="[^"]*"', '', tree(reader.records(), names))
            assert text == wanted, '%s, by %s:\n%s' % (case, method, text)
        guest.end()
