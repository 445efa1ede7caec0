"""The contract a source fills: raw files of one provider in, a prepared data set out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from geoml_cli.dataset.manifest import Funnel, Layout, Manifest
    from geoml_cli.dataset.store import Dataset, DatasetWriter
    from geoml_cli.samples.input import CovariateStack, DailyPixelStack, Points, TableChunk
    from geoml_cli.work.reporting import Reporter


class Options(BaseModel):
    """A source's options: every field is an option of `geoml prepare SOURCE`, documented by its docstring."""

    model_config = ConfigDict(extra="forbid", frozen=True)


POSITIONAL = "positional"
"""Metadata of a field that is an argument of the command, not an option."""


class MaskOptions(Options):
    """Flags of a source whose maps are made from rasters."""

    mask: Path | None = None
    """Polygons (GeoPackage, GeoJSON, shapefile) outside of which pixels of a map are missing."""

    border: Path | None = None
    """Lines or polygons drawn on the page of a map, such as a coastline [the outlines of --mask]."""


class RasterMapOptions(MaskOptions):
    """Flags of a source whose data sets are made from rasters."""

    map: bool = False
    """Predict every pixel of the covariate rasters."""

    rasters: Path | None = None
    """Folder of covariate rasters [those of the data set]."""

    nodata: tuple[str, ...] = ()
    """NAME=VALUE: a value that means "no data" in the raster NAME; NAME=none: none does [as prepared]."""


class PointTableOptions(RasterMapOptions):
    """Flags of a source that samples rasters at the points of a table."""

    table: Path | None = None
    """Table of points to predict."""

    crs: str | None = None
    """Coordinate reference system of the points of --table [EPSG:4326]."""


class SampleTableOptions(Options):
    """Flags of a source that reads tables of samples."""

    table: Path | None = None
    """Table of samples of one's own to predict."""


class DailyPixelOptions(MaskOptions):
    """Flags of a source that reads stacks of pixels by day."""

    stack: Path | None = None
    """Pixels by day to map: NetCDF, Zarr, or a folder of GeoTIFFs such as eto_20210601.tif."""

    from_: str | None = None
    """First day of the maps, YYYY-MM-DD [the first that the stack allows]."""

    to: str | None = None
    """Last day of the maps [the last of the stack]."""


class CellMapOptions(Options):
    """Flags of a source whose samples are cells of a grid."""

    map: bool = False
    """Lay the cells of the data set out as a map, one for each time."""


class SumOptions(Options):
    """Flags of a source of measured series."""

    sums: str | None = None
    """Fill the gaps of measured series and sum them up by day, month or year."""

    fill: str = "network"
    """What fills the gaps for --sums: the `network`, or `mds`, marginal distribution sampling (half-hours, hours)."""

    strict: bool = False
    """Fail (exit code 4), in place of a warning, where what fills the gaps for --sums has no skill on held-out data."""


O = TypeVar("O", bound=Options)  # noqa: E741  O as in options


@dataclass(frozen=True)
class PreparedInfo:
    """What a source says of the data set it has just written."""

    layout: Layout
    funnel: Funnel
    facts: dict[str, Any]


@dataclass(frozen=True)
class SourceCard:
    """A source's entry in `geoml list`; light to import.

    Attributes:
        summary: One line.
        options: Options of `geoml prepare SOURCE`.
        inputs: Options of the inputs that `geoml predict` takes from it.
        licence: What the providers' data are licensed under; empty where the data are users' own.
        citation: What the providers ask to be cited; authors, year, title, DOI.
        more_groups: By a variable that splits go by, how to prepare the data with more groups of it.
    """

    summary: str
    options: type[Options]
    inputs: tuple[type[Options], ...] = ()
    licence: str = ""
    citation: str = ""
    more_groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Source(Generic[O]):
    """Functions that read one provider's raw data.

    Attributes:
        files: The raw files that `prepare` will read, in a stable order; raises DataError where there are none.
        prepare: Writes `dataset.nc`, streaming.
        synthetic: Writes small synthetic raw files in the provider's format, from a seed; returns the options to
            prepare them with.
        stack: Opens rasters like those a data set was made from (folder, manifest, what is said of their fills as for
            `prepare --nodata`); None where a source has no rasters.
        points: Reads a table of points to predict at (file, CRS, rows at a time); None where there are no rasters.
        rows: Reads a user's table of samples (file, data set of the run, rows at a time), such as cells with their
            factors, or positions in space and time; None where a source has no such tables.
        row_reasons: Why a row of such a table may carry no sample, as the blocks of `rows` number it; empty where they
            do not.
        pixels: Opens a stack of pixels by day (path, manifest); None where a source has none.
        read_through: Reads a raw file to its end for what `prepare` will ask of all of it, such as its encoding: its
            digest is made in the same pass; None where there is no such question.
    """

    files: Callable[[Path, O], list[Path]]
    prepare: Callable[[Path, O, DatasetWriter, Reporter], PreparedInfo]
    synthetic: Callable[[Path, int], O]
    stack: Callable[[Path, Manifest, Sequence[str]], CovariateStack] | None = None
    points: Callable[[Path, str, int], Iterator[Points]] | None = None
    rows: Callable[[Path, Dataset, int], Iterator[TableChunk]] | None = None
    row_reasons: tuple[str, ...] = ()
    pixels: Callable[[Path, Manifest], DailyPixelStack] | None = None
    read_through: Callable[[Path], None] | None = None
