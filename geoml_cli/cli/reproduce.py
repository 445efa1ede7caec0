"""`geoml reproduce`: a paper's preset from raw files to its numbers, next to the paper's own."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geoml_cli import registry
from geoml_cli.cli import console, options
from geoml_cli.cli.steps import flags_of, run_step
from geoml_cli.errors import CheckFailedError, SettingsError
from geoml_cli.work.numbers import format_number

if TYPE_CHECKING:
    from geoml_cli.config.settings import Settings
    from geoml_cli.config.tables.paper import PaperSettings
    from geoml_cli.evaluation.paper import PaperRow

_Raw = Annotated[Path, typer.Argument(metavar="RAW", help="Folder (or file) of raw data.", show_default=False)]
_Option = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="NAME=VALUE", help="An option of prepare; repeatable.", show_default=False),
]
_Quick = Annotated[bool, typer.Option("--quick", help="Train for a moment, to see that all works; compare nothing.")]
_Folder = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        help="Where everything goes [reproduction/MODEL-PRESET].",
        show_default=False,
    ),
]

_PAPER, _STRICT = "paper", "without-leaks"
"""Names of the runs."""
_OTHERWISE = (
    "with other files, options or settings than before name another --folder. An option of prepare is given as "
    "--option NAME=VALUE"
)


def reproduce(
    model: options.Model,
    raw: _Raw,
    preset: options.Preset = None,
    option: _Option = None,
    assignments: options.Assignments = None,
    folder: _Folder = None,
    quick: _Quick = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Prepare, train and evaluate as the paper did, and again without leaks; exit 4 if a public number is not met.

    The same command goes on where it was stopped.
    """
    from geoml_cli.config.load import load
    from geoml_cli.config.overrides import as_arguments

    settings = load(model, preset, None, None, assignments or ())
    _check_paper(settings, preset)
    place = folder or Path("reproduction") / f"{model}-{settings.preset}{'-quick' if quick else ''}"
    changes = _changes(settings, assignments or [], quick)
    steps = [_preparation(settings, raw, option or [], place), *_runs(settings, preset, place, changes)]
    if dry_run:
        console.plan([raw], [place], as_json=as_json)
        return
    reporter = console.Terminal(quiet=quiet or as_json)
    for step in steps:
        reporter.info(f"\n$ geoml {shlex.join(step)}")
        run_step([*step, *(["--quiet"] if quiet else [])], place, shown=not as_json, otherwise=_OTHERWISE)
    named = [*as_arguments(settings.origins), *(assignments or ())]
    changed = [*_options("--option", option or ()), *_options("--set", named)]
    _show(settings, place, changed, quick=quick, as_json=as_json)


def _check_paper(settings: Settings, preset: str | None) -> None:
    """Refuse, before hours are spent, a table `[paper]` that names what there is not; errors as for `load`."""
    from geoml_cli.config.load import load

    paper = settings.shared.paper
    load(settings.model, preset, None, None, paper.without_leaks)
    networks = list(registry.spec(settings.model).networks(settings.own))
    names = networks if len(networks) > 1 else [""]
    for number in paper.numbers:
        registry.require_choice("network of [paper] numbers", number.network, names)


def _preparation(settings: Settings, raw: Path, given: list[str], place: Path) -> list[str]:
    """Return the command line that prepares the data; those that runs were trained on are not made anew."""
    chosen = [*flags_of(settings.shared.data.options), *(word for text in given for word in _flag(text))]
    kept = ["--keep"] if (place / _PAPER).is_dir() else []
    return ["prepare", settings.shared.source, str(raw), *chosen, "--data", str(place / "data"), *kept]


def _runs(settings: Settings, preset: str | None, place: Path, changes: list[str]) -> list[list[str]]:
    """Return the command lines that train and evaluate, for each split."""
    steps = []
    runs = {_PAPER: (), **({_STRICT: strict} if (strict := settings.shared.paper.without_leaks) else {})}
    for name, split in runs.items():
        run = str(place / name)
        named = [word for text in (*changes, *split) for word in ("--set", text)]
        wanted = ["--preset", preset] if preset else []
        steps.append(["train", settings.model, *wanted, *named, "--data", str(place / "data"), "--run", run])
        steps.append(["evaluate", run, "--data", str(place / "data")])
    return steps


def _flag(text: str) -> list[str]:
    """Write NAME=VALUE as prepare's own option."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise SettingsError(f"{text!r} is not NAME=VALUE.", where="--option", fix="Write e.g. --option target=GWS.")
    return flags_of({name: {"true": True, "false": False}.get(value.lower(), value)})


def _changes(settings: Settings, assignments: list[str], quick: bool) -> list[str]:
    if not quick:
        return assignments
    shared = settings.shared
    length = (
        ["train.steps=6", "train.evaluate_steps=3"]
        if shared.train.steps
        else ["train.epochs=1", "train.evaluate_epochs=1"]
    )
    return [
        *assignments,
        *length,
        f"split.seeds=[{shared.split.seeds[0]}]",
        "evaluate.n_bootstrap=100",
        "evaluate.importance_repeats=0",
    ]


def _options(name: str, values: Sequence[str]) -> list[str]:
    return [shlex.join([name, value]) for value in values]


def _show(settings: Settings, place: Path, changed: Sequence[str], *, quick: bool, as_json: bool) -> None:
    """Print the table and what explains it.

    Raises:
        CheckFailedError: A public number is not met.
    """
    from geoml_cli.evaluation.paper import explained, paper_rows, unmet

    paper = settings.shared.paper
    strict = place / _STRICT / "evaluation" / "test" if paper.without_leaks else None
    rows = paper_rows(paper, place / _PAPER / "evaluation" / "test", strict)
    others = [f"Other than in preset {settings.preset}: {', '.join(changed)}."] if changed else []
    notes = [*_kind(settings, quick), *others, *explained(paper, rows)]
    missed = [] if quick else unmet(paper, rows)
    if as_json:
        console.document(_document(settings, paper, rows, {"quick": quick, "unmet": missed, "notes": notes}))
    else:
        _table(rows, has_strict=strict is not None, quick=quick)
        for note in notes:
            console.line(note)
    if missed and as_json:
        raise typer.Exit(CheckFailedError.exit_code)
    if missed:
        names = ", ".join(missed)
        raise CheckFailedError(
            f"the paper's {names} {'is' if len(missed) == 1 else 'are'} not within the interval of this run.",
            where=str(place / _PAPER),
            fix="What may explain it stands above; data and protocol must be the paper's.",
        )


def _kind(settings: Settings, quick: bool) -> list[str]:
    if quick:
        return ["Quick: trained for a moment. Nothing here is a result, and nothing was checked."]
    if not settings.shared.paper.without_leaks:
        return [f"Preset {settings.preset} has one split; the audit in its report says whether it leaks."]
    return []


def _table(rows: list[PaperRow], *, has_strict: bool, quick: bool) -> None:
    met = {None: "-", True: "yes", False: "no"}
    columns = {
        "network": [row.network for row in rows] if any(row.network for row in rows) else None,
        "score": [row.metric for row in rows],
        "rows": [row.rows_of or "all" for row in rows] if any(row.rows_of for row in rows) else None,
        "unit": [row.unit for row in rows],
        "paper": [_published(row) for row in rows],
        "ours": [_interval(row.ours) for row in rows],
        "ours - paper": None if quick else [_interval(row.difference) for row in rows],
        "met": None if quick else [met[row.met] for row in rows],
        "ours, without leaks": [_interval(row.strict) for row in rows] if has_strict else None,
    }
    shown = {name: cells for name, cells in columns.items() if cells is not None}
    console.table(list(shown), list(zip(*shown.values(), strict=True)), title="Next to the paper")


def _published(row: PaperRow) -> str:
    if row.other_unit:
        return f"in {row.other_unit}"
    if row.other_target:
        return f"of {row.other_target[0]}"
    return "not given" if row.paper is None else format_number(row.paper)


def _interval(value: tuple[float, float, float] | None) -> str:
    if value is None:
        return "-"
    middle, low, high = map(format_number, value)
    return f"{middle} [{low}, {high}]"


def _document(settings: Settings, paper: PaperSettings, rows: list[PaperRow], more: dict[str, Any]) -> dict[str, Any]:
    scores = [{**asdict(row), "difference": row.difference, "met": row.met} for row in rows]
    card = registry.card(settings.model)
    cited = {"paper": card.paper, "doi": card.doi, **paper.model_dump(mode="json")}
    return {"model": settings.model, "preset": settings.preset, "paper": cited, "scores": scores, **more}
