"""From preset, file, environment and arguments to settings; every mistake is reported, all at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BaseModel, ValidationError, create_model

from geoml_cli import registry
from geoml_cli.config.overrides import Key, Layer, from_arguments, from_environment, from_file, merged, tree
from geoml_cli.config.refusals import refusal
from geoml_cli.config.settings import Settings, SharedTables
from geoml_cli.errors import SettingsError


def load(
    model: str,
    preset: str | None = None,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    assignments: Iterable[str] = (),
) -> Settings:
    """Merge and validate the settings of a run: default < preset < file < environment < `--set`.

    Args:
        model: The model.
        preset: A preset's name, or the path of a TOML file; None is the model's default.
        file: Another TOML file over the preset.
        environment: Variables; None reads the process's.
        assignments: `key=value` texts.

    Raises:
        SettingsError: With every mistake found, each with its place and the nearest right name.
    """
    name = preset or registry.card(model).default_preset
    path = registry.preset_file(model, name)
    layers = [from_file(path, display_path(path))]
    if file is not None:
        layers.append(from_file(file, str(file)))
    layers.append(from_environment() if environment is None else from_environment(environment))
    layers.append(from_arguments(assignments))
    for layer in layers[-2:]:
        if named := layer.get(("preset",)):
            raise SettingsError("preset is no setting.", where=named.origin, fix="Use --preset.")
    _refuse_overruled(layers)
    together = merged(layers)
    together.pop(("preset",), None)  # the config.toml of a run may be given as a preset, and names its own
    settings = validated(model, path.stem, together)
    if settings.model != model:
        raise SettingsError(
            f"is a preset of {settings.model}, not of {model}.",
            where=display_path(path),
            fix=f"Name a preset of {model}; `geoml list presets` has them.",
        )
    return settings


_OVERRULED = {("train", "epochs"): ("train", "steps"), ("train", "evaluate_epochs"): ("train", "evaluate_steps")}
"""Settings that count for nothing where another is given."""


def _refuse_overruled(layers: Sequence[Layer]) -> None:
    """Refuse a setting over one of a layer below that would count in its place, in silence.

    Raises:
        SettingsError: Names both.
    """
    for key, other in _OVERRULED.items():
        last = {one: max((n for n, layer in enumerate(layers) if one in layer), default=-1) for one in (key, other)}
        if last[key] > last[other] >= 0:
            above, below = layers[last[key]][key], layers[last[other]][other]
            raise SettingsError(
                f"{key[1]} = {above.value} would count for nothing, as {other[1]} = {below.value} ({below.origin}).",
                where=above.origin,
                fix=f"Use --set {'.'.join(other)}=NUMBER.",
            )


def read_settings(path: Path, assignments: Iterable[str] = (), file: Path | None = None) -> Settings:
    """Load the merged `config.toml` of a run, as it was written, with a TOML file and `key=value` texts over it."""
    over = [] if file is None else [from_file(file, str(file))]
    layer = merged([from_file(path, str(path)), *over, from_arguments(assignments)])
    preset = layer.pop(("preset",), None)
    model = layer.get(("model",))
    if preset is None or model is None:
        raise SettingsError("names no model or preset.", where=str(path), fix="It is not the config.toml of a run.")
    return validated(str(model.value), str(preset.value), layer)


def written(settings: Settings) -> str:
    """Return settings as TOML that `read_settings` reads; a setting that is none is left out."""
    values = {"preset": settings.preset, **settings.values()}
    return tomli_w.dumps(_without_none(values))


def validated(model: str, preset: str, layer: Layer) -> Settings:
    """Validate a merged layer.

    Raises:
        SettingsError: With every mistake found.
    """
    own = registry.tables(model)
    both = create_model("Settings", __base__=(SharedTables, own))
    try:
        settings = both.model_validate(tree(layer))
    except ValidationError as error:
        raise SettingsError("\n".join(_mistakes(error, layer, both))) from error
    shared = SharedTables.model_validate({name: getattr(settings, name) for name in SharedTables.model_fields})
    rest = own.model_validate({name: getattr(settings, name) for name in own.model_fields})
    origins = {".".join(key): setting.origin for key, setting in layer.items()}
    return Settings(preset=preset, shared=shared, own=rest, origins=origins)


def display_path(path: Path) -> str:
    """Name a preset's file as it stands in the project: `presets/soc/map.toml`."""
    folder = registry.presets_folder().parent
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def _mistakes(error: ValidationError, layer: Layer, model: type[BaseModel]) -> list[str]:
    found = []
    for mistake in error.errors():
        key = tuple(str(part) for part in mistake["loc"])
        sentence = _sentence(key, dict(mistake), model)
        found.append(f"{_origin(key, layer, sentence)}{sentence}")
    return sorted(found)


def _sentence(key: Key, mistake: dict[str, Any], model: type[BaseModel]) -> str:
    *tables, name = key or ("",)
    place = f"[{'.'.join(tables)}] " if tables else ""
    if mistake["type"] == "extra_forbidden":
        choices = _fields(model, tables)
        return f"{place}{name} is not a setting. {registry.suggestion(name, choices)}".rstrip()
    reason = refusal(mistake)
    if mistake["type"] == "missing":
        return f"{place}{name} is missing."
    if isinstance(mistake["input"], dict):
        return f"[{'.'.join(key)}] {reason}." if key else f"{reason}."
    return f"{place}{name} = {mistake['input']!r}: {reason}."


def _fields(model: type[BaseModel], tables: list[str]) -> list[str]:
    for table in tables:
        field = model.model_fields.get(table)
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return []
        model = field.annotation
    return list(model.model_fields)


def _origin(key: Key, layer: Layer, sentence: str) -> str:
    """Name the place of a key, or of a key inside or above it, best of the one that the sentence names first."""
    near = [given for given in layer if given[: len(key)] == key or key[: len(given)] == given] if key else []
    words = sentence.split()
    named = sorted((given for given in near if given[-1] in words), key=lambda given: words.index(given[-1]))
    return f"{layer[(named or near)[0]].origin}: " if near else ""


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_none(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not None
    }
