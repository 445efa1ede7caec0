"""One variable of one gridded file, or of hundreds, as one lazy array over time.

Legend: T time steps, Y rows, X columns.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import GridAxes
from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError, GeomlError, located
from geoml_cli.readers.grid_crop import repeats_first_column
from geoml_cli.readers.grid_files import damage_named
from geoml_cli.readers.grid_values import Decoding, assumed_fills
from geoml_cli.readers.time_steps import Stamped, Times, label

BLOCK_BYTES = 32 << 20
"""Of a block that is read at once; a file that is smaller is read whole."""

_SAME_DEGREES = 1e-3
Index = NDArray[np.int64]
Frames = NDArray[np.float32]


_SINCE_1582, _REFORM = {"standard", "proleptic_gregorian"}, 1582
"""Calendars that are the same after the year of the reform; cftime calls `gregorian` standard."""
MOVED = "times stand at the end of their intervals, by their bounds, and are taken to the beginning"
NOT_ALL = "but there are no such bounds in"


@dataclass(frozen=True)
class FilePart:
    """What one file holds of a variable.

    Attributes:
        path: The file.
        times: Of its frames, [T].
        axes: Positions of the cells.
        described: `units`, `long_name` and `standard_name`, as far as the file has them.
        read: Stored numbers of some time steps, [t, Y, X].
        decoding: How numbers are stored.
        notes: What was overruled or left out.
    """

    path: Path
    times: Times
    axes: GridAxes
    described: Mapping[str, str]
    read: Callable[[slice], NDArray[Any]]
    decoding: Decoding
    notes: tuple[str, ...] = ()


class LazyFrames:
    """Frames of one file in the form that dask cuts into blocks.

    Args:
        part: The file.
        rows: Rows to read.
        columns: Columns to read.
    """

    dtype = np.dtype(np.float32)
    ndim = 3

    def __init__(self, part: FilePart, rows: Index, columns: Index) -> None:
        self._part, self._rows, self._columns = part, rows, columns
        self._whole = all(
            np.array_equal(k, np.arange(n)) for k, n in zip((rows, columns), part.axes.shape, strict=True)
        )
        self.shape = (len(part.times), len(rows), len(columns))

    def __getitem__(self, key: tuple[slice, ...]) -> Frames:
        """Read physical values, NaN where missing, [t, Y, X].

        Raises:
            DataError: They cannot be read; the message names the file and the first such time.
        """
        steps = range(*key[0].indices(self.shape[0]))
        try:
            return self._values(steps)[:, key[1], key[2]]
        except GeomlError:
            for step in steps if len(steps) > 1 else ():
                self._values(range(step, step + 1))  # raises for the first that is damaged
            raise

    def _values(self, steps: range) -> Frames:
        times = self._part.times
        named = label(times[steps[0]]) if len(steps) == 1 else f"{label(times[steps[0]])} to {label(times[steps[-1]])}"
        with damage_named(self._part.path, f" at {named}"), located(f"{self._part.path}, time {named}"):
            values = self._part.decoding.decode(self._part.read(slice(steps.start, steps.stop)))
        return values if self._whole else values[:, self._rows][:, :, self._columns]


@dataclass(frozen=True)
class Gridded:
    """A variable over time.

    Attributes:
        array: Dask array of physical values, NaN where missing, float32, [T, Y, X].
        stamped: Times and their files, ascending unless the files are not.
        axes: Positions of the cells.
        unit: Of the values; empty where the files have none.
        long_name: For people; empty where the files have none.
        standard_name: CF; empty where the files have none.
        decodings: Of all files; hold the undeclared fills once values were read.
        notes: What was overruled or left out, each once.
    """

    array: Any
    stamped: Stamped
    axes: GridAxes
    unit: str
    long_name: str
    standard_name: str
    decodings: Sequence[Decoding] = ()
    notes: tuple[str, ...] = field(default=())

    def during(self, steps: slice) -> Gridded:
        """Return some consecutive time steps."""
        stamped = Stamped(self.stamped.times[steps], self.stamped.files[steps])
        return replace(self, array=self.array[steps], stamped=stamped)

    def undeclared_fills(self) -> list[str]:
        """Say which fills no file declared, and how often they were met in what was read."""
        return assumed_fills(self.decodings)


def joined(parts: Sequence[FilePart], cells: Callable[[GridAxes], tuple[Index, Index]]) -> Gridded:
    """Join files along time, in the order of their first times.

    Args:
        parts: The files.
        cells: Chooses rows and columns of the grid.

    Raises:
        DataError: Grids, units or calendars differ, or no cell is chosen.
    """
    da: Any = importlib.import_module("dask.array")  # its functions are untyped

    first = parts[0]
    parts = [_in_calendar(part, first) for part in parts]
    for part in parts[1:]:
        _refuse_difference(first, part)
    ordered = sorted((part for part in parts if part.times), key=lambda part: part.times[0])
    if not ordered:
        raise DataError("holds no time step", where=str(first.path), fix="Give files with data.")
    rows, columns = cells(first.axes)
    arrays = [
        da.from_array(
            LazyFrames(part, rows, columns),
            chunks=(_block(part), -1, -1),
            name=f"{part.path}-{number}-{id(part)}",
            meta=np.empty((0, 0, 0), dtype=np.float32),
        )
        for number, part in enumerate(ordered)
    ]
    notes = [note for part in ordered for note in _of_bounds(part, ordered)]
    if repeats_first_column(first.axes):
        notes.append("the last column, 360 degrees from the first, is the same cells and is left out")
    if (np.diff(columns) < 0).any():
        notes.append(f"columns begin at longitude {first.axes.lon[columns[0]]:g}, where files have two separate parts")
    times = [time for part in ordered for time in part.times]
    files = [part.path.name for part in ordered for _ in part.times]
    return Gridded(
        array=da.concatenate(arrays, axis=0),
        stamped=Stamped(times, files),
        axes=first.axes.cut(rows, columns),
        unit=first.described.get("units", ""),
        long_name=first.described.get("long_name", ""),
        standard_name=first.described.get("standard_name", ""),
        decodings=[part.decoding for part in ordered],
        notes=tuple(dict.fromkeys(notes)),
    )


def _in_calendar(part: FilePart, first: FilePart) -> FilePart:
    """Return a file with its times in the calendar of the first one, where the two are one since 1582."""
    calendars = {time.calendar for each in (part, first) for time in each.times[:1]}
    if len(calendars) < len(_SINCE_1582) or not calendars <= _SINCE_1582:
        return part
    if min(time.year for each in (part, first) for time in each.times) <= _REFORM:
        return part
    return replace(part, times=[time.change_calendar(first.times[0].calendar) for time in part.times])


def _of_bounds(part: FilePart, parts: Sequence[FilePart]) -> Sequence[str]:
    """Return the notes of a file; where others have no bounds that move their times, it is said of which."""
    others = [other.path.name for other in parts if MOVED not in other.notes]
    if MOVED not in part.notes or not others:
        return part.notes
    return [f"{note} in {part.path.name}, {NOT_ALL} {others[0]}" if note == MOVED else note for note in part.notes]


def same_axes(one: GridAxes, other: GridAxes) -> bool:
    """Return whether two grids have their cells at the same places, in the same order."""
    return _same(one.lat, other.lat) and _same(one.lon, other.lon)


def _same(one: NDArray[np.floating], other: NDArray[np.floating]) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=0, atol=_SAME_DEGREES)


def _block(part: FilePart) -> int:
    """Return how many frames are read at once."""
    frame = 4 * int(np.prod(part.axes.shape))
    return max(1, min(len(part.times), BLOCK_BYTES // max(frame, 1)))


def _places(one: GridAxes, other: GridAxes) -> str:
    """Say how far apart latitudes and longitudes of two grids are that have as many cells."""
    pairs = (("latitudes", one.lat, other.lat), ("longitudes", one.lon, other.lon))
    return ", ".join(
        f"{name} begin at {first[0]:g} and {second[0]:g} and are up to {np.abs(first - second).max():.3g} degrees apart"
        for name, first, second in pairs
        if not _same(first, second)
    )


def _refuse_difference(first: FilePart, other: FilePart) -> None:
    where = f"{first.path} and {other.path}"
    if not same_axes(first.axes, other.axes):
        sizes = " and ".join(f"{part.axes.shape[0]} x {part.axes.shape[1]}" for part in (first, other))
        how, fix = f"{sizes} cells", "Give files of one grid."
        if _same(first.axes.lat, other.axes.lat[::-1]):
            how, fix = "latitudes run the other way", "Turn one of them: cdo invertlat, ncpdq -a -lat."
        elif _same(first.axes.lat, other.axes.lat) and _same(
            *(np.sort(np.round(part.axes.lon, 3) % 360) for part in (first, other))
        ):
            begin = " and ".join(f"{part.axes.lon.flat[0]:g}" for part in (first, other))
            how, fix = f"longitudes begin at {begin}", "Bring them to one begin: cdo sellonlatbox,-180,180,-90,90."
        elif first.axes.shape == other.axes.shape:
            how = _places(first.axes, other.axes) if first.axes.regular else "positions of some cells"
        raise DataError(f"grids differ ({how})", where=where, fix=fix)
    units = [part.described.get("units", "") for part in (first, other)]
    if not same_unit(*units):
        raise DataError(f"units differ ({units[0]!r} and {units[1]!r})", where=where, fix="Give files of one unit.")
    calendars = [part.times[0].calendar for part in (first, other) if part.times]
    if len(set(calendars)) > 1:
        raise DataError(f"calendars differ ({' and '.join(calendars)})", where=where, fix="Give files of one calendar.")
