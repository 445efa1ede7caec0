"""The command `geoml`: its verbs, and what becomes of an error."""

from __future__ import annotations

import errno
import os
import signal
import sys
from typing import Annotated

import typer

from geoml_cli.cli import demo, doctor, evaluate, export, import_, listing, predict, prepare, preset, train
from geoml_cli.errors import DataError, GeomlError
from geoml_cli.version import __version__

app = typer.Typer(
    name="geoml",
    help="Geoscience deep-learning papers as presets: prepare, train, evaluate, predict, export.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(prepare.app, name="prepare")
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.add_typer(predict.app, name="predict")
app.command("export")(export.export)
app.add_typer(import_.app, name="import")
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
    for name in ("SIGTERM", "SIGUSR1"):  # where nothing is kept yet, they end the command like SIGINT: 130
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        app()
    except GeomlError as error:
        _complain(str(error))
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of a pipe has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        _complain(_system(error))
        raise SystemExit(DataError.exit_code if isinstance(error, FileNotFoundError) else 1) from None
    except UnicodeEncodeError as error:
        if "surrogates" not in error.reason:
            raise
        told = DataError("a name is no UTF-8 text", where=str(error.object)[:200], fix="Rename the file or folder.")
        _complain(str(told))
        raise SystemExit(DataError.exit_code) from None
    except Exception as error:
        if os.environ.get("GEOML_DEBUG"):
            raise
        _complain(
            f"unexpected {type(error).__name__}: {error}. This is a bug in geoml. "
            "Set GEOML_DEBUG=1 to see where, and report it with the command line."
        )
        raise SystemExit(1) from None


def _system(error: OSError) -> str:
    """Turn the system's refusal into a message of three parts."""
    place = f"{error.filename}: " if error.filename else ""
    fix = {
        errno.ENOSPC: "Free some space or choose another place, then repeat the command.",
        errno.EACCES: "Change its permissions, or choose another place.",
        errno.EROFS: "Choose a place that can be written to.",
    }.get(error.errno or 0, "Check the path and the disk.")
    return f"{place}{error.strerror or error}. {fix}"


def _complain(text: str) -> None:
    if os.environ.get("RANK", "0") == "0":
        for line in text.splitlines():
            typer.echo(f"geoml: {line}", err=True)
