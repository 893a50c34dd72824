# SPDX-License-Identifier: Apache-2.0
"""Work that goes to other threads and processes keeps its parent."""
from seam import request, rules_for, tree


def arm(guest, targets, **more):
    answer = guest.say('apply', request=request(rules_for(targets), **more))
    assert 'error' not in answer and not answer['refused'] and not answer['waiting'], answer
    return {a['function']: a['name'].rpartition(':')[2] for a in answer['armed']}


def test_workers_know_who_sent_the_work(test):
    """Children that are spawned have an agent of their own, which got the same request."""
    reader = test.reader()
    targets = ['jobs:leaf', 'jobs:work'] + ['__main__:' + n for n in (
        'first', 'second', 'submits', 'process', 'pool')]
    names = {rule['id']: rule['target'].rpartition(':')[2] for rule in rules_for(targets)}
    for method in test.methods():
        for start in 'fork', 'spawn', 'forkserver':
            guest = test.guest('processes.py', PYTHONWARNINGS='ignore')
            arm(guest, targets, method=method)
            children = request(rules_for(targets), method=method)
            guest.say('run', method=start, children=None if start == 'fork' else children)
            guest.end()
            records = reader.records()
            for record in records:
                record['function'] = record['rule']  # a child numbers functions as it comes upon them
            text = tree(records, names)
            assert text == WANTED_WORKERS, (start, text)


WANTED_WORKERS = '''pool returned
  work returned
    leaf returned
  work returned
    leaf returned
process returned
  work returned
    leaf returned
submits returned
  first returned
    work returned
      leaf returned
  second returned
    work returned
      leaf returned
'''


def test_a_lazily_started_worker_is_not_a_child_for_ever(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('gates.py')
        names = arm(guest, ['__main__:request', '__main__:called'], method=method)
        guest.say('lazy_worker')
        records = [r for r in reader.records() if r['kind'] == 'span']
        text = tree(records, names)
        assert text.count('request returned\n') == 3, text
        assert text.count('request returned\n  called returned\n') == 1, text
        assert text.count('called returned link\n') == 1, text
        assert text.count('\ncalled returned\n') + text.startswith('called returned\n') == 2, text
        linked = [r for r in records if 'link' in r['flags']]
        first = min((r for r in records if names[r['function']] == 'request'), key=lambda r: r['start'])
        assert linked[0]['link'] == first['id'], (linked, first)
        guest.end()
