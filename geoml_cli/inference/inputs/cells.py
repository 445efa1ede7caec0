"""Cells of a regular grid at several times, each time a map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.inference.inputs.samples import rows_of_chunks, samples_job
from geoml_cli.inference.job import PredictionJob, attributes
from geoml_cli.inference.map_files import SHOWN, MapFiles, fullest
from geoml_cli.samples.coordinates import LATITUDE, LONGITUDE, lon_lat_of_samples
from geoml_cli.samples.input import Grid
from geoml_cli.work.distinct import distinct
from geoml_cli.writers import time_maps
from geoml_cli.writers.chunk_store import ChunkStore
from geoml_cli.writers.map import Map
from geoml_cli.writers.suffixes import require_suffix

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]
_SUFFIXES = (".nc", ".tif", ".tiff")
_ON_GRID, _ROUNDED = 0.01, 0.05
"""Part of a cell's side that a centre may be off its place, and where coordinates come with few decimals."""
_SAME_STEP = 1.5
"""Steps that are longer than the least by more skip cells."""
_SPARSEST = 1000
"""Cells of a grid for each that holds data; more, and it is no grid that the data lie on."""
_DEGREES = "EPSG:4326"
_HALF_TURN = 180.0


class CellGrid(NamedTuple):
    """A regular grid that samples lie on.

    Attributes:
        latitude: Of the rows' centres [degrees], north first.
        longitude: Of the columns' centres [degrees].
        side: Of a cell [degrees], north-south and east-west.
        row_N: Row of each sample.
        column_N: Column of each.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    side: tuple[float, float]
    row_N: Rows
    column_N: Rows

    @property
    def grid(self) -> Grid:
        """Return the place of the grid on Earth."""
        north, west = self.latitude[0] + self.side[0] / 2, self.longitude[0] - self.side[1] / 2
        size = len(self.latitude), len(self.longitude)
        return Grid(_DEGREES, (self.side[1], 0.0, float(west), 0.0, -self.side[0], float(north)), *size)


def cell_grid(dataset: Dataset) -> CellGrid:
    """Find the grid that the cells of a data set lie on.

    Raises:
        DataError: They lie on none.
    """
    place = np.round(lon_lat_of_samples(dataset, len(dataset.array("cell"))), 6)
    place[:, 0] = _past_180(place[:, 0])
    (longitude, east), (latitude, north) = (np.unique(values, return_inverse=True) for values in place.T)
    southward = -latitude[::-1]
    (first_row, rows_side), (first_column, columns_side) = _fit(southward), _fit(longitude)
    # A single row or column has no spacing of its own: cells are then taken for squares.
    side = (rows_side or columns_side or 1.0, columns_side or rows_side or 1.0)
    row, column = _numbered(southward, first_row, side[0])[::-1], _numbered(longitude, first_column, side[1])
    cells, occupied = (row.max() + 1) * (column.max() + 1), len(distinct(dataset.array("cell")))
    off = max(_off(southward, first_row, side[0]), _off(longitude, first_column, side[1]))
    if off > _ROUNDED or cells > _SPARSEST * occupied:
        raise DataError(
            f"its {occupied} cells lie on no regular grid (the nearest has sides of {side[0]:g} x {side[1]:g} "
            f"degrees and {cells} cells)",
            where=str(dataset.folder),
            fix="Write a table instead: --out predicted.csv or .parquet.",
        )
    axes = -first_row - side[0] * np.arange(row.max() + 1), first_column + side[1] * np.arange(column.max() + 1)
    return CellGrid(*axes, side, row[north.reshape(-1)], column[east.reshape(-1)])


def _past_180(longitude_N: NDArray[np.float64]) -> NDArray[np.float64]:
    """Count on past 180 degrees east where cells lie on both sides of the date line, and within half a turn."""
    known = np.unique(longitude_N)
    gaps = np.diff(known)
    if not len(gaps) or gaps.max() <= _HALF_TURN:
        return longitude_N
    return np.where(longitude_N <= known[gaps.argmax()], np.round(longitude_N + 2 * _HALF_TURN, 6), longitude_N)


def _fit(ascending: NDArray[np.float64]) -> tuple[float, float]:
    """Return the first centre and the spacing of a grid that values lie on, some left out; 0 of a single value."""
    first = float(ascending[0])
    if len(ascending) == 1:
        return first, 0.0
    steps = np.diff(ascending)
    least = float(steps.min())
    if _off(ascending, first, least) <= _ON_GRID:
        return first, least
    # Of cells of 0.25 degrees that are written with two decimals the least step is 0.24, and the mean is 0.25.
    cells = np.rint(steps / steps[steps < _SAME_STEP * least].mean())
    if np.median(cells) != 1:  # a value between others makes the least step, and no grid
        return first, least
    number = np.concatenate([[0.0], np.cumsum(cells)])
    spacing, start = (float(found) for found in np.polyfit(number, ascending, 1))
    # Sides are mostly parts of a degree, and centres lie on halves of a side.
    side = 1 / max(np.rint(1 / spacing), 1.0)
    round_start = np.rint(2 * float((ascending - number * side).mean()) / side) * side / 2
    is_round = _off(ascending, round_start, side) <= _ROUNDED
    return (float(round_start), float(side)) if is_round else (start, spacing)


def _numbered(ascending: NDArray[np.float64], first: float, side: float) -> Rows:
    return np.asarray(np.rint((ascending - first) / side), dtype=np.int64)


def _off(ascending: NDArray[np.float64], first: float, side: float) -> float:
    place = (ascending - first) / side
    return float(np.abs(place - np.rint(place)).max())


def cells_job(maps: MapFiles, dataset: Dataset) -> PredictionJob:
    """Predict every sample, then lay each time out as a map: one NetCDF, or a GeoTIFF per time.

    Raises:
        DataError: The cells lie on no regular grid.
    """
    grid = cell_grid(dataset)

    def write(out: Path, store: ChunkStore, count: int) -> list[Path]:
        files, figures = _write(maps, dataset, grid, out, store)
        last = f" to {files[-1].name}" if len(files) > 1 else ""
        maps.reporter.info(f"{len(files)} file(s): {files[0].name}{last}.")
        return [files[0], *figures]

    return replace(samples_job(maps.trained, dataset), write=write, check=_check_suffix)


def _check_suffix(out: Path) -> None:
    require_suffix(out, _SUFFIXES, "map")


def _write(
    maps: MapFiles, dataset: Dataset, grid: CellGrid, out: Path, store: ChunkStore
) -> tuple[list[Path], list[Path]]:
    """Write one NetCDF or a GeoTIFF for each time; return these files, and what stands next to them."""
    trained = maps.trained
    values_ON: Floats = np.lib.format.open_memmap(
        store.folder / "all.npy", mode="w+", dtype=np.float32, shape=(len(trained.outputs()), len(grid.row_N))
    )
    for number, rows in enumerate(rows_of_chunks(len(grid.row_N), trained.settings.shared.predict.rows)):
        values_ON[:, rows] = store.read(number)
    frames, times = _frames(grid, dataset, values_ON), distinct(dataset.array("time"))
    head, block = attributes(trained, dataset), trained.settings.shared.predict.block
    if out.suffix.lower() == ".nc":
        axes = (LATITUDE, grid.latitude), (LONGITUDE, grid.longitude)
        series = time_maps.TimeMaps(axes, trained.outputs(), head, period=dataset.manifest.step)
        time_maps.write(out, series, frames)
        labels = [_label(times, time) for time, _ in _frames(grid, dataset, values_ON[:1])]
        place, shown = fullest(labels, (layers for _, layers in _frames(grid, dataset, values_ON[:1])))
        layers = next(islice(_frames(grid, dataset, values_ON), place, None))[1]
        content = Map(grid.grid, trained.outputs(), block, {**head, "time": labels[place], SHOWN: shown})
        return [out], maps.draw(out, content, layers)
    files, figures = list[Path](), list[Path]()
    everything = slice(0, len(grid.latitude)), slice(0, len(grid.longitude))
    for time, layers in frames:
        path = out if len(times) == 1 else out.with_stem(f"{out.stem}-{_label(times, time)}")
        content = Map(grid.grid, trained.outputs(), block, {**head, "time": _label(times, time)})
        file, *others = maps.write(path, content, [(*everything, layers)])
        files.append(file)
        figures += others
    return files, figures


def _label(minutes: NDArray[np.int64], time: np.datetime64) -> str:
    """Name a time as short as all can be named: by year where all begin one."""
    times_ = np.datetime64("1970-01-01", "m") + minutes.astype("timedelta64[m]")
    for unit in ("Y", "M", "D"):
        if (times_.astype(f"datetime64[{unit}]").astype("datetime64[m]") == times_).all():
            return str(time.astype(f"datetime64[{unit}]"))
    return str(time.astype("datetime64[m]")).replace(":", "")


def _frames(grid: CellGrid, dataset: Dataset, values_BN: Floats) -> Iterator[tuple[np.datetime64, Floats]]:
    """Lay out one time after another, each [bands, rows, columns], NaN where there is no sample."""
    time_N = np.asarray(dataset.array("time"))
    for minute in distinct(time_N):
        rows = np.flatnonzero(time_N == minute)
        layers = np.full((len(values_BN), len(grid.latitude), len(grid.longitude)), np.nan, dtype=np.float32)
        layers[:, grid.row_N[rows], grid.column_N[rows]] = values_BN[:, rows]
        yield np.datetime64("1970-01-01", "m") + np.timedelta64(int(minute), "m"), layers
