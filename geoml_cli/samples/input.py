"""What sources give to a prediction: samples of a table or of rasters, like those of a prepared data set.

Legend: N rows of a table, R rows and C columns of a raster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Array, Block
from geoml_cli.dataset.variables import Variable


@dataclass(frozen=True)
class Grid:
    """A raster's place on Earth: CRS as WKT, affine transform (a, b, c, d, e, f), size in pixels."""

    crs: str
    transform: tuple[float, float, float, float, float, float]
    height: int
    width: int


@dataclass(frozen=True)
class SampleBlock:
    """Samples made on the fly.

    Attributes:
        valid: Which cells carry a sample, shape [R, C] of a raster's window or [N] of a table; their samples are in
            `variables` in row-major order.
        variables: The samples, with the names and units of the prepared data set.
        reason: Place among the input's reasons why a cell carries no sample, -1 where it is none of them, in `valid`'s
            shape; None of an input without reasons.
    """

    valid: NDArray[np.bool_]
    variables: Block
    reason: NDArray[np.int16] | None = None


def first_reason(holds: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Return the place of the first reason that holds, -1 where none does.

    Args:
        holds: Whether each reason holds of each cell, shape [reasons, ...].
    """
    return np.where(holds.any(axis=0), holds.argmax(axis=0), -1).astype(np.int16)


POINT_REASONS = ("no coordinates", "outside the rasters")
"""Why a point carries no sample, before the reasons of the stack."""


def point_reason(
    has_place_N: NDArray[np.bool_], is_inside_N: NDArray[np.bool_], holds: NDArray[np.bool_]
) -> NDArray[np.int16]:
    """Return the place of each point's first reason among `POINT_REASONS` and those of the stack, -1 where none holds.

    Args:
        has_place_N: Whether the coordinates are known.
        is_inside_N: Whether the point lies on the rasters.
        holds: Whether each reason of the stack holds, [reasons, N].
    """
    return first_reason(np.stack([~has_place_N, has_place_N & ~is_inside_N, *holds]))


class CovariateStack(Protocol):
    """A stack of rasters that gives the same samples as the data set a network was trained on.

    Attributes:
        grid: The pixels' place on Earth.
        notes: What the user should know of them.
        reasons: Why a pixel carries no sample.
    """

    grid: Grid
    notes: Sequence[str]
    reasons: Sequence[str]

    @property
    def year(self) -> int | None:
        """Return the calendar year that maps are of; None where the rasters are of no year."""

    def digest(self, *, all_years: bool = False) -> str:
        """Name the content, so that an interrupted prediction resumes only over the same rasters.

        Args:
            all_years: Name rasters of other years than the map's too, which points may be of.
        """

    def block(self, rows: slice, columns: slice) -> SampleBlock:
        """Read a window; memory is bounded by the window, not by the raster."""

    def points(self, points: Points) -> SampleBlock:
        """Sample at points, found by their own x and y; `valid` has shape [N], reasons are as of `point_reason`."""


class DailyPixelStack(Protocol):
    """Pixels by day that give the same samples as the data set a network was trained on.

    Attributes:
        grid: The pixels' place on Earth.
        days: Consecutive days of the stack.
        reasons: Why a pixel carries no sample on a day.
    """

    days: NDArray[np.datetime64]
    reasons: Sequence[str]

    @property
    def grid(self) -> Grid:
        """Return the pixels' place on Earth."""

    def digest(self) -> str:
        """Name the content, so that an interrupted prediction resumes only over the same stack."""

    def block(self, rows: slice, columns: slice, days: slice) -> SampleBlock:
        """Make the samples of a window, `valid` [days, R, C]; memory is bounded by the window, not by the stack."""


@dataclass(frozen=True)
class Points:
    """Some rows of a table of points.

    Attributes:
        identity: Name of each point.
        x: Easting or longitude as the table has it, shape [N]; NaN where missing.
        y: Northing or latitude, likewise.
        crs: Of x and y.
        longitude: Degrees east; NaN where missing.
        latitude: Degrees north, likewise.
        year: Calendar year of each point, NaN where its cell is empty; None where the table has no such column, or
            the rasters are of no year.
    """

    identity: list[str]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    crs: str
    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    year: NDArray[np.float64] | None = None

    @property
    def has_place(self) -> NDArray[np.bool_]:
        """Whether both coordinates are known, shape [N]."""
        return np.isfinite(self.x) & np.isfinite(self.y)


class TableColumn(NamedTuple):
    """An identifying column of a user's table (id, coordinates, time), copied unchanged to the output."""

    variable: Variable
    values: Array | list[str]


@dataclass(frozen=True)
class TableChunk:
    """Some rows of a user's table.

    Attributes:
        columns: Identifying columns, all rows, in the table's own order.
        read: Makes the samples of the rows; called only where they are not predicted yet.
        reasons: Why a row carries no sample, empty where it does; None where the source does not tell.
    """

    columns: tuple[TableColumn, ...]
    read: Callable[[], SampleBlock]
    reasons: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.columns[0].values)


@dataclass(frozen=True)
class TableInput:
    """A user's table, read as often as it is asked for, some rows at a time.

    Attributes:
        path: The file.
        digest: What else than the file determines the samples.
        chunks: Most rows in memory at once, to the chunks in order.
        reasons: Why a row carries no sample, where the samples that are made tell it.
    """

    path: Path
    digest: Mapping[str, object]
    chunks: Callable[[int], Iterator[TableChunk]]
    reasons: Sequence[str] = ()
