"""What shows that a carbon flux has its sign turned, another unit or another clock: its parts, and the sun."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.year_scales import listed
from geoml_cli.sources.fluxnet.clock import SUNLIGHT
from geoml_cli.sources.fluxnet.series import Series
from geoml_cli.sources.fluxnet.times import Step, is_subdaily, starts, years
from geoml_cli.sources.fluxnet.units import carbon_parts, unit

Values = NDArray[np.float64]
_SOME = 30
"""Records from which on a flux is compared with its parts."""
_ALIKE, _OPPOSITE, _SCALE = 0.5, -0.5, 1.25
"""Correlation of a flux with its parts, which is 0.97 and more in files of providers, and how far their sizes differ:
by 6 % at most there, where the threshold of friction velocity is not the same."""
_TURNED, _CLEARLY = "but the opposite", 0.5
"""Words on a turned sign, and standard deviations below 0 of a mean that is negative by convention."""
_BRIGHT, _DARK = 200.0, 5.0
"""Sunlight of day and night [W m-2]."""
_BY_DAY, _BY_NIGHT = (9, 15), (22, 3)
"""Hours of day and night, where sunlight is not known."""
_FEW, _STRONG = 100, 2.0
"""Records of day and of night that a month needs, and a difference of means that vegetation makes [umol m-2 s-1]."""
_FLUXES = ("NEE", "FC")


def refuse_other_parts(site: str, series: Series, target_T: Values, target: str, step: Step) -> None:
    """Refuse a net exchange that is not the difference of respiration and photosynthesis next to it.

    Reichstein et al. 2005, doi:10.1111/j.1365-2486.2005.001002.x: NEE = RECO - GPP, positive where carbon is lost.

    Args:
        site: For the message.
        series: With the two, where a file has them.
        target_T: Good values of the net exchange, NaN where there is none.
        target: Its column.
        step: The resolution; a year is looked at by itself as well.

    Raises:
        DataError: It is the opposite, follows it hardly, or is of another size.
    """
    pair = carbon_parts(target, series.values)
    if not pair:
        return
    respired_T, taken_T = (series.values[name] for name in pair)
    # Some write photosynthesis as a negative flux: that is another sign of its own.
    known = taken_T[np.isfinite(taken_T)]
    is_turned = len(known) > 0 and float(known.mean()) < -_CLEARLY * float(known.std())  # not noise of a winter
    made_T = respired_T + taken_T if is_turned else respired_T - taken_T
    year_T = years(series.first + np.arange(series.length, dtype=np.int64), step)
    whole = _difference(target_T, made_T)
    of_years = {
        year: _difference(target_T[year_T == year], made_T[year_T == year]) for year in np.unique(year_T).tolist()
    }
    turned = [year for year, what in of_years.items() if what.startswith(_TURNED)]
    if not whole and not turned:
        return
    of = f" of {listed(turned)}" if 0 < len(turned) < len(of_years) else ""
    what = of_years[turned[0]] if turned else whole
    raise DataError(
        f"{target}{of} is not {pair[0]} - {pair[1]} {what}",
        where=site,
        fix=f"Give the columns as the provider has them, or take out {pair[0]} and {pair[1]} where these are wrong; "
        f"--any-scale {target} takes it as it is.",
    )


def _difference(net_T: Values, made_T: Values) -> str:
    """Say how a net exchange differs from what it is made of; empty where it does not, or too little is known."""
    known = np.isfinite(net_T + made_T)
    own, made = net_T[known], made_T[known]
    if len(own) < _SOME or not own.std() or not made.std():
        return ""
    alike, size = float(np.corrcoef(own, made)[0, 1]), float(own.std() / made.std())
    if alike < _OPPOSITE:
        return f"{_TURNED} (correlation {alike:.2f}): its sign is turned"
    if alike < _ALIKE:
        return f"(correlation {alike:.2f}): one of them is of other times"
    if max(size, 1 / size) > _SCALE:
        return f"but {size:.3g} times as large: one of them is in another unit"
    return ""


def uptake_by_night(site: str, series: Series, target_T: Values, target: str, step: Step) -> list[str]:
    """Say so where carbon is taken up by night: sign or clock are others; nothing where it is not, or not known.

    Args:
        site: For the message.
        series: With sunlight, where that was read.
        target_T: Good values of the flux, NaN where there is none.
        target: Its column.
        step: The resolution; days and more have no night.
    """
    if not is_subdaily(step) or target.split("_")[0] not in _FLUXES:
        return []
    minute = starts(series.first + np.arange(series.length, dtype=np.int64), step)
    month = minute.astype("datetime64[m]").astype("datetime64[M]").astype(np.int64) % 12
    day, night = _day_and_night(series, minute)
    found: dict[int, float] = {}
    for number in range(12):
        of_day, of_night = (target_T[which & (month == number) & np.isfinite(target_T)] for which in (day, night))
        if min(len(of_day), len(of_night)) >= _FEW:
            found[number] = float(of_day.mean() - of_night.mean())
    if not found:
        return []
    strongest = max(found, key=lambda number: abs(found[number]))
    if found[strongest] < _STRONG:
        return []
    return [
        f"{site}: {target} is {found[strongest]:.3g} {unit(target, step)} larger by day than by night in month "
        f"{strongest + 1}, when they differ most, as where plants took up carbon by night. Are its sign (positive "
        "where carbon is lost) and its times right? In a city they may be."
    ]


def _day_and_night(series: Series, minute: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    light = series.values.get(SUNLIGHT)
    if light is not None and np.isfinite(light).any():
        with np.errstate(invalid="ignore"):
            return light > _BRIGHT, light < _DARK
    hour = minute % 1440 // 60
    return (hour >= _BY_DAY[0]) & (hour < _BY_DAY[1]), (hour >= _BY_NIGHT[0]) | (hour < _BY_NIGHT[1])
