"""Verbs, options and settings that there are, and those that a text names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import typer

from geoml_cli import registry
from geoml_cli.cli.app import app
from geoml_cli.config.load import load

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_FOREIGN = re.compile(r"(?:pip|conda|convmv|gdal\w+|ncks|srun|dask (?:scheduler|worker))\b[^`,;)]*")
"""Commands of other programs, whose options are theirs."""
_FILES = {"json", "toml", "nc", "html", "csv"}


@cache
def verbs() -> dict[tuple[str, ...], frozenset[str]]:
    """Return the options of every command, by its words: `("prepare", "soc")`."""
    return {path: frozenset(_flags(command)) for path, command in _walk(typer.main.get_command(app), ())}


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    if hasattr(command, "list_commands"):
        context = command.make_context("geoml", [], resilient_parsing=True)
        for name in command.list_commands(context):
            yield from _walk(command.get_command(context, name), (*path, name))


def _flags(command: Any) -> Iterator[str]:
    yield "--help"
    for parameter in command.params:
        yield from (flag for flag in (*parameter.opts, *parameter.secondary_opts) if flag.startswith("--"))


@cache
def settings() -> frozenset[str]:
    """Return every setting of every preset, as TABLE.KEY."""
    found: set[str] = set()
    for model in registry.models():
        for preset in registry.presets(model):
            found |= load(model, preset, None, {}, []).flat().keys()
    return frozenset(found)


def named_options(text: str) -> set[str]:
    """Return the options of `geoml` that a text names."""
    return set(_OPTION.findall(_FOREIGN.sub("", text)))


def named_settings(text: str) -> set[str]:
    """Return what a text names as TABLE.KEY, where there is such a table."""
    tables = {key.partition(".")[0] for key in settings() if "." in key}
    found = re.findall(r"(?<![\w./-])([a-z]+)\.([a-z_]+)(?![\w(])", text)
    return {f"{table}.{key}" for table, key in found if table in tables and key not in _FILES}


def options_of_prepare(source: str) -> frozenset[str]:
    """Return the options of `geoml prepare SOURCE`."""
    return verbs()["prepare", source]
