"""The command `geoml`: its verbs, and what becomes of an error."""

from __future__ import annotations

import errno
import gc
import os
import shlex
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from geoml_cli import registry
from geoml_cli.cli import (
    addresses,
    audit,
    bundle,
    check,
    compare,
    console,
    demo,
    doctor,
    evaluate,
    export,
    import_,
    listing,
    predict,
    prepare,
    preset,
    reproduce,
    slurm,
    sweep,
    train,
)
from geoml_cli.errors import DataError, GeomlError, SettingsError, escaped
from geoml_cli.version import __version__

_INPUT_ERRORS = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
"""What the system says of data that cannot be read; what cannot be written is refused where it is written."""
_INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended before there was anything to resume."""
_MOST_WORDS = 300
"""Letters of an unexpected error that are shown; GEOML_DEBUG shows all."""
_FULL = 1 << 16
"""Room below which a file may not even be created [bytes]."""
_ONE_STOP = 2.0
"""Within so long signals are the same request to stop [s]."""
_NEW_OBJECTS = 10_000
"""Objects after which Python looks for garbage."""

app = typer.Typer(
    name="geoml",
    help="Geoscience deep-learning papers as presets: prepare, train, evaluate, predict, export.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(prepare.app, name="prepare")
app.command("train")(train.train)
app.command("sweep")(sweep.sweep)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(predict.app, name="predict")
app.command("export")(export.export)
app.add_typer(import_.app, name="import")
app.command("bundle")(bundle.bundle)
app.command("check")(check.check)
app.command("compare")(compare.compare)
app.command("reproduce")(reproduce.reproduce)
app.command("slurm", context_settings={"allow_interspersed_args": False})(slurm.slurm)
app.command("audit")(audit.audit)
app.command("list")(listing.list_)
app.add_typer(preset.app, name="preset")
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)


def _version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command; every error ends in a message of three parts and its exit code."""
    # Imports make objects by the hundred thousand and no garbage: to look for it each 700 takes a tenth of a start.
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
    came = _watch_signals()
    try:
        _refuse_empty(sys.argv[1:])
        with addresses.resolved(sys.argv[1:]) as words:
            code = app(words, standalone_mode=False)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except GeomlError as error:
        _end(error, error.exit_code)
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of a pipe has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        error = _of_full_disk(error) or error
        _end(_system(error), DataError.exit_code if isinstance(error, _INPUT_ERRORS) else 1)
    except Exception as error:
        if not came:  # a library that is interrupted while it is imported may say so in any way
            _end_unexpected(error)
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        typer.echo("geoml: stopped. The same command starts again, or goes on from what earlier ones kept.", err=True)
    raise SystemExit(code if isinstance(code, int) else 0)


def _refuse_empty(words: list[str]) -> None:
    """Refuse empty words, which would be taken for this folder.

    Raises:
        SettingsError: Names the first.
    """
    for before, word in zip(["", *words], words, strict=False):
        option, text = addresses.split_word(before, word)
        if option not in addresses.TEXTS and not text.strip():
            raise SettingsError(
                "an empty text stands where a value is meant.",
                where=option if option.startswith("-") else "",
                fix="Give a value, or leave it out: a variable of the shell that is not set is empty.",
            )


def _watch_signals() -> list[float]:
    """Let signals end the command where nothing is kept yet; return the list to which their times are added."""
    came: list[float] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        # `timeout` and schedulers signal a command and then its group: the second would interrupt the ending.
        if came and now - came[-1] < _ONE_STOP:
            return
        came.append(now)
        signal.default_int_handler(number, frame)

    for name in ("SIGINT", "SIGTERM", "SIGUSR1"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), interrupt)
    return came


def _end_unexpected(error: Exception) -> NoReturn:
    """Show an error of the command line, or one that nobody thought of, and end."""
    _end_usage(error)
    _end_by_name(error)
    if isinstance(error.__cause__, EOFError):  # typer shows it as an Abort without words
        error = error.__cause__
        _end_by_bytecode(error)
    if os.environ.get("GEOML_DEBUG"):
        raise error
    words = " ".join(str(error).split())  # of libraries: some give pages
    shown = words if len(words) <= _MOST_WORDS else f"{words[:_MOST_WORDS]} ..."
    what = f"unexpected {type(error).__name__}: {shown}. This is a bug in geoml."
    _end(GeomlError(what, fix="Set GEOML_DEBUG=1 to see where, and report it with the command line."), 1)


def _end_usage(error: Exception) -> None:
    """Show an error of the command line and end, where it is one; typer's classes for them are not public."""
    show, message = getattr(error, "show", None), getattr(error, "format_message", None)
    if callable(show) and callable(message):
        _in_our_words(error)
        code = int(getattr(error, "exit_code", SettingsError.exit_code))
        show()
        _as_json(GeomlError(message(), fix="See --help."), code)
        raise SystemExit(code) from None


def _in_our_words(error: Exception) -> None:
    """Say why the command line refuses a value as the options of sources do; typer passes on what pydantic says."""
    mistakes = getattr(error.__cause__, "errors", None)
    if callable(mistakes):
        from geoml_cli.config.refusals import refusal

        text = "; ".join(f"{mistake['input']!r}: {refusal(mistake).rstrip('.')}" for mistake in mistakes())
        error.message = f"{text}."  # type: ignore[attr-defined]
    if "unexpected extra argument" in (text := str(getattr(error, "message", ""))):
        runs = [word for word in sys.argv[2:] if (Path(word) / "run.json").is_file()]
        if runs and any(word in registry.models() for word in sys.argv[2:]):
            advice = f"A run's folder stands for its model too: geoml {sys.argv[1]} {shlex.quote(runs[0])}."
            error.message = f"{text}. {advice}"  # type: ignore[attr-defined]


def _end_by_name(error: Exception) -> None:
    """End where a name of a file is no text, which some library could not write."""
    if isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason:
        refused = DataError("a name is no UTF-8 text", where=str(error.object)[:200], fix="Rename the file or folder.")
        _end(refused, refused.exit_code)


def _end_by_bytecode(error: EOFError) -> None:
    """End where Python's own file of a compiled module is cut short, as a full disk leaves it."""
    import traceback

    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "_compile_bytecode" and (path := frame.f_locals.get("bytecode_path")):
            what = "a file that Python compiled ends too early: the disk was full when it was written."
            _end(GeomlError(what, where=str(path), fix="Remove it: Python writes it anew."), 1)


def _end(error: GeomlError, code: int) -> NoReturn:
    """Show an error and end with its exit code."""
    if os.environ.get("RANK", "0") == "0":
        for line in str(error).splitlines():
            typer.echo(f"geoml: {line}", err=True)
        if os.environ.get("GEOML_DEBUG"):
            _say_causes(error)
        _as_json(error, code)
    raise SystemExit(code) from None


def _say_causes(error: BaseException) -> None:
    """Show the words of the libraries from which an error came."""
    cause = error.__cause__
    while cause is not None:
        if not isinstance(cause, GeomlError):
            text = escaped(" ".join(str(cause).split()))[:500]
            typer.echo(f"geoml: (GEOML_DEBUG) from {type(cause).__name__}: {text}", err=True)
        cause = cause.__cause__


def _as_json(error: GeomlError, code: int) -> None:
    """Give an error as the one JSON document of a command with --json."""
    if "--json" in sys.argv:
        with suppress(OSError):  # where stdout takes nothing, stderr has said it
            console.document({"error": {"what": error.what, "where": error.where, "fix": error.fix, "exit": code}})


def _holds_bytes(path: Path) -> bool:
    """Return whether a file is there to be read, whether or not it may be."""
    try:
        return path.lstat().st_size > 0
    except OSError:
        return False


def _of_full_disk(error: OSError) -> OSError | None:
    """Return what a full disk is, where HDF5 says that it may not create a file there."""
    if not isinstance(error, PermissionError) or not error.filename or _holds_bytes(Path(error.filename)):
        return None
    folder = next(filter(os.path.exists, Path(error.filename).absolute().parents), None)
    is_full = folder is not None and shutil.disk_usage(folder).free < _FULL
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), error.filename) if is_full else None


def _system(error: OSError) -> GeomlError:
    """Turn the system's refusal into a message of three parts."""
    fix = {
        errno.ENOSPC: "Free some space or choose another place, then repeat the command.",
        errno.EACCES: "Change its permissions, or choose another place.",
        errno.EROFS: "Choose a place that can be written to.",
    }.get(error.errno or 0, "Check the path and the disk.")
    place = Path(error.filename or "")
    if error.errno == errno.EACCES and not os.path.lexists(place):  # its folder may not be written to
        folder = next(filter(os.path.exists, place.parents), place.parent)
        fix = f"Change the permissions of {folder}, or choose another place."
    return GeomlError(f"{error.strerror or error}.", where=str(error.filename or ""), fix=fix)
