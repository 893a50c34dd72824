# SPDX-License-Identifier: Apache-2.0
"""What could harm a program does not: signals, requests at bad moments, other tools."""
import seam
from seam import request, rules_for

TARGETS = ['__main__:' + name for name in ('called', 'calls', 'generates', 'awaits', 'streams')]


def arm(guest, targets=TARGETS, **more):
    answer = guest.say('apply', request=request(rules_for(targets), **more))
    assert 'error' not in answer and not answer['refused'], answer
    return answer


def test_handlers_that_raise_leave_no_call_open(test):
    test.own_reader()  # its records are too many, and nobody wants them
    for method in test.methods():
        guest = test.guest('harm.py')
        arm(guest, method=method)
        result = guest.say('interrupted', seconds=20 if test.soak else 0.5)
        assert result['count'] > 100 and not result['open'], result
        assert guest.say('asynchronous') == [1, 2]
        status = guest.say('apply', request=request([], do='status', sequence=2))
        entries, completed, abandoned = status['counters'][:3]
        assert entries == completed + abandoned, status
        guest.end()


def test_a_request_inside_a_request_is_told_to_come_again(test):
    guest = test.guest('harm.py')
    arm(guest)
    answer = guest.say('inside', request=request([], do='disarm', sequence=2))
    assert answer == {'error': 'the agent is busy with another request', 'busy': True}, answer
    assert guest.say('apply', request=request([], do='disarm', sequence=2))['left'] == 0
    assert guest.say('is_own')
    guest.end()


def test_a_child_that_was_forked_in_the_middle_of_a_request_answers(test):
    guest = test.guest('harm.py', PYTHONWARNINGS='ignore')  # 3.12 warns of forks beside threads
    arm(guest, method='swap')
    assert guest.say('forked', request=request([], do='disarm', sequence=2)) == 0
    assert guest.say('apply', request=request([], do='disarm', sequence=3))['left'] == 0
    guest.end()


def test_code_of_another_tool_is_left_alone(test):
    test.reader()
    guest = test.guest('harm.py')
    arm(guest, method='swap')
    assert guest.say('bury') == 10
    assert guest.say('apply', request=request([], do='disarm', sequence=2))['left'] == 1
    answer = guest.say('apply', request=request(rules_for(TARGETS), method='swap', sequence=3))
    assert [r['why'] for r in answer['refused']] == [
        'another tool has put its code over the one of an earlier wftrace'], answer
    assert guest.say('unearth') == 1
    arm(guest, method='swap', sequence=4)
    assert guest.say('apply', request=request([], do='disarm', sequence=5))['left'] == 0
    assert guest.say('is_own')
    guest.end()


def test_tool_ids_of_others_are_not_touched(test):
    if not test.python.monitors():
        raise seam.NotFor('sys.monitoring came with 3.12')
    guest = test.guest('harm.py')
    guest.say('take_tools')
    answer = guest.say('apply', request=request(rules_for(TARGETS[:2]), method='monitor'))
    assert len(answer['refused']) == 2 and 'taken by tool 4 and tool 3' in answer['refused'][0]['why'], answer
    assert guest.say('tools') == ['tool 3', 'tool 4'] and guest.say('is_own')
    assert guest.say('apply', request=request([], do='disarm', sequence=2))['left'] == 0
    assert guest.say('tools') == ['tool 3', 'tool 4'] and guest.say('is_own')
    guest.end()


def test_nothing_of_the_program_is_kept(test):
    reader = test.reader()
    guest = test.guest('harm.py')
    guest.say('keep')
    arm(guest, ['__main__:closure_of.<locals>.closure'], method='swap')
    assert guest.say('drop') == [3, True]
    assert guest.say('apply', request=request([], do='disarm', sequence=2))['left'] == 0
    guest.end()
    assert len([r for r in reader.records() if r['kind'] == 'span']) == 1


def test_calls_that_run_already_are_counted(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('harm.py')
        guest.say('running', request=request(rules_for(['__main__:waits', '__main__:called']), method=method))
        status = guest.say('apply', request=request([], do='status', sequence=2))
        assert status['counters'][11] == 1 and status['counters'][:2] == [1, 1], status
        guest.end()
        assert [r['rule'] for r in reader.records() if r['kind'] == 'span'] == [2]


def test_a_lazy_object_is_not_looked_at(test):
    guest = test.guest('harm.py')
    answer = guest.say('apply', request=request(rules_for(['__main__:lazy', '__main__:*', '__main__:lazy.x', '__main__:job'])))
    assert 'error' not in answer, answer
    assert {r['name']: r['why'] for r in answer['refused']}['__main__:lazy'] == 'it is no function, but a Lazy', answer
    assert any(entry['name'] == '__main__:job' for entry in answer['armed']), answer
    assert guest.say('looked_at') == [[], 1]
    guest.end()
