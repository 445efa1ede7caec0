"""Scales of reflectance and backscatter, known from the range of their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError

Values = NDArray[Any]
Scale = Literal["0..1", "percent", "x 10,000", "dB"]
REFLECTANCES: dict[str, tuple[Scale, ...]] = {
    "auto": ("0..1", "percent", "x 10,000"),
    "1": ("0..1",),
    "100": ("percent",),
    "10000": ("x 10,000",),
}
"""Scales that reflectances may have, by the number that stands for 1."""
_UNIT, _PERCENT = 1.5, 100.0
_INT16 = 1e-4
_COLDEST, _HOTTEST, _LEAST_NUMBER = 180.0, 360.0, 7500.0
"""Land-surface temperatures [K], and the least number of 0.02 K that MOD11A1 holds."""
_MIXED = 0.02
"""Share of values above 100 from which the rows of a file have different scales."""
_APART, _MOST_APART = 40.0, 0.2
"""Scales differ by a hundred: by how much values of a pixel differ then at least, and the share that may by chance."""
_FAR, _MOST_FAR = 50.0, 0.5
"""Likewise from all values of the stack, where no other day shows the pixels: water reflects a fortieth of land."""
_MOST = {"eto": 30.0, "etr": 40.0, "pr": 500.0, "sph": 0.05, "srad": 500.0, "vpd": 12.0, "vs": 40.0}
"""What hardly a day of gridMET's weather exceeds, in its units; 12 kPa is the saturation of 49 degC."""
_EXPECTED = {
    "eto": "mm d-1",
    "etr": "mm d-1",
    "pr": "mm d-1",
    "sph": "kg kg-1",
    "srad": "W m-2",
    "vpd": "kPa",
    "vs": "m s-1",
}
_SUNNIEST, MOST_OF_A_YEAR = 45.0, 300
"""MJ m-2 that no day exceeds, and days from which on some of them are sunny: their W m-2 are hundreds."""
_DRIEST = 0.03
"""Mean precipitation [mm d-1] that no place of gridMET's is below; 0.13 is Death Valley's."""
_FEWEST_FILES = 3
_OTHER_YEAR = {"eto": 3.5, "etr": 3.5, "pr": 8.0, "sph": 5.0, "vpd": 5.0}
_OTHERWISE = 2.5
"""By how much the mean of a year of weather hardly differs from that of the others: km h-1 and m s-1 do by 3.6. Air
does by more where files hold other stations, and a desert's rain does anyway."""


def scale_of(values: Values, path: Path) -> Scale | None:
    """Tell the scale of one file by the median of its values; None where there are none.

    Raises:
        DataError: Some rows are reflectances of 0..1 and others are not.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    scale = _likely(known)
    if wrong := _of_another(known, scale):
        raise DataError(
            f"most of its {len(known)} values look like {scale}, and {wrong} like another scale (from {known.min():g} "
            f"to {known.max():g})",
            where=str(path),
            fix="Its rows have different scales: export it again with one.",
        )
    return scale


def days_of_another(values: Values, scale: Scale) -> list[int]:
    """Return the days whose values look like another scale, and are far from those of their pixels on other days.

    A day that is clear over water alone has low values, as its pixels always have.

    Args:
        values: Of all days, [bands, days, R, C].
        scale: Of all of them together.
    """
    found = []
    bands = [values, *(values[band : band + 1] for band in range(len(values)))]  # all together, and each by itself
    for day in range(values.shape[1]):
        for some in bands:
            known = some[:, day][np.isfinite(some[:, day])]
            if not len(known) or (_likely(known) == scale and not _of_another(known, scale)):
                continue
            if _is_apart(np.abs(some[:, day]), np.abs(np.delete(some, day, axis=1))):
                found.append(day)
                break
    return found


def _is_apart(sizes: Values, others: Values) -> bool:
    """Return whether a day's sizes differ from those of its pixels on other days, or where these show none, of all."""
    seen = np.isfinite(sizes) & np.isfinite(others).any(axis=1)
    if seen.any():
        usual = np.nanmedian(others.transpose(0, 2, 3, 1)[seen], axis=1)
        return _share_apart(sizes[seen], usual, _APART) > _MOST_APART
    known = others[np.isfinite(others)]
    of_all = np.median(known) if known.size else np.nan
    return _share_apart(sizes[np.isfinite(sizes)], of_all, _FAR) > _MOST_FAR


def _share_apart(sizes: Values, usual: Values | float, factor: float) -> float:
    return float((np.maximum(sizes, usual) > factor * np.minimum(sizes, usual)).mean())


def _likely(known: Values) -> Scale:
    """Tell a scale by the median."""
    middle = float(np.median(known))
    if middle < 0:
        return "dB"
    return "0..1" if middle <= _UNIT else "percent" if middle <= _PERCENT else "x 10,000"


def _of_another(known: Values, scale: Scale) -> int:
    """Count values that do not fit a file's scale; 0 where they are few enough to be clouds, snow or water."""
    unlikely = {
        # Clouds and snow reflect a little more than 1; whole scenes do not.
        "0..1": ((known > _UNIT) & (known <= _PERCENT), known > _PERCENT),
        "percent": ((known > 0) & (known <= 1), known > _UNIT * _PERCENT),
        # Below 0.01 only deep water reflects, and no station stands in it.
        "x 10,000": ((known > 0) & (known <= _UNIT), (known > _UNIT) & (known <= _PERCENT)),
        # Few places scatter back more than 0 dB; linear power is always positive.
        "dB": (known > 0, known > _UNIT),
    }[scale]
    often = {"0..1": (0.1, _MIXED), "percent": (0.1, _MIXED), "x 10,000": (_MIXED, 0.2), "dB": (0.1, _MIXED)}[scale]
    for values, share in zip(unlikely, often, strict=True):
        if float(values.mean()) > share:
            return int(values.sum())
    return 0


def temperature_factor(values: Values, location: str) -> float:
    """Return what turns land-surface temperatures into the product's numbers of 0.02 K: 1, or 50 for kelvin.

    Raises:
        DataError: Some are kelvin and others the product's numbers, or they are neither.
    """
    known = values[np.isfinite(values) & (values > 0)]
    if not len(known):
        return 1.0
    kelvin, numbers = (known >= _COLDEST) & (known <= _HOTTEST), known >= _LEAST_NUMBER
    if float(numbers.mean()) > 1 - _MIXED:
        return 1.0
    if float(kelvin.mean()) > 1 - _MIXED:
        return 50.0
    raise DataError(
        f"of {len(known)} land-surface temperatures {int(numbers.sum())} are the product's numbers (from "
        f"{_LEAST_NUMBER:g}), {int(kelvin.sum())} kelvin, and {int((~numbers & ~kelvin).sum())} neither",
        where=location,
        fix="Export all in the product's numbers of 0.02 K, or all in kelvin.",
    )


def refuse_percent(moisture: Values, location: str) -> None:
    """Refuse soil moisture in percent.

    Raises:
        DataError: A noticeable share is above 1.
    """
    known = moisture[np.isfinite(moisture)]
    if len(known) and float((known > 1).mean()) > _MIXED:
        raise DataError(
            f"{int((known > 1).sum())} of {len(known)} values of soil moisture are above 1 (up to {known.max():g})",
            where=location,
            fix="SMAP is in m3 m-3, 0 to 1: export it again, or divide percent by 100.",
        )


def refuse_weather(weather: Mapping[str, Values], location: str, days: int = 0) -> None:
    """Refuse weather in another unit than gridMET's, which daily values alone betray.

    Args:
        weather: By name.
        location: For messages.
        days: Different days of the values, of all seasons where they are many; 0 where that is not known.

    Raises:
        DataError: One of a hundred values is higher than weather is, or a year has no sunny day.
    """
    for name, values in weather.items():
        known = values[np.isfinite(values)]
        if not len(known):
            continue
        high = float(np.quantile(known, 0.99))
        if high > _MOST[name]:
            reason = f"one of a hundred of its {len(known)} values is above {_MOST[name]:g} (up to {known.max():g})"
        elif name == "srad" and days >= MOST_OF_A_YEAR and high < _SUNNIEST:
            reason = f"99 of a hundred of its values of {days} days are below {_SUNNIEST:g}, as in MJ m-2"
        elif name == "pr" and days >= MOST_OF_A_YEAR and 0 < float(known.mean()) < _DRIEST:
            reason = f"the mean of its values of {days} days is {known.mean():.2g}"
        else:
            continue
        raise DataError(
            f"{reason}, which is no {name} in {_EXPECTED[name]}",
            where=f"{location}, {name}",
            fix=f"gridMET is in {_EXPECTED[name]}: export it again, or convert the column.",
        )


def refuse_other_weather(means: Mapping[Path, Values], names: Sequence[str]) -> None:
    """Refuse a file whose weather has another mean than that of the other years by a factor that weather has not.

    Args:
        means: By file, of each variable, [V]; NaN where it has none.
        names: Of the variables.

    Raises:
        DataError: It is in another unit than the others.
    """
    if len(means) < _FEWEST_FILES:
        return
    of_file_FV = np.stack(list(means.values()))
    for place, name in enumerate(names):
        factor = _OTHER_YEAR.get(name, _OTHERWISE)
        usual = float(np.nanmedian(of_file_FV[:, place])) if np.isfinite(of_file_FV[:, place]).any() else 0.0
        for path, mean in zip(means, of_file_FV[:, place].tolist(), strict=True):
            if usual > 0 and mean > 0 and not 1 / factor <= mean / usual <= factor:
                raise DataError(
                    f"the mean of its {name} is {mean:.3g}, that of most files {usual:.3g}",
                    where=str(path),
                    fix=f"Bring all files to {_EXPECTED[name]}.",
                )


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
