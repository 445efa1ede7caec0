"""Addresses on the command line: what is read is fetched before the command, what it writes is sent after it."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from functools import partial
from pathlib import Path

from geoml_cli.cli import console, options
from geoml_cli.errors import GeomlError, SettingsError
from geoml_cli.work.reporting import Reporter

TEXTS = ("--set", "--note", "--scheduler", "--setup", "--author", "--data-citation", "--data-licence")
"""Options whose texts may be addresses, or empty."""
_OUT = ("--out", "-o")
_LOCAL = ("--data", "--run")
"""Folders that are locked, and whose parts are renamed."""
_READ_BY = ("prepare", "predict", "import", "reproduce")
_FILES_OF = {"predict": ("--table", "--rasters", "--stack", "--mask", "--border")}
"""Options that name what is read, of verbs whose arguments are no files: a run is written to, too."""
_WRITTEN_BY = ("predict", "bundle", "compare")
_LATER = "slurm"
"""The verb that prints a command, with its addresses, for later."""
_UNFINISHED = ("--dry-run", "--part")
"""With which a command writes nothing that is sent."""
_FOLDER = ".remote"
"""Of copies, in the folder of data sets: all nodes of a cluster see it."""


@contextmanager
def resolved(words: list[str]) -> Iterator[list[str]]:
    """Give the words of a command with paths of this machine for addresses; send what it wrote when it has ended.

    Raises:
        GeomlError: An address is not known, cannot be read, or stands where it cannot be used.
    """
    if not any("://" in word for word in words) or words[0] == _LATER or "--help" in words:
        yield words
        return
    from geoml_cli.dataset.addresses import protocol_of

    given, outputs = [], dict[Path, str]()
    for before, word in zip(["", *words], words, strict=False):
        option, text = split_word(before, word)
        if protocol_of(text) is None or option in TEXTS:
            given.append(word)
            continue
        path = _output(text, words, outputs) if option in _OUT else _input(text, option, words)
        begin = word.removesuffix(text)
        given.append(f"{begin if begin.startswith('--') else begin.removesuffix('=')}{path}")
    with ExitStack() as stack:
        for path, address in outputs.items():
            stack.enter_context(_written(path, address, words))
        yield given


def split_word(before: str, word: str) -> tuple[str, str]:
    """Return the option and the text of a word, given the word before it: `--out=FILE`, `-oFILE` are one word."""
    option, equals, text = word.partition("=")
    if word.startswith("--"):
        return (option, text) if equals else (before, word)
    is_joined = word.startswith("-") and "://" in word
    return (word[:2], word[2:].removeprefix("=")) if is_joined else (before, word)


def _input(address: str, option: str, words: list[str]) -> Path:
    """Fetch what is read."""
    from geoml_cli.dataset.remote import fetch

    if words[0] not in _READ_BY or option in _LOCAL or option not in _FILES_OF.get(words[0], (option,)):
        raise _misplaced(address)
    return fetch(address, _root(), console.Terminal(quiet=_is_quiet(words)), dry_run="--dry-run" in words)


def _output(address: str, words: list[str], outputs: dict[Path, str]) -> Path:
    """Return where a command writes what is sent to an address."""
    from geoml_cli.dataset.remote import copy_of
    from geoml_cli.dataset.sending import require_writable

    if words[0] not in _WRITTEN_BY:
        raise _misplaced(address)
    require_writable(address, console.Terminal(quiet=False))
    path = copy_of(address, _root() / "out")
    outputs[path] = address
    return path


@contextmanager
def _written(path: Path, address: str, words: list[str]) -> Iterator[None]:
    """Show an address in place of where a command writes, and send what it wrote: a part of it waits for the rest.

    What the command prints is printed once it holds: when all is sent.
    """
    from geoml_cli.dataset.files import folder_lock
    from geoml_cli.dataset.sending import companions
    from geoml_cli.work.locking import locked

    with console.shown_as({str(path.parent): address.rstrip("/").rpartition("/")[0]}):
        if any(split_word("", word)[0] in _UNFINISHED or word in _UNFINISHED for word in words):
            yield
            return
        reporter, printed = console.Terminal(quiet=_is_quiet(words)), io.StringIO()
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(folder_lock(path.parent), partial(_refuse_second, address)):
            _forget(path.parent)
            with redirect_stdout(printed), companions(path, address, reporter):
                yield
            _send(path, address, reporter)
        sys.stdout.write(printed.getvalue())


def _refuse_second(address: str, holder: str) -> None:
    raise GeomlError(f"{holder} is writing it.", where=address, fix="Wait for it, or give another name.")


def _send(path: Path, address: str, reporter: Reporter) -> None:
    from geoml_cli.dataset.sending import send

    if path.exists():
        sent = send(path.parent, address, reporter)
        _forget(path.parent)
        reporter.info(f"sent: {len(sent)} files, with {address}")


def _forget(folder: Path) -> None:
    """Take away what a command wrote; what begins with a dot are parts of one that goes on."""
    for path in folder.glob("[!.]*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _is_quiet(words: list[str]) -> bool:
    return "--quiet" in words or "-q" in words


def _root() -> Path:
    return options.data_root() / _FOLDER


def _misplaced(address: str) -> SettingsError:
    return SettingsError(
        "is an address, where a path of this machine is meant.",
        where=address,
        fix="Copy the files here. Addresses are read by RAW of prepare and reproduce, and by the options of predict "
        "and import; --out of predict, bundle and compare writes to one.",
    )
