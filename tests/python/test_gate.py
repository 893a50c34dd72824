# SPDX-License-Identifier: Apache-2.0
"""The gate: nobody traces, the tracer dies, a child is forked, all is taken back."""
import time

from seam import everywhere, request, rules_for

TARGETS = ['__main__:called', '__main__:nested', '__main__:nested.<locals>.inner', '__main__:generates',
           '__main__:forks', '__main__:deep']
LOGS = [{'rule': 99, 'logger': '*', 'level': 20}]


@everywhere
def test_a_killed_tracer_leaves_nothing(test):
    for method in test.methods():
        reader = test.own_reader()
        guest = test.guest('gates.py')
        guest.say('remember')
        things = guest.say('things')
        answer = guest.say('apply', request=request(rules_for(TARGETS), method=method, logs=LOGS, limits={'idle_s': 1}))
        assert len(answer['armed']) == len(TARGETS) and guest.say('hooked'), answer
        guest.say('call')
        assert guest.say('gate') == 3
        reader.kill()
        until = time.monotonic() + 10
        while guest.say('gate'):
            assert time.monotonic() < until, 'the gate stays open'
            time.sleep(0.05)
        assert not guest.say('is_plain')
        guest.say('call')
        assert not guest.say('is_plain')
        time.sleep(1.1)
        guest.say('call', times=2)
        assert guest.say('is_plain')
        assert guest.say('things') == things
        guest.end()


@everywhere
def test_nothing_is_shown_before_all_probes_are_there(test):
    for method in test.methods():
        reader = test.own_reader(sites=2)
        guest = test.guest('gates.py')
        guest.say('apply', request=request(rules_for(TARGETS), method=method))
        guest.say('call')
        assert guest.say('gate') == 2
        assert not any(guest.say('apply', request=request([], do='status', sequence=2))['counters'])
        assert not reader.records()
        guest.end()
        reader.kill()


def test_children_have_ids_of_their_own(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('gates.py')
        guest.say('apply', request=request(rules_for(TARGETS), method=method))
        for _ in range(3):
            assert guest.say('forks') == 0
        guest.end()
        records = [r for r in reader.records() if r['kind'] == 'span']
        ids = [r['id'] for r in records]
        assert len(ids) == len(set(ids)) == 9, records
        inside = [r for r in records if r['rule'] == 1]
        outside = {r['id'] for r in records if r['rule'] == 5}
        assert all('handed' in r['flags'] and r['parent'] in outside for r in inside), inside


def test_arming_and_disarming_leaves_nothing(test):
    test.reader()
    for method in test.methods():
        guest = test.guest('gates.py')
        guest.say('remember')
        guest.say('apply', request=request([], do='status'))
        things = guest.say('things')
        for n in range(500 if test.soak else 40):
            answer = guest.say('apply', request=request(rules_for(TARGETS), method=method, logs=LOGS, sequence=2 * n + 2))
            assert len(answer['armed']) == len(TARGETS), answer
            guest.say('call')
            answer = guest.say('apply', request=request([], do='disarm', sequence=2 * n + 3))
            assert answer['left'] == 0, answer
            assert n % 10 or guest.say('is_plain')
        assert guest.say('things') == things
        guest.end()


BUSY = ['__main__:' + name for name in (
    'Shop.price', 'Shop.double', 'adds', 'counts', 'fails', 'sleeps', 'streams')]


def test_a_busy_program_stays_right_and_small(test):
    test.own_reader()  # its records are too many, and nobody wants them
    cycles = 500 if test.soak else 40
    for method in test.methods():
        guest = test.guest('busy.py')
        guest.say('begin')
        looks = []
        for n in range(cycles):
            answer = guest.say('apply', request=request(rules_for(BUSY), method=method, sequence=2 * n + 1))
            assert len(answer['armed']) == len(BUSY), answer
            time.sleep(0.01)
            answer = guest.say('apply', request=request([], do='disarm', sequence=2 * n + 2))
            assert answer['left'] == 0, answer
            looks.append(guest.say('look'))
        middle, last = looks[cycles // 2], looks[-1]
        assert not last['wrong'], last
        assert (last['files'], last['threads']) == (looks[0]['files'], looks[0]['threads']), (looks[0], last)
        assert last['kib'] - middle['kib'] < 2048, (looks[0], middle, last)
        assert all(last['rounds'][name] > middle['rounds'][name] for name in middle['rounds']), (middle, last)
        guest.say('end')
        guest.end()


def test_a_second_tracer_is_refused_while_the_first_traces(test):
    test.reader()
    guest = test.guest('gates.py')
    guest.say('apply', request=request(rules_for(TARGETS)))
    other = {'nonce': 8, 'pid': 1, 'name': 'another'}
    answer = guest.say('apply', request=dict(request(rules_for(TARGETS), sequence=5), owner=other))
    assert answer['error'].startswith('it is traced already, by tests'), answer
    again = guest.say('apply', request=request(rules_for(TARGETS)))
    assert len(again['armed']) == len(TARGETS), 'a repeated request is answered with the first answer'
    guest.end()
