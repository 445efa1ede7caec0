"""The contract a source fills: raw files of one provider in, a prepared data set out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from geoml_cli.dataset.manifest import Funnel, Layout, Manifest
from geoml_cli.dataset.store import Array, Block, Dataset, DatasetWriter
from geoml_cli.work.reporting import Reporter


class Options(BaseModel):
    """A source's options: every field is an option of `geoml prepare SOURCE`, documented by its docstring."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


O = TypeVar("O", bound=Options)  # noqa: E741  O as in options


@dataclass(frozen=True)
class PreparedInfo:
    """What a source says of the data set it has just written."""

    layout: Layout
    funnel: Funnel
    facts: dict[str, Any]


@dataclass(frozen=True)
class Grid:
    """A raster's place on Earth: CRS as WKT, affine transform (a, b, c, d, e, f), size in pixels."""

    crs: str
    transform: tuple[float, float, float, float, float, float]
    height: int
    width: int


@dataclass(frozen=True)
class PixelBlock:
    """Samples made of the pixels of a window of rows and columns.

    Attributes:
        valid: Which pixels of the window carry a sample, shape [rows, columns]; their samples stand in
            `variables` in row-major order.
        variables: The samples, named and united as in the prepared data set.
    """

    valid: NDArray[np.bool_]
    variables: Block


class Scene(Protocol):
    """A stack of rasters that can be cut into the same samples as the data set a network was trained on."""

    grid: Grid

    def digest(self) -> str:
        """Name the content, so that an interrupted prediction goes on only over the same rasters."""

    def block(self, rows: slice, columns: slice) -> PixelBlock:
        """Read a window; memory is bounded by the window, not by the raster."""

    def points(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> PixelBlock:
        """Cut samples at points [degrees east, north]; `valid` has shape [points]."""


@dataclass(frozen=True)
class Places:
    """Some rows of a table of points.

    Attributes:
        identity: Name of each point.
        longitude: Degrees east, shape [N]; NaN where missing.
        latitude: Degrees north, likewise.
    """

    identity: list[str]
    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]


class Named(NamedTuple):
    """A column of a user's table, as it is handed on: name, unit, meaning, and a value (or text) a row."""

    name: str
    unit: str
    long_name: str
    values: Array | list[str]


@dataclass(frozen=True)
class TableBlock:
    """Some rows of a user's table of samples.

    Attributes:
        columns: What says which row is which: identity, place and time, all rows, in the table's own order.
        valid: Which rows carry a sample, shape [rows]; the others are missing in the prediction.
        variables: The samples of the valid rows, named and united as in the prepared data set.
    """

    columns: tuple[Named, ...]
    valid: NDArray[np.bool_]
    variables: Block


@dataclass(frozen=True)
class SourceCard:
    """A source's entry in `geoml list`; light to import.

    Attributes:
        summary: One line.
        options: Options of `geoml prepare SOURCE`.
    """

    summary: str
    options: type[Options]


@dataclass(frozen=True)
class Source(Generic[O]):
    """Functions that read one provider's raw data.

    Attributes:
        files: The raw files that `prepare` will read, in a stable order; raises DataError where there are none.
        prepare: Writes `dataset.nc`, streaming.
        synthetic: Writes small synthetic raw files in the provider's format, from a seed; returns the options to
            prepare them with.
        scene: Opens rasters like those a data set was made from (folder, manifest); None where a source has no rasters.
        places: Reads a table of points to predict at (file, CRS, rows at a time); None where there is no scene.
        rows: Reads a user's table of samples (file, data set of the run, rows at a time), such as cells with their
            factors, or positions in space and time; None where a source has no such tables.
    """

    files: Callable[[Path, O], list[Path]]
    prepare: Callable[[Path, O, DatasetWriter, Reporter], PreparedInfo]
    synthetic: Callable[[Path, int], O]
    scene: Callable[[Path, Manifest], Scene] | None = None
    places: Callable[[Path, str, int], Iterator[Places]] | None = None
    rows: Callable[[Path, Dataset, int], Iterator[TableBlock]] | None = None
