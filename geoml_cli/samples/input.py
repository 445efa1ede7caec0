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
    """

    valid: NDArray[np.bool_]
    variables: Block


class CovariateStack(Protocol):
    """A stack of rasters that gives the same samples as the data set a network was trained on.

    Attributes:
        grid: The pixels' place on Earth.
        notes: What the user should know of them.
    """

    grid: Grid
    notes: Sequence[str]

    def digest(self) -> str:
        """Name the content, so that an interrupted prediction resumes only over the same rasters."""

    def block(self, rows: slice, columns: slice) -> SampleBlock:
        """Read a window; memory is bounded by the window, not by the raster."""

    def points(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> SampleBlock:
        """Sample at points [degrees east, north]; `valid` has shape [points]."""


class DailyBlock(NamedTuple):
    """Samples of a window of pixels on several days.

    Attributes:
        samples: Their `valid` has shape [days, R, C].
        reason: Place among the stack's reasons why a pixel carries no sample on a day, -1 where there is none of them.
    """

    samples: SampleBlock
    reason: NDArray[np.int8]


class DailyPixelStack(Protocol):
    """Pixels by day that give the same samples as the data set a network was trained on.

    Attributes:
        grid: The pixels' place on Earth.
        days: Consecutive days of the stack.
        reasons: Why a pixel carries no sample on a day.
    """

    days: NDArray[np.datetime64]
    reasons: tuple[str, ...]

    @property
    def grid(self) -> Grid:
        """Return the pixels' place on Earth."""

    def digest(self) -> str:
        """Name the content, so that an interrupted prediction resumes only over the same stack."""

    def block(self, rows: slice, columns: slice, days: slice) -> DailyBlock:
        """Make the samples of a window; memory is bounded by the window, not by the stack."""


@dataclass(frozen=True)
class Points:
    """Some rows of a table of points.

    Attributes:
        identity: Name of each point.
        longitude: Degrees east, shape [N]; NaN where missing.
        latitude: Degrees north, likewise.
    """

    identity: list[str]
    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]


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
    """

    path: Path
    digest: Mapping[str, object]
    chunks: Callable[[int], Iterator[TableChunk]]
