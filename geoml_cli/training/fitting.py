"""Whether a preset is meant for a data set, and which presets are."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from geoml_cli import registry
from geoml_cli.config.load import load, read_settings
from geoml_cli.config.overrides import ENVIRONMENT_PREFIX
from geoml_cli.config.settings import Settings
from geoml_cli.dataset.manifest import Manifest
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import GeomlError, SettingsError
from geoml_cli.runs.run import Run

_FREE = ("network.backend", "network.dropout")
"""Settings of networks whose weights fit whatever they are."""


def require_fitting(settings: Settings, dataset: Dataset) -> None:
    """Refuse a preset that is meant for data of another source or time step.

    Raises:
        SettingsError: It is; the message names the presets that fit. Or it names an option that there is not.
    """
    shared, manifest = settings.shared, dataset.manifest
    if shared.source != manifest.source:
        raise SettingsError(
            f"preset {settings.preset} is trained on data of {shared.source}, these are of {manifest.source}.",
            where=str(dataset.folder),
            fix=_advice(settings.model, manifest) or f"Name the data set of {shared.source} with --data.",
        )
    step = manifest.step
    if shared.data.step and step and shared.data.step != step:
        all_the_same = f"Or train on them all the same: --set {quote(f'data.step={step}')}."
        given = settings.origins.get("data.step", "")
        is_own = given.startswith(("--set", ENVIRONMENT_PREFIX))
        meant = f"preset {settings.preset} is meant for steps of a {shared.data.step}"
        meant = f"data.step = {shared.data.step!r} ({given})" if is_own else meant
        raise SettingsError(
            f"{meant}, these data have steps of a {step}.",
            where=str(dataset.folder),
            fix=f"{_advice(settings.model, manifest)} {all_the_same}".strip(),
        )
    choices = list(registry.source_card(shared.source).options.model_fields)
    for name in shared.data.options:
        if name not in choices:
            raise SettingsError(
                f"{name} is not an option of `geoml prepare {shared.source}`. "
                f"{registry.suggestion(name, choices)}".rstrip(),
                where="[data.options]",
                fix=f"`geoml prepare {shared.source} --help` lists them.",
            )


def remarks(settings: Settings, manifest: Manifest) -> list[str]:
    """Say what a user should know of settings and data before training: it is not an error, and perhaps not meant."""
    other = other_options(settings, manifest)
    train, warm = settings.shared.train, []
    if train.steps is not None and train.warmup_steps >= train.steps:
        warm = [
            f"[train] lr = {train.lr:g} is never reached: {train.warmup_steps} warmup_steps of {train.steps} steps."
        ]
    return [*([other] if other else []), *without_effect(settings), *warm, *_of_another_network(settings)]


def _of_another_network(settings: Settings) -> list[str]:
    """Say which settings of the network are others than those that the weights to start from were trained with."""
    train = settings.shared.train
    if not train.start_run:
        return []
    try:
        run = Run(Path(train.start_run))
        theirs = read_settings(run.config).flat()
    except GeomlError:  # an error where its weights are read
        return []
    free = {*_FREE, *settings.own.without_effect()}
    different = [
        f"{key} = {value!r}, there {theirs[key]!r}"
        for key, value in settings.flat().items()
        if key.startswith("network.") and value != "auto" and theirs.get(key, value) != value and key not in free
    ]
    return [f"run {run.id} was trained with other settings: {'; '.join(different)}."] if different else []


def without_effect(settings: Settings) -> list[str]:
    """Name settings that have no effect next to the others, with the reason."""
    shared, values = settings.shared, settings.flat()
    tables = {"split": shared.split, "target": shared.target, "train": shared.train}
    found = {f"{table}.{name}": why for table, of in tables.items() for name, why in of.without_effect().items()}
    return [
        f"[{key.partition('.')[0]}] {key.partition('.')[2]} = {values[key]} has no effect: {why}."
        for key, why in (found | settings.own.without_effect()).items()
    ]


def other_options(settings: Settings, manifest: Manifest) -> str:
    """Say with which other options than the preset names a data set was prepared; empty where with the same."""
    named, there = settings.shared.data.options, manifest.options
    other = {name: there[name] for name, value in named.items() if name in there and there[name] != value}
    if not other:
        return ""
    flags = ", ".join(f"{_flag(name, value)} instead of {_shown(named[name])}" for name, value in other.items())
    return f"The data were prepared with {flags}, which preset {settings.preset} is meant for."


def _flag(option: str, value: object) -> str:
    return f"--{option.replace('_', '-')} {_shown(value)}"


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _advice(model: str, manifest: Manifest) -> str:
    fitting = presets_for(model, manifest.source, manifest.step)
    return f"Presets for these data: {', '.join(fitting)} (--preset)." if fitting else ""


def presets_for(model: str, source: str, step: str = "") -> list[str]:
    """Name the presets of a model that are meant for data of a source, and of a time step where it is known."""
    found = {name: load(model, name, None, None, ()).shared for name in registry.presets(model)}
    return [
        name
        for name, shared in found.items()
        if shared.source == source and (not step or shared.data.step in ("", step))
    ]
