# SPDX-License-Identifier: Apache-2.0
"""Work that is handed to other processes."""
import concurrent.futures
import concurrent.futures.process
import json
import multiprocessing
import multiprocessing.pool
import os

import guest
import jobs


def first(executor):
    return executor.submit(jobs.work, 1)


def second(executor):
    return executor.submit(jobs.work, 2)


def submits(method):
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        for future in [first(executor), second(executor)]:
            future.result()


def process(method):
    child = multiprocessing.get_context(method).Process(target=jobs.work, args=(3,))
    child.start()
    child.join()


def pool(method):
    with multiprocessing.get_context(method).Pool(2) as workers:
        workers.map(jobs.work, [4, 5])


def run(method, children=None):
    if children:
        os.environ['WF_CHILDREN'] = json.dumps(children)
    submits(method)
    process(method)
    pool(method)
    return True


if __name__ == '__main__':
    guest.serve({'run': run})
