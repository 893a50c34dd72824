# SPDX-License-Identifier: Apache-2.0
"""Armed functions look and behave as they did."""
import os
import subprocess

from seam import everywhere, request, rules_for


def arm(guest, targets, sequence=1, **more):
    rules = rules_for(['__main__:' + target for target in targets])
    answer = guest.say('apply', request=request(rules, sequence=sequence, **more))
    assert 'error' not in answer and not answer['refused'] and not answer['waiting'], answer
    return answer


@everywhere
def test_a_program_sees_no_difference(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('checks.py')
        guest.say('remember')
        plain = guest.say('run')
        assert plain == {'failed': [], 'count': 29}, plain
        arm(guest, guest.say('targets'), method=method)
        assert guest.say('run') == plain
        assert guest.say('apply', request=request([], do='disarm', sequence=2))['left'] == 0
        assert guest.say('restored')
        assert guest.say('run') == plain
        guest.end()
        spans = [r for r in reader.records() if r['kind'] == 'span']
        assert len(spans) == 132, len(spans)


def test_a_program_sees_no_difference_without_a_tracer(test):
    guest = test.guest('checks.py')
    arm(guest, guest.say('targets'), method='swap')
    assert guest.say('run')['failed'] == []
    guest.end()


@everywhere
def test_functions_that_run_meanwhile_go_on(test):
    test.reader()
    for method in test.methods():
        guest = test.guest('checks.py')
        arm(guest, ['itself'], method=method)
        assert guest.say('inside', request=request([], do='disarm', sequence=2)) == 2
        rules = rules_for(['__main__:lives'])
        assert guest.say('suspended', arm=request(rules, sequence=3, method=method),
                         disarm=request([], do='disarm', sequence=4)) == [[1, 2], [1, 2]]
        guest.end()


def test_recursion_is_only_halved_by_swap(test):
    guest = test.guest('checks.py')
    plain = guest.say('depth')
    arm(guest, ['recurse'], method='swap')
    assert guest.say('depth') >= plain // 2 - 10
    guest.say('apply', request=request([], do='disarm', sequence=2))
    assert guest.say('depth') == plain
    if test.python.monitors():
        arm(guest, ['recurse'], sequence=3)
        assert guest.say('depth') == plain
    guest.end()


def test_cloudpickle_by_value_works_without_the_agent(test):
    site = test.package('cloudpickle==3.1.2')
    guest = test.guest('pickles.py')
    plain = guest.say('dump')
    targets = ['adds', 'generates', 'answers', 'streams', 'closure', 'inner_of.<locals>.inner']
    for sequence, context in ((1, False), (3, True)):
        arm(guest, targets, method='swap', sequence=sequence, context=context)
        for data in (plain, guest.say('dump')):
            done = subprocess.run([test.python.path, '-c', guest.say('reads')], input=data, text=True,
                                  env=dict(os.environ, PYTHONPATH=site), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            assert done.stdout == '[4, 6, [0, 1, 2], 4, [0, 1, 2], 11, 15]\n[]\n', done.stdout
        guest.say('apply', request=request([], do='disarm', sequence=sequence + 1))
    guest.end()


def test_coverage_counts_the_same(test):
    test.package('coverage==7.6.1' if test.python.version < (3, 14) else 'coverage==7.11.0')
    cores = ['ctrace'] + (['sysmon'] if test.python.monitors() else [])
    for core in cores:
        for method in test.methods():
            targets = ['calls:' + name for name in test.guest('calls.py').say('targets')]
            plain = test.guest('covered.py').say('measure', core=core)
            armed = test.guest('covered.py').say(
                'measure', core=core, request=request(rules_for(targets), method=method),
                disarm=request([], do='disarm', sequence=2))
            assert armed == plain, (core, method, plain, armed)
