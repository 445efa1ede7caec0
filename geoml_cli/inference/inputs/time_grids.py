"""A whole grid at given times, to maps and a figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import atomic_write
from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.figures.polar import Panel, polar_map
from geoml_cli.figures.style import animation, png
from geoml_cli.inference.job import Chunk, ChunkSamples, PredictionJob, attributes
from geoml_cli.inference.load import TrainedRun
from geoml_cli.models.spec import FixedTimeGrid
from geoml_cli.work.reporting import Reporter
from geoml_cli.writers import time_maps
from geoml_cli.writers.chunk_store import ChunkStore

Floats = NDArray[np.float32]
_GIF_MILLISECONDS = 250
_MISSING = "input values are missing"
"""Why a map is empty."""


@dataclass(frozen=True)
class RequestedMaps:
    """Times at which the grid is predicted.

    Attributes:
        times: UTC, in order.
        mlat: Magnetic latitude [degrees].
    """

    times: tuple[np.datetime64, ...]
    mlat: float


def time_grid_job(trained: TrainedRun, dataset: Dataset, requested: RequestedMaps, reporter: Reporter) -> PredictionJob:
    """Predict the grid at every time; maps of times before which values are missing are empty.

    Raises:
        SettingsError: The model has no such maps.
        DataError: A time is not on the data set's series, or values are missing before each of them.
    """
    make = trained.spec.grid
    if make is None:
        raise SettingsError(f"{trained.run.model} maps rasters, not times.", where="--map", fix="Leave the time out.")
    own = trained.settings.own
    grids = [make(own, dataset, time, requested.mlat) for time in requested.times]
    _say_missing(requested.times, grids, reporter)
    outputs = trained.outputs()
    drawn = [place for place, output in enumerate(outputs) if output.name in grids[0].drawn] or [0]
    return PredictionJob(
        cell="cells",
        digest={
            "data": dataset.manifest.digest(),
            "times": [str(time) for time in requested.times],
            "mlat": requested.mlat,
        },
        chunks=lambda: _chunks(grids),
        total=len(grids),
        write=lambda out, store, count: _write(trained, requested, grids, out, store),
        unit=outputs[drawn[0]].unit,
        check=_check_suffix,
        summarised=drawn[0],
        reasons=(_MISSING,) if any(grid.missing for grid in grids) else (),
    )


def _say_missing(times: Sequence[np.datetime64], grids: Sequence[FixedTimeGrid], reporter: Reporter) -> None:
    """Warn of maps that will be empty.

    Raises:
        DataError: All would be.
    """
    empty = [(time, grid.missing) for time, grid in zip(times, grids, strict=True) if grid.missing]
    if not empty:
        return
    (first, values), fix = empty[0], "See the index series for gaps, and choose other times."
    what = f"input values are missing in the hours before {first} ({values})"
    if len(empty) == len(grids):
        raise DataError(f"{what}{', and before each further time' * (len(grids) > 1)}.", where="--map", fix=fix)
    reporter.warn(f"{len(empty)} of {len(grids)} maps are empty: {what}{', and before others' * (len(empty) > 1)}.")


def _check_suffix(out: Path) -> None:
    if out.suffix.lower() != ".nc":
        raise SettingsError("maps at given times are NetCDF.", where=str(out), fix="Name a .nc file with --out.")


def _chunks(grids: Sequence[FixedTimeGrid]) -> Iterator[Chunk]:
    for number, grid in enumerate(grids):
        yield Chunk(number, lambda grid=grid: samples_of_grid(grid))  # type: ignore[misc]


def samples_of_grid(grid: FixedTimeGrid) -> ChunkSamples:
    """Return the samples of one map: of every cell, or of none where values are missing."""
    shape = tuple(len(values) for _, values in grid.axes)
    if grid.missing:
        none = np.empty(0, dtype=np.int64)
        return ChunkSamples(None, none, np.zeros(shape, dtype=bool), reason=np.zeros(shape, dtype=np.int16))
    rows = np.arange(len(grid.samples), dtype=np.int64)
    return ChunkSamples(grid.samples, rows, np.ones(shape, dtype=bool), reason=np.full(shape, -1, dtype=np.int16))


def _write(
    trained: TrainedRun, requested: RequestedMaps, grids: Sequence[FixedTimeGrid], out: Path, store: ChunkStore
) -> list[Path]:
    outputs, first = trained.outputs(), grids[0]
    maps = [store.read(number) for number in range(len(requested.times))]
    head = {**attributes(trained), "magnetic_latitude": f"{requested.mlat:g} degrees"}
    time_maps.write(out, time_maps.TimeMaps(first.axes, outputs, head), zip(requested.times, maps, strict=True))
    drawn = {place: output for place, output in enumerate(outputs) if output.name in first.drawn}
    if not drawn or not trained.settings.shared.predict.page:
        return [out]
    frames = _frames(requested, grids, maps, drawn)
    # PredictionRequest.written names it likewise.
    figure = out.with_suffix(".png" if len(maps) == 1 else ".gif")
    with atomic_write(figure) as temporary:
        temporary.write_bytes(next(frames) if len(maps) == 1 else animation(list(frames), _GIF_MILLISECONDS))
    return [out, figure]


def _frames(
    requested: RequestedMaps, grids: Sequence[FixedTimeGrid], maps: Sequence[Floats], drawn: dict[int, Variable]
) -> Iterator[bytes]:
    """Draw every map under the colours of all."""
    limits = {place: _limits([values[place] for values in maps], drawn[place]) for place in drawn}
    (_, shells), (_, hours) = grids[0].axes
    for time, grid, values in zip(requested.times, grids, maps, strict=True):
        panels = [
            Panel((output.long_name, output.unit), values[place], limits[place]) for place, output in drawn.items()
        ]
        minute = str(time.astype("datetime64[m]")).replace("T", " ")
        title = f"{minute} UTC, MLAT {requested.mlat:g}\N{DEGREE SIGN}{f' ({_MISSING})' if grid.missing else ''}"
        yield png(polar_map((shells, hours), panels, title))


def _limits(values: Sequence[Floats], output: Variable) -> tuple[float, float]:
    """Return the colour limits of an output over all maps; those of a probability are its own."""
    known = np.concatenate([part[np.isfinite(part)] for part in values])
    if output.name == "probability" or not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    return low, high if high > low else low + 1.0
