"""What shows that a site's driver is in another unit than FLUXNET's: its median, or how far it reaches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet import dryness
from geoml_cli.sources.fluxnet.series import Series
from geoml_cli.sources.fluxnet.times import Step, format_time, lengths
from geoml_cli.sources.fluxnet.units import quantity, unit

Values = NDArray[np.float64]
_SUNLIGHT = "SW_IN_F"
_BRIGHT = 45.0
"""A site whose brightest hundredth of half a year stays below this [W m-2] has no sun: MJ m-2 d-1 reach 35."""
_DRY = 0.1
"""Air whose driest hundredth of a month lacks less than this of saturation: a deficit in kPa looks like it."""
_HALF_A_YEAR, _MONTH = 180, 30


def refuse_other_units(site: str, series: Series, drivers: Sequence[str], step: Step) -> None:
    """Refuse drivers that are not in their unit.

    Raises:
        DataError: The median is none of that quantity; radiation stays below that of any half a year; the deficit
            stays below a tenth of saturation for a month.
    """
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
    if _SUNLIGHT in drivers:
        _refuse_dim_light(where, series, step)
    if dryness.VPD in drivers:
        _refuse_kilopascals(where, series, step)


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


def _refuse_kilopascals(location: str, series: Series, step: Step) -> None:
    temperature, known = series.values[dryness.TEMPERATURE], quantity(dryness.TEMPERATURE)
    # A temperature that is no driver was not checked; in kelvin it would make any deficit look small.
    temperature = np.where((temperature >= known.least) & (temperature <= known.most), temperature, np.nan)
    share = series.values[dryness.VPD] / dryness.saturation(temperature)
    finite = np.isfinite(share)
    if _days(series, finite, step) < _MONTH or (dry := float(np.quantile(share[finite], 0.99))) >= _DRY:
        return
    raise DataError(
        f"{dryness.VPD} is {dry:.3g} or less of saturation at {dryness.TEMPERATURE} in 99 of 100 records, which is no "
        "vapour pressure deficit in hPa, unless the air was never drier than a relative humidity of 90 %",
        where=location,
        fix="Give it in hPa (1 kPa is 10 hPa), or leave it out of --dynamic and --extra.",
    )


def _days(series: Series, records: NDArray[np.bool_], step: Step) -> float:
    """Return how long some records last together [days]."""
    return float(lengths(series.first + np.flatnonzero(records), step).sum())
