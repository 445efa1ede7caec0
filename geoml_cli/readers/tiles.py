"""Tiles of one export: what their files say of the values must agree, for they are read as one raster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError
from geoml_cli.readers.band_tags import alpha_band, band_unit
from geoml_cli.readers.nodata import written

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.io import DatasetReader

_NEAR = 0.01  # pixels; tiles carry rounded coordinates


class Corner(NamedTuple):
    """Place of a tile's upper left corner in its raster [pixels]."""

    row: int
    column: int


class _Property(NamedTuple):
    """What a file says of its pixels, as text."""

    name: str
    text: str
    band: int | None = None


def check_tile(tile: DatasetReader, first: DatasetReader, corner: Corner) -> None:
    """Refuse a tile that would be read wrongly as a part of the raster that begins with `first`.

    Masks inside the files need not agree: each tile is masked by its own.

    Raises:
        DataError: It names another type, CRS, pixel size, band, unit, scale, offset or no-data value, or lies elsewhere
            than its name says.
    """
    path = Path(tile.name)
    if tile.count != first.count:
        raise _disagreement(path, _Property("number of bands", str(tile.count)), str(first.count), first)
    if tile.crs != first.crs:
        raise _disagreement(path, _Property("CRS", _crs_name(tile)), _crs_name(first), first)
    for found, expected in zip(_properties(tile), _properties(first), strict=True):
        same = same_unit if found.name == "unit" else str.__eq__
        if not same(found.text, expected.text):
            raise _disagreement(path, found, expected.text, first)
    if not _lies_at(tile, first, corner):
        raise DataError(
            "lies elsewhere than its name says",
            where=str(path),
            fix="Use the tiles of one export, as they were downloaded.",
        )
    if not _lies_at(tile, first, corner, tile.height, tile.width):
        size, other = _pixel_size(tile.transform), _pixel_size(first.transform)
        raise _disagreement(path, _Property("pixel size", size), other, first)


def _disagreement(path: Path, found: _Property, expected: str, first: DatasetReader) -> DataError:
    band = f" of band {found.band}" if found.band else ""
    return DataError(
        f"the {found.name}{band} is {found.text or 'not given'}, and {expected or 'not given'} in the tile "
        f"{Path(first.name).name}",
        where=str(path),
        fix=f"Use the tiles of one export, as they were downloaded, or write all of them with the same {found.name}.",
    )


def _properties(file: DatasetReader) -> Iterator[_Property]:
    """Yield what decides how the values of a file are read, its place apart."""
    yield _Property("mask", f"band {number}" if (number := alpha_band(file)) else "")
    for place, kind in enumerate(file.dtypes):
        band = place + 1 if file.count > 1 else None
        yield _Property("data type", kind, band)
        yield _Property("description", (file.descriptions[place] or "").strip(), band)
        yield _Property("unit", band_unit(file, place + 1), band)
        yield _Property("scale", written(float(file.scales[place])), band)
        yield _Property("offset", written(float(file.offsets[place])), band)
        yield _Property("no-data value", _nodata(file.nodatavals[place], kind), band)


def _crs_name(file: DatasetReader) -> str:
    if not file.crs:
        return ""
    code = file.crs.to_epsg()
    return f"EPSG:{code}" if code else file.crs.to_wkt().partition('"')[2].partition('"')[0]


def _nodata(value: float | None, kind: str) -> str:
    """Write a no-data value as the file's type holds it: one of float32 may be written with more digits."""
    if value is None:
        return ""
    with np.errstate(over="ignore"):
        return written(float(str(np.float32(value))) if kind == "float32" else float(value))


def _pixel_size(affine: Affine) -> str:
    """Write the columns' and the rows' step in x and y, as gdalinfo does."""
    steps = (affine.a, affine.e) if affine.b == affine.d == 0 else (affine.a, affine.b, affine.d, affine.e)
    return f"({', '.join(f'{step:.10g}' for step in steps)})"


def _lies_at(tile: DatasetReader, first: DatasetReader, corner: Corner, down: int = 0, across: int = 0) -> bool:
    """Return whether a place in a tile is where it belongs in the raster, to a hundredth of a pixel."""
    on, back = tile.transform, ~first.transform
    x, y = on.a * across + on.b * down + on.c, on.d * across + on.e * down + on.f
    found = back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f
    return bool(np.allclose(found, (corner.column + across, corner.row + down), atol=_NEAR))
