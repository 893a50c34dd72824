# SPDX-License-Identifier: Apache-2.0
"""A program whose packages come by and by."""
import importlib

import guest


def called(x):
    return x


def load(name):
    importlib.import_module(name)
    return called(1)


guest.serve({'load': load})
