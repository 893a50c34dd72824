# SPDX-License-Identifier: Apache-2.0
"""Functions that are called as soon as they are made."""


def first(n):
    return n


first(0)


def decorate(f):
    def wrapper(*arguments):
        return f(*arguments)
    return wrapper


class Box:
    def plain(self, n: int = 3) -> int:
        return n

    @staticmethod
    def fixed(n: int = 3) -> int:
        return n

    print(property)

    @decorate
    def other(self, n: property = None):
        return n

    @classmethod
    def of_class(cls, n):
        return n

    @property
    def size(self) -> int:
        return 4

    def __hidden(self):
        return 5

    def ask(self):
        return self.__hidden()

    inside = [fixed(n) for n in range(2)] if False else None


Box().plain()
Box().other()
Box.fixed(1)
Box.of_class(2)
assert Box().size == 4 and Box().ask() == 5


@decorate
def wrapped(n):
    return n


wrapped(0)


def outer():
    def inner():
        return 1
    return inner()


outer()
outer()

if first:
    def either():
        return 1
else:
    def either():
        return 2

either()


async def coroutine():
    return 1


try:
    coroutine().send(None)
except StopIteration:
    pass
