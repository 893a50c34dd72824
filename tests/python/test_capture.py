# SPDX-License-Identifier: Apache-2.0
"""What is copied from values, what an exception tells, log lines, and late modules."""
from seam import everywhere, request, rules_for

BIG, BYTES = 35, 34


def arm(guest, rules, **more):
    answer = guest.say('apply', request=request(rules, **more))
    assert 'error' not in answer and not answer['refused'], answer
    return answer


def arg(name, *steps):
    return [['arg', name]] + list(steps)


def test_values_are_taken_without_running_code(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('values.py')
        arm(guest, [{'id': 1, 'target': '__main__:takes', 'captures': [[0, 'entry', arg('value')]]}], method=method)
        assert guest.say('run') == []
        guest.end()
        got = [r['values'].get(0) for r in reader.records() if r['kind'] == 'span'][:31]
        wanted = [
            1, -5, 2 ** 63 - 1, {'type': BIG, 'text': str(2 ** 70)}, True, 1.5, 'text']
        assert got[:7] == wanted, got[:7]
        assert got[7].encode('latin1').decode() == 'gr\u00fc\u00df \U0001f600' and got[8] == '\\ud800', got[7:9]
        assert got[9] == 'x' * 2048 and got[10] == {'type': BYTES, 'text': 'bytes'} and got[11] is None
        assert [i[1] for i in got[12]['items']] == [1, 'a', None] and got[12]['of'] == 3
        assert [i[1] for i in got[13]['items']] == [1.5, True] and [i[1] for i in got[14]['items']] == [3]
        assert [i[1] for i in got[15]['items']] == [1] and got[15]['of'] == 2
        assert len(got[16]['items']) == 32 and got[16]['of'] == 100
        assert got[17:24] == ['red', 3, '1.50', '00000000-0000-0000-0000-000000000005', '2026-01-02T03:04:05',
                              '1:00:00', 'content'], got[17:24]
        assert [g['text'] for g in got[24:27]] == ['__main__:Trap', '__main__:Trap', 'builtins:dict'], got[24:27]
        assert got[27] is None and got[28] == {'type': BYTES, 'text': 'ab'}, got[27:]
        assert [g['text'] for g in got[29:]] == ['__main__:Made', 'builtins:dict'], got[29:]


def test_paths(test):
    reader = test.reader()
    captures = [arg('trap', ['attr', 'own']), arg('trap', ['attr', 'computed']), arg('trap', ['attr', 'shared']),
                arg('trap', ['len']), arg('slotted', ['attr', 'size']), arg('mapping', ['item', 'k'], ['item', -1]),
                arg('mapping', ['item', 'k'], ['len']),
                arg('order', ['attr', 'lines'], ['each'], ['item', 'n'], ['sum']),
                arg('order', ['attr', 'lines'], ['each'], ['item', 'n'], ['max']),
                arg('order', ['attr', 'lines'], ['first', [['item', 'name']], '==', 'b'], ['item', 'n']),
                [['position', 5]], [['kwargs'], ['item', 'key']], [['args'], ['item', 0]],
                arg('order', ['attr', 'lines'], ['each'], ['item', 'name']), arg('trap', ['type'])]
    wanted = {0: 'own', 2: 'of the class', 4: 11, 5: 8, 6: 2, 7: 7, 8: 5, 9: 5, 10: 'r1', 11: 'v', 12: 'r0',
              13: ['a', 'b'], 14: '__main__:Trap', 20: True}
    for method in test.methods():
        guest = test.guest('values.py')
        rule = {'id': 1, 'target': '__main__:paths', 'captures':
                [[i, 'entry', path] for i, path in enumerate(captures)] +
                [[20, 'exit', [['return'], ['item', 'done']]], [21, 'exit', arg('trap', ['attr', 'own'])]]}
        caller = {'id': 2, 'target': '__main__:takes', 'captures': [[0, 'entry', [['caller', 'attempts']]]]}
        cell = {'id': 3, 'target': '__main__:closure', 'captures': [[0, 'entry', [['cell', 'secret']]]]}
        arm(guest, [rule, caller, cell], method=method)
        assert guest.say('run') == []
        guest.end()
        records = [r for r in reader.records() if r['kind'] == 'span']
        got = next(r['values'] for r in records if r['rule'] == 1)
        got[13] = [item[1] for item in got[13]['items']]
        got[14] = got[14]['text']
        assert got == {**wanted, 21: 'own'}, got
        assert 4 in [r['values'].get(0) for r in records if r['rule'] == 2]
        assert [r['values'] for r in records if r['rule'] == 3] == [{0: 'kept'}]


def test_locals_at_exit_and_marked_steps(test):
    reader = test.reader()
    local = {'id': 1, 'target': '__main__:local_values', 'captures': [[0, 'exit', [['local', 'total']]]]}
    raised = {'id': 2, 'target': '__main__:fails', 'captures': [
        [0, 'exit', [['exception'], ['attr', 'args'], ['item', 0]]], [1, 'exit', [['return']]]]}
    marked = {'id': 3, 'target': '__main__:paths', 'captures': [
        [0, 'entry', arg('trap', ['attr!', 'computed'])], [1, 'entry', arg('order', ['attr!', 'total'], ['call!'])],
        [2, 'entry', arg('order', ['attr!', 'breaks'])], [3, 'entry', arg('order', ['attr!', 'nowhere'])]]}
    for method in test.methods():
        guest = test.guest('values.py')
        answer = guest.say('apply', request=request([local, raised, marked], method=method))
        refused = [r['why'] for r in answer['refused']]
        assert refused == [] if method == 'monitor' else 'need sys.monitoring' in refused[0], answer
        assert sorted(set(guest.say('run'))) == ['computed']
        guest.end()
        got = {}
        for record in [r for r in reader.records() if r['kind'] == 'span']:
            got.setdefault(record['rule'], []).append(record['values'])
        assert got.get(1) == ([{0: 8}] if method == 'monitor' else None), got
        assert got[2][0][0] == 'plain 1' and 1 not in got[2][0], got
        assert got[3] == [{0: 'computed', 1: 7}], got


def test_guards_and_once(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('values.py')
        arm(guest, [
            {'id': 1, 'target': '__main__:guarded', 'guards': {'tests': [[arg('n'), '>', 3], [arg('n'), '!=', 10]]},
             'captures': [[0, 'entry', arg('n')]]},
            {'id': 2, 'target': '__main__:Twice.call', 'once': True},
            {'id': 3, 'target': '__main__:caller', 'suppress': [4]},
            {'id': 4, 'target': '__main__:takes'},
            {'id': 5, 'target': '__main__:outer'},
            {'id': 6, 'target': '__main__:fails', 'kind': 'event', 'nearest': 5}], method=method)
        guest.say('run')
        status = guest.say('apply', request=request([], do='status', sequence=2))
        guest.end()
        records = reader.records()
        spans = [r for r in records if r['kind'] == 'span']
        assert [r['values'][0] for r in spans if r['rule'] == 1] == [5]
        assert len([r for r in spans if r['rule'] == 2]) == 1
        assert len([r for r in spans if r['rule'] == 4]) == 31
        owners = [r['id'] for r in spans if r['rule'] == 5]
        assert [r['id'] for r in records if r['kind'] == 'event'] == owners and len(owners) == 6
        entries, completed, abandoned, guarded, silenced = status['counters'][:5]
        assert entries == completed + guarded + silenced and (guarded, silenced, abandoned) == (2, 2, 0), status


def test_exceptions_tell_type_message_and_place(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('values.py')
        arm(guest, rules_for(['__main__:fails', '__main__:outer']), method=method)
        assert guest.say('run') == []
        guest.end()
        records = [r for r in reader.records() if r['kind'] == 'span']
        inner, outer = ([r for r in records if r['rule'] == n] for n in (1, 2))
        wanted = [('builtins:ValueError', 'plain 1'), ('builtins:KeyError', "'k'"), ('__main__:Loud', 'arg'),
                  ('builtins:FileNotFoundError', '[Errno 2] missing'), ('builtins:ValueError', None),
                  ('builtins:FileNotFoundError', '[Errno 2] of: <__main__:Trap>')]
        for rows in inner, outer:
            assert [(r['values'][241], r['values'].get(242)) for r in rows] == wanted, rows
        assert all('in fails' in r['values'][243] and 'quiet' not in r['flags'] for r in inner), inner
        assert inner[0]['values'][243].count('in fails') == 1, inner[0]['values'][243]
        assert all(243 not in r['values'] and 'quiet' in r['flags'] for r in outer), outer


@everywhere
def test_messages_are_those_of_str_without_its_code(test):
    reader = test.reader()
    foreign = ["('x', <__main__:Trap>)", '[Errno 2] of: <__main__:Trap>', None, '(1, <builtins:list>)',
               "('a', '%s'...)" % ('x' * 256), '(<__main__:Trap>, %s, ...)' % ', '.join(map(str, range(15))), "('p', <builtins:list>)",
               'arg', '[Errno 2] h', None, None]
    for method in test.methods():
        guest = test.guest('values.py')
        arm(guest, rules_for(['__main__:fails']), method=method)
        said = guest.say('messages')
        guest.end()
        got = [r['values'].get(242) for r in reader.records() if r['kind'] == 'span']
        assert said['touched'] == [], said
        assert got == said['texts'] + foreign, [pair for pair in zip(got, said['texts'] + foreign)
                                                if pair[0] != pair[1]]


def test_log_lines_carry_their_span(test):
    reader = test.reader()
    guest = test.guest('values.py')
    plain = guest.say('logs')  # what logging itself does with an argument
    answer = guest.say('apply', request=request(rules_for(['__main__:logs_inside']), logs=[
        {'rule': 9, 'logger': 'app.*', 'level': 20, 'write_ids': True}]))
    assert len(answer['armed']) == 1, answer
    assert guest.say('logs') == plain
    guest.end()
    records = reader.records()
    span = next(r for r in records if r['kind'] == 'span')
    lines = [r for r in records if r['kind'] == 'log']
    assert [r['values'][240] for r in lines] == ['hello x 3', 'object %s', 'failed'], lines
    assert all(r['id'] == span['id'] and r['rule'] == 9 and r['values'][245] == 'app.db' for r in lines)
    assert lines[2]['values'][241] == 'builtins:ValueError' and lines[2]['values'][246] == 40


def test_lines_of_loguru_are_shipped_once(test):
    test.package('loguru==0.7.2')
    reader = test.reader()
    guest = test.guest('values.py')
    logs = [{'rule': 9, 'logger': '*', 'level': 20, 'write_ids': True}]
    guest.say('apply', request=request(rules_for(['__main__:loguru_inside']), logs=logs))
    sunk = guest.say('loguru')
    guest.end()
    records = reader.records()
    span = next(r for r in records if r['kind'] == 'span')
    lines = [r for r in records if r['kind'] == 'log']
    assert [r['values'][240] for r in lines] == ['hello x 3', 'hello x 3', 'failed'], lines
    assert [r['values'][251] for r in lines] == ['INFO', 'INFO', 'ERROR'], lines
    assert all(r['id'] == span['id'] and r['values'][249] == 'loguru_inside' for r in lines), lines
    assert lines[2]['values'][241] == 'builtins:ValueError' and 'in fails' in lines[2]['values'][243], lines[2]
    assert len(sunk) == 6 and all(span['id'] in line and span['trace'] in line for line in sunk), sunk


def test_modules_that_come_later_are_armed_then(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('values.py')
        answer = guest.say('apply', request=request(rules_for(
            ['later_module:late', 'overrides of later_module:Above.go']), method=method))
        assert len(answer['waiting']) == 2, answer
        assert guest.say('later') == 2
        assert guest.say('apply', request=request([], do='disarm', sequence=2))['left'] == 0
        guest.end()
        records = reader.records()
        assert len([r for r in records if r['kind'] == 'armed']) == 3, records
        assert [r['rule'] for r in records if r['kind'] == 'span'] == [2, 2, 1]


def test_what_cannot_be_armed_is_told(test):
    guest = test.guest('values.py')
    answer = guest.say('apply', request=request(rules_for(
        ['__main__:takez', '__main__:Trap', 'sys:getsizeof', '__main__:Point.x', 'nowhere:f', 'no colon', 'guest:serve',
         'values of values.py:TOUCHED', '__main__:takes.<locals>.g']), do='list'))
    assert [a['name'] for a in answer['armed']] == ['guest:serve'], answer
    why = {entry['rule']: entry['why'] for entry in answer['refused']}
    assert 'did you mean takes' in why[1] and 'class' in why[2] and 'written in C' in why[3], why
    assert 'module:function' in why[6] and 'holds no' in why[8] and 'no inner function g' in why[9], why
    assert 4 in why and [w['rule'] for w in answer['waiting']] == [5], answer
    guest.end()
