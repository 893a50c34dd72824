# SPDX-License-Identifier: Apache-2.0
"""Calls that ran before the tracer came: parents where their end is seen, counted everywhere."""
from seam import everywhere, request, rules_for

NUMBER = [[0, 'entry', [['arg', 'n']]]]
RUNNING = 11  # its counter


def arm(guest, targets, method, sequence=1):
    rules = rules_for(['__main__:' + name for name in targets])
    for rule in rules:
        if rule['target'] == '__main__:called':
            rule['captures'] = NUMBER
    answer = guest.say('apply', request=request(rules, method=method, sequence=sequence))
    assert 'error' not in answer and len(answer['armed']) == len(targets), answer
    return {a['function']: a['name'].rpartition(':')[2] for a in answer['armed']}


def counters(guest, sequence=98):
    return guest.say('apply', request=request([], do='status', sequence=sequence))['counters']


def edges(records, names):
    """Sorted (parent, child) of the spans, calls of `called` with their number."""
    spans = {r['id']: r for r in records if r['kind'] == 'span'}

    def name(record):
        return names[record['function']] + ('%d' % record['values'][0] if 0 in record['values'] else '')
    return sorted((name(spans[r['parent']]) if r['parent'] in spans else '?' * (r['parent'] != '0'), name(r))
                  for r in spans.values())


def running(records, names):
    return sorted(names[r['function']] for r in records if r['kind'] == 'span' and 'running' in r['flags'])


@everywhere
def test_a_thread_inside_armed_functions(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('running.py')
        guest.say('begin', name='outer')
        guest.say('begin', name='stays')
        names = arm(guest, ['outer', 'middle', 'called', 'stays'], method)
        assert counters(guest)[RUNNING] == 3
        assert guest.say('call', n=0) == 0, 'a thread that is not inside'
        guest.say('go_on', name='outer')
        first = reader.records()
        guest.say('finish', name='outer')
        guest.say('finish', name='stays')
        entries, completed, abandoned = counters(guest, 99)[:3]
        guest.end()
        records = first + reader.records()
        got = edges(records, names)
        if method == 'swap':
            assert got == [('', 'called0'), ('', 'called1'), ('', 'called2'), ('', 'called3')], got
            continue
        assert got == [('', 'called0'), ('', 'outer'), ('', 'stays'), ('middle', 'called1'), ('middle', 'called3'),
                       ('outer', 'called2'), ('outer', 'middle')], got
        assert running(records, names) == ['middle', 'outer', 'stays'], records
        assert (entries, completed, abandoned) == (7, 7, 0)
        starts = [r for r in first if r['kind'] == 'start' and 'running' in r['flags']]
        outer, = [r for r in records if r['kind'] == 'span' and names[r['function']] == 'outer']
        inside = [r for r in records if r['kind'] == 'span' and r['root'] == outer['id']]
        assert [r['id'] for r in starts] == [outer['id']], 'it was told with the first call inside'
        assert len({(r['trace'], r['root']) for r in inside}) == 1 and len(inside) == 5, inside
        assert outer['start'] <= min(r['start'] for r in inside), inside


@everywhere
def test_a_function_that_is_inside_itself(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('running.py')
        guest.say('begin', name='again')
        guest.say('begin', name='catches')
        names = arm(guest, ['again', 'breaks', 'catches', 'called'], method)
        guest.say('finish', name='again')
        guest.say('finish', name='catches')
        guest.end()
        records = reader.records()
        got = edges(records, names)
        if method == 'swap':
            assert got == [('', 'again'), ('', 'called8'), ('again', 'again')], got
            continue
        assert got == [('', 'again'), ('', 'catches'), ('again', 'again'), ('again', 'again'), ('breaks', 'called8'),
                       ('catches', 'breaks')], got
        broken, = [r for r in records if r['kind'] == 'span' and names[r['function']] == 'breaks']
        assert broken['status'] == 'raised' and broken['values'][242] == '8', broken


@everywhere
def test_tasks_that_wait(test):
    """Each is a tree of its own, as nobody knows who started it; what comes later is inside of the loop."""
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('running.py')
        guest.say('begin', name='spins')
        names = arm(guest, ['spins', 'handles', 'waits', 'later', 'called'], method)
        assert counters(guest)[RUNNING] == 5, counters(guest)
        guest.say('finish', name='spins')
        guest.end()
        records = reader.records()
        got = edges(records, names)
        if 'monitor' not in test.methods() or method == 'swap':
            assert got == [('', 'called4'), ('', 'called4'), ('', 'called5'), ('', 'called5'), ('', 'later'),
                           ('later', 'called6')], got
        elif test.python.version[:2] == (3, 13) and test.python.version < (3, 13, 6):
            assert got.count(('', 'spins')) == 1, got  # coroutines are swapped in these
        else:
            assert got == [('', 'handles'), ('', 'handles'), ('', 'spins'), ('handles', 'called5'),
                           ('handles', 'called5'), ('handles', 'waits'), ('handles', 'waits'), ('later', 'called6'),
                           ('spins', 'later'), ('waits', 'called4'), ('waits', 'called4')], got
            assert len(running(records, names)) == 5, records


@everywhere
def test_what_was_open_for_another_tracer_is_no_parent(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('running.py')
        names = arm(guest, ['outer', 'middle', 'called'], method)
        guest.say('begin', name='outer')
        guest.say('apply', request=request([], do='disarm', sequence=2))
        names = arm(guest, ['outer', 'middle', 'called'], method, 3)
        reader.records()
        guest.say('go_on', name='outer')
        guest.say('finish', name='outer')
        inherited = counters(guest)[7]
        guest.end()
        records = reader.records()
        got = edges(records, names)
        if method == 'swap':
            assert got == [('', 'called1'), ('', 'called2'), ('', 'called3')] and inherited == 2, (got, inherited)
        else:
            assert got == [('', 'outer'), ('middle', 'called1'), ('middle', 'called3'), ('outer', 'called2'),
                           ('outer', 'middle')] and not inherited, (got, inherited)


def test_guards_hold_for_them_too(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('running.py')
        guest.say('begin', name='outer')
        rules = [{'id': 1, 'target': '__main__:middle', 'guards': {'tests': [[[['arg', 'number']], '>', 7]]}},
                 {'id': 2, 'target': '__main__:outer', 'captures': [[1, 'exit', [['arg', 'place'], ['type']]]]},
                 {'id': 3, 'target': '__main__:called'}]
        answer = guest.say('apply', request=request(rules, method=method))
        names = {a['function']: a['name'].rpartition(':')[2] for a in answer['armed']}
        guest.say('go_on', name='outer')
        guest.say('finish', name='outer')
        guest.end()
        records = reader.records()
        if method == 'monitor':
            assert edges(records, names) == [('', 'outer')] + [('outer', 'called')] * 3, records
            assert records[-1]['values'][1]['text'] == '__main__:Place', records[-1]
