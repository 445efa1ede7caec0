"""`geoml predict MODEL|RUN`: samples, a table of points, or a map."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoml_cli.cli import console, moments, options
from geoml_cli.cli.found import dataset_of, run_of
from geoml_cli.errors import SettingsError

if TYPE_CHECKING:
    from geoml_cli.dataset.source import Scene
    from geoml_cli.dataset.store import Dataset
    from geoml_cli.runs.run import Run
    from geoml_cli.stages.predicted import Predicted

_MAPS = (".tif", ".tiff", ".zarr")
_DEGREES = "EPSG:4326"

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
_Crs = Annotated[
    str | None,
    typer.Option(
        "--crs", help=f"Coordinate reference system of the points of --table [{_DEGREES}].", show_default=False
    ),
]


def predict(
    target: options.Target,
    times: _Times = None,
    index: _Index = None,
    table: _Table = None,
    map_: _Map = False,
    mlat: _Mlat = 0.0,
    rasters: _Rasters = None,
    out: _Out = None,
    crs: _Crs = None,
    preset: options.Preset = None,
    member: options.Members = None,
    assignments: options.Assignments = None,
    data: options.Data = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Predict samples (all, or --index), the rows of a --table, or a --map of the rasters or of moments."""
    mapped = map_ or (table is None and rasters is not None) or (out is not None and out.suffix.lower() in _MAPS)
    if sum((bool(index), table is not None, mapped)) > 1:
        raise SettingsError("choose one of --index, --table and --map.", fix="A .tif, .tiff or .zarr file is a map.")
    if times and not map_:
        raise SettingsError(
            f"{times[0]!r} is a time of a map, but --map is not given.", fix="Add --map, or leave it out."
        )
    when = moments.times(times or ())
    run = run_of(target, preset, options.only("predict", assignments))
    dataset = dataset_of(run, data, other=True)
    map_name = moment_name(when) if when else "map.tif"
    place = out or run.predictions / (map_name if mapped else "table.csv" if table else "samples.csv")
    if dry_run:
        read: list[object] = [
            run.folder,
            dataset.folder,
            *([table] if table else []),
            *([rasters] if rasters else []),
        ]
        console.plan(read, [] if index and out is None else [place])
        return
    reporter = console.Terminal(quiet=quiet)
    if when:
        from geoml_cli.stages.restore import chosen_members

        moments.predict(run, dataset, (when, mlat, place, chosen_members(run, member)), reporter, as_json)
    elif mapped:
        _map(run, _scene(dataset, rasters), (place, member), reporter, as_json)
    elif table is not None:
        _tabled(run, (dataset, rasters), (table, crs, place, member), reporter, as_json)
    elif index:
        _indexed(run, dataset, (index, out, member), as_json)
    else:
        _samples(run, dataset, (place, member), reporter, as_json)


def moment_name(when: list[datetime.datetime]) -> str:
    """Name the file of maps by its first and last moment."""
    ends = sorted({when[0], when[-1]})
    return "map-" + "-".join(f"{moment:%Y%m%dT%H%M}" for moment in ends) + ".nc"


def _scene(dataset: Dataset, rasters: Path | None) -> Scene:
    """Open rasters like those the data set was made from."""
    from geoml_cli import registry

    source = registry.source(dataset.manifest.source)
    if source.scene is None:
        raise SettingsError(
            f"{dataset.manifest.source} has no rasters to predict from.",
            where="--map",
            fix="Where a model maps moments, name one: --map 2013-03-17T06:00.",
        )
    return source.scene(rasters or Path(dataset.manifest.raw), dataset.manifest)


def _map(
    run: Run, scene: Scene, what: tuple[Path, list[str] | None], reporter: console.Terminal, as_json: bool
) -> None:
    from geoml_cli.stages.map import predict_map
    from geoml_cli.stages.restore import chosen_members

    out, member = what
    done = predict_map(run, scene, out, chosen_members(run, member), reporter)
    _show(done, as_json)


def _samples(
    run: Run, dataset: Dataset, what: tuple[Path, list[str] | None], reporter: console.Terminal, as_json: bool
) -> None:
    from geoml_cli.stages.predict import predict_samples
    from geoml_cli.stages.restore import chosen_members

    out, member = what
    done = predict_samples(run, dataset, out, chosen_members(run, member), reporter)
    _show(done, as_json)


def _tabled(
    run: Run,
    held: tuple[Dataset, Path | None],
    what: tuple[Path, str | None, Path, list[str] | None],
    reporter: console.Terminal,
    as_json: bool,
) -> None:
    from geoml_cli import registry
    from geoml_cli.stages.restore import chosen_members
    from geoml_cli.stages.table import of_points, of_samples, predict_table

    (dataset, rasters), (table, crs, out, member) = held, what
    if registry.source(dataset.manifest.source).rows is None:
        pieces = of_points(run, table, _scene(dataset, rasters), crs or _DEGREES)
    elif crs or rasters:
        raise SettingsError(
            f"tables of {dataset.manifest.source} hold their samples themselves.",
            where="--crs" if crs else "--rasters",
            fix="Leave it out.",
        )
    else:
        pieces = of_samples(run, table, dataset)
    _show(predict_table(run, pieces, (table, out), chosen_members(run, member), reporter), as_json)


def _indexed(run: Run, dataset: Dataset, what: tuple[list[int], Path | None, list[str] | None], as_json: bool) -> None:
    from geoml_cli.stages.predict import predict_indices, write_frame
    from geoml_cli.stages.restore import chosen_members

    index, out, member = what
    frame = predict_indices(run, dataset, index, chosen_members(run, member))
    if out is not None:
        write_frame(run, frame, out)
    if as_json:
        console.document(frame.to_dict(orient="records"))
        return
    console.table(list(frame.columns), [tuple(row) for row in frame.astype(object).values.tolist()])


def _show(done: Predicted, as_json: bool) -> None:
    row = done.row()
    if as_json:
        console.document({"file": str(done.path), **row})
        return
    console.table(list(row), [tuple(row.values())])
    console.line(f"written: {done.path}")
