"""Polygons and lines of a user's file, brought onto the grid of a map: its mask, and borders on its page."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.inference.inputs.shapes import Geometries, parts_of, repaired_parts
from geoml_cli.inference.places import windows
from geoml_cli.samples.input import Grid
from geoml_cli.work.reasons import reason

if TYPE_CHECKING:
    from shapely import STRtree

Values = NDArray[np.float64]
_SUFFIXES = (".gpkg", ".geojson", ".json", ".shp")
_SAVE_AGAIN = "Get the file again, or save the layer again in QGIS as a GeoPackage, with its CRS."
_PIECES = 512
"""Of the extent of the shapes: longer edges get further vertices, since an edge that is straight here bends there."""
_MARGIN = 0.05
"""Of the map's extent that is kept around it, where shapes of the whole world are cut."""
_TURNS = (0.0, 360.0, -360.0)
"""Longitudes of maps may count to 360, those of shapes to 180, or the other way round."""


class _Layer(NamedTuple):
    """Shapes as a file holds them: its own CRS, and the digest of both."""

    shapes: Geometries
    crs: str
    digest: str


@dataclass(frozen=True)
class Mask:
    """Polygons outside of which pixels are missing.

    Attributes:
        path: Of the file.
        grid: Of the map.
        polygons: In the map's CRS.
        digest: Names shapes and CRS, so that an interrupted prediction resumes only under the same mask.
    """

    path: Path
    grid: Grid
    polygons: Geometries
    digest: str

    @property
    def text(self) -> str:
        """Say which file it is, for the map's metadata."""
        return f"{self.path.name}, {len(self.polygons)} polygon(s), sha256 {self.digest}"

    @cached_property
    def _tree(self) -> STRtree:
        import shapely

        shapely.prepare(self.polygons)
        return shapely.STRtree(self.polygons)

    def inside(self, rows: slice, columns: slice) -> NDArray[np.bool_]:
        """Tell which pixels of a window have their centre in a polygon or on its edge, [rows, columns]."""
        import shapely

        row, column = np.mgrid[rows, columns] + 0.5
        x, y = _place(self.grid, row, column)
        found = np.zeros(x.shape, dtype=np.bool_)
        if not found.size:
            return found
        for number in self._tree.query(shapely.box(x.min(), y.min(), x.max(), y.max())):
            found |= shapely.intersects_xy(self.polygons[number], x, y)
        return found

    def is_empty(self) -> bool:
        """Return whether no pixel of the map has its centre inside."""
        a, b, c, d, e, f = self.grid.transform
        west, south, east, north = _bounds(self.polygons)
        x, y = np.array([west, west, east, east]) - c, np.array([south, north, south, north]) - f
        row, column = (a * y - d * x) / (a * e - b * d), (e * x - b * y) / (a * e - b * d)
        rows, columns = (list(windows(*side)) for side in ((row, self.grid.height), (column, self.grid.width)))
        return not any(self.inside(*window).any() for window in product(rows, columns))

    def lines(self) -> list[Values]:
        """Return the outlines, each [N, 2] in the map's CRS."""
        return _lines(self.polygons)


def open_mask(path: Path, grid: Grid) -> Mask:
    """Read the polygons of a file.

    Raises:
        DataError: There is no such file, it is damaged, has no polygons or no CRS, or no pixel has its centre in one.
        SettingsError: It is of another kind, or pyogrio is not installed.
    """
    layer = _read(path, "--mask", ("Polygon", "MultiPolygon"))
    mask = Mask(path, grid, _on_map(path, layer, grid, "--mask"), layer.digest)
    if mask.is_empty():
        raise DataError(
            "no pixel of the map has its centre in a polygon.",
            where=str(path),
            fix="Give larger polygons, or leave --mask out.",
        )
    return mask


def open_border(path: Path, grid: Grid) -> list[Values]:
    """Read the lines of a file, or the outlines of its polygons, each [N, 2] in the map's CRS; errors as of masks."""
    kinds = ("LineString", "MultiLineString", "Polygon", "MultiPolygon")
    return _lines(_on_map(path, _read(path, "--border", kinds), grid, "--border"))


def _read(path: Path, option: str, kinds: tuple[str, ...]) -> _Layer:
    """Read the only layer with shapes of some kinds."""
    if path.suffix.lower() not in _SUFFIXES:
        known = ", ".join(_SUFFIXES)
        raise SettingsError(f"{path.name!r} holds no shapes.", where=option, fix=f"Name a file that ends in {known}.")
    if not path.is_file():
        raise DataError("there is no such file.", where=str(path), fix=f"Check {option}.")
    try:
        import shapely
        from pyogrio.raw import read
    except ImportError as error:
        raise SettingsError(
            f"{option} needs the package {error.name}.", fix="Install it with `pip install 'geoml[raster]'`."
        ) from error
    name = _layer_name(path, option, kinds)
    with _damage(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        about, _, binary, _ = read(path, layer=name, columns=[], force_2d=True)
        shapes = repaired_parts(shapely.from_wkb([shape for shape in binary if shape is not None]))
    chosen = shapes[np.isin([shape.geom_type for shape in shapes], kinds)]
    if not len(chosen):
        raise _no_shapes(path, kinds)
    if not about["crs"]:
        raise DataError("does not name its CRS.", where=str(path), fix=_remedy(path, ".prj"))
    digest = hashlib.sha256(str(about["crs"]).encode())
    for shape in shapely.to_wkb(chosen):
        digest.update(shape)
    return _Layer(chosen, about["crs"], digest.hexdigest())


def _layer_name(path: Path, option: str, kinds: tuple[str, ...]) -> str:
    """Name the layer that may hold shapes of some kinds; a GeoPackage has tables without shapes as well."""
    from pyogrio import list_layers

    with _damage(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layers = list_layers(path)
    mixed = ("Unknown", "GeometryCollection")
    fitting = [str(name) for name, kind in layers if kind and str(kind).split(" ")[0] in (*kinds, *mixed)]
    if not fitting:
        raise _no_shapes(path, kinds)
    if len(fitting) > 1:
        raise DataError(
            f"has several layers of {_called(kinds)}: {', '.join(fitting)}.",
            where=str(path),
            fix=f"Save the layer that {option} means as a file of its own.",
        )
    return fitting[0]


def _no_shapes(path: Path, kinds: tuple[str, ...]) -> DataError:
    return DataError(f"holds no {_called(kinds)}.", where=str(path), fix=f"Name a file with {_called(kinds)}.")


def _called(kinds: tuple[str, ...]) -> str:
    return "lines or polygons" if "LineString" in kinds else "polygons"


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Tell a file that cannot be read as such."""
    from shapely.errors import ShapelyError

    try:
        yield
    except (RuntimeError, ValueError, OSError, ShapelyError) as error:
        fix = _remedy(path, ".shx and .dbf")
        raise DataError(f"cannot be read: {reason(error)}.", where=str(path), fix=fix) from error


def _remedy(path: Path, needed: str) -> str:
    is_shapefile = path.suffix.lower() == ".shp"
    return f"A shapefile needs its {needed} next to it. {_SAVE_AGAIN}" if is_shapefile else _SAVE_AGAIN


def _on_map(path: Path, layer: _Layer, grid: Grid, option: str) -> Geometries:
    """Return the shapes that touch the map, in its CRS.

    Raises:
        DataError: None does, or they have no place in the map's CRS.
    """
    import shapely

    placed = shapes = _transformed(path, layer, grid)
    extent = _extent(grid)
    if _crs(grid.crs).is_geographic:
        turned = [shapely.transform(shapes, lambda at, turn=turn: np.add(at, (turn, 0.0))) for turn in _TURNS]
        shapes = np.concatenate(turned)
    near: Geometries = shapes[shapely.intersects(shapes, extent)]
    if not len(near):
        theirs, ours = (", ".join(f"{value:.6g}" for value in box) for box in (_bounds(placed), extent.bounds))
        raise DataError(
            f"lies outside the map: left, bottom, right and top are {theirs}, those of the map {ours}.",
            where=str(path),
            fix=f"Check the CRS of the file, or name another {option}.",
        )
    return near


def _transformed(path: Path, layer: _Layer, grid: Grid) -> Geometries:
    """Bring shapes into the map's CRS."""
    import pyproj
    import shapely

    shapes = layer.shapes
    if pyproj.CRS.from_user_input(layer.crs) == _crs(grid.crs):
        return shapes
    with _damage(path):
        there = pyproj.Transformer.from_crs(layer.crs, grid.crs, always_xy=True)
        shapes = _cut(shapes, there, grid)
        longest = float(np.ptp(_bounds(shapes).reshape(2, 2), axis=0).max()) / _PIECES if len(shapes) else 0.0
        shapes = shapely.segmentize(shapes, longest) if longest > 0 else shapes
        found: Geometries = shapely.transform(shapes, lambda at: np.column_stack(there.transform(at[:, 0], at[:, 1])))
    if not np.isfinite(shapely.get_coordinates(found)).all():
        raise DataError("cannot be brought onto the map's CRS.", where=str(path), fix="Clip it to the map's region.")
    return found


def _cut(shapes: Geometries, there: Any, grid: Grid) -> Geometries:  # noqa: ANN401  pyproj.Transformer
    """Cut shapes of the world to the surroundings of a projected map: far from it the projection is not defined."""
    import shapely

    if _crs(grid.crs).is_geographic:
        return shapes
    west, south, east, north = there.transform_bounds(*_extent(grid).bounds, direction="INVERSE")
    if not np.isfinite((west, south, east, north)).all() or west > east:
        return shapes
    across, along = _MARGIN * (east - west), _MARGIN * (north - south)
    cut = shapely.intersection(shapes, shapely.box(west - across, south - along, east + across, north + along))
    kept = parts_of(cut)
    return kept if len(kept) else shapes  # far away: the message says where they lie


def _lines(shapes: Geometries) -> list[Values]:
    import shapely

    polygons = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    outlines = np.concatenate((shapely.boundary(shapes[polygons]), shapes[~polygons]))
    return [shapely.get_coordinates(line) for line in shapely.get_parts(outlines)]


def _bounds(shapes: Geometries) -> Values:
    import shapely

    return np.asarray(shapely.total_bounds(shapes), dtype=np.float64)


def _extent(grid: Grid) -> Any:  # noqa: ANN401  shapely.Polygon
    import shapely

    row, column = np.array([0, 0, grid.height, grid.height]), np.array([0, grid.width, grid.width, 0])
    return shapely.Polygon(np.column_stack(_place(grid, row, column)))


def _place(grid: Grid, row: NDArray[Any], column: NDArray[Any]) -> tuple[Values, Values]:
    """Return the coordinates of places in a grid, given in pixels from its corner."""
    a, b, c, d, e, f = grid.transform
    return a * column + b * row + c, d * column + e * row + f


def _crs(text: str) -> Any:  # noqa: ANN401  pyproj.CRS
    import pyproj

    return pyproj.CRS.from_user_input(text)
