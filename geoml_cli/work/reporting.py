"""How a stage tells its caller what it is doing; only `cli/` turns this into text on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]


class Reporter(Protocol):
    """Receives progress, notes and warnings from a stage."""

    def info(self, text: str) -> None:
        """Note something worth a line on stderr."""

    def warn(self, text: str) -> None:
        """Note something the user should act on or know before publishing."""

    def task(self, name: str, total: int | None) -> AbstractContextManager[Advance]:
        """Open a progress bar of `total` steps; the value entered is a function that advances it."""


class NullReporter:
    """A reporter for notebooks and tests: keeps what it hears, shows nothing."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []

    def info(self, text: str) -> None:
        """Keep a note."""
        self.said.append(text)

    def warn(self, text: str) -> None:
        """Keep a warning."""
        self.warned.append(text)

    @contextmanager
    def task(self, name: str, total: int | None) -> Iterator[Advance]:
        """Count nothing."""
        yield lambda steps: None
