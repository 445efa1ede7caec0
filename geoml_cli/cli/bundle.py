"""`geoml bundle MODEL|RUN`, and `geoml import bundle FOLDER`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoml_cli.cli import console, options
from geoml_cli.cli.targets import run_of

if TYPE_CHECKING:
    from geoml_cli.stages.bundle import Attribution

NAME = "bundle"
"""Among the sub-commands of import, in addition to the models."""
_Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder to make [MODEL-PRESET-NAME].", show_default=False)
]
_Authors = Annotated[
    list[str] | None, typer.Option("--author", help="Who made the run; repeatable.", show_default=False)
]
_Licence = Annotated[
    str | None,
    typer.Option("--data-licence", help="What the data are licensed under [as their source says].", show_default=False),
]
_Citation = Annotated[
    str | None,
    typer.Option("--data-citation", help="How the data are cited: AUTHORS, YEAR, TITLE, DOI.", show_default=False),
]
_WithoutObservations = Annotated[
    bool,
    typer.Option("--without-observations", help="Leave out tables of evaluations that hold observed values."),
]
_Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="What `geoml bundle` made.", show_default=False)]


def bundle(
    target: options.Target,
    preset: options.Preset = None,
    out: _Out = None,
    author: _Authors = None,
    data_licence: _Licence = None,
    data_citation: _Citation = None,
    without_observations: _WithoutObservations = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a folder of a finished run to hand on or archive: weights, scores, predictions, citation, checksums."""
    reporter = console.Terminal(quiet=quiet)
    run = run_of(target, preset, [], reporter)
    folder = out or Path(run.id.replace("/", "-"))
    from geoml_cli.stages.bundle import Attribution, contents
    from geoml_cli.stages.bundle import bundle as stage

    if dry_run:
        console.plan(
            [run.folder / name for name in contents(run, observations=not without_observations)],
            [folder],
            as_json=as_json,
        )
        return
    said = Attribution(
        tuple(name.strip() for name in author or () if name.strip()),
        (data_licence or "").strip(),
        (data_citation or "").strip(),
    )
    done = stage(run, folder, said, reporter, observations=not without_observations)
    _warn_of_gaps(done.attribution, reporter)
    if done.observed and not without_observations:
        _warn_of_observations(done.observed, done.attribution, reporter)
    for text in done.missing:
        reporter.info(f"The bundle holds {text}.")
    if as_json:
        data = {"licence": done.attribution.data_licence or None, "citation": done.attribution.data_citation or None}
        observed = {"files": done.observed, "included": not without_observations}
        console.document(
            {
                "folder": str(done.folder),
                "files": done.files,
                "missing": done.missing,
                "data": data,
                "observations": observed,
            }
        )
        return
    console.line(f"written: {done.folder} ({done.files} files)")


def _warn_of_gaps(known: Attribution, reporter: console.Terminal) -> None:
    """Warn of what the bundle does not know."""
    if not known.authors:
        reporter.warn("CITATION.cff names no authors: give --author NAME, or write them into the file.")
    if not known.data_licence:
        reporter.warn("licence of the data: not given. Give it with --data-licence TEXT.")
    if not known.data_citation:
        reporter.warn("citation of the data: not given. Give it with --data-citation TEXT.")


def _warn_of_observations(files: list[str], known: Attribution, reporter: console.Terminal) -> None:
    """Name the files that hold values of the data, which are not the run's to license."""
    licence = known.data_licence.rstrip(".") or "not given"
    reporter.warn(
        f"the bundle holds observed values of the evaluated samples ({', '.join(files)}). Licence of the data: "
        f"{licence}. If it does not allow to pass them on, bundle again with --without-observations."
    )


def import_bundle(
    folder: _Folder, run: options.RunFolder = None, as_json: options.Json = False, quiet: options.Quiet = False
) -> None:
    """Make a run of a bundle: it predicts, evaluates and exports like any other."""
    del quiet  # of what every command has; nothing is said on the way
    from geoml_cli.stages.bundle import unbundle

    done = unbundle(folder, options.runs_root(), run)
    if as_json:
        console.document({"run": str(done.folder), "members": done.members()})
        return
    console.line(f"run: {done.folder}")
