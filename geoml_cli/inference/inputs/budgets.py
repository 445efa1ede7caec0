"""`predict --sums`: gaps of measured series filled by the network, and sums over days, months or years.

Legend: R records of the series, N samples, P periods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import OBSERVED, PROVIDED, Variable
from geoml_cli.errors import CheckFailedError
from geoml_cli.inference.inputs.gap_errors import LONGEST, Fill, ObservedSeries, gap_calibration, in_long_gaps
from geoml_cli.inference.inputs.period_sums import (
    DAY,
    PERIODS,
    Floats,
    Floats32,
    GapFilledSeries,
    Period,
    SumDefinition,
    lengths,
    refuse_longer_records,
    sum_unit,
    sums,
)
from geoml_cli.inference.inputs.samples import samples_job
from geoml_cli.inference.inputs.sum_intervals import Interval, described, read_uncertainty
from geoml_cli.inference.inputs.windowless import fill_the_rest
from geoml_cli.inference.job import PredictionJob, attributes
from geoml_cli.inference.load import TrainedRun
from geoml_cli.models.spec import SINGLE
from geoml_cli.runs.calibration import CALIBRATION, Calibration, calibrate_again, read_calibrations
from geoml_cli.samples.coordinates import station_of_records
from geoml_cli.samples.requests import NETWORK
from geoml_cli.work.reporting import Reporter
from geoml_cli.writers import table
from geoml_cli.writers.chunk_store import ChunkStore

if TYPE_CHECKING:
    import pandas as pd

_FEW_BLOCKS = 20
"""With fewer, the quantile of 90 % is the largest error or the one before."""


class RequestedSums(NamedTuple):
    """What `--sums` asks for.

    Attributes:
        period: Over which to sum.
        fill: What fills the gaps.
        strict: A fill without skill is an error.
    """

    period: Period
    fill: str = NETWORK
    strict: bool = False


def sums_job(trained: TrainedRun, dataset: Dataset, requested: RequestedSums, reporter: Reporter) -> PredictionJob:
    """Predict every sample, then sum the series up; other errors as for `sum_unit` and `refuse_longer_records`.

    Args:
        trained: The run.
        dataset: With series.
        requested: Which sums.
        reporter: Receives a warning where the fill has no skill.

    Raises:
        CheckFailedError: The fill has no skill, or none is known, and that is an error.
    """
    wanted = SumDefinition(requested.period, requested.fill, *sum_unit(dataset, trained.data.signature.unit))
    refuse_longer_records(*_extents(dataset), wanted.period)
    fill = _own_fill(trained, wanted.fill)
    if fill is None:
        calibration = _calibration(trained, reporter)
    else:
        calibration = _calibration_of(fill, wanted.fill, trained, dataset, reporter)
    _check_skill(calibration, requested, reporter)
    _tell_few_blocks(calibration, reporter)
    summed: list[Floats32] = []

    def write(out: Path, store: ChunkStore, count: int) -> list[Path]:
        predicted = np.concatenate([store.read(number)[0] for number in range(count)]).astype(np.float64)
        series = filled(trained, dataset, predicted, fill)
        if fill is None:
            series = fill_the_rest(dataset, series, wanted.period, _others(trained))
        coverage = trained.settings.shared.predict.coverage
        interval = None
        if calibration and coverage:
            interval = Interval(coverage, partial(calibration.mean_distance, coverage=coverage))
        frame = sums(series, np.array(dataset.labels("station")), wanted, interval)
        signature = trained.data.signature
        columns = _columns((signature.target_name, signature.unit), wanted, coverage if interval else None)
        columns = tuple(column for column in columns if column.name in frame)
        _compare(frame, wanted, reporter)
        # Times outside of the series are no records, and nothing fills them.
        fillable = fill is None and np.isnan(series.value).any()
        _tell_incomplete(frame, wanted, reporter, _others(trained) if fillable else {})
        head = _head(trained, dataset, calibration, wanted)
        head |= {"filled_otherwise_by": series.otherwise_by} if series.otherwise_by else {}
        table.write(out, table.Table(columns, len(frame), head), [frame])
        summed.append(frame["sum"].to_numpy(np.float32))
        return [out]

    per_period = f"{wanted.unit} {PERIODS[wanted.period][1]}"
    job = samples_job(trained, dataset)
    return replace(job, cell="sums", unit=per_period, write=write, written_values=lambda: summed)


def _calibration_of(
    fill: Fill, name: str, trained: TrainedRun, dataset: Dataset, reporter: Reporter
) -> Calibration | None:
    """Measure a baseline's errors over periods on artificial gaps; say where there are none."""
    time, step = np.asarray(dataset.array("time"), dtype=np.int64), int(dataset.array("step")[0])
    series = ObservedSeries(observations(trained, dataset), station_of_records(dataset), time, step)
    found = gap_calibration(dataset, series, fill, reporter)
    if found is None:
        reporter.info(f"Sums filled by {name} have no interval: no day has observations enough for an artificial gap.")
    return found


def _calibration(trained: TrainedRun, reporter: Reporter) -> Calibration | None:
    """Return what is known of the network's errors over periods; say where there is nothing."""
    found = read_calibrations(trained.run).get(SINGLE)
    if found is None or not found.of_means:
        again = calibrate_again(trained.run)
        where = "" if found is None else f"delete {trained.run.folder / CALIBRATION}, and "
        reporter.info(f"Sums have no interval: the run does not hold errors of its means; {where}{again}.")
        return None
    return found


def _check_skill(calibration: Calibration | None, requested: RequestedSums, reporter: Reporter) -> None:
    """Warn of a fill that is no better than the mean of the observations, or fail where that is asked for."""
    skill, fix = calibration.skill if calibration else None, "Leave out --strict for a warning instead."
    if skill is None:
        if requested.strict:
            raise CheckFailedError(f"the skill of {requested.fill} is not known here.", where="--strict", fix=fix)
    elif skill <= 0:
        message = f"{requested.fill} has no skill on held-out rows (NSE {skill:.3g}): a mean would fill gaps as well."
        if requested.strict:
            raise CheckFailedError(message, where="--strict", fix=fix)
        reporter.warn(message)


def _tell_few_blocks(calibration: Calibration | None, reporter: Reporter) -> None:
    """Say which periods' intervals go by few blocks: the worst of them decides, of whichever station it is."""
    few = [block for block in (calibration.of_means if calibration else ()) if block.blocks < _FEW_BLOCKS]
    if few:
        listed = ", ".join(f"{block.blocks} of {block.minutes / DAY:.3g} days" for block in few)
        reporter.info(
            f"Intervals of sums go by few blocks of held-out records of all stations ({listed}): where as much is "
            "filled, about the worst of them decides how wide they are."
        )


def _own_fill(trained: TrainedRun, name: str) -> Fill | None:
    """Return what fills records by a baseline of the network's own; None for the network itself."""
    if name == NETWORK:
        return None
    known = _others(trained)
    registry.require_choice("choice of --fill", name, [NETWORK, *known])
    return known[name]


def _others(trained: TrainedRun) -> dict[str, Fill]:
    """Return the baselines that fill records."""
    return {name: found.records for name, found in trained.networks[SINGLE].baselines.items() if found.records}


def _compare(frame: pd.DataFrame, wanted: SumDefinition, reporter: Reporter) -> None:
    """Say how the sums lie to the provider's own, where the data hold them."""
    if "provided_sum" not in frame or not (both := frame["sum"].notna() & frame["provided_sum"].notna()).any():
        return
    difference = (frame["sum"] - frame["provided_sum"])[both]
    unit = f"{wanted.unit} {PERIODS[wanted.period][1]}"
    text = f"{int(both.sum())} sums differ from the provider's own by {difference.mean():.3g} {unit} in the mean"
    text += f", at most {difference.abs().max():.3g}"
    if "sum_lower" in frame and (given := frame["sum_lower"][both].notna()).any():  # measured whole, there are none
        inside = frame["provided_sum"].between(frame["sum_lower"], frame["sum_upper"])[both]
        text += f"; {int(inside.sum())} of {int(given.sum())} intervals hold it"
    reporter.info(f"{text}.")


def _tell_incomplete(
    frame: pd.DataFrame, wanted: SumDefinition, reporter: Reporter, others: Mapping[str, Fill]
) -> None:
    """Say which periods have no sum, what their records lack, and what else fills them."""
    if (without := frame["sum"].isna()).any():
        lacking = "a whole window of drivers" if wanted.fill == NETWORK else "records like them"
        remedy = f" --fill {next(iter(others))} needs no window." if others else ""
        if wanted.fill != NETWORK:
            remedy = (
                f" {wanted.fill} fills gaps of {LONGEST / DAY:.0f} days at most, of longer ones its error is unknown."
            )
        reporter.info(
            f"{int(without.sum())} of {len(frame)} {wanted.period}s have no sum: they have times with neither an "
            f"observation nor {lacking}, or outside of the series (their share is the column missing).{remedy}"
        )


def _head(
    trained: TrainedRun, dataset: Dataset, calibration: Calibration | None, wanted: SumDefinition
) -> dict[str, str]:
    """Describe the file; the intervals of single samples are none of a sum."""
    named = {name: text for name, text in attributes(trained, dataset).items() if not name.startswith("intervals_")}
    named["gaps_filled_by"] = wanted.fill
    if calibration is not None:
        named["interval_of_sums"] = _promise(calibration)
    return named


def _promise(calibration: Calibration) -> str:
    blocks = ", ".join(f"{block.blocks} of {block.minutes / DAY:.3g} d" for block in calibration.of_means)
    return (
        f"error of what was filled, from means over blocks of held-out records ({blocks}); joined, where interval_of "
        "names them, with random errors of the observations and the provider's percentiles over thresholds of u*"
    )


def observations(trained: TrainedRun, dataset: Dataset) -> Floats:
    """Return what was observed well enough of every record, [R]; NaN elsewhere."""
    if dataset.has(every := f"{trained.data.signature.target_name}{OBSERVED}"):
        return np.asarray(dataset.array(every), dtype=np.float64)
    value = np.full(len(dataset.array("time")), np.nan)
    if (target := trained.network_samples(SINGLE, dataset).target.rows) is not None:
        value[np.asarray(dataset.array("index"))] = np.asarray(target, dtype=np.float64)
    return value


def filled(trained: TrainedRun, dataset: Dataset, predicted_N: Floats, fill: Fill | None) -> GapFilledSeries:
    """Lay observations out along the series, and what fills their gaps: the predictions, or what `fill` gives."""
    value = observations(trained, dataset)
    observed = np.isfinite(value)
    gaps = np.full(len(value), np.nan)
    begin, minutes = _extents(dataset)
    if fill is None:
        gaps[np.asarray(dataset.array("index"))] = predicted_N
    else:
        wanted = np.flatnonzero(~observed & ~in_long_gaps(observed, station_of_records(dataset), minutes))
        gaps[wanted] = fill(dataset, value, wanted)
    value = np.where(observed, value, gaps)
    uncertain, provided = read_uncertainty(dataset, trained.data.signature.target_name), _provided(trained, dataset)
    return GapFilledSeries(value, observed, minutes, begin, station_of_records(dataset), provided, uncertain)


def _extents(dataset: Dataset) -> tuple[NDArray[np.datetime64], Floats]:
    """Return begin and length [min] of every record, [R]."""
    begin = np.datetime64("1970-01-01", "m") + np.asarray(dataset.array("time")).astype("timedelta64[m]")
    return begin, lengths(begin, station_of_records(dataset), int(dataset.array("step")[0]))


def _provided(trained: TrainedRun, dataset: Dataset) -> Floats | None:
    name = f"{trained.data.signature.target_name}{PROVIDED}"
    return np.asarray(dataset.array(name), dtype=np.float64) if dataset.has(name) else None


def _columns(target: tuple[str, str], wanted: SumDefinition, coverage: float | None) -> tuple[Variable, ...]:
    """Describe every column that there may be."""
    (name, unit), period, sum_unit = target, wanted.period, f"{wanted.unit} {PERIODS[wanted.period][1]}"
    found = [
        Variable("station", "", "code of the station", dtype="str"),
        Variable("begin", "", f"the {period}", dtype="str"),
        Variable("observed", "1", f"share of the {period} with a good observation", dtype="f8"),
        Variable("filled", "1", f"share of the {period} that was filled by {wanted.fill}, or otherwise", dtype="f8"),
        Variable(
            "filled_otherwise", "1", f"share of the {period} that another filled, for want of a window", dtype="f8"
        ),
        Variable("missing", "1", f"share of the {period} with neither", dtype="f8"),
        Variable("longest_gap", "d", f"longest stretch of the {period} without a good observation", dtype="f8"),
        Variable("mean", unit, f"mean {name}; missing where the {period} is not whole", dtype="f8"),
        Variable("sum", sum_unit, f"sum of {name}; missing where the {period} is not whole", dtype="f8"),
    ]
    provided = f"sum of {name} as the provider fills it; missing where that is not whole"
    found.append(Variable("provided_sum", sum_unit, provided, dtype="f8"))
    return (*found, *(described(sum_unit, wanted.fill, coverage) if coverage is not None else ()))
