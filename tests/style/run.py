#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The style budget of CONTRIBUTING.md, checked: one line a finding, one line a check.

Usage: run.py [CHECK...]   (build artefacts are looked for under $O, default build)
"""
import math
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OUT = os.environ.get('O') or 'build'
sys.path.insert(0, HERE)

import bpf_stack  # noqa: E402
import layers  # noqa: E402

FUNCTION_LINES, EXCEPTION_LINES, COMPLEXITY = 60, 100, 15
EXCEPTION_HEADER, EXCEPTION_SOURCE = 400, 750
FILE_LINES = {'.c': 500, '.bpf.h': 500, '.cc': 500, '.py': 500, '.sh': 500, '.h': 120, 'Makefile': 120}
BANNED = ('strcpy strcat sprintf vsprintf strtok strtok_r atoi atol atoll atof strtol strtoul strtoll '
          'strtoull gets system popen exit alloca tmpnam mktemp').split()
OWN_USE = {'bpf': ('goto',), 'tests': ('system', 'popen', 'exit')}
SOURCES = ('.c', '.h', '.cc', '.py', '.sh', '.rs', '.proto', '.S')


class Skip(Exception):
    pass


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors='replace')


def list_files():
    """Every file of the tree that git would keep; of a tarball, every file but the built ones."""
    git = run('git', 'ls-files', '-co', '--exclude-standard')
    if git.returncode == 0:
        return sorted(f for f in set(git.stdout.splitlines()) if os.path.isfile(f))
    found = []
    for folder, folders, names in os.walk('.'):
        folders[:] = [f for f in folders if f not in ('build', '__pycache__') and f[0] != '.']
        found += [os.path.relpath(os.path.join(folder, name)) for name in names]
    return sorted(found)


def read(path):
    with open(path, encoding='utf-8', errors='replace') as file:
        return file.read()


def table(name):
    """Lines of a list beside this file, without comments."""
    lines = (line.split('#')[0].strip() for line in read(os.path.join(HERE, name)).splitlines())
    return [line for line in lines if line]


def code_only(text):
    """C text with comments and literals blanked, so that words in them do not count."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r'[^\n]', ' ', m.group()), text, flags=re.S)


def c_files(files, *folders):
    return [f for f in files if f.endswith(('.c', '.h')) and f.startswith(folders)]


def measure(files):
    """(file, line, function, lines, complexity); a switch counts as one decision."""
    for path in c_files(files, 'userspace/', 'exporter/', 'bpf/', 'tests/unit', 'tests/fuzz'):
        if path.endswith('.h') and '.bpf.' not in path:
            continue
        text = read(path)
        if '.bpf.' in path:  # pmccabe takes these macros for functions
            text = re.sub(r'SEC\("[^"]*"\)', '', text)
            text = re.sub(r'BPF_PROG\((\w+),?', r'\1(', text)
        done = subprocess.run(['pmccabe'], input=text, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        for line in done.stderr.splitlines():
            yield path, 1, f'pmccabe: {line}:', math.inf, 0
        for line in done.stdout.splitlines():
            fields = line.split('\t')
            start, name = re.match(r'stdin\((\d+)\): (.*)', fields[5]).groups()
            yield path, start, name, int(fields[4]), int(fields[0])


def check_sizes(files):
    """files and headers within their lines"""
    exceptions = dict(line.split(None, 1) for line in table('exceptions.txt'))
    for path in files:
        name = os.path.basename(path)
        kind = (re.search(r'(\.bpf)?\.\w+$', name) or re.match('.*', name)).group()
        if path.startswith('vmlinux/') or kind not in FILE_LINES:
            continue
        if path.startswith('tests/') and kind == '.h':
            kind = '.c'  # what several tests share is code
        lines, allowed = read(path).count('\n'), FILE_LINES[kind]
        if path in exceptions:
            allowed = EXCEPTION_HEADER if kind == '.h' else EXCEPTION_SOURCE
        if lines > allowed:
            yield f'{path}:{lines}: {lines} lines, at most {allowed}: split it by job'


def check_functions(files):
    """functions within their lines and complexity"""
    if not shutil.which('pmccabe'):
        raise Skip('pmccabe is not installed')
    exceptions = dict(line.split(None, 1) for line in table('exceptions.txt'))
    for path, start, name, lines, complexity in measure(files):
        allowed = EXCEPTION_LINES if name in exceptions else FUNCTION_LINES
        if lines > allowed:
            yield f'{path}:{start}: {name} has {lines} lines, at most {allowed}'
        if complexity > COMPLEXITY:
            yield f'{path}:{start}: {name} has complexity {complexity}, at most {COMPLEXITY}'


def check_layers(files):
    """includes look down the layers only, without a cycle"""
    text = {f: read(f) for f in c_files(files, 'userspace/', 'exporter/', 'bpf/')}
    yield from layers.check(text, table('layers.txt'))


def check_banned(files):
    """no banned call, no goto in user space, no unfinished work"""
    allowed = {tuple(line.split()) for line in table('allowed.txt')}
    words = re.compile(r'(?<![\w.>])(' + '|'.join(BANNED) + r')\s*\(|\b(goto)\b')
    unfinished = re.compile(r'\b(TODO|FIXME|XXX)\b')
    for path in c_files(files, 'userspace/', 'exporter/', 'bpf/', 'tests/unit/', 'tests/fuzz/'):
        text = read(path)
        for number, line in enumerate(code_only(text).splitlines(), 1):
            for match in words.finditer(line):
                word = match.group(1) or match.group(2)
                if (path, word) in allowed or word in OWN_USE.get(path.split('/')[0], ()):
                    continue
                yield f'{path}:{number}: {word} is banned'
        for number, line in enumerate(text.splitlines(), 1):
            if unfinished.search(line):
                yield f'{path}:{number}: unfinished work belongs into an issue'


def check_license(files):
    """an SPDX line at the top of every source"""
    for path in files:
        if path.endswith(SOURCES) and 'SPDX-License-Identifier:' not in ''.join(
                read(path).splitlines(True)[:3]):
            yield f'{path}:1: no SPDX-License-Identifier'


def check_paths(files):
    """no path of one machine in any file"""
    pattern = re.compile(r'(?<![\w.}\])])/(?:work|home/\w+|tmp/wt|tmp/brief)/')
    for path in files:
        for number, line in enumerate(read(path).splitlines(), 1):
            if pattern.search(line) and not path.startswith('tests/style/'):
                yield f'{path}:{number}: path of one machine: {pattern.search(line).group()}'


def check_format(files):
    """clang-format has nothing to change"""
    tool = shutil.which('clang-format-14') or shutil.which('clang-format')
    if not tool or ' 14.' not in run(tool, '--version').stdout:
        raise Skip('clang-format 14 is not installed')
    sources = c_files(files, 'userspace/', 'exporter/', 'bpf/', 'tests/')
    sources += [f for f in files if f.endswith('.cc') and f.startswith(('demo/', 'tests/'))]
    for line in run(tool, '--dry-run', *sources).stdout.splitlines():
        match = re.match(r'([^:]+:\d+):\d+: warning', line)
        if match:
            yield f'{match.group(1)}: clang-format would change it (make format)'


def check_globals(_files):
    """no mutable global but the listed ones"""
    library = os.path.join(OUT, 'libwftrace.a')
    if not os.path.exists(library):
        raise Skip(f'{library} is not built')
    allowed = set(table('globals.txt'))
    member = ''
    for line in run('objdump', '-t', library).stdout.splitlines():
        head = re.match(r'(\S+\.o):', line)
        member = head.group(1) if head else member
        symbol = re.match(r'\S+ .{7} (\.bss\S*|\.data(?!\.rel\.ro)\S*|\.t(?:bss|data)|\*COM\*)\s+'
                          r'\S+ (?:\.hidden )?(\S+)$', line)
        if not symbol or symbol.group(2).startswith('.') or member.endswith('.pb-c.o'):
            continue
        if f'{member} {symbol.group(2)}' not in allowed:
            yield f'{member[:-2]}.c:1: mutable global {symbol.group(2)} ({symbol.group(1)})'


def check_bpf_stack(_files):
    """BPF programs with 64 bytes of stack or more hold a tail call"""
    folder = os.path.join(OUT, 'gen')
    objects = sorted(f for f in os.listdir(folder) if f.endswith('.bpf.o')) if os.path.isdir(folder) else []
    if not objects:
        raise Skip(f'no BPF object in {folder}')
    for name in objects:
        yield from bpf_stack.check(os.path.join(folder, name))


def check_vmlinux(_files):
    """vmlinux.h is what its generator writes"""
    arch = os.uname().machine
    header = f'vmlinux/{arch}/vmlinux.h'
    if not os.path.exists('/sys/kernel/btf/vmlinux'):
        raise Skip('this kernel has no BTF')
    if not os.path.exists(header):
        raise Skip(f'there is no {header} yet')
    made = run(sys.executable, 'vmlinux/generate.py')
    if made.returncode:
        yield f'vmlinux/types.txt:1: {made.stdout.strip()}'
    elif made.stdout != read(header):
        yield f'{header}:1: not current: vmlinux/generate.py > {header}'


def main():
    os.chdir(ROOT)
    files = list_files()
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    for name, check in list(globals().items()):
        if not name.startswith('check_') or (sys.argv[1:] and name[6:] not in sys.argv[1:]):
            continue
        try:
            findings = list(dict.fromkeys(check(files)))
        except Skip as reason:
            print(f'skip    style: {check.__doc__}: {reason}')
            counts['skipped'] += 1
            continue
        print('\n'.join(findings + [f"{'not ok' if findings else 'ok    '}  style: {check.__doc__}"]))
        counts['failed' if findings else 'passed'] += 1
    print('style: ' + ', '.join(f'{n} {what}' for what, n in counts.items()))
    return 1 if counts['failed'] else 0


if __name__ == '__main__':
    sys.exit(main())
