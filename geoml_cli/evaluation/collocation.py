"""Triple collocation at stations: the observations, the estimate that the network is made to improve, the network.

Legend: P pooled rows, S stations; 3 series.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from geoml_cli.evaluation.comparison import BaselineComparison
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.member_rows import PooledRows
from geoml_cli.figures.report import ReportTable
from geoml_cli.metrics.collocation import triple_collocation
from geoml_cli.metrics.metric import Values
from geoml_cli.samples.coordinates import stations_of_samples
from geoml_cli.splits.split import Rows
from geoml_cli.work.distinct import distinct
from geoml_cli.work.numbers import format_number

FEWEST_SAMPLES = 100
"""Of a station; the least that Dorigo et al. 2010, doi:10.5194/hess-14-2605-2010, section 3.1, collocate."""
OBSERVED = "observed"
Line = list[str | int | float]


@dataclass(frozen=True)
class StationCollocation:
    """Errors of three series at every station with enough samples; NaN where they are not defined.

    Attributes:
        series: Names of the three: observed, the reference, the network.
        unit: Of the errors.
        stations: Names, [S].
        samples: Of each, [S].
        error_std: Standard deviation of the random error, scaled to the observations [unit], [S, 3].
        correlation: With the unknown truth, [S, 3].
        snr: Signal-to-noise ratio [dB], [S, 3].
    """

    series: tuple[str, str, str]
    unit: str
    stations: Sequence[str]
    samples: Rows
    error_std: Values
    correlation: Values
    snr: Values

    @property
    def caveat(self) -> str:
        """Say what the method assumes, and that it does not hold here."""
        _, reference, network = self.series
        return (
            "Triple collocation takes none of the three series for the truth, and assumes that their errors are "
            f"independent. They are not quite: {network} was trained on observations, and {reference}, which it is "
            "made to improve, is among its inputs. Errors that two series share make both look better than they are, "
            "and the third worse."
        )


def collocate(
    inputs: EvaluationInputs, pooled: PooledRows, compared: Sequence[BaselineComparison]
) -> StationCollocation | None:
    """Collocate the series at each station; None without stations, without a reference, or with too few samples."""
    references = [one for one in compared if one.reference]
    if not references or not inputs.dataset.has("station") or not inputs.task.has_residuals:
        return None
    label_P = stations_of_samples(inputs.dataset)[pooled.rows_P]
    series = (pooled.observed_P, references[0].predicted_P, pooled.predicted_P)
    found = []
    for station in np.unique(label_P):
        own = np.flatnonzero(label_P == station)
        samples = len(distinct(pooled.rows_P[own]))
        if samples >= FEWEST_SAMPLES:
            found.append((str(station), samples, triple_collocation(*(values_P[own] for values_P in series))))
    if not found:
        return None
    return StationCollocation(
        series=(OBSERVED, references[0].baseline.name, inputs.name),
        unit=inputs.task.target.unit,
        stations=[station for station, _, _ in found],
        samples=np.array([samples for _, samples, _ in found]),
        error_std=np.stack([one.error_std for _, _, one in found]),
        correlation=np.stack([one.correlation for _, _, one in found]),
        snr=np.stack([one.snr for _, _, one in found]),
    )


def collocation_rows(collocation: StationCollocation) -> Iterator[Line]:
    """Yield columns, then a line for each station and series; undefined values are NaN."""
    yield ["station", "series", "n", "error_std", "correlation_with_truth", "snr_db"]
    for place, (station, samples) in enumerate(zip(collocation.stations, collocation.samples.tolist(), strict=True)):
        for number, name in enumerate(collocation.series):
            values = (
                values_S3[place, number]
                for values_S3 in (collocation.error_std, collocation.correlation, collocation.snr)
            )
            yield [station, name, samples, *map(float, values)]


def collocation_record(collocation: StationCollocation) -> dict[str, Any]:
    """Return the medians over stations as plain values."""
    return {
        "assumption": collocation.caveat,
        "stations": len(collocation.stations),
        "fewest_samples": FEWEST_SAMPLES,
        "series": {
            name: {
                "stations_defined": int(np.isfinite(collocation.error_std[:, number]).sum()),
                "error_std": _median(collocation.error_std[:, number]),
                "unit": collocation.unit,
                "correlation_with_truth": _median(collocation.correlation[:, number]),
                "snr_db": _median(collocation.snr[:, number]),
            }
            for number, name in enumerate(collocation.series)
        },
    }


def collocation_table(collocation: StationCollocation) -> ReportTable:
    """Return the medians over stations as a table of a report."""
    rows = []
    for name, one in collocation_record(collocation)["series"].items():
        medians = (one[key] for key in ("error_std", "correlation_with_truth", "snr_db"))
        rows.append([name, f"{one['stations_defined']} of {len(collocation.stations)}", *map(format_number, medians)])
    caption = (
        f"Medians over stations with {FEWEST_SAMPLES} samples or more; a station's error is not defined where its "
        f"variance comes out negative. {collocation.caveat} triple_collocation.csv holds every station."
    )
    heads = ["Series", "Stations", f"Error [{collocation.unit}]", "R with the truth", "SNR [dB]"]
    return ReportTable("Triple collocation", caption, heads, rows)


def _median(values_S: Values) -> float:
    known = values_S[np.isfinite(values_S)]
    return float(np.median(known)) if len(known) else float("nan")
