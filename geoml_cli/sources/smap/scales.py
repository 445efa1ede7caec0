"""Scales of reflectance and backscatter, known from the range of their values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError

Values = NDArray[Any]
Scale = Literal["0..1", "percent", "x 10,000", "dB"]
_UNIT, _PERCENT = 1.5, 100.0
_INT16 = 1e-4
_MIXED = 0.02
"""Share of values above 100 from which the rows of a file have different scales."""


def scale_of(values: Values, path: Path) -> Scale | None:
    """Tell the scale of one file by the median of its values; None where there are none.

    Raises:
        DataError: Some rows are reflectances of 0..1 and others are not.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    middle = float(np.median(known))
    if middle < 0:
        return "dB"
    if middle > _UNIT:
        return "percent" if middle <= _PERCENT else "x 10,000"
    # Clouds and snow reflect a little more than 1; whole scenes do not.
    if float((known > _PERCENT).mean()) > _MIXED:
        raise DataError(
            f"holds values of 0..1 and values up to {known.max():g}",
            where=str(path),
            fix="Its rows have different scales: export it again with one.",
        )
    return "0..1"


def common_scale(scales: Mapping[Path, Scale | None], product: str, allowed: tuple[Scale, ...]) -> Scale:
    """Return the scale that all files of a product share.

    Raises:
        DataError: They differ, or it is none that the product comes in.
    """
    by_scale = {scale: path for path, scale in scales.items() if scale is not None}
    if len(by_scale) > 1:
        shown = ", ".join(f"{path.name} {scale}" for scale, path in sorted(by_scale.items()))
        raise DataError(
            f"files of {product} have different scales ({shown})",
            where=str(next(iter(by_scale.values())).parent),
            fix="Export all years with the same scale.",
        )
    for scale, path in by_scale.items():
        if scale not in allowed:
            raise DataError(
                f"the values of {product} look like {scale}, not like {' or '.join(allowed)}",
                where=str(path),
                fix="Check the bands that were exported.",
            )
    return next(iter(by_scale), allowed[0])


def reflectance(values: Values, scale: Scale) -> Values:
    """Return reflectance [1], 0 to 1 and beyond."""
    return np.asarray(values * {"0..1": 1.0, "percent": 0.01, "x 10,000": _INT16, "dB": 1.0}[scale])


def decibels(values: Values, scale: Scale) -> Values:
    """Return backscatter [dB]; linear power that is not positive has none."""
    if scale == "dB":
        return values
    power = reflectance(values, scale)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(power > 0, 10 * np.log10(power), np.nan))
