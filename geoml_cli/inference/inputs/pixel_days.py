"""Stacks of pixels by day, to a map of the target for every day."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import SettingsError
from geoml_cli.inference.inputs.masking import MaskedWindows
from geoml_cli.inference.inputs.vectors import Mask
from geoml_cli.inference.job import Chunk, ChunkSamples, PredictionJob, attributes
from geoml_cli.inference.map_files import SHOWN, MapFiles, fullest
from geoml_cli.inference.missing import PIXELS_MISSING, as_text, missing_by_reason
from geoml_cli.samples.coordinates import LATITUDE, LONGITUDE
from geoml_cli.samples.input import DailyPixelStack, Grid
from geoml_cli.writers import grid_axes, time_maps
from geoml_cli.writers.chunk_store import ChunkStore
from geoml_cli.writers.map import Map
from geoml_cli.writers.suffixes import require_suffix

Window = tuple[slice, slice]
Floats = NDArray[np.float32]
_SUFFIXES = (".nc", ".tif", ".tiff")
_SHARE = 4
"""Days and pixels read at once for each row that is predicted at once: they take a few bands of four bytes."""


def requested_days(stack: DailyPixelStack, named: tuple[str | None, str | None]) -> slice:
    """Return the days of the stack that are mapped.

    Raises:
        SettingsError: A day is none, or none of the stack's.
    """
    ends = []
    for option, text, default in (("--from", named[0], stack.days[0]), ("--to", named[1], stack.days[-1])):
        try:
            day = default if text is None else np.datetime64(datetime.date.fromisoformat(text), "D")
        except ValueError as error:
            fix = "Write it as 2021-06-01 or 20210601."
            raise SettingsError(f"{text!r} is no day.", where=option, fix=fix) from error
        if not stack.days[0] <= day <= stack.days[-1]:
            raise SettingsError(
                f"{day} is not among the days of the stack.",
                where=option,
                fix=f"They are {stack.days[0]} to {stack.days[-1]}.",
            )
        ends.append(int((day - stack.days[0]).astype(np.int64)))
    if ends[0] > ends[1]:
        raise SettingsError("--from is after --to.", where="--from", fix="Exchange them.")
    return slice(ends[0], ends[1] + 1)


def pixel_days_job(files: MapFiles, stack: DailyPixelStack, days: slice, mask: Mask | None) -> PredictionJob:
    """Predict every pixel on every day that has all inputs, inside the mask; others are missing."""
    trained = files.trained
    masked = MaskedWindows(trained, mask, stack.reasons)
    budget = trained.settings.shared.predict.rows * _SHARE
    windows = list(strips(stack.grid, max(budget // len(stack.days), 1)))
    chosen = stack.days[days]

    def chunks() -> Iterator[Chunk]:
        for number, window in enumerate(windows):
            yield Chunk(number, lambda window=window: _samples(masked, stack, window, days))  # type: ignore[misc]

    def write(out: Path, store: ChunkStore, count: int) -> list[Path]:
        text = as_text(missing_by_reason(masked.reasons, trained.undefined, store, count))
        return _write(
            files, stack.grid, chosen, windows, _Target(out, store, {**masked.attributes, PIXELS_MISSING: text})
        )

    return PredictionJob(
        cell="pixels by day",
        digest={"stack": stack.digest(), "days": [str(chosen[0]), str(chosen[-1])], "budget": budget, **masked.digest},
        chunks=chunks,
        total=len(windows),
        write=write,
        unit=trained.outputs()[0].unit,
        check=partial(_check, stack.grid),
        reasons=masked.reasons,
    )


def strips(grid: Grid, pixels: int) -> Iterator[Window]:
    """Cut a grid into windows of at most so many pixels: whole rows where these fit, since files hold them together."""
    width = min(grid.width, pixels)
    height = max(pixels // width, 1) if width == grid.width else 1
    for top in range(0, grid.height, height):
        for left in range(0, grid.width, width):
            yield slice(top, min(top + height, grid.height)), slice(left, min(left + width, grid.width))


def _check(grid: Grid, out: Path) -> None:
    """Refuse a file of another kind, or one whose axes cannot be those of the grid."""
    require_suffix(out, _SUFFIXES, "map")
    if out.suffix.lower() == ".nc":
        grid_axes.axes_of(grid)


def _samples(masked: MaskedWindows, stack: DailyPixelStack, window: Window, days: slice) -> ChunkSamples:
    shape = (days.stop - days.start, *(part.stop - part.start for part in window))
    return masked.samples(window, shape, lambda: stack.block(*window, days))


class _Target:
    """Where maps go, and what is said in them of mask and missing pixels."""

    def __init__(self, out: Path, store: ChunkStore, attributes: dict[str, str]) -> None:
        self.out, self.store, self.attributes = out, store, attributes


def _write(
    maps: MapFiles, grid: Grid, days: NDArray[np.datetime64], windows: list[Window], target: _Target
) -> list[Path]:
    """Lay the chunks out by day on disk, then write one NetCDF, or a GeoTIFF per day."""
    trained = maps.trained
    outputs = trained.outputs()
    whole: Floats = np.lib.format.open_memmap(
        target.store.folder / "all.npy",
        mode="w+",
        dtype=np.float32,
        shape=(len(days), len(outputs), grid.height, grid.width),
    )
    for number, (rows, columns) in enumerate(windows):
        whole[:, :, rows, columns] = np.moveaxis(target.store.read(number), 0, 1)
    head = {**attributes(trained), **target.attributes}
    if target.out.suffix.lower() == ".nc":
        series = time_maps.TimeMaps(_axes(grid), outputs, head, grid_axes.grid_mapping(grid), "day")
        time_maps.write(target.out, series, zip(days, whole, strict=True))
        place, shown = fullest(list(days), (layers[0] for layers in whole))
        head |= {"time": str(days[place]), SHOWN: shown}
        content = Map(grid, outputs, trained.settings.shared.predict.block, head)
        return [target.out, *maps.draw(target.out, content, whole[place])]
    everything = slice(0, grid.height), slice(0, grid.width)
    files, figures = list[Path](), list[Path]()
    for day, layers in zip(days, whole, strict=True):
        out = target.out if len(days) == 1 else target.out.with_stem(f"{target.out.stem}-{day}")
        content = Map(grid, outputs, trained.settings.shared.predict.block, {**head, "time": str(day)})
        file, *others = maps.write(out, content, [(*everything, layers)])
        files.append(file)
        figures += others
    return [files[0], *figures]


def _axes(grid: Grid) -> tuple[time_maps.Axis, time_maps.Axis]:
    rows, columns = grid_axes.axes_of(grid)
    return _described(rows), _described(columns)


def _described(axis: grid_axes.Axis) -> time_maps.Axis:
    name, values, attributes = axis
    known = next((one for one in (LATITUDE, LONGITUDE) if one.name == name), None)
    long_name = known.long_name if known else {"y": "northing", "x": "easting"}[name]
    return Variable(name, attributes["units"], long_name, attributes=attributes), values
