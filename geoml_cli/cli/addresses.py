"""Addresses on the command line: what is read is fetched before the command, what it writes is sent after it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geoml_cli.cli import console, options
from geoml_cli.errors import SettingsError

TEXTS = ("--set", "--note", "--scheduler", "--setup", "--data-citation", "--data-licence")
"""Options whose texts may be addresses, or empty."""
_OUT = ("--out", "-o")
_LOCAL = ("--data", "--run")
"""Folders that are locked, and whose parts are renamed."""
_READ_BY = ("prepare", "predict", "import", "reproduce")
_WRITTEN_BY = ("predict", "bundle", "compare")
_LATER = "slurm"
"""The verb that prints a command, with its addresses, for later."""
_FOLDER = ".remote"
"""Of copies, in the folder of data sets: all nodes of a cluster see it."""


@contextmanager
def resolved(words: list[str]) -> Iterator[list[str]]:
    """Give the words of a command with paths of this machine for addresses; send what it wrote when it has ended.

    Raises:
        GeomlError: An address is not known, cannot be read, or stands where it cannot be used.
    """
    if not any(_protocol(word) for word in words) or words[0] == _LATER or "--help" in words:
        yield words
        return
    given, outputs = [], dict[Path, str]()
    for before, word in zip(["", *words], words, strict=False):
        option, text = split_word(before, word)
        if _protocol(text) is None or option in TEXTS:
            given.append(word)
            continue
        path = _output(text, words, outputs) if option in _OUT else _input(text, option, words)
        given.append(f"{option}={path}" if word.startswith("--") else str(path))
    with console.shown_as({str(path.parent): address.rpartition("/")[0] for path, address in outputs.items()}):
        yield given
        _send(outputs, quiet=_is_quiet(words))


def split_word(before: str, word: str) -> tuple[str, str]:
    """Return the option and the text of a word, given the word before it."""
    option, equals, text = word.partition("=")
    return (option, text) if equals and word.startswith("--") else (before, word)


def _protocol(word: str) -> str | None:
    if "://" not in word:
        return None
    from geoml_cli.dataset.addresses import protocol_of

    return protocol_of(split_word("", word)[1])


def _is_quiet(words: list[str]) -> bool:
    return "--quiet" in words or "-q" in words


def _input(address: str, option: str, words: list[str]) -> Path:
    """Fetch what is read."""
    from geoml_cli.dataset.remote import fetch

    if words[0] not in _READ_BY or option in _LOCAL:
        raise _misplaced(address)
    return fetch(address, _root(), console.Terminal(quiet=_is_quiet(words)), dry_run="--dry-run" in words)


def _output(address: str, words: list[str], outputs: dict[Path, str]) -> Path:
    """Return where a command writes what is sent to an address."""
    from geoml_cli.dataset.remote import copy_of, require_writable

    if words[0] not in _WRITTEN_BY:
        raise _misplaced(address)
    require_writable(address)
    path = copy_of(address, _root() / "out")
    if "--dry-run" not in words:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():  # of a command before, which was not sent
            shutil.rmtree(path)
    outputs[path] = address
    return path


def _send(outputs: dict[Path, str], *, quiet: bool) -> None:
    """Send what a command wrote; what only a part of it wrote waits for the rest."""
    from geoml_cli.dataset.remote import send

    reporter = console.Terminal(quiet=quiet)
    for path, address in outputs.items():
        if path.exists():
            sent = send(path.parent, address, reporter)
            shutil.rmtree(path.parent)
            reporter.info(f"sent: {len(sent)} files, with {address}")


def _root() -> Path:
    return options.data_root() / _FOLDER


def _misplaced(address: str) -> SettingsError:
    return SettingsError(
        "is an address, where a path of this machine is meant.",
        where=address,
        fix="Copy the files here. Addresses are read by RAW of prepare and reproduce, and by the options of predict "
        "and import; --out of predict, bundle and compare writes to one.",
    )
