# SPDX-License-Identifier: Apache-2.0
"""Beside other tools, and beside code that is not Python's: one clear line, and nothing of theirs is touched."""
import os
import shutil
import subprocess

from seam import everywhere, request, rules_for, tree

SOURCE = '''
def works(n):
    return n + 1

class Thing:
    def method(self, n):
        return n + 2
'''
TREE = 'calls returned\n  called returned\n'
TURNS = 'outer returned\n' + 3 * '  inner returned\n'


def arm(guest, names, **more):
    answer = guest.say('apply', request=request(rules_for(['__main__:' + name for name in names]), **more))
    assert 'error' not in answer and not answer['refused'], answer
    return {armed['function']: armed['name'].partition(':')[2] for armed in answer['armed']}


def disarm(guest, left=0, sequence=9):
    answer = guest.say('apply', request=request([], do='disarm', sequence=sequence))
    assert answer['left'] == left, answer


def compile_with_cython(test):
    """The path of an extension module for this interpreter; skips where that cannot be."""
    site = test.package('Cython==3.1.6')
    include = subprocess.run([test.python.path, '-c', 'import sysconfig as s; print(s.get_path("include"))'],
                             stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    if not os.path.exists(include + '/Python.h') or not shutil.which('gcc'):
        test.skip('there is no Python.h or no compiler for it')
    source = test.directory / 'compiled_things.pyx'
    source.write_text(SOURCE)
    env = dict(os.environ, PYTHONPATH=site)
    subprocess.run([test.python.path, '-m', 'cython', '-3', str(source)], env=env, check=True)
    subprocess.run(['gcc', '-O0', '-w', '-shared', '-fPIC', '-I', include, '-o',
                    str(test.directory / 'compiled_things.so'), str(source.with_suffix('.c'))], check=True)
    test.sites.append(str(test.directory))


def test_functions_of_cython_are_refused_by_name(test):
    compile_with_cython(test)
    guest = test.guest('tools.py')
    assert guest.say('compiled') == [2, 3]
    answer = guest.say('apply', request=request(rules_for(['compiled_things:works',
                                                           'compiled_things:Thing.method'])))
    assert not answer['armed'], answer
    assert [refused['why'] for refused in answer['refused']] == 2 * [
        'it is compiled by Cython, and no Python code runs in it'], answer
    assert guest.say('compiled') == [2, 3]
    guest.end()


@everywhere
def test_code_of_another_tool_under_ours_comes_back(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('tools.py')
        assert guest.say('patch') == 3
        names = arm(guest, ['called', 'calls'], method=method)
        assert guest.say('run', n=4) == [9, 1], 'the other tool still sees the call'
        assert tree(reader.records(), names) == TREE
        disarm(guest)
        assert guest.say('is_patched')
        assert guest.say('run', n=4) == [9, 1] and not reader.records()
        guest.end()


@everywhere
def test_another_tool_may_take_its_code_from_under_ours(test):
    reader = test.reader()
    guest = test.guest('tools.py')
    guest.say('patch')
    arm(guest, ['called', 'calls'], method='swap')
    assert guest.say('unpatch') == 3
    disarm(guest)
    assert guest.say('is_own')
    reader.records()
    names = arm(guest, ['called', 'calls'], method='swap', sequence=10)
    assert guest.say('run', n=4) == [9, 0]
    assert tree(reader.records(), names) == TREE
    disarm(guest, sequence=11)
    assert guest.say('is_own')
    guest.end()


def test_greenlets_that_take_turns_keep_their_calls_apart(test):
    if test.python.version >= (3, 15):
        test.skip('gevent has no wheel for it')
    test.package('gevent==24.2.1' if test.python.version < (3, 9) else 'gevent==25.9.1')
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('tools.py')
        names = arm(guest, ['outer', 'inner'], method=method)
        assert guest.say('turns')
        assert tree(reader.records(), names) == 2 * TURNS
        disarm(guest)
        guest.end()


@everywhere
def test_functions_in_another_interpreter_are_not_touched(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('tools.py')
        names = arm(guest, ['called', 'calls'], method=method)
        assert guest.say('interpreter') == 7
        assert tree(reader.records(), names) == TREE
        disarm(guest)
        guest.end()
