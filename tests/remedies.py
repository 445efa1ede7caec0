"""A message of `prepare` and what it advises: read from the text, given, and it must end with 0."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Case(NamedTuple):
    """What is spoilt, how prepare is called, and where the message names what to give.

    Attributes:
        spoil: Changes the raw files.
        given: Options of the first call.
        remedy: Regular expression; its groups, or its match, are the words to add.
        instead: Options of the second call in place of the first's.
        more: Words that the user knows: a value in place of `...`.
    """

    source: str
    spoil: Callable[[Path], None]
    given: tuple[str, ...]
    remedy: str
    instead: tuple[str, ...] | None = None
    more: tuple[str, ...] = ()


def nothing(raw: Path) -> None:
    pass


def follow(case: Case, original: Path, geoml: Callable[..., Any], tmp_path: Path) -> None:
    """Spoil a copy of raw files, read what the message advises, and give it."""
    raw = shutil.copytree(original, tmp_path / "raw")
    case.spoil(raw)
    command = ("prepare", case.source, raw, "--data", tmp_path / "data", "-q")
    told = geoml(*command, *case.given)
    assert told.code in (2, 3), (told.code, told.err)
    found = re.search(case.remedy, told.err)
    assert found, told.err
    words = (*found.groups(), *case.more)
    done = geoml(*command, *(case.given if case.instead is None else case.instead), *words)
    assert done.code == 0, (words, done.err)
