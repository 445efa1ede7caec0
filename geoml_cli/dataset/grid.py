"""Data sets of the layout `grid`: one variable over time and a grid, with its coordinates, cell areas and land.

Legend: T time steps, Y rows, X columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from geoml_cli.dataset.store import DatasetWriter
from geoml_cli.dataset.variables import STRUCTURAL, Variable

TIME, LAT, LON, AREA, LAND = "time", "lat", "lon", "cell_area", "land"
RESERVED = STRUCTURAL | {TIME, LAT, LON, "y", "x", AREA, LAND}
"""Names of a grid data set that its main variable cannot have."""

_WITH_LEAP_SECONDS = ("standard", "gregorian", "proleptic_gregorian")
EARTH_RADIUS_M = 6_371_007.2
"""Of the sphere with the area of the WGS 84 ellipsoid."""

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]
StepKind = Literal["month", "day", "hour"]


class Step(BaseModel):
    """Distance between time steps: `count` times a month, a day or an hour."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: StepKind
    count: int = 1

    def __str__(self) -> str:
        return self.kind if self.count == 1 else f"{self.count} {self.kind}s"


class PaperGeometry(BaseModel):
    """What a paper cuts out of the grid: rows from `top`, columns from `left`, `size` of each, as far as there are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    top: int
    left: int
    size: int


class GridFacts(BaseModel):
    """Facts of a manifest whose layout is `grid`.

    Attributes:
        variable: Name of the main variable, on (time, lat, lon), or (time, y, x) where `regular` is False.
        unit: Its unit.
        long_name: For people.
        standard_name: CF; empty where the files have none.
        step: Distance between time steps; none is missing.
        calendar: CF calendar of the times.
        time_unit: Unit of the variable `time`, such as `days since 1970-01-01 00:00:00`.
        regular: Whether latitude and longitude are one-dimensional.
        land_from: Where the variable `land` comes from.
        paper: Cut of the paper, where a source has one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    variable: str
    unit: str
    long_name: str
    standard_name: str = ""
    step: Step
    calendar: str
    time_unit: str
    regular: bool
    land_from: Literal["file", "never valid"]
    paper: PaperGeometry | None = None


@dataclass(frozen=True)
class GridAxes:
    """Positions of the cells.

    Attributes:
        lat: Degrees north, [Y]; or [Y, X] on a curvilinear grid.
        lon: Degrees east, [X]; or [Y, X].
        unplaced: Cells of a curvilinear grid whose position the file lacks, [Y, X]; None for none.
        area: Of the cells [m2], [Y, X], where it is known; None computes it.
        lat_bounds: Where the rows of a regular grid begin and end [degrees], [Y, 2]; None: halfway between centres.
        lon_bounds: Likewise of columns, [X, 2].
    """

    lat: Floats
    lon: Floats
    unplaced: Mask | None = None
    area: Floats | None = None
    lat_bounds: Floats | None = None
    lon_bounds: Floats | None = None

    @property
    def regular(self) -> bool:
        """Return whether rows and columns follow latitudes and longitudes."""
        return self.lat.ndim == 1

    @property
    def shape(self) -> tuple[int, int]:
        """Return (Y, X)."""
        shape = (len(self.lat), len(self.lon)) if self.regular else self.lat.shape
        return int(shape[0]), int(shape[1])

    @property
    def dims(self) -> tuple[str, str]:
        """Return names of rows and columns."""
        return (LAT, LON) if self.regular else ("y", "x")

    def cell_area(self) -> Floats:
        """Return the area of each cell on a sphere [m2], shape [Y, X].

        A regular grid's cells end at their bounds, else halfway between their centres, and at the poles. On a
        curvilinear grid, the area is that of the parallelogram which the distances between neighbouring centres span:
        an approximation, within some percent for cells of a few degrees.
        """
        if self.area is not None:
            return self.area
        if not self.regular:
            placed = np.ones(self.shape, dtype=np.bool_) if self.unplaced is None else ~self.unplaced
            return EARTH_RADIUS_M**2 * _spanned(self.lat, self.lon, placed)
        lat = halfway(self.lat) if self.lat_bounds is None else self.lat_bounds
        lon = halfway(np.unwrap(self.lon, period=360)) if self.lon_bounds is None else self.lon_bounds
        height = np.abs(np.diff(np.sin(np.radians(np.clip(lat, -90, 90)))))
        return EARTH_RADIUS_M**2 * np.outer(height, np.abs(np.diff(np.radians(lon))))

    def cut(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> GridAxes:
        """Return the axes of some rows and columns."""
        if self.regular:
            lat_bounds = _bounds_of_part(self.lat, self.lat_bounds, rows)
            lon_bounds = _bounds_of_part(np.unwrap(self.lon, period=360), self.lon_bounds, columns)
            lon = continuous(self.lon[columns])
            return GridAxes(self.lat[rows], lon, lat_bounds=lat_bounds, lon_bounds=lon_bounds)
        cells = np.ix_(rows, columns)
        return GridAxes(self.lat[cells], self.lon[cells], None if self.unplaced is None else self.unplaced[cells])


def continuous(lon: Floats) -> Floats:
    """Return longitudes that rise or fall throughout, as CF asks of an axis: 350, 0, 10 become -10, 0, 10."""
    gaps = np.diff(lon)
    if (gaps > 0).all() or (gaps < 0).all():
        return lon
    unwrapped = np.unwrap(lon, period=360)
    return np.asarray(unwrapped - 360 if unwrapped.max() >= 360 else unwrapped)


def _bounds_of_part(centres: Floats, bounds: Floats | None, chosen: NDArray[np.int64]) -> Floats | None:
    """Return the bounds of a part of an axis, [K, 2]; None where they follow from the part's own centres."""
    if bounds is not None:
        return bounds[chosen]
    if len(chosen) > 1 or len(centres) == 1:
        return None
    # A single cell is as wide as it is far from its nearest neighbour, which the part leaves out.
    [own] = centres[chosen]
    half = np.abs(np.delete(centres, chosen) - own).min() / 2
    return np.array([[own - half, own + half]])


def halfway(centres: Floats) -> Floats:
    """Return where cells begin and end from their centres, [N, 2]; a single cell is one degree wide."""
    if len(centres) == 1:
        return np.array([[centres[0] - 0.5, centres[0] + 0.5]])
    half = np.diff(centres) / 2
    edges = np.concatenate([[centres[0] - half[0]], centres[:-1] + half, [centres[-1] + half[-1]]])
    return np.stack([edges[:-1], edges[1:]], axis=1)


def nearest(values: Floats, known: Mask) -> Floats:
    """Return values [..., Y, X] with those of the nearest known cell where they are not known; some cell is."""
    if known.all():
        return values
    from scipy import ndimage

    places = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray(values[(..., *places)])


def _spanned(lat: Floats, lon: Floats, known: Mask) -> Floats:
    """Return the area spanned by the steps to the next row and column on a sphere of radius 1, [Y, X].

    A step is the mean of those to the two neighbours that have a position.
    """
    phi, lam = np.radians(lat), np.radians(lon)
    points = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    steps = [_step(points, known, axis) for axis in (1, 2)]
    return np.asarray(np.linalg.norm(np.cross(steps[0], steps[1], axis=0), axis=0))


def _step(points_CYX: Floats, known: Mask, axis: int) -> Floats:
    if points_CYX.shape[axis] == 1:
        return np.zeros_like(points_CYX)
    points, placed = np.moveaxis(points_CYX, axis, 1), np.moveaxis(known, axis - 1, 0)
    both = placed[1:] & placed[:-1]
    gaps = np.where(both, np.diff(points, axis=1), 0.0)
    total, count = np.zeros_like(points), np.zeros(placed.shape)
    total[:, 1:] += gaps
    total[:, :-1] += gaps
    count[1:] += both
    count[:-1] += both
    step = total / np.maximum(count, 1)
    is_known = count > 0
    # A cell between two without a position has the step of the nearest that knows one.
    return np.moveaxis(nearest(step, is_known) if is_known.any() else step, 1, axis)


def declare(writer: DatasetWriter, axes: GridAxes, facts: GridFacts, times: Sequence[float]) -> Any:  # noqa: ANN401
    """Write coordinates and cell areas; return the handle of the main variable, to be assigned in slices of time.

    Args:
        writer: The data set.
        axes: Positions of the cells.
        facts: Name, unit and times of the main variable.
        times: In `facts.time_unit`, ascending, [T].
    """
    writer.dimension(TIME, len(times))
    for name, size in zip(axes.dims, axes.shape, strict=True):
        writer.dimension(name, size)
    described = {"standard_name": "time", "axis": "T", **calendar_attributes(facts.calendar)}
    writer.put(Variable(TIME, facts.time_unit, "time", (TIME,), "f8", described), np.asarray(times, dtype=np.float64))
    for variable, values in grid_variables(axes):
        writer.put(variable, values)
    further = {} if axes.regular else {"coordinates": f"{LAT} {LON}"}
    attributes = {"cell_measures": f"area: {AREA}", **further}
    if facts.standard_name:
        attributes["standard_name"] = facts.standard_name
    return writer.declare(Variable(facts.variable, facts.unit, facts.long_name, (TIME, *axes.dims), "f4", attributes))


def calendar_attributes(calendar: str) -> dict[str, str]:
    """Return the attributes of a time's calendar."""
    # Files do not say whether leap seconds count.
    further = {"units_metadata": "leap_seconds: unknown"} if calendar in _WITH_LEAP_SECONDS else {}
    return {"calendar": calendar, **further}


def grid_variables(axes: GridAxes) -> list[tuple[Variable, NDArray[Any]]]:
    """Describe the coordinates and areas of cells, with their values."""
    lat_dims, lon_dims = ((LAT,), (LON,)) if axes.regular else (axes.dims, axes.dims)
    y, x = ({"axis": "Y"}, {"axis": "X"}) if axes.regular else ({}, {})
    north, east = {"standard_name": "latitude", **y}, {"standard_name": "longitude", **x}
    area = "area of the cell on a sphere" if axes.regular else "area of the cell on a sphere, approximate"
    described = {"standard_name": AREA} | ({} if axes.regular else {"coordinates": f"{LAT} {LON}"})
    return [
        (Variable(LAT, "degrees_north", "latitude", lat_dims, "f8", north), np.asarray(axes.lat, dtype=np.float64)),
        (Variable(LON, "degrees_east", "longitude", lon_dims, "f8", east), np.asarray(axes.lon, dtype=np.float64)),
        (Variable(AREA, "m2", area, axes.dims, "f8", described), axes.cell_area()),
    ]


def put_land(writer: DatasetWriter, axes: GridAxes, land: Mask, land_from: str) -> None:
    """Write where land is, [Y, X]."""
    long_name = "land: 1, sea: 0" if land_from == "file" else "land or no data: 1, a value at some time: 0"
    further = {} if axes.regular else {"coordinates": f"{LAT} {LON}"}
    writer.put(Variable(LAND, "1", long_name, axes.dims, "i1", further), land.astype(np.int8))
