"""`geoml prepare SOURCE RAW`: one sub-command a source, its options made from the source's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geoml_cli import registry
from geoml_cli.cli import console
from geoml_cli.cli.options import Data, DryRun, Json, Quiet, data_folder
from geoml_cli.cli.options_from import command_group, flags_of, keyword, single_command, validated, with_parameters
from geoml_cli.errors import SettingsError

if TYPE_CHECKING:
    from geoml_cli.source import Options


def _command(name: str) -> Any:  # noqa: ANN401  typer.core.TyperCommand
    card = registry.source_card(name)
    return single_command(name, card.summary, _function(name, card.options))


app = command_group(
    registry.sources, _command, help="Turn raw files, as the provider ships them, into a prepared data set."
)


def _function(source: str, options: type[Options]) -> Callable[..., None]:
    """Make a function whose signature is RAW, the source's options, and the common ones."""

    def run(raw: Path, **given: Any) -> None:  # noqa: ANN401  typer checks them
        common = {name: given.pop(name) for name in _COMMON}
        _run(source, raw, validated(options, given), common)

    parameters = [inspect.Parameter("raw", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=_RAW)]
    parameters += flags_of([options]).values()
    parameters += [keyword(name, kind, default) for name, (kind, default) in _COMMON.items()]
    return with_parameters(run, parameters)


_RAW = Annotated[Path, typer.Argument(metavar="RAW", help="Folder (or file) of raw data.", show_default=False)]
_Force = Annotated[bool, typer.Option("--force", help="Prepare again even if nothing has changed.")]
_Keep = Annotated[
    bool, typer.Option("--keep", help="Refuse to replace a data set that other files or options made (exit 3).")
]
_COMMON: dict[str, tuple[Any, Any]] = {
    "data": (Data, None),
    "force": (_Force, False),
    "keep": (_Keep, False),
    "dry_run": (DryRun, False),
    "as_json": (Json, False),
    "quiet": (Quiet, False),
}


def _run(source: str, raw: Path, options: Options, common: dict[str, Any]) -> None:
    from geoml_cli.stages.prepare import Raw, prepare, raw_files

    if common["force"] and common["keep"]:
        raise SettingsError("--force replaces what --keep keeps.", where="--keep", fix="Leave one of them out.")
    folder = data_folder(source, common["data"], fresh=True)
    if common["dry_run"]:
        made = [folder / "dataset.nc", folder / "manifest.json"]
        console.plan(raw_files(Raw(source, raw, options)), made, as_json=common["as_json"])
        return
    reporter = console.Terminal(quiet=common["quiet"])
    done = prepare(Raw(source, raw, options), folder, reporter, force=common["force"], keep=common["keep"])
    funnel = done.manifest.funnel
    if not done.fresh:
        reporter.info(f"{folder} is up to date with these files and options. --force makes it again.")
    if common["as_json"]:
        console.document({"folder": str(folder), "fresh": done.fresh, "funnel": funnel.model_dump()})
        return
    rows = [
        ("read", funnel.read),
        *((f"excluded: {k}", n) for k, n in funnel.dropped.items()),
        ("kept", funnel.kept),
    ]
    console.table(("samples", "rows"), rows, title=f"{source} in {folder}")
    for note in funnel.notes:
        if not any(text.startswith(note) for text in reporter.said):
            reporter.info(f"Note: {note}")
