# SPDX-License-Identifier: Apache-2.0
"""What the tests see the agent through: a program in an interpreter, and the reader on its sites."""
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = Path(os.environ.get('O') or 'build')
OUT = OUT if OUT.is_absolute() else ROOT / OUT
BUILT = OUT / 'python'
WAIT_S = 60
KINDS = {1: 'span', 2: 'start', 3: 'event', 4: 'log', 5: 'armed', 6: 'refused', 7: 'restored'}
STATUSES = {0: 'open', 1: 'returned', 2: 'raised', 3: 'cancelled', 4: 'abandoned'}
FLAGS = {0x01: 'root', 0x02: 'async', 0x04: 'moved', 0x08: 'lost', 0x10: 'remote', 0x20: 'sampled', 0x40: 'link',
         0x80: 'quiet', 0x100: 'sdk', 0x200: 'handed', 0x400: 'active', 0x800: 'running'}


class Skip(Exception):
    """Why a test cannot run here."""


class NotFor(Skip):
    """The test is about other interpreters than this one."""


def once(function):
    """The test does not depend on the interpreter."""
    function.once = True
    return function


def everywhere(function):
    """The test runs on every interpreter at hand, not just on the oldest, one between and the newest."""
    function.everywhere = True
    return function


def few(function):
    """Slow: without --soak, only on the oldest and newest interpreter of each way in."""
    function.few = True
    return function


class Lines:
    """Lines of a pipe, read by a thread so that waiting has an end."""

    def __init__(self, pipe):
        self.queue = queue.Queue()
        threading.Thread(target=self.read, args=(pipe,), daemon=True).start()

    def read(self, pipe):
        for line in pipe:
            self.queue.put(line)
        self.queue.put(None)

    def next(self, seconds=WAIT_S):
        try:
            line = self.queue.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError('no line for %d s' % seconds) from None
        if line is None:
            raise AssertionError('the program ended')
        return line.rstrip('\n')


class Reader:
    """The tests' tracer, on one agent file; every process that loads it is seen."""

    def __init__(self, agent, sites=3):
        self.child = subprocess.Popen([str(BUILT / 'reader'), str(agent), str(sites)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = Lines(self.child.stdout)
        try:
            assert json.loads(self.lines.next()) == {'ready': True}
        except AssertionError:
            self.child.wait(timeout=5)
            raise Skip('cannot probe here: ' + self.child.stderr.read().strip()) from None
        self.count = self.lost = 0

    def records(self):
        """Everything since the last time, with names instead of numbers."""
        self.count += 1
        self.child.stdin.write('%d\n' % self.count)
        self.child.stdin.flush()
        found = []
        while True:
            record = json.loads(self.lines.next())
            assert 'broken' not in record, record
            if 'sync' in record:
                lost, self.lost = record['lost'] - self.lost, record['lost']
                assert not lost and not record['faults'], record
                return found
            record['kind'], record['status'] = KINDS[record['kind']], STATUSES[record['status']]
            record['flags'] = [name for bit, name in FLAGS.items() if record['flags'] & bit]
            record['values'] = {slot: value for slot, value, _ in record['values']}
            found.append(record)

    def close(self):
        if self.child.poll() is None:
            self.child.stdin.close()
            self.child.wait(timeout=30)

    def kill(self):
        self.child.kill()
        self.child.wait()


class Shared:
    """One reader for all tests: attaching is slow, and nobody else loads this copy of the agent."""

    def __init__(self, options):
        self.options, self.made, self.why = options, None, None
        self.agent = BUILT / 'agent.so'

    def reader(self):
        if self.why:
            raise Skip(self.why)
        if self.made is None:
            try:
                self.made = Reader(self.agent)
            except Skip as reason:
                if self.options.require_kernel:
                    raise AssertionError(str(reason)) from None
                self.why = str(reason)
                raise
        return self.made

    def close(self):
        if self.made:
            self.made.close()


class Guest:
    """A program of inside/, started in an interpreter; it talks in lines."""

    def __init__(self, test, script, arguments, environment):
        self.err = open(test.directory / ('%s.err' % script), 'w+')
        variables = dict(os.environ, PYTHONDONTWRITEBYTECODE='1', WF_AGENT=str(test.agent),
                         WF_SCRIPT=str(BUILT / 'agent.py'), **environment)
        variables['PYTHONPATH'] = os.pathsep.join([str(HERE / 'inside')] + test.sites)
        self.child = subprocess.Popen([test.python.path, str(HERE / 'inside' / script)] + arguments,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.err,
                                      text=True, cwd=str(test.directory), env=variables)
        self.lines = Lines(self.child.stdout)

    def say(self, word, **more):
        """Send a command, and read its answer."""
        self.child.stdin.write(json.dumps(dict(more, do=word)) + '\n')
        self.child.stdin.flush()
        line = self.lines.next()
        try:
            return json.loads(line)
        except ValueError:
            raise AssertionError('the guest said ' + line) from None

    def errors(self):
        self.err.seek(0)
        return self.err.read()

    def end(self):
        """Let it end by itself: nothing on stderr, status 0."""
        self.child.stdin.close()
        status = self.child.wait(timeout=WAIT_S)
        text = self.errors()
        assert (status, text) == (0, ''), 'status %d\n%s' % (status, text)

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.err.close()


class Test:
    """What a test function gets."""

    def __init__(self, directory, python, shared, options):
        self.directory, self.python, self.shared, self.soak = directory, python, shared, options.soak
        self.agent, self.guests, self.readers, self.sites = shared.agent, [], [], []

    def reader(self):
        """The shared reader, with nothing in it."""
        reader = self.shared.reader()
        reader.records()
        return reader

    def own_reader(self, sites=3):
        """A reader that this test may kill, on a copy of the agent. sites: as many of its probes are placed."""
        self.agent = self.directory / 'agent.so'
        shutil.copy(BUILT / 'agent.so', self.agent)
        self.readers.append(Reader(self.agent, sites))
        return self.readers[-1]

    def guest(self, script, *arguments, **environment):
        self.guests.append(Guest(self, script, list(arguments), environment))
        return self.guests[-1]

    def package(self, name):
        """Make a pinned package of the registry importable in guests; skips where that cannot be."""
        site = BUILT / 'site' / ('%s-%s' % (self.python.name, name))
        if not (site / 'done').exists():
            ran = subprocess.run([sys.executable, '-m', 'pip', 'install', '-q', '--disable-pip-version-check',
                                  '--only-binary', ':all:', '--python-version', self.python.name,
                                  '--target', str(site), name],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if ran.returncode:
                raise Skip('pip cannot install %s for it: %s' % (name, ran.stdout.strip()[-150:]))
            (site / 'done').touch()
        self.sites.append(str(site))
        return str(site)

    def methods(self):
        return ['swap', 'monitor'] if self.python.monitors() else ['swap']

    def skip(self, reason):
        raise Skip(reason)

    def describe(self):
        return ''.join('stderr of the guest:\n' + g.errors()[-4000:] for g in self.guests if g.errors())

    def close(self):
        for thing in self.guests + self.readers:
            try:
                thing.close()
            except Exception:
                thing.kill()


def request(rules, **more):
    return dict({'abi': 1, 'do': 'arm', 'owner': {'nonce': 7, 'pid': os.getpid(), 'name': 'tests'},
                 'rules': rules}, **more)


def rules_for(targets, **more):
    """One rule a target, numbered from 1; a target may be (target, more fields)."""
    out = []
    for number, target in enumerate(targets, 1):
        target, fields = target if isinstance(target, tuple) else (target, {})
        out.append(dict({'id': number, 'target': target}, **dict(more, **fields)))
    return out


def tree(records, names):
    """The spans as text, two spaces a level, siblings in order of their text.

    names: {function number: name}. A span whose parent is not there stands at the top as an orphan.
    """
    spans = [r for r in records if r['kind'] == 'span']
    known = {r['id'] for r in spans}
    children = {}
    for record in spans:
        children.setdefault(record['parent'] if record['parent'] in known else '0', []).append(record)

    def render(record, depth):
        orphan = record['parent'] != '0' and record['parent'] not in known
        words = [names[record['function']], record['status']] + [
            f for f in record['flags'] if f in ('async', 'link', 'lost', 'quiet', 'remote', 'sdk')]
        words += ['orphan'] * orphan
        line = '  ' * depth + ' '.join(words) + ''.join(
            ' %s=%s' % (slot, json.dumps(value)) for slot, value in sorted(record['values'].items())
            if slot != 243) + '\n'
        return line + ''.join(sorted(render(child, depth + 1) for child in children.get(record['id'], [])))

    return ''.join(sorted(render(record, 0) for record in children.get('0', [])))
