"""`geoml predict MODEL|RUN`: one sub-command a model, whose flags are what the model and its sources can predict."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geoml_cli import registry
from geoml_cli.cli import console, options, times
from geoml_cli.cli.options_from import command_group, flags_of, keyword, single_command, validated, with_parameters
from geoml_cli.cli.predicted import predict_indexed, show, show_part
from geoml_cli.cli.shared_work import Scheduler, refuse_together
from geoml_cli.cli.targets import dataset_of, model_of, run_of
from geoml_cli.errors import SettingsError
from geoml_cli.work.pieces import part_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from geoml_cli.dataset.store import Dataset
    from geoml_cli.inference.baseline_run import BaselineRun
    from geoml_cli.inference.load import TrainedRun
    from geoml_cli.runs.run import Run
    from geoml_cli.samples.requests import PredictionRequest
    from geoml_cli.source import Options
    from geoml_cli.stages.predict import Prediction

_FORECAST = "steps"
"""The option that models of forecasts have."""
_PERIODS = ("day", "month", "year")
_INPUTS = ("index", "table", "map", "stack", "sums")
"""Flags of which one may be given."""


def _command(target: str) -> Any:  # noqa: ANN401  typer.core.TyperCommand
    model = model_of(target)
    summary = f"Predict with {model}: {registry.card(model).title}."
    return single_command(target, summary, _function(target, model))


app = command_group(
    registry.models,
    _command,
    subcommand_metavar="MODEL|RUN [OPTIONS]",
    help="Predict samples, tables and maps with a run: a model means its newest finished run.",
)


_Index = Annotated[
    list[int] | None,
    typer.Option("--index", help="A prepared sample, counted from 0; repeatable.", show_default=False),
]
_Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="File: .csv .parquet .nc for samples; .nc for maps, those of rasters .tif or .zarr too.",
        show_default=False,
    ),
]
_Maps = Annotated[Path | None, typer.Option("--out", "-o", help="File: .nc or .zarr.", show_default=False)]
_With = Annotated[
    str | None,
    typer.Option("--with", help="Predict with a baseline, fitted on the run's training samples.", show_default=False),
]
_Part = Annotated[
    str | None,
    typer.Option("--part", metavar="K/N", help="Predict this part of the chunks; no file yet.", show_default=False),
]
_Finish = Annotated[bool, typer.Option("--finish", help="Write the file from finished parts.")]
_COMMON: dict[str, tuple[Any, Any]] = {
    "index": (_Index, None),
    "out": (_Out, None),
    "preset": (options.Preset, None),
    "member": (options.Members, None),
    "baseline": (_With, None),
    "part": (_Part, None),
    "finish": (_Finish, False),
    "scheduler": (Scheduler, None),
    "assignments": (options.Assignments, None),
    "data": (options.Data, None),
    "dry_run": (options.DryRun, False),
    "as_json": (options.Json, False),
    "quiet": (options.Quiet, False),
}


def _function(target: str, model: str) -> Callable[..., None]:
    """Make a function whose signature is the options of the model's and its sources' inputs, and the common ones."""
    own = _common(model)

    def run(**given: Any) -> None:  # noqa: ANN401  typer checks them
        common = {name: given.pop(name, default) for name, (_, default) in _COMMON.items()}
        checked: dict[str, Any] = {}
        for options_ in input_options(model):  # what was typed, each time: several classes may have one option
            chosen = {name: given[name] for name in options_.model_fields if given[name] is not None}
            found = validated(options_, chosen)
            checked |= {name: getattr(found, name) for name in chosen}
        _run(target, given | checked, common)

    parameters = list(flags_of(input_options(model)).values())
    parameters += [keyword(name, kind, default) for name, (kind, default) in own.items()]
    return with_parameters(run, parameters)


def _common(model: str) -> dict[str, tuple[Any, Any]]:
    """Return the options that all models have; forecasts are named by date, and are the network's."""
    if not any(_FORECAST in kind.model_fields for kind in input_options(model)):
        return _COMMON
    return {name: kind for name, kind in _COMMON.items() if name not in ("index", "baseline")} | {"out": (_Maps, None)}


@cache
def input_options(model: str) -> tuple[type[Options], ...]:
    """Return the options of everything that a model and the sources of its presets can predict."""
    found = list(registry.card(model).inputs)
    for source in registry.sources_of(model):
        found += [kind for kind in registry.source_card(source).inputs if kind not in found]
    return tuple(found)


def _run(target: str, given: dict[str, Any], common: dict[str, Any]) -> None:
    request = _request(given, common)
    shared = refuse_together(common["part"], common["finish"], common["scheduler"])
    if shared is not None and common["index"]:
        raise SettingsError("single samples are not shared out.", where=shared, fix="Leave it out, or --index.")
    reporter = console.Terminal(quiet=common["quiet"])
    run = run_of(target, common["preset"], options.only(("predict",), common["assignments"]), reporter)
    dataset = dataset_of(run, common["data"], other=True)
    out = common["out"] or run.predictions / _default_name(request.default_name(dataset), common["baseline"])
    if common["out"] is not None:
        request.refuse_inputs(out, dataset)
    by = _baseline(run, dataset, common) if common["baseline"] is not None else None
    if common["dry_run"]:
        read = [run.folder, dataset.folder, *request.files]
        written = _written(request, out, run, dataset, common)
        console.plan(read, written, as_json=common["as_json"])
        return
    trained = _trained(run, common, by, reporter)
    if common["index"]:
        predict_indexed(trained, dataset, common, reporter)
        return
    from geoml_cli.stages.predict import Prediction

    _to_file(Prediction(trained, dataset, request, out), common, reporter)


def _written(request: PredictionRequest, out: Path, run: Run, dataset: Dataset, common: dict[str, Any]) -> list[Path]:
    """Return what the command would write."""
    if common["part"] is not None:
        return [out.with_name(f".{out.name}.parts")]
    if common["index"] and common["out"] is None:
        return []
    from geoml_cli.config.load import read_settings

    return request.written(out, page=read_settings(run.config, run.assignments).shared.predict.page)


def _to_file(prediction: Prediction, common: dict[str, Any], reporter: console.Terminal) -> None:
    """Predict here, on workers or in part, or finish what parts predicted; say what came of it."""
    from geoml_cli.stages import predict as stage

    if common["part"] is not None:
        show_part(stage.predict_part_of(prediction, part_of(common["part"]), reporter), common["as_json"])
        return
    if common["finish"]:
        done = stage.finish(prediction, reporter)
    elif common["scheduler"] is not None:
        done = stage.predict_on(prediction, common["scheduler"], reporter)
    else:
        done = stage.predict(prediction, reporter)
    show(prediction.trained, done, common["as_json"])


def _default_name(name: str, baseline: str | None) -> str:
    """Name the file where the user does not: that of a baseline is another than the network's."""
    return name if baseline is None else str(Path(name).with_stem(f"{Path(name).stem}-{baseline}"))


def _baseline(run: Run, dataset: Dataset, common: dict[str, Any]) -> BaselineRun:
    """Put a baseline in the network's place; it is fitted on the run's own data, whatever is predicted."""
    from geoml_cli.inference.baseline_run import with_baseline
    from geoml_cli.inference.load import open_trained
    from geoml_cli.runs.data import is_own_data

    own = dataset if is_own_data(run, dataset) else dataset_of(run, None, by_option=False)
    return with_baseline(open_trained(run, common["member"]), common["baseline"], own)


def _trained(run: Run, common: dict[str, Any], baseline: BaselineRun | None, reporter: console.Terminal) -> TrainedRun:
    """Open what predicts."""
    from geoml_cli.inference.load import open_trained

    if baseline is None:
        return open_trained(run, common["member"])
    from geoml_cli.evaluation.baseline_limits import with_limits

    return with_limits(baseline, reporter)


def _request(given: dict[str, Any], common: dict[str, Any]) -> PredictionRequest:
    """Read what is asked for, and refuse what does not go together."""
    from geoml_cli.samples.requests import MAPS, NETWORK, PredictionRequest

    named, out, rasters = given.get("times") or (), common["out"], given.get("rasters")
    mapped = given.get("map", False) or (given.get("table") is None and rasters is not None)
    mapped = mapped or (out is not None and out.suffix.lower() in MAPS)
    _refuse_several({**given, "index": common["index"], "map": mapped})
    if given.get("stack") is None and (given.get("from_") or given.get("to")):
        raise SettingsError("--from and --to are days of a stack.", fix="Name the stack with --stack.")
    if given.get("nodata") and not mapped and given.get("table") is None:
        raise SettingsError(
            "fills of rasters matter to maps and tables of points.", where="--nodata", fix="Add --map or --table FILE."
        )
    _refuse_beside_sums(given, common.get("baseline"))
    if named and not given.get("map"):
        raise SettingsError(
            f"{named[0]!r} is a time of a map, but --map is not given.", fix="Add --map, or leave it out."
        )
    for name in ("mask", "border"):
        if given.get(name) is not None and not mapped and given.get("stack") is None:
            raise SettingsError("only maps have one.", where=f"--{name}", fix="Add --map, or leave it out.")
    return PredictionRequest(
        table=given.get("table"),
        crs=given.get("crs"),
        rasters=rasters,
        nodata=tuple(given.get("nodata") or ()),
        mapped=mapped,
        sums=given.get("sums"),
        fill=given.get("fill", NETWORK),
        strict=given.get("strict", False),
        times=tuple(times.read_times(named)),
        mlat=given.get("mlat", 0.0),
        forecast=_FORECAST in given,
        dates=tuple(given.get("date") or ()),
        steps=given.get("steps"),
        stack=given.get("stack"),
        days=(given.get("from_"), given.get("to")),
        mask=given.get("mask"),
        border=given.get("border"),
    )


def _refuse_beside_sums(given: dict[str, Any], baseline: str | None) -> None:
    """Refuse options that only sums have, and one that they have not."""
    from geoml_cli.samples.requests import NETWORK

    if given.get("sums") is not None:
        if baseline is not None:
            raise SettingsError(
                "sums are filled by the network, or by what --fill names.", where="--with", fix="Leave it out."
            )
        return
    if given.get("fill", NETWORK) != NETWORK:
        raise SettingsError("gaps are filled for sums.", where="--fill", fix="Add --sums day, month or year.")
    if given.get("strict"):
        raise SettingsError("only the fill of sums is checked.", where="--strict", fix="Add --sums day, month or year.")


def _refuse_several(given: dict[str, Any]) -> None:
    """Refuse several inputs at once, and periods that there are not."""
    named = [f"--{name}" for name in _INPUTS if given.get(name)]
    # A file of maps is asked for by its suffix alone; a stack is written as maps.
    if len(named) > 1 and set(named) != {"--map", "--stack"}:
        raise SettingsError(
            f"choose one of {', '.join(named[:-1])} and {named[-1]}.", fix="A .tif, .tiff or .zarr file is a map."
        )
    sums = given.get("sums")
    if sums is not None and sums not in _PERIODS:
        raise SettingsError(f"{sums!r} is not a valid period.", where="--sums", fix=f"Use {', '.join(_PERIODS)}.")
