# SPDX-License-Identifier: Apache-2.0
"""The tree of 73 calls: the same text on every interpreter, with both ways of arming."""
from seam import everywhere, request, rules_for, tree

CALLS = 73
REFERENCE = {}


def armed_names(answer):
    assert not answer['refused'] and not answer['waiting'], answer
    return {a['function']: a['name'].partition(':')[2] for a in answer['armed']}


@everywhere
def test_the_tree_is_the_same_everywhere(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('calls.py')
        fields = {'Shape.method': {'captures': [[0, 'entry', [['self'], ['attr', 'name']]], [1, 'exit', [['return']]]]},
                  'outer': {'captures': [[0, 'entry', [['arg', 'x']]]]}}
        targets = [('__main__:' + name, fields.get(name, {})) for name in guest.say('targets')]
        names = armed_names(guest.say('apply', request=request(rules_for(targets), method=method)))
        assert guest.say('run') == 1
        status = guest.say('apply', request=request([], do='status', sequence=2))
        assert guest.say('apply', request=request([], do='disarm', sequence=3))['left'] == 0
        guest.say('run')
        guest.end()
        records = reader.records()
        text = tree(records, names)
        assert 'orphan' not in text, text
        reference = REFERENCE.setdefault('text', text)
        assert text == reference, 'by %s:\n%s\nat first:\n%s' % (method, text, reference)
        assert text.count('\n') == CALLS, '%d calls\n%s' % (text.count('\n'), text)
        assert status['counters'][0] == CALLS == status['counters'][1], status['counters']
