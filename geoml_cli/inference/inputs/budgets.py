"""`predict --sums`: gaps of measured series filled by the network, and sums over days, months or years.

Legend: R records of the series, N samples, P periods.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.inference.engine import PredictionJob, attributes
from geoml_cli.inference.inputs.samples import samples_job
from geoml_cli.inference.load import TrainedRun
from geoml_cli.models.spec import SINGLE
from geoml_cli.writers import table
from geoml_cli.writers.chunk_store import ChunkStore

if TYPE_CHECKING:
    import pandas as pd

Period = Literal["day", "month", "year"]
Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
_UNITS: dict[str, tuple[str, str]] = {"day": ("D", "d-1"), "month": ("M", "month-1"), "year": ("Y", "yr-1")}
_CARBON_G_PER_UMOL = 12.011e-6
_INTEGRALS = {
    "gC m-2 d-1": ("gC m-2", 1 / 1440),
    "umol CO2 m-2 s-1": ("gC m-2", _CARBON_G_PER_UMOL * 60),
    "W m-2": ("MJ m-2", 60e-6),
}
"""Unit of a sum over time, and what a flux adds to it in a minute."""
_YEARLY = "gC m-2 yr-1"
_MINUTES = {0: "M", -1: "Y"}
_WEEK = 10_080
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
    """

    value: Floats
    observed: NDArray[np.bool_]
    minutes: Floats
    begin: NDArray[np.datetime64]
    station: NDArray[np.int64]


def sums_job(trained: TrainedRun, dataset: Dataset, period: Period) -> PredictionJob:
    """Predict every sample, then sum the series up; errors as for `sum_unit`."""
    unit = sum_unit(dataset, trained.data.signature.unit)
    summed: list[Floats32] = []

    def write(out: Path, store: ChunkStore, count: int) -> list[Path]:
        predicted = np.concatenate([store.read(number)[0] for number in range(count)]).astype(np.float64)
        series = filled(trained, dataset, predicted)
        frame = sums(series, np.array(dataset.labels("station")), (period, unit))
        target = trained.data.signature.target_name, trained.data.signature.unit
        table.write(out, table.Table(_columns(target, (period, unit[0])), len(frame), _head(trained, dataset)), [frame])
        summed.append(frame["sum"].to_numpy(np.float32))
        return [out]

    job = samples_job(trained, dataset)
    per_period = f"{unit[0]} {_UNITS[period][1]}"
    return replace(job, cell="sums", unit=per_period, write=write, written_values=lambda: summed)


def _head(trained: TrainedRun, dataset: Dataset) -> dict[str, str]:
    """Describe the file; the intervals of single samples are none of a sum."""
    return {name: text for name, text in attributes(trained, dataset).items() if not name.startswith("intervals_")}


def sum_unit(dataset: Dataset, unit: str) -> tuple[str, float | None]:
    """Return the unit of a sum and what a flux adds to it in a minute; None where values are sums themselves."""
    if not (dataset.has("station_first") and dataset.has("step")):
        raise SettingsError(
            f"the samples of {dataset.manifest.source} are no series.", where="--sums", fix="Leave it out."
        )
    if unit == _YEARLY:
        return "gC m-2", None
    if unit not in _INTEGRALS:
        raise SettingsError(
            f"values in {unit} have no sum over time.", where="--sums", fix=f"It needs {', '.join(_INTEGRALS)}."
        )
    return _INTEGRALS[unit]


def filled(trained: TrainedRun, dataset: Dataset, predicted_N: Floats) -> GapFilledSeries:
    """Lay observations and predictions out along the series."""
    target = trained.network_samples(SINGLE, dataset).target.rows
    observed_N = np.full(len(predicted_N), np.nan) if target is None else np.asarray(target, dtype=np.float64)
    index, time = np.asarray(dataset.array("index")), np.asarray(dataset.array("time"))
    value, observed = np.full(len(time), np.nan), np.zeros(len(time), dtype=bool)
    known = np.isfinite(observed_N)
    value[index] = np.where(known, observed_N, predicted_N)
    observed[index] = known
    first = np.asarray(dataset.array("station_first"), dtype=np.int64)
    station = np.searchsorted(first, np.arange(len(time)), side="right") - 1
    begin = np.datetime64("1970-01-01", "m") + time.astype("timedelta64[m]")
    return GapFilledSeries(value, observed, lengths(begin, station, int(dataset.array("step")[0])), begin, station)


def lengths(begin: NDArray[np.datetime64], station: NDArray[np.int64], step: int) -> Floats:
    """Return the length of every record [min]: up to the next, and of a station's last by the calendar."""
    calendar = begin.astype(f"datetime64[{_MINUTES.get(step, 'Y')}]")
    last = ((calendar + 1).astype("datetime64[m]") - begin).astype(np.float64)
    if step > 0:
        ends_year = (step == _WEEK) & (begin - calendar.astype("datetime64[m]") >= np.timedelta64(_LAST_WEEK, "m"))
        last = np.where(ends_year, last, float(step))
    following = np.append(np.diff(begin).astype(np.float64), 0.0)
    inside = np.append(station[1:] == station[:-1], False)
    return np.where(inside, following, last)


def sums(
    series: GapFilledSeries, names: NDArray[np.str_], what: tuple[Period, tuple[str, float | None]]
) -> pd.DataFrame:
    """Sum up by station and period; a period that is not whole has a mean and no sum.

    Raises:
        DataError: A record is longer than the period, or lies in two of them.
    """
    import pandas as pd

    period, (_, per_minute) = what
    code = _UNITS[period][0]
    calendar = series.begin.astype(f"datetime64[{code}]")
    end = (calendar + 1).astype("datetime64[m]")
    whole = (end - calendar.astype("datetime64[m]")).astype(np.float64)
    if (series.begin + series.minutes.astype("timedelta64[m]") > end).any():
        raise DataError(f"records reach over the end of a {period}", where="--sums", fix="Choose a longer period.")
    known = np.isfinite(series.value)
    added = series.value * (series.minutes * per_minute if per_minute is not None else 1.0)
    minutes = np.where(known, series.minutes, 0.0)
    parts = {
        "observed": np.where(series.observed, minutes, 0.0),
        "known": minutes,
        "weighted": np.where(known, series.value * series.minutes, 0.0),
        "sum": np.where(known, added, 0.0),
    }
    frame = pd.DataFrame(
        {"station": series.station, "begin": calendar.astype("datetime64[s]"), **parts, "whole": whole}
    )
    by = frame.groupby(["station", "begin"], sort=True)
    found, length = by[list(parts)].sum(), by["whole"].first()
    complete = np.isclose(found["known"], length)
    shown = {
        "station": names[found.index.get_level_values(0).to_numpy()],
        "begin": [str(moment) for moment in found.index.get_level_values(1).to_numpy().astype(f"datetime64[{code}]")],
        "observed": found["observed"] / length,
        "filled": (found["known"] - found["observed"]) / length,
        "missing": 1 - found["known"] / length,
        "mean": found["weighted"] / found["known"].where(found["known"] > 0),
        "sum": found["sum"].where(complete),
    }
    return pd.DataFrame({name: np.asarray(values) for name, values in shown.items()})


def _columns(target: tuple[str, str], summed: tuple[Period, str]) -> tuple[Variable, ...]:
    (name, unit), (period, sum_unit) = target, summed
    return (
        Variable("station", "", "code of the station", dtype="str"),
        Variable("begin", "", f"the {period}", dtype="str"),
        Variable("observed", "1", f"share of the {period} with a good observation", dtype="f8"),
        Variable("filled", "1", f"share of the {period} that was predicted", dtype="f8"),
        Variable("missing", "1", f"share of the {period} with neither", dtype="f8"),
        Variable("mean", unit, f"mean {name} over what is known", dtype="f8"),
        Variable(
            "sum",
            f"{sum_unit} {_UNITS[period][1]}",
            f"sum of {name}; missing where the {period} is not whole",
            dtype="f8",
        ),
    )
