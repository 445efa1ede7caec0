"""`geoml import MODEL`: one sub-command a model; a model of several networks takes a file for each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from geoml_cli import registry
from geoml_cli.cli import bundle, console, options
from geoml_cli.cli.options_from import command_group, keyword, single_command, with_parameters
from geoml_cli.errors import SettingsError


def _command(model: str) -> Any:  # noqa: ANN401  typer.core.TyperCommand
    if model == bundle.NAME:
        return single_command(model, "Import a run that `geoml bundle` made.", bundle.import_bundle)
    card = registry.card(model)
    return single_command(model, f"Import a released checkpoint: {card.title}.", _function(model, card.networks))


app = command_group(
    lambda: [*registry.models(), bundle.NAME],
    _command,
    help="Make a run of a paper's released checkpoint; it predicts, evaluates and exports like any other.",
)


_Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="The paper's released checkpoint (.pth), and the statistics of its inputs (.npy) if it has any.",
        show_default=False,
    ),
]
_Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Prepared data whose rows fit the preset's scaling, where the network was trained on scaled numbers.",
        show_default=False,
    ),
]
_COMMON: dict[str, tuple[Any, Any]] = {
    "preset": (options.Preset, None),
    "assignments": (options.Assignments, None),
    "run": (options.RunFolder, None),
    "data": (_Data, None),
    "dry_run": (options.DryRun, False),
    "as_json": (options.Json, False),
    "quiet": (options.Quiet, False),
}


def _function(model: str, networks: tuple[str, ...]) -> Callable[..., None]:
    """Make a function whose signature is FILE..., or an option for each network, and the common options."""

    def run(**given: Any) -> None:  # noqa: ANN401  typer checks them
        common = {name: given.pop(name) for name in _COMMON}
        files = given["files"] if not networks else {name: path for name, path in given.items() if path is not None}
        _run(model, networks, files, common)

    named: list[tuple[str, Any, Any]] = [(network, _checkpoint_option(network), None) for network in networks]
    named = named or [("files", _Files, inspect.Parameter.empty)]
    named += [(name, kind, default) for name, (kind, default) in _COMMON.items()]
    return with_parameters(run, [keyword(*parameter) for parameter in named])


def _checkpoint_option(name: str) -> Any:  # noqa: ANN401  an annotation typer understands
    description = f"The paper's released checkpoint of the {name} (.pth)."
    return Annotated[Path | None, typer.Option(f"--{name}", metavar="FILE", help=description, show_default=False)]


_NAMED = "the scaling of --preset or of --set inputs.scaling, target.scaling and target.transform"
_UNSCALED = {
    False: ("there are no data to fit one on", f"give --data, whose rows fit {_NAMED}"),
    True: ("the preset has none to be fitted on --data", f"name one: {_NAMED}"),
}
"""Why a network sees numbers as they are, and what helps, by whether there are data."""


def _run(model: str, networks: tuple[str, ...], files: list[Path] | dict[str, Path], common: dict[str, Any]) -> None:
    if not files:
        named = " and ".join(f"--{network} FILE" for network in networks)
        raise SettingsError("no checkpoint is given.", where=f"geoml import {model}", fix=f"Give {named}, or one.")
    name, folder = common["preset"] or registry.card(model).default_preset, common["run"]
    registry.preset_file(model, name)
    from geoml_cli.config.load import load
    from geoml_cli.dataset.store import Dataset
    from geoml_cli.runs.create import RunFolder
    from geoml_cli.runs.imported import notes_of, takes_numbers_as_they_are
    from geoml_cli.stages.import_checkpoint import import_checkpoint, read_checkpoints

    assignments, dataset = common["assignments"] or (), None
    if common["data"]:
        source = load(model, name, None, {}, assignments).shared.source
        dataset = Dataset(options.data_folder(source, common["data"]))
    if common["dry_run"]:
        read_checkpoints(model, name, files, *assignments)
        given = [*files.values()] if isinstance(files, dict) else files
        read = [*given, *([dataset.folder] if dataset else [])]
        place = folder or options.runs_root() / model / name / "YYYYMMDD-HHMMSS"
        console.plan(read, [place], as_json=common["as_json"])
        return
    done = import_checkpoint(model, name, files, RunFolder(folder, options.runs_root()), dataset, *assignments)
    terminal = console.Terminal(quiet=common["quiet"])
    for text in notes_of(done):
        terminal.warn(text)
    if dataset is None and any(one.classes for one in done.data().signatures.values()):
        terminal.warn(
            "the checkpoint does not name its classes: predictions number them from 0. Give --data to have the names "
            "and codes of a data set."
        )
    if takes_numbers_as_they_are(done):
        why, remedy = _UNSCALED[dataset is not None]
        terminal.warn(
            f"the checkpoint holds no scaling, and {why}, so inputs enter unscaled: right only if the network was "
            f"trained on such numbers. Else import into another folder (--run): {remedy}, or the statistics released "
            "next to it."
        )
    if common["as_json"]:
        console.document({"run": str(done.folder), "members": done.members()})
        return
    console.line(f"run: {done.folder}")
