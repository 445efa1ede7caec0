"""Years of a covariate in different scales, such as 0..1 and x 10,000, which no file declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from geoml_cli.errors import DataError, SettingsError
from geoml_cli.readers.rasters import Raster, tiles

_FACTOR = 30.0
"""How far the typical size of a year may be from that of most: no climate changes the median of a map so much."""
_SKEWED = 0.01
"""Share of the 99th percentile below which a median is nearly 0, as of snow or burnt area, and differs by nature."""
_BELOW = 0.2
"""Share of values below 0 from which a covariate is an anomaly; vegetation indices are below 0 on water."""
_ICE, _COLDEST, _HOTTEST = 273.15, 200.0, 340.0
"""Zero degrees Celsius, and temperatures of air and soil [K]."""
_OTHER_CLIMATE = 25.0
"""By how much the medians of two years of a temperature differ at most [K]."""
_MOST_TILES = 16
"""Windows of a raster that are read, evenly chosen."""


class Size(NamedTuple):
    """What is typical of a raster.

    Attributes:
        middle: Median.
        magnitude: Median of the magnitudes; NaN where nearly all are 0.
        is_signed: Whether many values are below 0.
    """

    middle: float
    magnitude: float
    is_signed: bool


def refuse_other_scales(years: Mapping[str, Sequence[Raster]], any_scale: Sequence[str]) -> None:
    """Refuse a year whose values are far larger or smaller than those of the other years.

    Args:
        years: Open rasters of covariates by name. Anomalies, of which many are below 0 in some year, are nearly 0 in
            others by nature.
        any_scale: Covariates whose years are not compared.

    Raises:
        SettingsError: There is no covariate of such a name.
        DataError: There is such a year, or one is in kelvin and another in degrees Celsius.
    """
    if strange := [name for name in any_scale if name not in years]:
        raise SettingsError(
            "is no covariate of several years.",
            where=f"--any-scale {strange[0]}",
            fix=f"The names are: {', '.join(sorted(years)) or 'none'}.",
        )
    for name, rasters in years.items():
        if name not in any_scale:
            _refuse_other_scale(name, rasters)


def _refuse_other_scale(name: str, years: Sequence[Raster]) -> None:
    sizes = {raster: found for raster in years if (found := typical_size(raster)) is not None}
    _refuse_kelvin(name, sizes)
    known = {raster: one.magnitude for raster, one in sizes.items() if np.isfinite(one.magnitude)}
    if len(known) < 2 or any(one.is_signed for one in sizes.values()):
        return
    usual = sorted(known.values())[(len(known) - 1) // 2]  # of two the lower, never one in between
    other = next(raster for raster, size in known.items() if size == usual).band.path.name
    for raster, size in known.items():
        if max(size, usual) >= _FACTOR * min(size, usual):
            raise DataError(
                f"the median magnitude of {name} is {size:.3g}, and {usual:.3g} in {other}: one of them seems to be in "
                "another unit or scale",
                where=str(raster.band.path),
                fix="Export all years with the same scale, or write the scale and offset that it was packed with into "
                f"the file. If years differ so by nature, give --any-scale {name}.",
            )


def _refuse_kelvin(name: str, sizes: Mapping[Raster, Size]) -> None:
    kelvin = {raster: size.middle for raster, size in sizes.items() if _COLDEST < size.middle < _HOTTEST}
    for raster, size in sizes.items():
        for warm, middle in kelvin.items():
            if abs(middle - size.middle - _ICE) < _OTHER_CLIMATE:
                raise DataError(
                    f"the median of {name} is {middle:.4g}, and {size.middle:.3g} in {raster.band.path.name}: one is "
                    "in K, the other in degC",
                    where=str(warm.band.path),
                    fix="Export all years in one unit, or write scale and offset into the file. If years differ so by "
                    f"nature, give --any-scale {name}.",
                )


def typical_size(raster: Raster) -> Size | None:
    """Return what is typical of some windows; None where all is missing."""
    windows = list(tiles(raster.grid))
    chosen = np.unique(np.linspace(0, len(windows) - 1, _MOST_TILES).round().astype(int))
    values = np.concatenate([raster.read(*windows[place]).ravel() for place in chosen])
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    middle, high = np.quantile(np.abs(values), [0.5, 0.99])
    magnitude = float(middle) if middle > _SKEWED * high else float("nan")
    return Size(float(np.median(values)), magnitude, bool((values < 0).mean() > _BELOW))
