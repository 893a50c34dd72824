# SPDX-License-Identifier: Apache-2.0
"""Work that goes to other threads and processes keeps its parent."""
from seam import request, rules_for, tree



def arm(guest, targets, **more):
    answer = guest.say('apply', request=request(rules_for(targets), **more))
    assert 'error' not in answer and not answer['refused'] and not answer['waiting'], answer
    return {a['function']: a['name'].rpartition(':')[2] for a in answer['armed']}


def test_forked_workers_know_who_sent_the_work(test):
    reader = test.reader()
    for method in test.methods():
        guest = test.guest('processes.py')
        names = arm(guest, ['jobs:leaf', 'jobs:work'] + ['__main__:' + n for n in (
            'first', 'second', 'submits', 'process', 'pool')], method=method)
        guest.say('run', method='fork')
        guest.end()
        text = tree(reader.records(), names)
        assert text == WANTED_FORK, text


WANTED_FORK = '''pool returned
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
