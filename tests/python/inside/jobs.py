# SPDX-License-Identifier: Apache-2.0
"""Functions that worker processes import."""


def leaf(x):
    return x


def work(x):
    return leaf(x)
