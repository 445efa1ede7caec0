"""`geoml list`: models, presets, sources, runs."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from geoml_cli import registry
from geoml_cli.cli import console, options


class Kind(StrEnum):
    """What can be listed."""

    models = "models"
    presets = "presets"
    sources = "sources"
    runs = "runs"


_Kind = Annotated[Kind | None, typer.Argument(metavar="KIND", help="models, presets, sources or runs [all].")]

Listing = tuple[tuple[str, ...], list[tuple[Any, ...]]]


def list_(kind: _Kind = None, as_json: options.Json = False) -> None:
    """List what there is."""
    chosen = [kind.value] if kind else list(_LISTINGS)
    found = {name: _LISTINGS[name]() for name in chosen}
    if as_json:
        document = {name: [dict(zip(heads, row, strict=True)) for row in rows] for name, (heads, rows) in found.items()}
        console.document(document[kind.value] if kind else document)
        return
    for place, (name, (heads, rows)) in enumerate(found.items()):
        if place:
            console.line("")
        console.table(heads, rows, title="" if kind else name.capitalize())


def _models() -> Listing:
    cards = {name: registry.card(name) for name in registry.models()}
    return ("model", "title", "default preset"), [(n, c.title, c.default_preset) for n, c in cards.items()]


def _presets() -> Listing:
    from geoml_cli.config.overrides import from_file

    rows = []
    for model in registry.models():
        for preset in registry.presets(model):
            layer = from_file(registry.preset_file(model, preset), preset)
            summary, source = (layer[key].value if key in layer else "" for key in (("summary",), ("source",)))
            rows.append((model, preset, source, summary))
    return ("model", "preset", "source", "summary"), rows


def _sources() -> Listing:
    rows = []
    for name in registry.sources():
        folder = options.data_folder(name, None)
        prepared = str(folder) if (folder / "manifest.json").is_file() else None
        rows.append((name, registry.source_card(name).summary, prepared))
    return ("source", "summary", "prepared in"), rows


def _runs() -> Listing:
    from geoml_cli.runs.find import runs

    rows = []
    for folder, record in runs(options.runs_root()):
        trained = sum(status == "finished" for status in record.members.values())
        rows.append((str(folder), record.status, f"{trained}/{len(record.members)}", record.created))
    return ("run", "status", "members", "created"), rows


_LISTINGS: dict[str, Callable[[], Listing]] = {
    "models": _models,
    "presets": _presets,
    "sources": _sources,
    "runs": _runs,
}
