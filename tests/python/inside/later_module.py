# SPDX-License-Identifier: Apache-2.0
"""Imported after arming."""


def late(x):
    return Below().go(x)


class Above:
    def go(self, x):
        return x


class Below(Above):
    def go(self, x):
        return super().go(x)


REGISTRY = {'late': late}
