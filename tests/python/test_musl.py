# SPDX-License-Identifier: Apache-2.0
"""A Python that was built for musl, where builds.sh has made one."""
import interpreter
import test_capture
import test_gate
import test_handoff
import test_inject
import test_nesting
import test_running
import test_swap
import test_tree
from seam import NotFor, Test, once

TESTS = [
    function for module in (test_capture, test_gate, test_handoff, test_inject, test_nesting, test_running, test_swap,
                            test_tree)
    for name, function in vars(module).items()
    if name.startswith('test_') and name not in (
        'test_lines_of_loguru_are_shipped_once', 'test_coverage_counts_the_same',  # wheels are for glibc
        'test_a_program_that_floods_the_queue_itself')]  # as a C library that is built here


@once
def test_it_is_like_any_other(test):
    python = interpreter.of_musl()
    if python is None:
        raise NotFor('none of musl here: see builds.sh')
    for number, function in enumerate(TESTS):
        directory = test.directory / str(number)
        directory.mkdir(mode=0o755)
        inner = Test(directory, python, test.shared, test.shared.options)
        try:
            function(inner)
        except NotFor:
            pass
        except Exception as failure:
            raise AssertionError('%s\n%s' % (function.__name__, inner.describe())) from failure
        finally:
            inner.close()
