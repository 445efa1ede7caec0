"""Sums of gap-filled series over days, months or years, their gaps, and the interval of what was filled.

Legend: R records of the series, P periods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.inference.inputs.sum_intervals import Interval, Uncertainty, interval_columns, record_parts

if TYPE_CHECKING:
    import pandas as pd

Period = Literal["day", "month", "year"]
Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
PERIODS: dict[str, tuple[str, str]] = {"day": ("D", "d-1"), "month": ("M", "month-1"), "year": ("Y", "yr-1")}
_CARBON_G_PER_UMOL = 12.011e-6
_INTEGRALS = {
    "gC m-2 d-1": ("gC m-2", 1 / 1440),
    "umol CO2 m-2 s-1": ("gC m-2", _CARBON_G_PER_UMOL * 60),
    "W m-2": ("MJ m-2", 60e-6),
    "mm (30 min)-1": ("mm", 1 / 30),
    "mm h-1": ("mm", 1 / 60),
    "mm d-1": ("mm", 1 / 1440),
}
"""Unit of a sum over time, and what a flux adds to it in a minute."""
_YEARLY = {"gC m-2 yr-1": "gC m-2", "mm yr-1": "mm"}
"""Units of values that are sums of their year already, and the unit of these."""
_MINUTES = {0: "M", -1: "Y"}
DAY, _WEEK = 1440, 10_080
_LAST_WEEK = 51 * _WEEK
"""Minutes before the last week of a year, which has 8 or 9 days in FLUXNET's files."""


class GapFilledSeries(NamedTuple):
    """The series with its gaps filled, shape [R] each.

    Attributes:
        value: Observed where that is good enough, else predicted; NaN where neither is.
        observed: Whether it was observed.
        minutes: Length of the record.
        begin: Of the record.
        station: Its number.
        provided: The provider's own values, gaps filled; None where the data hold none.
        uncertain: What the provider tells of the records' uncertainty.
        otherwise: Whether it was filled by another than what fills the series; None where nothing else does.
        otherwise_by: Name of that.
    """

    value: Floats
    observed: NDArray[np.bool_]
    minutes: Floats
    begin: NDArray[np.datetime64]
    station: NDArray[np.int64]
    provided: Floats | None = None
    uncertain: Uncertainty = Uncertainty()
    otherwise: NDArray[np.bool_] | None = None
    otherwise_by: str = ""


class SumDefinition(NamedTuple):
    """What is summed up.

    Attributes:
        period: Over which.
        fill: What fills the gaps: the network, or the name of a baseline of its own.
        unit: Of the sum.
        per_minute: What a flux adds to it in a minute; None where values are sums themselves.
    """

    period: Period
    fill: str
    unit: str
    per_minute: float | None


def sum_unit(dataset: Dataset, unit: str) -> tuple[str, float | None]:
    """Return the unit of a sum and what a flux adds to it in a minute; None where values are sums themselves."""
    if not (dataset.has("station_first") and dataset.has("step")):
        raise SettingsError(
            f"the samples of {dataset.manifest.source} are no series.", where="--sums", fix="Leave it out."
        )
    if unit in _YEARLY:
        return _YEARLY[unit], None
    if unit not in _INTEGRALS:
        raise SettingsError(
            f"values in {unit} have no sum over time.", where="--sums", fix=f"It needs {', '.join(_INTEGRALS)}."
        )
    return _INTEGRALS[unit]


def end_of_period(time: NDArray[np.datetime64], unit: str) -> NDArray[np.datetime64]:
    """Return when the day, month or year of each time ends, in minutes; `unit` is NumPy's code of it."""
    return (time.astype(f"datetime64[{unit}]") + np.timedelta64(1, unit)).astype("datetime64[m]")  # type: ignore[call-overload,no-any-return]


def lengths(begin: NDArray[np.datetime64], station: NDArray[np.int64], step: int) -> Floats:
    """Return the length of every record [min]: up to the next, and of a station's last by the calendar."""
    unit = _MINUTES.get(step, "Y")
    calendar = begin.astype(f"datetime64[{unit}]")
    last = (end_of_period(begin, unit) - begin).astype(np.float64)
    if step > 0:
        ends_year = (step == _WEEK) & (begin - calendar.astype("datetime64[m]") >= np.timedelta64(_LAST_WEEK, "m"))
        last = np.where(ends_year, last, float(step))
    following = np.append(np.diff(begin).astype(np.float64), 0.0)
    inside = np.append(station[1:] == station[:-1], False)
    return np.where(inside, following, last)


def refuse_longer_records(begin: NDArray[np.datetime64], minutes: Floats, period: Period) -> None:
    """Raise DataError where a record is longer than the period, or lies in two of them."""
    if (begin + minutes.astype("timedelta64[m]") > end_of_period(begin, PERIODS[period][0])).any():
        raise DataError(f"records reach over the end of a {period}", where="--sums", fix="Choose a longer period.")


def sums(
    series: GapFilledSeries, names: NDArray[np.str_], wanted: SumDefinition, interval: Interval | None = None
) -> pd.DataFrame:
    """Sum up by station and period; a period that is not whole has neither sum nor mean.

    Args:
        series: Records with their gaps filled.
        names: Of the stations.
        wanted: What is summed up.
        interval: Which one is wanted; None for none.

    Raises:
        DataError: As for `refuse_longer_records`.
    """
    import pandas as pd

    refuse_longer_records(series.begin, series.minutes, wanted.period)
    code = PERIODS[wanted.period][0]
    calendar, whole = _calendar(series, wanted.period)
    parts = _parts(series, wanted)
    frame = pd.DataFrame(
        {"station": series.station, "begin": calendar.astype("datetime64[s]"), **parts, "whole": whole}
    )
    frame["gap"] = _gaps(series, frame)
    by = frame.groupby(["station", "begin"], sort=True)
    found, length = by[[*parts]].sum(), by["whole"].first()
    complete = np.isclose(found["known"], length)
    shown = {
        "station": names[found.index.get_level_values(0).to_numpy()],
        "begin": [str(moment) for moment in found.index.get_level_values(1).to_numpy().astype(f"datetime64[{code}]")],
        "observed": found["observed"] / length,
        "filled": (found["known"] - found["observed"]) / length,
        **({} if series.otherwise is None else {"filled_otherwise": found["otherwise"] / length}),
        "missing": 1 - found["known"] / length,
        "longest_gap": by["gap"].max() / DAY,
        "mean": (found["weighted"] / found["known"].where(found["known"] > 0)).where(complete),
        "sum": found["sum"].where(complete),
    }
    if series.provided is not None:
        shown["provided_sum"] = found["provided"].where(np.isclose(found["provided_known"], length))
    if interval is not None:
        counts = found.assign(complete=complete, filled=found["known"] - found["observed"])
        shown |= interval_columns(counts, interval, series.uncertain)
    return pd.DataFrame({name: np.asarray(values) for name, values in shown.items()})


def share_of_period(series: GapFilledSeries, records: NDArray[np.bool_], period: Period) -> Floats:
    """Return the share that some records have of each record's period, [R]."""
    import pandas as pd

    calendar, whole = _calendar(series, period)
    frame = pd.DataFrame({"station": series.station, "begin": calendar.astype("datetime64[s]")})
    frame["minutes"] = np.where(records, series.minutes, 0.0)
    return np.asarray(frame.groupby(["station", "begin"])["minutes"].transform("sum") / whole)


def _calendar(series: GapFilledSeries, period: Period) -> tuple[NDArray[np.datetime64], Floats]:
    """Return the period that each record begins in, and its length [min], [R]."""
    code = PERIODS[period][0]
    calendar = series.begin.astype(f"datetime64[{code}]")
    return calendar, (end_of_period(series.begin, code) - calendar.astype("datetime64[m]")).astype(np.float64)


def _parts(series: GapFilledSeries, wanted: SumDefinition) -> dict[str, Floats]:
    """Return what is added up over a period, [R] each."""
    known = np.isfinite(series.value)
    weight = series.minutes * wanted.per_minute if wanted.per_minute is not None else np.ones(len(series.value))
    minutes = np.where(known, series.minutes, 0.0)
    provided = np.full(len(series.value), np.nan) if series.provided is None else series.provided
    return {
        "provided": np.where(np.isfinite(provided), provided * weight, 0.0),
        "provided_known": np.where(np.isfinite(provided), series.minutes, 0.0),
        "observed": np.where(series.observed, minutes, 0.0),
        "known": minutes,
        "otherwise": np.zeros(len(minutes)) if series.otherwise is None else np.where(series.otherwise, minutes, 0.0),
        "weighted": np.where(known, series.value * series.minutes, 0.0),
        "sum": np.where(known, series.value * weight, 0.0),
        "gaps_weight": np.where(known & ~series.observed, weight, 0.0),
        **record_parts(series.uncertain, series.observed, weight, provided),
    }


def _gaps(series: GapFilledSeries, frame: pd.DataFrame) -> Floats:
    """Return the length of the unobserved stretch of its period up to each record or its end [min], [R].

    Time before the first record of a station and after its last is unobserved as well, so far as it is of the period.
    """
    begin = series.begin.astype("datetime64[m]").astype(np.float64)
    end = begin + series.minutes
    period = frame["begin"].to_numpy().astype("datetime64[m]").astype(np.float64)
    is_first = frame[["station", "begin"]].ne(frame[["station", "begin"]].shift()).any(axis=1).to_numpy()
    is_last = np.append(is_first[1:], True)
    ends = frame[["station", "begin"]].assign(end=np.where(series.observed, end, period))
    latest = ends.groupby(["station", "begin"])["end"].cummax().to_numpy()
    before = np.where(is_first, period, np.append(period[:1], latest[:-1]))
    gap = np.where(series.observed, begin, end) - before
    return np.asarray(np.where(is_last, np.maximum(gap, period + frame["whole"] - latest), gap))
