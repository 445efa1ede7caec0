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
from geoml_cli.readers.year_scales import cells_of, refuse_other_years
from geoml_cli.sources.fluxnet import clock, dryness
from geoml_cli.sources.fluxnet.quality import Rule
from geoml_cli.sources.fluxnet.series import Series
from geoml_cli.sources.fluxnet.times import Step, format_time, is_subdaily, lengths, starts, years
from geoml_cli.sources.fluxnet.units import quantity, unit

Values = NDArray[np.float64]
_SUNLIGHT, _TEMPERATURES = clock.SUNLIGHT, ("TA", "TS")
_SOME = 0.005
"""Share of temperatures above what a sensor may err to: a part of the rows is in kelvin."""
_MANY = 0.03
"""Share of them that no fault of a sensor makes: they are in Fahrenheit, or tenths."""
_BRIGHT = 45.0
"""A site whose brightest hundredth of half a year stays below this [W m-2] has no sun: MJ m-2 d-1 reach 35."""
_DRY = 0.1
"""Air whose driest hundredth of a month lacks less than this of saturation: a deficit in kPa looks like it."""
_WHOLE = 1.0
"""A soil whose wettest hundredth of half a year stays below this [%] is a fraction: sand of a desert holds more after
rain."""
_RAINLESS = 3.0
"""Rain of a year [mm] that no station has: one in metres has 0.05 to 3."""
_WETTER = 100.0
"""How many times wetter all years together are than one in metres, at least."""
_WET_DAYS = 20
"""Of a year, from which on so little rain is in another unit."""
_FLOODED = 30_000.0
"""Rain of a year [mm] that no place on Earth has had (Cherrapunji: 26,470)."""
_APART = 30.0
"""How many times wetter soil is in other years: a fraction and % are apart by 100, a dry and a wet year by less."""
_COLDEST, _HOTTEST = 200.0, 340.0
"""Temperatures between which they are kelvin [K]; others are faults of a sensor."""
_OR_WITHOUT = "or leave it out of --dynamic and --extra, or empty its cells there."
_FEW_DAYS = 5
"""With values in a month, from which on the month has a size."""
_YEAR, _HALF_A_YEAR, _TWO_MONTHS, _MONTH = 360, 180, 61, 30
_DAYS_OF_YEAR, _MINUTES = 365.25, 1440


def refuse_other_units(site: str, series: Series, drivers: Sequence[str], step: Step) -> None:
    """Refuse drivers that are not in their unit.

    Raises:
        DataError: The median is none of that quantity, nor are some of the temperatures; radiation stays below that of
            any half a year; the deficit stays below a tenth of saturation for two months; the soil holds a hundredth of
            its volume at most for half a year; it rains often in a year, and hardly any, or more than anywhere; the sun
            does not shine most at noon, or an hour later from a missing hour of spring on. All of it over the whole
            series, or in one of its years.
    """
    _refuse_series(site, series, drivers, step, series)
    if clock.SUNLIGHT in drivers and is_subdaily(step):
        clock.refuse_other_clock(site, series.first, series.values[clock.SUNLIGHT], step)
        clock.refuse_summer_time(site, series.first, series.values[clock.SUNLIGHT], series.lost, step)
    for part in _years(series, step):
        _refuse_year(site, part, series, drivers, step)


def refuse_other_scales(site: str, first: int, target_T: Values, name: str, step: Step) -> None:
    """Refuse a target of which some years are in another scale than the others; yearly sums differ by nature.

    Args:
        site: For messages.
        first: Place of the first record.
        target_T: The targets that are good enough, NaN where there is none.
        name: Of its column.
        step: The resolution.

    Raises:
        DataError: They are: the months of these years are far larger or smaller than the same months of others.
    """
    if step.code == "YY":
        return
    begins = starts(first + np.arange(len(target_T), dtype=np.int64), step).astype("datetime64[m]")
    least = int(_FEW_DAYS * _MINUTES / step.minutes) if step.minutes > 0 else 1
    refuse_other_years(
        cells_of(target_T, begins, np.zeros(len(begins), dtype=np.int64), least),
        name,
        site,
        f"Give all years in {unit(name, step)}; where it is real, say --any-scale {name}.",
    )


def refuse_other_size(site: str, first: int, target_T: Values, rule: Rule, step: Step) -> None:
    """Refuse a target that is larger than it can be in half of a month's records; single ones are left out elsewhere.

    Args:
        site: For messages.
        first: Place of the first record.
        target_T: The targets of good quality, however large, NaN where there is none.
        rule: Their column and the largest size.
        step: The resolution; of months and years all are taken together.

    Raises:
        DataError: They are, as in another unit.
    """
    if rule.limit is None:
        return
    known = np.isfinite(target_T)
    by_month = 0 < step.minutes <= _MINUTES
    least = int(_FEW_DAYS * _MINUTES / step.minutes) if by_month else _FEW_DAYS
    begins = starts(first + np.flatnonzero(known), step).astype("datetime64[m]").astype("datetime64[M]")
    months = begins if by_month else np.zeros_like(begins)
    names, month, count = np.unique(months, return_inverse=True, return_counts=True)
    sizes = np.abs(target_T[known])
    beyond = np.bincount(month, sizes > rule.limit, len(names))
    strange = (count >= least) & (2 * beyond >= count)
    if not strange.any():
        return
    chosen = int(strange.argmax())
    when = f" of {names[chosen]}" if by_month else ""
    raise DataError(
        f"{rule.target} is larger than {rule.limit:g} in {int(beyond[chosen])} of {int(count[chosen])} good records"
        f"{when} (up to {sizes[month == chosen].max():.4g}), more than a flux in {unit(rule.target, step)} can be",
        where=site,
        fix=f"Give all of them in {unit(rule.target, step)}, or empty those of a sensor that failed; "
        f"--any-scale {rule.target} leaves them out.",
    )


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
        known = np.isfinite(part.values[name])
        if name == dryness.VPD:  # two months may be a rainy season; the deficit needs a temperature
            return _days(part, known & np.isfinite(part.values[dryness.TEMPERATURE]), step) >= _HALF_A_YEAR
        return _days(part, known, step) >= _MONTH

    _refuse_series(site, part, [name for name in drivers if tells(name)], step, series)


def _refuse_series(site: str, series: Series, drivers: Sequence[str], step: Step, whole: Series) -> None:
    """Refuse a series, or a year of the whole one."""
    where = f"{site}, from {format_time(series.first, step)}"
    for name in drivers:
        known, values = quantity(name), series.values[name]
        finite = np.isfinite(values)
        if not finite.any():
            continue
        middle = float(np.median(values[finite]))
        if not known.least <= middle <= known.most:
            raise DataError(
                f"the median of {name} at {site} is {middle:g}, which is no {known.meaning} in {unit(name, step)}",
                where=where,
                fix=f"Give it in {unit(name, step)}, {_OR_WITHOUT}",
            )
        if known.prefix in (*_TEMPERATURES, "PA"):
            _refuse_some(name, where, values, step)
        if known.prefix == "SWC" and (series is whole or _is_far_drier(series, whole, name)):
            _refuse_fractions(name, where, series, step)
        if known.prefix == "P":
            _refuse_metres(name, where, series, step, whole)
    if _SUNLIGHT in drivers:
        _refuse_dim_light(where, series, step, whole)
    if dryness.VPD in drivers:
        _refuse_kilopascals(where, series, step)


def _refuse_some(name: str, location: str, values: Values, step: Step) -> None:
    """Refuse a temperature or a pressure of which some values are in another unit: kelvin, Fahrenheit, hPa."""
    known, finite = quantity(name), values[np.isfinite(values)]
    beyond = finite > known.most
    kelvin = (finite > _COLDEST) & (finite < _HOTTEST)
    of_other = beyond if known.prefix not in _TEMPERATURES or beyond.mean() > _MANY else kelvin
    if of_other.mean() > _SOME:
        raise DataError(
            f"{int(of_other.sum())} of {len(finite)} values of {name} are above {known.most:g} (up to "
            f"{finite[of_other].max():g}), which is no {known.meaning} in {unit(name, step)}",
            where=location,
            fix=f"Give all of them in {unit(name, step)}, {_OR_WITHOUT}",
        )


def _refuse_dim_light(location: str, series: Series, step: Step, whole: Series) -> None:
    values = series.values[_SUNLIGHT]
    finite = np.isfinite(values)
    if _days(series, finite, step) < _HALF_A_YEAR:
        return
    bright = float(np.quantile(values[finite], 0.99))
    if bright >= _BRIGHT or (bright <= 0 and series is not whole):  # a dead sensor of a year is no other unit
        return
    raise DataError(
        f"{_SUNLIGHT} is {bright:g} or less in 99 of 100 records, which is no {quantity(_SUNLIGHT).meaning} in W m-2",
        where=location,
        fix=f"Give it in W m-2 (1 MJ m-2 d-1 is 11.574 W m-2), {_OR_WITHOUT}",
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
        fix=f"Give it in hPa (1 kPa is 10 hPa), {_OR_WITHOUT}",
    )


def _is_far_drier(part: Series, series: Series, name: str) -> bool:
    own, all_years = (np.nanquantile(of.values[name], 0.99) for of in (part, series))
    return bool(own * _APART < all_years)


def _refuse_fractions(name: str, location: str, series: Series, step: Step) -> None:
    values = series.values[name]
    finite = np.isfinite(values)
    wet = float(np.quantile(values[finite], 0.99))
    if _days(series, finite, step) < _HALF_A_YEAR or not 0 < wet <= _WHOLE:
        return
    raise DataError(
        f"{name} is {wet:.3g} or less in 99 of 100 records, which is a fraction and no {quantity(name).meaning} in %",
        where=location,
        fix=f"Give it in % (1 m3 m-3 is 100 %), {_OR_WITHOUT}",
    )


def _refuse_metres(name: str, location: str, series: Series, step: Step, whole: Series) -> None:
    values = series.values[name]
    yearly, days = rain_of_a_year(values, series, step), _days(series, np.isfinite(values), step)
    if days >= _YEAR and yearly > _FLOODED:
        raise DataError(
            f"{name} sums up to {yearly:.3g} in a year, more than anywhere (up to {np.nanmax(values):g} in a record)",
            where=location,
            fix=f"Give it in {unit(name, step)}, or empty the records that no gauge can have; {_OR_WITHOUT}",
        )
    if days < _YEAR or not 0 < yearly < _RAINLESS:
        return
    if series is not whole and yearly * _WETTER > rain_of_a_year(whole.values[name], whole, step):
        return  # a dry year of a desert
    # In a desert that gets no more it rains on a few days.
    day = np.floor(np.cumsum(lengths(series.first + np.arange(series.length, dtype=np.int64), step)))
    often = min(_WET_DAYS * days / _DAYS_OF_YEAR, np.isfinite(values).sum() / 2)  # of months and years there are few
    if len(np.unique(day[values > 0])) < often:
        return
    raise DataError(
        f"{name} sums up to {yearly:.3g} in a year, which is no {quantity(name).meaning} in {unit(name, step)}",
        where=location,
        fix=f"Give it in {unit(name, step)} (1 m is 1000 mm), {_OR_WITHOUT}",
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
    if step.minutes > 0 and step.code != "WW":  # the last week of a year is longer
        return float(np.count_nonzero(records) * step.minutes / _MINUTES)
    return float(lengths(series.first + np.flatnonzero(records), step).sum())
