"""Marginal distribution sampling: gaps of fluxes filled from like weather near in time (Reichstein et al. 2005).

Global Change Biology 11, doi:10.1111/j.1365-2486.2005.001002.x, appendix A; the order of the windows and the tolerance
of weak radiation as in Wutzler et al. (2018), Biogeosciences 15, doi:10.5194/bg-15-5015-2018, section 2.3.

Legend: N records of one station, A records that are asked for, K records of a window.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import SettingsError

Values = NDArray[np.float64]
Rows = NDArray[np.int64]
_DAY = 1440
STEPS = (30, 60)
"""Lengths of records [min]: the method looks for the same time of day."""
_FEWEST = 2
_STRONG, _WEAK = 50.0, 20.0
"""Tolerance of radiation [W m-2]: its own value between these."""
_WARMTH, _DRYNESS = 2.5, 5.0
"""Tolerance of air temperature [K] and of vapour pressure deficit [hPa]."""
_BLOCK = 4_000_000
"""Numbers of a matrix of windows in memory at once."""


class Series(NamedTuple):
    """Records of one station.

    Attributes:
        minute_N: Begin of each [min], ascending.
        flux_N: NaN where it is not known, or not to be used.
        radiation_N: Global radiation [W m-2].
        warmth_N: Air temperature [degC].
        dryness_N: Vapour pressure deficit [hPa].
        step: Length of a record [min].
    """

    minute_N: Rows
    flux_N: Values
    radiation_N: Values
    warmth_N: Values
    dryness_N: Values
    step: int


class Filled(NamedTuple):
    """What marginal distribution sampling gives, NaN where nothing like it is near.

    Attributes:
        mean_A: Mean of the records found.
        std_A: Their standard deviation.
        quality_A: 1 for what is near and alike, to 3 for what is far; 0 where nothing is found.
    """

    mean_A: Values
    std_A: Values
    quality_A: Rows


class _Stage(NamedTuple):
    """A window: `all` drivers alike, `radiation` alike, or the same `time` of day within an hour."""

    alike: str
    days: int
    quality: int


def _stages() -> Iterator[_Stage]:
    yield _Stage("all", 7, 1)
    yield _Stage("all", 14, 1)
    yield _Stage("radiation", 7, 1)
    yield from (_Stage("time", days, 1 if days == 0 else 2) for days in (0, 1, 2))
    yield from (_Stage("all", days, 2 if days <= 28 else 3) for days in range(21, 71, 7))
    yield from (_Stage("radiation", days, 2 if days <= 14 else 3) for days in range(14, 71, 7))
    yield from (_Stage("time", days, 3) for days in range(7, 211, 7))


def fill(series: Series, asked_A: Rows, *, leave_one_out: bool = False) -> Filled:
    """Fill records of a series from its others.

    Args:
        series: The station's records.
        asked_A: Which are filled; what is known of them is not used.
        leave_one_out: What is known of a record is used for the others that are asked for.

    Raises:
        SettingsError: Records are neither half-hours nor hours.
    """
    if series.step not in STEPS:
        raise SettingsError(
            f"marginal distribution sampling fills series of half-hours or hours, not of {series.step} minutes.",
            where="mds",
            fix="Leave it out, or prepare half-hourly files.",
        )
    place_N = (series.minute_N - series.minute_N[0]) // series.step if len(series.minute_N) else series.minute_N
    filled = Filled(
        np.full(len(asked_A), np.nan), np.full(len(asked_A), np.nan), np.zeros(len(asked_A), dtype=np.int64)
    )
    if not len(asked_A):
        return filled
    known = series.flux_N.copy()
    if not leave_one_out:
        known[asked_A] = np.nan
    regular = _regular(series._replace(flux_N=known), place_N)
    for stage in _stages():
        left = np.flatnonzero(np.isnan(filled.mean_A))
        if not len(left):
            break
        _fill_stage(regular, stage, place_N[asked_A], left, filled)
    return filled


def _regular(series: Series, place_N: Rows) -> Series:
    """Lay records out step by step, NaN where there is none."""
    length = int(place_N[-1]) + 1
    columns = []
    for values_N in (series.flux_N, series.radiation_N, series.warmth_N, series.dryness_N):
        laid = np.full(length, np.nan)
        laid[place_N] = values_N
        columns.append(laid)
    flux, radiation, warmth, dryness = columns
    return Series(np.arange(length, dtype=np.int64), flux, radiation, warmth, dryness, series.step)


def _fill_stage(series: Series, stage: _Stage, place_A: Rows, left: Rows, filled: Filled) -> None:
    offset_K = _window(stage, series.step)
    size = max(_BLOCK // len(offset_K), 1)
    for first in range(0, len(left), size):
        rows = left[first : first + size]
        place_RK = place_A[rows][:, None] + offset_K
        inside = (place_RK >= 0) & (place_RK < len(series.flux_N)) & (offset_K != 0)
        place_RK = np.where(inside, place_RK, 0)
        value_RK = np.where(inside & _alike(series, stage, place_A[rows], place_RK), series.flux_N[place_RK], np.nan)
        count_R = np.isfinite(value_RK).sum(axis=1)
        good = count_R >= _FEWEST
        chosen, value_RK = rows[good], value_RK[good]
        filled.mean_A[chosen] = np.nanmean(value_RK, axis=1) if len(chosen) else []
        filled.std_A[chosen] = np.nanstd(value_RK, axis=1, ddof=1) if len(chosen) else []
        filled.quality_A[chosen] = stage.quality


def _window(stage: _Stage, step: int) -> Rows:
    """Return the offsets of a window, that of the record itself among them."""
    per_day, reach = _DAY // step, stage.days * (_DAY // step)
    if stage.alike != "time":
        return np.arange(-reach, reach + 1)
    hour = np.arange(-(60 // step), 60 // step + 1)
    days = np.arange(-stage.days, stage.days + 1) * per_day
    return np.asarray((days[:, None] + hour).reshape(-1))


def _alike(series: Series, stage: _Stage, place_R: Rows, place_RK: Rows) -> NDArray[np.bool_]:
    """Return which records of the windows have weather like the record's own; unknown weather is like none."""
    if stage.alike == "time":
        return np.ones(place_RK.shape, dtype=bool)
    own_R = series.radiation_N[place_R]
    tolerance_R = np.clip(own_R, _WEAK, _STRONG)
    alike = np.abs(series.radiation_N[place_RK] - own_R[:, None]) < tolerance_R[:, None]
    if stage.alike == "all":
        alike &= np.abs(series.warmth_N[place_RK] - series.warmth_N[place_R][:, None]) < _WARMTH
        alike &= np.abs(series.dryness_N[place_RK] - series.dryness_N[place_R][:, None]) < _DRYNESS
    return np.asarray(alike)
