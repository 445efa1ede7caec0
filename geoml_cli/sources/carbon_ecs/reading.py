"""Yearly HDF5 files: one two-dimensional data set a month, its key YYYYMM.

Legend: Y rows, X columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import GridAxes
from geoml_cli.dataset.raw_files import files_below
from geoml_cli.dataset.units import same_unit
from geoml_cli.errors import DataError, located
from geoml_cli.readers.grid_files import damage_named, format_of
from geoml_cli.readers.grid_values import decoding
from geoml_cli.readers.gridded import FilePart, Gridded, joined
from geoml_cli.readers.hdf5_structure import check_found, check_hdf5
from geoml_cli.readers.nodata import Declared

GROUP, LAND = "fco2_processed", "land_mask"
NAME, UNIT = "fco2", "mol m-2 yr-1"
SUFFIXES = (".h5", ".hdf5")
NORTH, SOUTH, WEST, EAST = 42.0, 21.0, 117.0, 130.0
"""Edges of the grid [degrees]; 2100 x 1300 cells of 0.01 degree, the first row in the north."""

_KEY = re.compile(r"(\d{4})(\d{2})")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_MONTHS = 12
_SQUARE = 1.0
"""Rows or columns by which a box of whole cells may be off its edges."""
Mask = NDArray[np.bool_]
_NOTHING = Declared()


def find(raw: Path) -> list[Path]:
    """Find the yearly files.

    Raises:
        DataError: There is none.
    """
    if raw.is_file():
        return [raw]
    found = [path for path in files_below(raw) if path.suffix.lower() in SUFFIXES]
    if not found:
        raise DataError("no HDF5 file (.h5) here", where=str(raw), fix="Give the folder of the yearly files.")
    return found


def open_files(paths: Sequence[Path], nodata: Declared = _NOTHING) -> tuple[Gridded, Mask | None]:
    """Open all files as one variable over time, and their land mask [Y, X] where one holds it.

    Args:
        paths: Yearly files.
        nodata: What is said of fills.

    Raises:
        DataError: A file is damaged or of another kind, a month is there twice, or shapes differ.
    """
    parts: list[FilePart] = []
    masks: dict[Path, Mask] = {}
    for path in paths:
        months, mask = _open(path, nodata)
        parts += months
        if mask is not None:
            masks[path] = mask
    gridded = joined(parts, lambda axes: (np.arange(axes.shape[0]), np.arange(axes.shape[1])))
    return gridded, _one_mask(masks, gridded.axes.shape)


def _one_mask(masks: dict[Path, Mask], shape: tuple[int, int]) -> Mask | None:
    if not masks:
        return None
    first = next(iter(masks))
    for path, mask in masks.items():
        if mask.shape != shape:
            raise DataError(f"{LAND} has shape {list(mask.shape)}, months {list(shape)}", where=str(path), fix=_AGAIN)
        if not np.array_equal(mask, masks[first]):
            raise DataError(f"{LAND} differs from that of {first.name}", where=str(path), fix=_AGAIN)
    return masks[first]


_AGAIN = "Fetch the file again."


def _open(path: Path, nodata: Declared) -> tuple[list[FilePart], Mask | None]:
    import h5py

    if format_of(path) != "hdf5":
        raise DataError("is not HDF5", where=str(path), fix=_AGAIN)
    with damage_named(path):
        check_hdf5(path)
        with h5py.File(path, "r") as file:
            group = file.get(GROUP)
            if not isinstance(group, h5py.Group):
                names = ", ".join(file) or "nothing"
                raise DataError(
                    f"has no group {GROUP}; it has {names}", where=str(path), fix="Give Carbon-ECS's files."
                )
            months = [_month(path, key, group[key], nodata) for key in sorted(group) if key != LAND]
            found = file.get(LAND, group.get(LAND))
            mask = None if found is None else _mask(path, np.asarray(found[...]))
    if not months:
        raise DataError(f"group {GROUP} is empty", where=str(path), fix=_AGAIN)
    return months, mask


def _month(path: Path, key: str, item: Any, nodata: Declared) -> FilePart:  # noqa: ANN401  h5py is untyped
    import cftime

    where = f"{path}, {GROUP}/{key}"
    match = _KEY.fullmatch(key)
    if match is None or not 1 <= int(match[2]) <= _MONTHS:
        raise DataError(f"key {key!r} is not a month YYYYMM", where=str(path), fix=_AGAIN)
    years = set(_YEAR.findall(path.stem))
    if len(years) == 1 and match[1] not in years:
        raise DataError(f"month {key} is in the file of {years.pop()}", where=where, fix=_AGAIN)
    is_packed = item.dtype.kind in "iu" and "scale_factor" in item.attrs
    if item.ndim != 2 or not (item.dtype.kind == "f" or is_packed) or 0 in item.shape:
        raise DataError(f"is {item.dtype} of shape {list(item.shape)}, not a map of floats", where=where, fix=_AGAIN)
    _refuse_other_cells(item.shape, where)
    time = cftime.datetime(int(match[1]), int(match[2]), 1, calendar="standard")
    attributes = {name: item.attrs[name] for name in item.attrs}
    with located(where):
        stored = decoding(attributes, item.dtype, NAME, nodata)
    if (unit := _text(attributes.get("units", UNIT))) and not same_unit(unit, UNIT):
        raise DataError(
            f"its unit is {unit!r}, not {UNIT!r}", where=where, fix="Convert all months, or correct the attribute."
        )
    return FilePart(path, [time], axes(item.shape), {}, partial(_read, path, key), stored)


def _refuse_other_cells(shape: tuple[int, int], where: str) -> None:
    """Refuse maps whose cells would be no squares: they are of another box, or stored column by column."""
    rows, columns = shape
    sides = (NORTH - SOUTH) / rows, (EAST - WEST) / columns
    if abs(sides[0] / sides[1] - 1) <= _SQUARE * (1 / rows + 1 / columns):
        return
    turned = abs((NORTH - SOUTH) / columns / ((EAST - WEST) / rows) - 1) <= _SQUARE * (1 / rows + 1 / columns)
    raise DataError(
        f"has {rows} rows and {columns} columns, which are no square cells over {NORTH - SOUTH:g} x {EAST - WEST:g} "
        f"degrees of latitude and longitude{': rows and columns are exchanged' * turned}",
        where=where,
        fix="Write the transpose: rows from north to south." if turned else _AGAIN,
    )


def _text(value: Any) -> str:  # noqa: ANN401  what files hold: a text, its bytes, or an array of one
    text = np.ravel(value)[0] if np.size(value) else ""
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)


def axes(shape: tuple[int, int]) -> GridAxes:
    """Return the cells' centres: files hold no coordinates, and their grid is divided evenly."""
    rows, columns = (np.arange(size) + 0.5 for size in shape)
    return GridAxes(NORTH - (NORTH - SOUTH) / shape[0] * rows, WEST + (EAST - WEST) / shape[1] * columns)


def _mask(path: Path, values: NDArray[Any]) -> Mask:
    if values.ndim != 2 or not np.isin(values, (0, 1)).all():
        raise DataError(f"{LAND} is not a map of 0 and 1", where=str(path), fix=_AGAIN)
    return values.astype(np.bool_)


def _read(path: Path, key: str, steps: slice) -> NDArray[Any]:
    import h5py

    with h5py.File(path, "r") as file:
        check_found(file[GROUP][key])
        return np.asarray(file[GROUP][key][...])[None][steps]
