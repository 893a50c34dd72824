# SPDX-License-Identifier: Apache-2.0
"""Parents that are not the call around: own queues, incoming trace contexts, spans of an SDK."""
from seam import everywhere, request, rules_for, tree

TRACE = '0af7651916cd43dd8448eb211c80319c'
PARENT = 'b7ad6b7169203331'


def arm(guest, rules, **more):
    answer = guest.say('apply', request=request(rules, **more))
    assert 'error' not in answer and not answer['refused'] and not answer['waiting'], answer
    return {a['function']: a['name'].rpartition(':')[2] for a in answer['armed']}


def spans(reader):
    return [r for r in reader.records() if r['kind'] == 'span']


def test_jobs_of_a_queue_are_found_again_by_their_key(test):
    reader = test.reader()
    key = [['arg', 'job'], ['item', 'id']]
    for method in test.methods():
        for how in ('parent', 'link'):
            guest = test.guest('parents.py')
            names = arm(guest, [
                {'id': 1, 'target': '__main__:puts', 'key': {'name': 'jobs', 'give': key},
                 'captures': [[0, 'entry', key]]},
                {'id': 2, 'target': '__main__:does', 'key': {'name': 'jobs', 'take': key, 'as': how},
                 'captures': [[0, 'entry', key]]},
                {'id': 3, 'target': '__main__:leaf'}], method=method)
            guest.say('queued')
            guest.end()
            records = spans(reader)
            puts = {r['values'][0]: r for r in records if r['rule'] == 1}
            for does in [r for r in records if r['rule'] == 2]:
                put = puts[does['values'][0]]
                if how == 'parent':
                    assert does['parent'] == put['id'] and does['trace'] == put['trace'], does
                    assert 'handed' in does['flags'], does
                else:
                    assert does['parent'] == '0' and does['link'] == put['id'], does
            assert len(puts) == 3 and tree(records, names).count('leaf') == 3


@everywhere
def test_a_key_may_be_given_at_the_end_and_stay(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('parents.py')
        arm(guest, [
            {'id': 1, 'target': '__main__:makes',
             'key': {'name': 'kept', 'give': [['return'], ['item', 'id']], 'give_at': 'exit'}},
            {'id': 2, 'target': '__main__:takes', 'captures': [[0, 'entry', [['arg', 'job'], ['item', 'n']]]],
             'key': {'name': 'kept', 'take': [['arg', 'job'], ['item', 'id']], 'keep': True}}], method=method)
        guest.say('kept')
        guest.end()
        records = spans(reader)
        made, failed = [r for r in records if r['rule'] == 1]
        assert (made['status'], failed['status']) == ('returned', 'raised'), records
        assert [r['parent'] for r in records if r['rule'] == 2] == [made['id'], made['id'], '0'], records


def test_the_oldest_keys_are_forgotten_and_counted(test):
    reader = test.reader()
    count, part = 12000, 500
    for method in test.methods():
        guest = test.guest('parents.py')
        arm(guest, [
            {'id': 1, 'target': '__main__:leaf', 'key': {'name': 'n', 'give': [['arg', 'x']]}},
            {'id': 2, 'target': '__main__:takes',
             'key': {'name': 'n', 'take': [['arg', 'job'], ['item', 'id']]}}], method=method)
        for first in range(0, count, part):
            guest.say('flood', first=first, count=part)
            spans(reader)  # its ring has room for as many
        guest.say('taken', ids=[0, count - 1])
        forgotten = guest.say('apply', request=request([], do='status', sequence=2))['counters'][13]
        guest.end()
        first, last = [r for r in spans(reader) if r['rule'] == 2]
        assert first['parent'] == '0' and last['parent'] != '0' and 'handed' in last['flags'], (first, last)
        assert count - 10000 <= forgotten < count - 10000 + 64, forgotten


def test_a_server_takes_its_parent_from_the_request_only(test):
    reader = test.reader()
    headers = [['arg', 'headers']]
    text = '00-%s-%s-01' % (TRACE, PARENT)
    for method in test.methods():
        guest = test.guest('parents.py')
        arm(guest, [{'id': 1, 'target': '__main__:serves', 'remote': headers}, {'id': 2, 'target': '__main__:leaf'}],
            method=method)
        for sent, taken in ((text, True), ({'traceparent': text}, True), ([['a', 'b']], False), (None, False),
                            (text.upper(), False), (text[:-1], False), ('00-' + '0' * 32 + text[35:], False),
                            ('ff' + text[2:], False), ('01' + text[2:] + '-more', True), (text + 'x', False)):
            guest.say('served', headers=sent)
            first, second = [r for r in spans(reader) if r['rule'] == 1]
            outer, inner = (second, first) if first['start'] > second['start'] else (first, second)
            assert (outer['parent'], 'root' in outer['flags']) == ('0', True), outer
            assert ('remote' in inner['flags']) == taken and 'root' in inner['flags'], (sent, inner)
            if taken:
                assert (inner['trace'], inner['parent']) == (TRACE, PARENT) and 'sampled' in inner['flags'], inner
            else:
                assert inner['parent'] == '0' and inner['trace'] != outer['trace'], (sent, inner)
        guest.say('bytes_served')
        got = spans(reader)
        assert {r['trace'] for r in got} == {TRACE} and 'sampled' not in got[1]['flags'], got
        assert got[1]['parent'] == PARENT and got[1]['values'][250] == 'a=1' and got[0]['parent'] == got[1]['id'], got
        guest.end()


def test_waiting_is_not_active_time(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('parents.py')
        arm(guest, rules_for(['__main__:waits'], active=True), method=method)
        guest.say('waited')
        guest.end()
        span, = spans(reader)
        whole = span['end'] - span['start']
        assert 'active' in span['flags'] and span['suspensions'] == 3, span
        assert whole > 75e6 and 18e6 < span['active'] < whole - 55e6, span


def test_spans_of_an_sdk_are_joined(test):
    test.package('opentelemetry-sdk==1.33.1')
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('parents.py')
        arm(guest, rules_for(['__main__:leaf', '__main__:serves']), method=method)
        sdk = guest.say('with_sdk')
        guest.end()
        records = spans(reader)
        before, first, inside, after, serves = sorted(records, key=lambda r: (r['rule'], r['start']))
        assert before['parent'] == '0' and 'sdk' not in before['flags'], before
        assert serves['parent'] == sdk['outer'] and inside['parent'] == sdk['inner'], (sdk, records)
        assert first['parent'] == after['parent'] == serves['id'], (sdk, records)
        assert {int(r['trace'], 16) for r in (first, inside, after, serves)} == {int(sdk['trace'], 16)}, records
        assert ['sdk' in r['flags'] for r in (first, inside, after, serves)] == [False, True, False, True], records


def test_native_functions_are_told_the_current_span(test):
    test.reader()
    targets = ['__main__:' + name for name in ('plain', 'generates', 'waits', 'streams', 'reads', 'uses')]
    for method in test.methods():
        guest = test.guest('current.py')
        arm(guest, rules_for(targets), method=method, context=True)
        result = guest.say('run')
        assert result['checked'] == 848 and not result['wrong'], result
        guest.end()
