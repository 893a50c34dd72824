# SPDX-License-Identifier: Apache-2.0
"""The tree of calls under coverage: what it counts must not depend on arming."""
import os
import sys
import tempfile

import coverage
import guest


def measure(core, request=None, disarm=None):
    """Executed and missing lines and branches of calls.py."""
    os.environ['COVERAGE_CORE'] = core
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'calls.py')
    sys.modules.pop('calls', None)
    measured = coverage.Coverage(data_file=os.path.join(tempfile.mkdtemp(dir='.'), 'data'), config_file=False,
                                 branch=core == 'ctrace', include=[path])
    measured.start()
    import calls
    answer = guest.apply(request) if request else None
    calls.run()
    left = guest.apply(disarm)['left'] if disarm else 0
    measured.stop()
    _, statements, _, missing, _ = measured.analysis2(path)
    data = measured.get_data()
    arcs = sorted(data.arcs(path) or []) if core == 'ctrace' else []
    return {'statements': statements, 'missing': missing, 'arcs': arcs, 'left': left,
            'refused': answer['refused'] if answer else []}


if __name__ == '__main__':
    guest.serve({'measure': measure})
