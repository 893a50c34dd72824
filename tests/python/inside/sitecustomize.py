# SPDX-License-Identifier: Apache-2.0
"""Runs when an interpreter starts: a spawned child of a test is armed as one under wftrace would be."""
import json
import os

if 'WF_CHILDREN' in os.environ:
    import guest
    guest.apply(json.loads(os.environ['WF_CHILDREN']))
