"""Vapour pressure deficit from air temperature and relative humidity, where files hold no column of it.

Magnus formula over water with the coefficients of Sonntag (1990), as REddyProc has it (Wutzler et al. 2018,
doi:10.5194/bg-15-5015-2018): e_s = 6.1078 hPa exp(17.08085 T / (234.175 + T)) with T in degC; VPD = e_s (1 - RH / 100).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet.times import Step, is_subdaily
from geoml_cli.sources.fluxnet.units import positions

Values = NDArray[np.float64]
VPD, TEMPERATURE, HUMIDITY = "VPD_F", "TA_F", "RH"
_HUMIDITY = ("RH_F", "RH", "RH_PI")
_FRACTION = 1.5
"""A median humidity below this is a share, not in %."""
_SATURATED, _SLOPE, _OFFSET = 6.1078, 17.08085, 234.175


def humidity_columns(
    columns: Collection[str], wanted: Collection[str], known: Collection[str], step: Step
) -> list[str]:
    """Return columns of relative humidity [%] that give a file's deficit, the best first; empty where none is needed.

    The deficit is no straight function of temperature: that of a day's means is less than the mean of a day's deficits,
    and is not computed.

    Args:
        columns: Wanted names that the file has.
        wanted: Names that are read.
        known: All columns of the file.
        step: The resolution.
    """
    if VPD not in wanted or VPD in columns or TEMPERATURE not in columns or not is_subdaily(step):
        return []
    return [name for name in positions(_HUMIDITY) if name in known]


def with_deficit(values: Mapping[str, Values], humidity: str, location: str) -> dict[str, Values]:
    """Add the deficit to columns that hold temperature and humidity.

    Args:
        values: By name.
        humidity: What the file calls its humidity.
        location: The file, for messages.

    Raises:
        DataError: The humidity is not in %.
    """
    given = values[HUMIDITY]
    if np.isfinite(given).any() and (middle := float(np.nanmedian(given))) < _FRACTION:
        raise DataError(
            f"the median of {humidity} is {middle:g}, which is no relative humidity in %",
            where=location,
            fix="Give it in %, or name the drivers without VPD_F with --dynamic.",
        )
    return {**values, VPD: deficit(values[TEMPERATURE], given)}


def deficit(temperature: Values, humidity: Values) -> Values:
    """Return the vapour pressure deficit [hPa], NaN where either is missing; shape as given.

    Args:
        temperature: Of the air [degC].
        humidity: Relative [%]; sensors read a little more than 100 in fog, which is no deficit.
    """
    return np.asarray(np.maximum(saturation(temperature) * (1 - humidity / 100), 0.0))


def saturation(temperature: Values) -> Values:
    """Return the vapour pressure of saturated air [hPa] at temperatures [degC], shape as given."""
    return np.asarray(_SATURATED * np.exp(_SLOPE * temperature / (_OFFSET + temperature)))
