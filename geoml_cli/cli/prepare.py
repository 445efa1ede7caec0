"""`geoml prepare SOURCE RAW`: one sub-command a source, its options made from the source's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from geoml_cli import registry
from geoml_cli.cli import console
from geoml_cli.cli.options import Data, DryRun, Json, Quiet, data_folder
from geoml_cli.cli.options_from import flags_of, keyword, validated, with_parameters
from geoml_cli.source import Options


class _Sources(TyperGroup):
    """Sources are imported when asked for; `geoml --help` imports none."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401  typer's own context
        return registry.sources()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        if cmd_name.startswith("-"):
            return None
        registry.known("source", cmd_name, registry.sources())
        return _command(cmd_name)


app = typer.Typer(
    cls=_Sources,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Turn raw files, as the provider ships them, into a prepared data set.",
)


@app.callback()
def _root() -> None:
    pass


def _command(name: str) -> Any:  # noqa: ANN401  typer.core.TyperCommand
    card = registry.source_card(name)
    single = typer.Typer(rich_markup_mode=None, add_completion=False)
    single.command(name, help=card.summary)(_function(name, card.options))
    return typer.main.get_command(single)


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
_COMMON: dict[str, tuple[Any, Any]] = {
    "data": (Data, None),
    "force": (_Force, False),
    "dry_run": (DryRun, False),
    "as_json": (Json, False),
    "quiet": (Quiet, False),
}


def _run(source: str, raw: Path, options: Options, common: dict[str, Any]) -> None:
    from geoml_cli.stages.prepare import Raw, prepare, raw_files

    folder = data_folder(source, common["data"], fresh=True)
    if common["dry_run"]:
        console.plan(raw_files(Raw(source, raw, options)), [folder / "dataset.nc", folder / "manifest.json"])
        return
    reporter = console.Terminal(quiet=common["quiet"])
    done = prepare(Raw(source, raw, options), folder, reporter, force=common["force"])
    funnel = done.manifest.funnel
    if not done.fresh:
        reporter.say(f"{folder} stands already, made from the same files and options. --force makes it again.")
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
        reporter.say(f"Note: {note}")
