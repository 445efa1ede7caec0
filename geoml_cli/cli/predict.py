"""`geoml predict MODEL|RUN`: samples, a table of points, or a map."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoml_cli.cli import console, options, times
from geoml_cli.cli.targets import dataset_of, run_of
from geoml_cli.errors import SettingsError

if TYPE_CHECKING:
    from geoml_cli.dataset.store import Dataset
    from geoml_cli.inference.load import TrainedRun
    from geoml_cli.inference.summary import PredictionSummary
    from geoml_cli.samples.input import CovariateStack, TableInput


@dataclass(frozen=True)
class _Asked:
    """What a file of predictions is made of."""

    out: Path
    member: list[str] | None
    table: Path | None
    crs: str | None
    rasters: Path | None
    mapped: bool
    sums: str | None


_MAPS = (".tif", ".tiff", ".zarr")
_DEGREES = "EPSG:4326"
_PERIODS = ("day", "month", "year")

_Index = Annotated[
    list[int] | None,
    typer.Option("--index", help="A prepared sample, counted from 0; repeatable.", show_default=False),
]
_Table = Annotated[
    Path | None, typer.Option("--table", help="Points, or samples of one's own, to predict.", show_default=False)
]
_Map = Annotated[
    bool, typer.Option("--map", help="Predict every pixel of the covariate rasters, or a grid at each TIME.")
]
_Times = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TIME]...",
        help="With --map: moments to map, in UTC; 2013-03-17/2013-03-18/30min is one every half hour.",
        show_default=False,
    ),
]
_Mlat = Annotated[
    float, typer.Option("--mlat", min=-90, max=90, help="Magnetic latitude of the map of a moment [degrees].")
]
_Rasters = Annotated[
    Path | None,
    typer.Option("--rasters", help="Folder of covariate rasters [those of the data set].", show_default=False),
]
_Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="File: .csv .parquet .nc for samples, .tif .nc .zarr for maps.",
        show_default=False,
    ),
]
_Sums = Annotated[
    str | None,
    typer.Option(
        "--sums", help="Fill the gaps of measured series and sum them up by day, month or year.", show_default=False
    ),
]
_Crs = Annotated[
    str | None,
    typer.Option(
        "--crs", help=f"Coordinate reference system of the points of --table [{_DEGREES}].", show_default=False
    ),
]


def predict(
    target: options.Target,
    times_: _Times = None,
    index: _Index = None,
    table: _Table = None,
    map_: _Map = False,
    mlat: _Mlat = 0.0,
    rasters: _Rasters = None,
    out: _Out = None,
    sums: _Sums = None,
    crs: _Crs = None,
    preset: options.Preset = None,
    member: options.Members = None,
    assignments: options.Assignments = None,
    data: options.Data = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Predict samples (all, or --index), the rows of a --table, a --map of the rasters or of moments, or --sums."""
    mapped = map_ or (table is None and rasters is not None) or (out is not None and out.suffix.lower() in _MAPS)
    _refuse_several((index, table, mapped or None, sums))
    if times_ and not map_:
        raise SettingsError(
            f"{times_[0]!r} is a time of a map, but --map is not given.", fix="Add --map, or leave it out."
        )
    when = times.read_times(times_ or ())
    run = run_of(target, preset, options.only("predict", assignments))
    dataset = dataset_of(run, data, other=True)
    name = _name(dataset, when, mapped, (table, sums))
    asked = _Asked(out or run.predictions / name, member, table, crs, rasters, mapped, sums)
    if dry_run:
        read = [place for place in (run.folder, dataset.folder, table, rasters) if place is not None]
        console.plan(read, [] if index and out is None else [asked.out])
        return
    from geoml_cli.inference.load import open_trained

    trained = open_trained(run, member)
    if index and not when:
        _indexed(trained, dataset, (index, out), as_json)
        return
    done = _file(trained, dataset, (asked, when, mlat), console.Terminal(quiet=quiet))
    _show(done, _figure(asked.out, when), as_json)


def _refuse_several(ways: tuple[object, ...]) -> None:
    """Refuse several ways to predict at once, and periods that there are not."""
    if sum(bool(way) for way in ways) > 1:
        raise SettingsError(
            "choose one of --index, --table, --map and --sums.", fix="A .tif, .tiff or .zarr file is a map."
        )
    if ways[-1] is not None and ways[-1] not in _PERIODS:
        raise SettingsError(f"{ways[-1]!r} is no period.", where="--sums", fix=f"Use {', '.join(_PERIODS)}.")


def _name(dataset: Dataset, when: list[datetime.datetime], mapped: bool, other: tuple[Path | None, str | None]) -> str:
    """Name the file of predictions."""
    table, sums = other
    if when:
        return moment_name(when)
    if mapped:
        return "map.nc" if _is_cells(dataset) else "map.tif"
    return "table.csv" if table else f"sums-{sums}.csv" if sums else "samples.csv"


def moment_name(when: list[datetime.datetime]) -> str:
    """Name the file of maps by its first and last moment."""
    ends = sorted({when[0], when[-1]})
    return "map-" + "-".join(f"{moment:%Y%m%dT%H%M}" for moment in ends) + ".nc"


def _file(
    trained: TrainedRun,
    dataset: Dataset,
    request: tuple[_Asked, list[datetime.datetime], float],
    reporter: console.Terminal,
) -> PredictionSummary:
    """Predict into a file."""
    from geoml_cli.stages import budgets, predict

    asked, when, mlat = request
    if when:
        import numpy as np

        from geoml_cli.inference.inputs.time_grids import RequestedMaps

        requested = RequestedMaps(tuple(np.datetime64(moment, "s") for moment in when), mlat)
        return predict.predict_times(trained, dataset, requested, asked.out, reporter)
    if asked.sums is not None:
        return budgets.predict_sums(trained, dataset, asked.sums, asked.out, reporter)  # type: ignore[arg-type]
    if asked.table is not None:
        return predict.predict_table(trained, _table_input(dataset, asked, asked.table), asked.out, reporter)
    if not asked.mapped:
        return predict.predict_samples(trained, dataset, asked.out, reporter)
    if _is_cells(dataset):
        return predict.predict_cells(trained, dataset, asked.out, reporter)
    return predict.predict_rasters(trained, _stack(dataset, asked.rasters), asked.out, reporter)


def _figure(out: Path, when: list[datetime.datetime]) -> Path | None:
    """Return the figure beside maps at given times."""
    if not when:
        return None
    from geoml_cli.inference.inputs.time_grids import figure_path

    return figure_path(out, len(when))


def _is_cells(dataset: Dataset) -> bool:
    """Return whether a map is made of the samples themselves, which are cells at several times."""
    from geoml_cli import registry

    return dataset.has("cell") and registry.source(dataset.manifest.source).stack is None


def _stack(dataset: Dataset, rasters: Path | None) -> CovariateStack:
    """Open rasters like those the data set was made from."""
    from geoml_cli import registry

    source = registry.source(dataset.manifest.source)
    if source.stack is None:
        raise SettingsError(
            f"{dataset.manifest.source} has no rasters to predict from.",
            where="--map",
            fix="Where a model maps given times, name one: --map 2013-03-17T06:00.",
        )
    return source.stack(rasters or Path(dataset.manifest.raw), dataset.manifest)


def _table_input(dataset: Dataset, asked: _Asked, table: Path) -> TableInput:
    """Open a table: of points, or of samples."""
    from geoml_cli import registry
    from geoml_cli.inference.inputs.tables import points_input, samples_input

    source = registry.source(dataset.manifest.source)
    if source.rows is not None:
        if asked.crs or asked.rasters:
            raise SettingsError(
                f"tables of {dataset.manifest.source} hold their samples themselves.",
                where="--crs" if asked.crs else "--rasters",
                fix="Leave it out.",
            )
        return samples_input(table, source.rows, dataset)
    if source.points is None:
        raise SettingsError(
            f"{dataset.manifest.source} reads no tables.",
            where="--table",
            fix="Prepare the new files as a data set of their own, and name it with --data.",
        )
    return points_input(table, source.points, _stack(dataset, asked.rasters), asked.crs or _DEGREES)


def _indexed(trained: TrainedRun, dataset: Dataset, request: tuple[list[int], Path | None], as_json: bool) -> None:
    from geoml_cli.inference.inputs.samples import predict_indices, write_frame

    index, out = request
    frame = predict_indices(trained, dataset, index)
    if out is not None:
        write_frame(trained, frame, out)
    if as_json:
        console.document(frame.to_dict(orient="records"))
        return
    console.table(list(frame.columns), [tuple(row) for row in frame.astype(object).values.tolist()])


def _show(done: PredictionSummary, figure: Path | None, as_json: bool) -> None:
    row = done.row()
    if as_json:
        figures = {"figure": str(figure)} if figure else {}
        console.document({"file": str(done.path), **figures, **row})
        return
    console.table(list(row), [tuple(row.values())])
    console.line(f"written: {done.path}")
    if figure:
        console.line(f"figure: {figure}")
