"""Models, sources and presets, found by scanning their folders: no list of them is kept anywhere."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli

from geoml_cli.errors import SettingsError
from geoml_cli.work.closest import closest

if TYPE_CHECKING:
    from geoml_cli.models.card import Card
    from geoml_cli.models.spec import Spec
    from geoml_cli.models.tables import ModelTables
    from geoml_cli.source import Source, SourceCard

_PACKAGE = Path(__file__).parent
_SHOWN = 40
"""Choices that an error names."""


def models() -> list[str]:
    """Name the models: folders of `models/` that hold a `spec.py`."""
    return sorted(path.parent.name for path in (_PACKAGE / "models").glob("*/spec.py"))


def sources() -> list[str]:
    """Name the sources: folders of `sources/` that hold a `source.py`; a name has `-` where its folder has `_`."""
    return sorted(path.parent.name.replace("_", "-") for path in (_PACKAGE / "sources").glob("*/source.py"))


@cache
def presets_folder() -> Path:
    """Return the folder of presets: inside an installed package, next to it in a checkout."""
    installed = _PACKAGE / "presets"
    return installed if installed.is_dir() else _PACKAGE.parent / "presets"


def presets(model: str) -> list[str]:
    """Name a model's presets."""
    require_choice("model", model, models())
    return sorted(path.stem for path in (presets_folder() / model).glob("*.toml"))


def preset_file(model: str, preset: str) -> Path:
    """Return the file of a preset, which may itself be a path to a TOML file."""
    if preset.endswith(".toml"):
        return Path(preset)
    require_choice(f"preset of {model}", preset, presets(model))
    return presets_folder() / model / f"{preset}.toml"


def card(model: str) -> Card:
    """Return a model's card."""
    require_choice("model", model, models())
    found: Card = importlib.import_module(f"geoml_cli.models.{model}").CARD
    return found


def tables(model: str) -> type[ModelTables]:
    """Return the class of a model's own settings tables; light to import."""
    require_choice("model", model, models())
    found: type[ModelTables] = importlib.import_module(f"geoml_cli.models.{model}.settings").TABLES
    return found


def spec(model: str) -> Spec[Any]:
    """Return a model's record of functions; imports torch."""
    require_choice("model", model, models())
    found: Spec[Any] = importlib.import_module(f"geoml_cli.models.{model}.spec").SPEC
    return found


def sources_of(model: str) -> list[str]:
    """Name the sources that a model's presets use, in the order of the presets."""
    found: list[str] = []
    for preset in presets(model):
        with preset_file(model, preset).open("rb") as stream:
            name = str(tomli.load(stream).get("source", ""))
        if name and name not in found:
            found.append(name)
    return found


def source_card(name: str) -> SourceCard:
    """Return a source's card; light to import."""
    require_choice("source", name, sources())
    found: SourceCard = importlib.import_module(_source_package(name)).CARD
    return found


def source(name: str) -> Source[Any]:
    """Return a source's record of functions."""
    require_choice("source", name, sources())
    found: Source[Any] = importlib.import_module(f"{_source_package(name)}.source").SOURCE
    return found


def _source_package(name: str) -> str:
    return f"geoml_cli.sources.{name.replace('-', '_')}"


def require_choice(kind: str, name: str, names: Iterable[str]) -> None:
    """Refuse a name that is not one of `names`.

    Raises:
        SettingsError: With the nearest name and the choices.
    """
    choices = list(names)
    if name not in choices:
        more = f" and {len(choices) - _SHOWN} more" if len(choices) > _SHOWN else ""
        shown = ", ".join(choices[:_SHOWN])
        raise SettingsError(f"{name!r} is not a {kind}.", fix=f"{suggestion(name, choices)}Choices: {shown}{more}.")


def suggestion(name: str, choices: Iterable[str]) -> str:
    """Return `Did you mean ...? ` where a choice is near enough, else nothing."""
    near = closest(name, choices)
    return f"Did you mean {near}? " if near else ""
