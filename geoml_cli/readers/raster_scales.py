"""Years of a covariate in different scales, such as 0..1 and x 10,000, which no file declares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geoml_cli.errors import DataError
from geoml_cli.readers.rasters import Raster, tiles

_FACTOR = 30.0
"""How far the typical size of a year may be from that of most: no climate changes the median of a map so much."""
_SKEWED = 0.01
"""Share of the 99th percentile below which a median is nearly 0, as of snow or burnt area, and differs by nature."""
_MOST_TILES = 16
"""Windows of a raster that are read, evenly chosen."""


def refuse_other_scale(name: str, years: Sequence[Raster]) -> None:
    """Refuse a year whose values are far larger or smaller than those of the other years.

    Args:
        name: The covariate.
        years: Its open rasters; a median of nearly 0 is not compared.

    Raises:
        DataError: There is one.
    """
    sizes = {raster: size for raster in years if np.isfinite(size := typical_size(raster))}
    if len(sizes) < 2:
        return
    usual = sorted(sizes.values())[(len(sizes) - 1) // 2]  # of two the lower, never one in between
    other = next(raster for raster, size in sizes.items() if size == usual).band.path.name
    for raster, size in sizes.items():
        if max(size, usual) >= _FACTOR * min(size, usual):
            raise DataError(
                f"the median magnitude of {name} is {size:.3g}, and {usual:.3g} in {other}: one of them seems to be in "
                "another unit or scale",
                where=str(raster.band.path),
                fix="Export all years with the same scale, or write scale and offset into the file: "
                f"gdal_edit.py -scale {usual / size:.1g} FILE.",
            )


def typical_size(raster: Raster) -> float:
    """Return the median magnitude over some windows; NaN where all is missing or the median is nearly 0."""
    windows = list(tiles(raster.grid))
    chosen = np.unique(np.linspace(0, len(windows) - 1, _MOST_TILES).round().astype(int))
    values = np.concatenate([np.abs(raster.read(*windows[place])).ravel() for place in chosen])
    values = values[np.isfinite(values)]
    if not values.size:
        return float("nan")
    middle, high = np.quantile(values, [0.5, 0.99])
    return float(middle) if middle > _SKEWED * high else float("nan")
