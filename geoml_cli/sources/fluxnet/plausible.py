"""What shows that a site's driver is in another unit than FLUXNET's: its median, or how far it reaches.

The whole series is looked at, and every year of it: providers change a convention from one year's file to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet import dryness
from geoml_cli.sources.fluxnet.series import Series
from geoml_cli.sources.fluxnet.times import Step, format_time, is_subdaily, lengths, starts, years
from geoml_cli.sources.fluxnet.units import quantity, unit

Values = NDArray[np.float64]
_SUNLIGHT, _TEMPERATURES = "SW_IN_F", ("TA", "TS")
_SOME = 0.005
"""Share of temperatures above what a sensor may err to: a part of the rows is in kelvin."""
_BRIGHT = 45.0
"""A site whose brightest hundredth of half a year stays below this [W m-2] has no sun: MJ m-2 d-1 reach 35."""
_DRY = 0.1
"""Air whose driest hundredth of a month lacks less than this of saturation: a deficit in kPa looks like it."""
_WHOLE = 1.0
"""A soil whose wettest hundredth of half a year stays below this [%] is a fraction: sand of a desert holds more after
rain."""
_RAINLESS = 3.0
"""Rain of a year [mm] that no station has: one in metres has 0.05 to 3."""
_WET_DAYS = 20
"""Of a year, from which on so little rain is in another unit."""
_FLOODED = 30_000.0
"""Rain of a year [mm] that no place on Earth has had (Cherrapunji: 26,470)."""
_APART = 30.0
"""How many times wetter soil is in other years: a fraction and % are apart by 100, a dry and a wet year by less."""
_NOON, _OFF_NOON, _HOURS = 12.0, 3.5, 24
"""The sun's course is centred on noon; standard time is 3 hours apart from it at most (the west of China)."""
_YEAR, _HALF_A_YEAR, _TWO_MONTHS, _MONTH = 360, 180, 61, 30
_DAYS_OF_YEAR = 365.25


def refuse_other_units(site: str, series: Series, drivers: Sequence[str], step: Step) -> None:
    """Refuse drivers that are not in their unit.

    Raises:
        DataError: The median is none of that quantity, nor are some of the temperatures; radiation stays below that of
            any half a year; the deficit stays below a tenth of saturation for two months; the soil holds a hundredth of
            its volume at most for half a year; it rains often in a year, and hardly any, or more than anywhere; the sun
            does not shine most at noon. All of it over the whole series, or in one of its years.
    """
    _refuse_series(site, series, drivers, step)
    for part in _years(series, step):
        _refuse_year(site, part, series, drivers, step)


def _years(series: Series, step: Step) -> Iterator[Series]:
    """Cut a series of several years into those of a year; yearly records are single."""
    year = years(series.first + np.arange(series.length, dtype=np.int64), step)
    borders = [0, *(np.flatnonzero(np.diff(year)) + 1), series.length]
    if step.code == "YY" or len(borders) == 2:
        return
    for begin, end in pairwise(borders):
        values = {name: column[begin:end] for name, column in series.values.items()}
        yield replace(series, first=series.first + int(begin), values=values)


def _refuse_year(site: str, part: Series, series: Series, drivers: Sequence[str], step: Step) -> None:
    """Refuse a year by the rules of the whole series, where it is long enough and unlike the others."""

    def tells(name: str) -> bool:
        days = _days(part, np.isfinite(part.values[name]), step)
        if name == dryness.VPD:
            return days >= _HALF_A_YEAR  # two months may be a rainy season
        is_soil = quantity(name).prefix == "SWC"
        return days >= _MONTH and (not is_soil or _is_far_drier(part, series, name))

    _refuse_series(site, part, [name for name in drivers if tells(name)], step)


def _is_far_drier(part: Series, series: Series, name: str) -> bool:
    own, all_years = (np.nanquantile(of.values[name], 0.99) for of in (part, series))
    return bool(own * _APART < all_years)


def _refuse_series(site: str, series: Series, drivers: Sequence[str], step: Step) -> None:
    where = f"{site}, from {format_time(series.first, step)}"
    for name in drivers:
        known, values = quantity(name), series.values[name]
        if not np.isfinite(values).any():
            continue
        middle = float(np.nanmedian(values))
        if not known.least <= middle <= known.most:
            raise DataError(
                f"the median of {name} at {site} is {middle:g}, which is no {known.meaning} in {unit(name, step)}",
                where=where,
                fix=f"Give it in {unit(name, step)}, or leave it out of --dynamic and --extra.",
            )
        if known.prefix in _TEMPERATURES:
            _refuse_some_kelvin(name, where, values, step)
        if known.prefix == "SWC":
            _refuse_fractions(name, where, series, step)
        if known.prefix == "P":
            _refuse_metres(name, where, series, step)
    if _SUNLIGHT in drivers:
        _refuse_dim_light(where, series, step)
        _refuse_other_clock(where, series, step)
    if dryness.VPD in drivers:
        _refuse_kilopascals(where, series, step)


def _refuse_some_kelvin(name: str, location: str, values: Values, step: Step) -> None:
    known, finite = quantity(name), values[np.isfinite(values)]
    beyond = int((finite > known.most).sum())
    if beyond > _SOME * len(finite):
        raise DataError(
            f"{beyond} of {len(finite)} values of {name} are above {known.most:g} (up to {finite.max():g}), which is "
            f"no {known.meaning} in {unit(name, step)}",
            where=location,
            fix=f"Give all of them in {unit(name, step)}, or leave it out of --dynamic and --extra.",
        )


def _refuse_dim_light(location: str, series: Series, step: Step) -> None:
    values = series.values[_SUNLIGHT]
    finite = np.isfinite(values)
    if _days(series, finite, step) < _HALF_A_YEAR or (bright := float(np.quantile(values[finite], 0.99))) >= _BRIGHT:
        return
    raise DataError(
        f"{_SUNLIGHT} is {bright:g} or less in 99 of 100 records, which is no {quantity(_SUNLIGHT).meaning} in W m-2",
        where=location,
        fix="Give it in W m-2 (1 MJ m-2 d-1 is 11.574 W m-2), or leave it out of --dynamic and --extra.",
    )


def _refuse_other_clock(location: str, series: Series, step: Step) -> None:
    """Refuse times that are not local: of UTC, towers far from Greenwich have their noon in the evening."""
    values = series.values[_SUNLIGHT]
    finite = np.isfinite(values)
    if not is_subdaily(step) or _days(series, finite, step) < _MONTH:
        return
    minute = starts(series.first + np.flatnonzero(finite), step) % (_HOURS * 60)
    hour = minute // 60
    if (np.bincount(hour, minlength=_HOURS) < _MONTH).any():  # hours that are missing would move the centre
        return
    mean = np.bincount(hour, values[finite], minlength=_HOURS) / np.bincount(hour, minlength=_HOURS)
    if mean.max() < _BRIGHT:
        return
    angle = (np.arange(_HOURS) + 0.5) * (2 * np.pi / _HOURS)
    noon = float(np.angle(((mean - mean.min()) * np.exp(1j * angle)).sum()) / (2 * np.pi) * _HOURS % _HOURS)
    if abs(noon - _NOON) <= _OFF_NOON:
        return
    raise DataError(
        f"the day of {_SUNLIGHT} is centred on {noon:.1f} h, and the sun's on noon: times are not local",
        where=location,
        fix="Give times in local standard time, as FLUXNET and AmeriFlux do, not in UTC; or leave it out of --dynamic "
        "and --extra, where its own clock is wrong.",
    )


def _refuse_kilopascals(location: str, series: Series, step: Step) -> None:
    temperature, known = series.values[dryness.TEMPERATURE], quantity(dryness.TEMPERATURE)
    # A temperature that is no driver was not checked; in kelvin it would make any deficit look small.
    temperature = np.where((temperature >= known.least) & (temperature <= known.most), temperature, np.nan)
    share = series.values[dryness.VPD] / dryness.saturation(temperature)
    finite = np.isfinite(share)
    if _days(series, finite, step) < _TWO_MONTHS or (dry := float(np.quantile(share[finite], 0.99))) >= _DRY:
        return
    raise DataError(
        f"{dryness.VPD} is {dry:.3g} or less of saturation at {dryness.TEMPERATURE} in 99 of 100 records, which is no "
        "vapour pressure deficit in hPa, unless the air was never drier than a relative humidity of 90 %",
        where=location,
        fix="Give it in hPa (1 kPa is 10 hPa), or leave it out of --dynamic and --extra.",
    )


def _refuse_fractions(name: str, location: str, series: Series, step: Step) -> None:
    values = series.values[name]
    finite = np.isfinite(values)
    wet = float(np.quantile(values[finite], 0.99))
    if _days(series, finite, step) < _HALF_A_YEAR or not 0 < wet <= _WHOLE:
        return
    raise DataError(
        f"{name} is {wet:.3g} or less in 99 of 100 records, which is a fraction and no {quantity(name).meaning} in %",
        where=location,
        fix="Give it in % (1 m3 m-3 is 100 %), or leave it out of --dynamic and --extra.",
    )


def _refuse_metres(name: str, location: str, series: Series, step: Step) -> None:
    values = series.values[name]
    yearly, days = rain_of_a_year(values, series, step), _days(series, np.isfinite(values), step)
    if days >= _YEAR and yearly > _FLOODED:
        raise _other_rain(name, yearly, location, step)
    if days < _YEAR or not 0 < yearly < _RAINLESS:
        return
    # In a desert that gets no more it rains on a few days.
    day = np.floor(np.cumsum(lengths(series.first + np.arange(series.length, dtype=np.int64), step)))
    if len(np.unique(day[values > 0])) < _WET_DAYS * days / _DAYS_OF_YEAR:
        return
    raise _other_rain(name, yearly, location, step)


def _other_rain(name: str, yearly: float, location: str, step: Step) -> DataError:
    return DataError(
        f"{name} sums up to {yearly:.3g} in a year, which is no {quantity(name).meaning} in {unit(name, step)}",
        where=location,
        fix=f"Give it in {unit(name, step)} (1 m is 1000 mm), or leave it out of --dynamic and --extra.",
    )


def rain_of_a_year(water: Values, series: Series, step: Step) -> float:
    """Return mean precipitation [mm yr-1] over the records with a value; NaN where there is none."""
    days = lengths(series.first + np.arange(series.length, dtype=np.int64), step)
    if step.code == "YY":  # a sum over the record's year
        rate = water / days
    elif step.digits == 12:  # a sum over the record
        rate = water * (1440 / step.minutes)
    else:
        rate = water
    return weighted_mean(rate, days) * _DAYS_OF_YEAR


def weighted_mean(values: Values, days: Values) -> float:
    """Return the mean over the records with a value, weighted by their lengths; NaN where there is none."""
    finite = np.isfinite(values)
    return float(np.average(values[finite], weights=days[finite])) if finite.any() else float("nan")


def _days(series: Series, records: NDArray[np.bool_], step: Step) -> float:
    """Return how long some records last together [days]."""
    return float(lengths(series.first + np.flatnonzero(records), step).sum())
