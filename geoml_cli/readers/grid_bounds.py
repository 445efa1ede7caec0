"""Where the rows and columns of a regular grid begin and end, as its file says.

Between unevenly spaced centres cells need not end halfway: of Gaussian and stretched grids they do not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.grid import GridAxes, halfway

Degrees = NDArray[np.float64]
_TURN, _POLE = 360.0, 90.0
_ROUNDING, _SINGLE = 1e-2, 2e-5
"""By how much of a cell's width bounds may miss, and by what float32 makes of a degree [degrees]."""


def with_bounds(file: Any, axes: GridAxes, names: tuple[str, str]) -> tuple[GridAxes, list[str]]:  # noqa: ANN401
    """Return a regular grid's axes with the bounds of latitude and longitude, and notes of those that cannot be.

    Bounds that lie halfway between centres, but for rounding, are not kept: they follow from the centres.

    Args:
        file: An `xarray.Dataset` as stored.
        axes: Of one of its variables.
        names: Of the latitude and of the longitude.
    """
    found: list[Degrees | None] = []
    notes: list[str] = []
    for name, values, turn in zip(names, (axes.lat, axes.lon), (0.0, _TURN), strict=True):
        centres, named = np.asarray(values, dtype=np.float64), str(file[name].attrs.get("bounds", ""))
        pairs = _read(file[named], centres, turn) if named in file.variables else None
        if pairs is None and len(centres) == 1:
            notes.append(f"{name} has one value and no bounds: its cells are taken as one degree wide")
        usual = np.sort(halfway(centres), axis=1)
        rounding = _ROUNDING * float(np.median(usual[:, 1] - usual[:, 0])) + _SINGLE
        if pairs is not None and not _are_cells(pairs, centres, rounding):
            notes.append(f"{named} does not hold the cells of {name}: they end halfway between their centres")
            pairs = None
        # Cells at a pole end there.
        clipped = usual if turn else np.clip(usual, -_POLE, _POLE)
        is_usual = pairs is None or (len(pairs) > 1 and np.allclose(pairs, clipped, rtol=0, atol=rounding))
        found.append(None if is_usual else pairs)
    return replace(axes, lat_bounds=found[0], lon_bounds=found[1]), notes


def _read(variable: Any, centres: Degrees, turn: float) -> Degrees:  # noqa: ANN401
    """Return bounds, [N, 2], the lesser first and about their centres; NaN where a variable holds no pairs."""
    if variable.shape != (len(centres), 2) or variable.dtype.kind not in "fiu":
        return np.full((len(centres), 2), np.nan)
    pairs = np.sort(unpacked(variable, np.asarray(variable.values, dtype=np.float64)), axis=1)
    if turn:
        if len(centres) > 2:  # 0.5 and 359.5 are bounds of 0
            across = pairs[:, 1] - pairs[:, 0] > turn / 2
            pairs[across] = np.stack([pairs[across, 1] - turn, pairs[across, 0]], axis=1)
        pairs += turn * np.round((centres - pairs.mean(axis=1)) / turn)[:, None]
    return pairs


def _are_cells(pairs: Degrees, centres: Degrees, rounding: float) -> bool:
    """Return whether each pair encloses its centre and ends where the next begins."""
    ordered = pairs[np.argsort(centres)]
    apart = np.abs(ordered[1:, 0] - ordered[:-1, 1])
    holds = (pairs[:, 0] <= centres + rounding) & (centres <= pairs[:, 1] + rounding) & (pairs[:, 0] < pairs[:, 1])
    return bool(holds.all() and (apart <= rounding).all())


def unpacked(variable: Any, stored: Degrees) -> Degrees:  # noqa: ANN401
    """Return the values of a coordinate from its stored numbers, which may be packed as those of any variable."""
    scale, offset = (float(variable.attrs.get(name, usual)) for name, usual in (("scale_factor", 1), ("add_offset", 0)))
    return stored * scale + offset
