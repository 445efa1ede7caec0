"""Whether a preset is meant for a data set, and which presets are."""

from __future__ import annotations

from geoml_cli import registry
from geoml_cli.config.load import load
from geoml_cli.config.settings import Settings
from geoml_cli.dataset.manifest import Manifest
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import SettingsError


def require_fitting(settings: Settings, dataset: Dataset) -> None:
    """Refuse a preset that is meant for data of another source or time step.

    Raises:
        SettingsError: It is; the message names the presets that fit.
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
        raise SettingsError(
            f"preset {settings.preset} is meant for steps of a {shared.data.step}, these data have steps of a {step}.",
            where=str(dataset.folder),
            fix=f"{_advice(settings.model, manifest)} Or train on them all the same: --set data.step={step}.".strip(),
        )


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
