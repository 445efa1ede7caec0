"""What is derived of the exports, for stations and pixels alike: filled series, optical indices, terrain and classes.

Legend: D days, S stations or pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
StationSeries = Mapping[str, Floats]
Fill = Literal["linear", "previous"]
Release = Literal["nearest", "previous"]
CLASSES = ("Shrub", "Grassland", "Barren", "Wetland", "Forest", "Developed", "Crop", "Pasture")
"""Land cover in the paper's order."""
_NLCD = {
    51: 0, 52: 0, 71: 1, 72: 1, 31: 2, 90: 3, 95: 3, 41: 4, 42: 4, 43: 4,
    21: 5, 22: 5, 23: 5, 24: 5, 82: 6, 81: 7,
}  # fmt: skip
"""Place among CLASSES by NLCD code; water, ice and others have none."""
OPTICAL_INDICES = ("ndvi", "evi", "ndwi", "lswi", "nsdsi")


def classes(code: Floats) -> NDArray[np.int8]:
    """Return the class of NLCD codes, -1 where they are of none, shape unchanged."""
    table = np.full(256, -1, dtype=np.int8)
    for nlcd, place in _NLCD.items():
        table[nlcd] = place
    plain = np.where(np.isfinite(code) & (code >= 0) & (code < len(table)), code, 0)
    return np.where(plain == np.rint(plain), table[plain.astype(np.int64)], np.int8(-1))


def release_of(year: int, releases: Sequence[int], choice: Release, location: str) -> int:
    """Return the release of land cover nearest to a year, of two as near the later one; or the last until that year.

    By the nearest, 2017 takes 2016, 2018 takes 2019, 2020 and 2022 take 2021.

    Raises:
        DataError: All releases are later, and the last one until that year is wanted.
    """
    if choice == "nearest":
        return min(sorted(releases, reverse=True), key=lambda release: abs(release - year))
    earlier = [release for release in releases if release <= year]
    if not earlier:
        raise DataError(
            f"{year} has no release of land cover before it; the first is {min(releases)}",
            where=location,
            fix="Export an earlier release, or use --nlcd nearest.",
        )
    return max(earlier)


def filled(values_DS: Floats, fill: Fill) -> Floats:
    """Fill gaps in time: linearly, ends by the nearest value, or by the value before; a series of gaps stays one."""
    days = len(values_DS)
    known = np.isfinite(values_DS)
    place = np.arange(days)[:, None]
    before = np.maximum.accumulate(np.where(known, place, -1), axis=0)
    last = np.take_along_axis(values_DS, np.maximum(before, 0), axis=0)
    last = np.where(before >= 0, last, np.float32(np.nan))
    if fill == "previous":
        return last
    after = np.minimum.accumulate(np.where(known, place, days)[::-1], axis=0)[::-1]
    coming = np.take_along_axis(values_DS, np.minimum(after, days - 1), axis=0)
    share = (place - before) / np.maximum(after - before, 1)
    between = last + (coming - last) * share
    found = np.where(before < 0, coming, np.where(after >= days, last, between))
    return np.where(known, values_DS, found).astype(np.float32)


def carried(values_DS: Floats, fill: Fill) -> Floats:
    """Fill SMAP: forwards, then, unless only earlier values may be used, backwards."""
    forwards = filled(values_DS, "previous")
    if fill == "previous":
        return forwards
    backwards = filled(values_DS[::-1], "previous")[::-1]
    return np.where(np.isfinite(forwards), forwards, backwards)


_NEVER_NEGATIVE = ("pr", "sph", "srad", "vpd", "vs")


def not_negative(weather: StationSeries) -> tuple[dict[str, Floats], int]:
    """Take amounts below 0, which no weather has, for missing; return how many there were."""
    below = {name: weather[name] < 0 for name in _NEVER_NEGATIVE if name in weather}
    kept = {name: np.where(wrong, np.float32(np.nan), weather[name]) for name, wrong in below.items()}
    return {**weather, **kept}, sum(int(wrong.sum()) for wrong in below.values())


def in_range(bands: StationSeries) -> tuple[dict[str, Floats], int]:
    """Take reflectances outside 0..1 for missing; return how many there were.

    The paper's own test compares percent with 0..1 and so never takes effect.
    """
    outside = {name: (values < 0) | (values > 1) for name, values in bands.items()}
    kept = {name: np.where(outside[name], np.float32(np.nan), values) for name, values in bands.items()}
    return kept, sum(int(wrong.sum()) for wrong in outside.values())


def optical_indices(bands: StationSeries) -> dict[str, Floats]:
    """Return the paper's optical indices of HLS reflectances B2 to B7, NaN where a quotient is not defined."""
    blue, green, red, near, short_1, short_2 = (
        np.asarray(bands[name], dtype=np.float64) for name in ("B2", "B3", "B4", "B5", "B6", "B7")
    )
    pairs = {
        "ndvi": (near - red, near + red),
        "evi": (2.5 * (near - red), near + 6 * red - 7.5 * blue + 1),
        "ndwi": (green - near, green + near),
        "lswi": (near - short_1, near + short_1),
        "nsdsi": (short_1 - short_2, short_1),
    }
    return {name: _quotient(*pair) for name, pair in pairs.items()}


def _quotient(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator != 0, numerator / denominator, np.nan).astype(np.float32)


def aspect_normalized(aspect: Floats) -> Floats:
    """Return cos(pi aspect / 360): 1 at 0 degrees, -1 at 360."""
    return np.cos(np.pi * np.asarray(aspect, dtype=np.float64) / 360).astype(np.float32)


def valid_run_length(rows: NDArray[np.bool_]) -> Integers:
    """Count, at every record, the complete ones without a gap up to and including it, along the first axis."""
    number = np.arange(1, len(rows) + 1).reshape(-1, *(1,) * (rows.ndim - 1))
    last_gap = np.maximum.accumulate(np.where(rows, 0, number), axis=0)
    return np.asarray(number - last_gap)
