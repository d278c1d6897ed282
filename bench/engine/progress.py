"""How the loop tells how far it is: a count after each answer, and what it does where no answer can come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Who is told. Both calls must be cheap (a few microseconds), for the loop may call them for every single answer."""

    def __call__(self, done: int, n: int) -> None:
        """Say that `done` of `n` predictions are kept: first those of earlier attempts, then each as it comes. Ends `doing`."""

    def doing(self, text: str) -> None:
        """Say what is done beside answering ("loads the model"), in words that follow a subject; "" when that is over."""


class Silent:
    """Tells nobody."""

    def __call__(self, done: int, n: int) -> None:
        """Take no notice."""

    def doing(self, text: str) -> None:
        """Take no notice."""


SILENT = Silent()


class _Counting(Silent):
    """Tells a plain function of the counts alone."""

    def __init__(self, told: Callable[[int, int], object]) -> None:
        self.told = told

    def __call__(self, done: int, n: int) -> None:
        self.told(done, n)


def listening(told: Progress | Callable[[int, int], object]) -> Progress:
    """Whoever is to be told as a `Progress`: a plain function of (done, n) is told of the counts alone.

    >>> listening(print)(3, 7)
    3 7
    >>> listening(print).doing("loads the model")
    """
    return told if isinstance(told, Progress) else _Counting(told)
