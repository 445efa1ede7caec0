"""What reaches the terminal: results on stdout; progress, notes and warnings on stderr."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from geoml_cli.errors import escaped
from geoml_cli.work.numbers import format_number
from geoml_cli.work.reporting import Advance

_WIDE = 200
"""Columns of a table that no terminal shows, so that a pipe gets whole lines."""


_SHOWN_AS: dict[str, str] = {}
"""Addresses by the paths where what is sent to them is written."""


@contextmanager
def shown_as(addresses: dict[str, str]) -> Iterator[None]:
    """Show addresses in results, in place of paths of this machine."""
    _SHOWN_AS.update(addresses)
    try:
        yield
    finally:
        for path in addresses:
            _SHOWN_AS.pop(path, None)


class Terminal:
    """The reporter of the commands.

    Args:
        quiet: Show warnings only.

    Attributes:
        said: What has been noted and warned of.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.said: list[str] = []
        self._quiet = quiet or _is_worker_rank()
        hidden = any(os.environ.get(name) for name in ("NO_COLOR", "CI"))
        self._bars = not (self._quiet or hidden) and sys.stderr.isatty()

    def info(self, text: str) -> None:
        """Note something on stderr."""
        self.said.append(text)
        if not self._quiet:
            print(escaped(text), file=sys.stderr, flush=True)  # noqa: T201

    def warn(self, text: str) -> None:
        """Warn on stderr."""
        self.said.append(text)
        if not _is_worker_rank():
            print(escaped(f"Warning: {text}"), file=sys.stderr, flush=True)  # noqa: T201

    @contextmanager
    def task(self, name: str, total: int | None) -> Iterator[Advance]:
        """Show a bar with the time that is left, where there is a terminal to show it on."""
        if not self._bars:
            yield lambda steps: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task(name, total=total)
            yield lambda steps: progress.advance(bar, steps)


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """Print a table on stdout."""
    if _is_worker_rank():
        return
    from rich.console import Console
    from rich.table import Table

    console = Console() if sys.stdout.isatty() else Console(width=_WIDE, no_color=True)
    if title:  # a line of its own: as the table's, a path would be broken at the table's width
        console.print(escaped(title), style="italic", markup=False, highlight=False, soft_wrap=True)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for place, header in enumerate(headers):
        numeric = bool(rows) and all(isinstance(row[place], (int, float, type(None))) for row in rows)
        shown.add_column(header, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(_text(value) for value in row))
    console.print(shown, markup=False, highlight=False)


def document(value: Any) -> None:  # noqa: ANN401  any JSON value
    """Print one JSON document on stdout; what is not a number is null."""
    if not _is_worker_rank():
        print(json.dumps(_strict(value), indent=1, ensure_ascii=False, default=lambda other: _named(str(other))))  # noqa: T201


def line(text: str) -> None:
    """Print a line of the result on stdout."""
    if not _is_worker_rank():
        print(_named(text))  # noqa: T201


def plan(
    reads: Sequence[object], writes: Sequence[object], *, members: Sequence[str] = (), as_json: bool = False
) -> None:
    """Print what a dry run would read and write, and the members it would train."""
    planned = {"read": reads, "write": writes, "train": [f"--member {name}" for name in members]}
    if as_json:
        document({**planned, "train": members})
        return
    for verb, things in planned.items():
        for thing in things:
            line(f"would {verb}  {thing}")


def _is_worker_rank() -> bool:
    """Return whether this is one of several processes, and not the one that speaks."""
    return os.environ.get("RANK", "0") != "0"


def _named(text: str) -> str:
    """Write a text of a result, with addresses in place of where what is sent to them is written."""
    for path, address in _SHOWN_AS.items():
        text = text.replace(path, address)
    return escaped(text)


def _text(value: object) -> str:
    if value is None:
        return "-"
    return format_number(value) if isinstance(value, float) else _named(str(value))


def _strict(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {str(key): _strict(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(part) for part in value]
    if isinstance(value, str):
        return _named(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
