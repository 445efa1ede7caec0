"""The first reading: what every site has, how many samples each choice of drivers leaves, and its mean climate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoml_cli.sources.fluxnet.plausible import rain_of_a_year, refuse_other_units, weighted_mean
from geoml_cli.sources.fluxnet.quality import DropCounts, Rule, sift
from geoml_cli.sources.fluxnet.series import CLIMATE, QUALITY, RequestedColumns, Series
from geoml_cli.sources.fluxnet.times import Integers, Step, lengths

Values = NDArray[np.float64]


@dataclass(frozen=True)
class SiteSummary:
    """What the first reading found at a site.

    Attributes:
        first: Place of its first record on the grid.
        length: Its records, those without a row included.
        rows: Rows in its files.
        repeated: Rows that stood there a second time.
        lacking: Rows without a value, by driver.
        has: Which of the extra drivers have a value anywhere.
        combined: Records with all needed drivers, by which extra ones they have as well (a bit each), shape [2**E].
        climate: Mean temperature [degC] and precipitation [mm yr-1]; NaN where not measured.
        renamed: Columns of AmeriFlux BASE by the FLUXNET name they were taken for; several where files differ.
        empty: Columns without a value that were passed over for those taken, by the same name.
        quality: Name of the quality column; None where the target has none.
        uncertain: Columns that tell of the target's uncertainty, by the variable that holds them.
        fluxes: What can be a target instead, where the site has not the one asked for.
        notes: What is said of its files.
    """

    first: int
    length: int
    rows: int
    repeated: int
    lacking: dict[str, int]
    has: tuple[bool, ...]
    combined: Integers
    climate: tuple[float, float]
    renamed: dict[str, tuple[str, ...]]
    empty: dict[str, tuple[str, ...]]
    quality: str | None
    uncertain: dict[str, str]
    fluxes: tuple[str, ...]
    notes: tuple[str, ...]

    def samples(self, extra: Sequence[bool]) -> int:
        """Count records that have all needed drivers and the marked extra ones."""
        mask = sum(1 << bit for bit, taken in enumerate(extra) if taken)
        return int(self.combined[(np.arange(len(self.combined)) & mask) == mask].sum())


def summarise_site(site: str, series: Series, wanted: RequestedColumns, step: Step) -> SiteSummary:
    """Take down what a site has.

    Raises:
        DataError: A column is in another unit.
    """
    refuse_other_units(site, series, (*wanted.needed, *wanted.extra), step)
    complete = np.all([np.isfinite(series.values[name]) for name in wanted.needed], axis=0)
    code = np.zeros(series.length, dtype=np.int64)
    for bit, name in enumerate(wanted.extra):
        code |= np.isfinite(series.values[name]).astype(np.int64) << bit
    drivers = (*wanted.needed, *wanted.extra)
    rows = series.read - series.repeated
    return SiteSummary(
        first=series.first,
        length=series.length,
        rows=series.read,
        repeated=series.repeated,
        lacking={name: rows - int(np.isfinite(series.values[name]).sum()) for name in drivers},
        has=tuple(bool(np.isfinite(series.values[name]).any()) for name in wanted.extra),
        combined=np.bincount(code[complete], minlength=1 << len(wanted.extra)),
        climate=climate(series, step),
        renamed=series.renamed,
        empty=series.empty,
        quality=series.quality,
        uncertain=series.uncertain,
        fluxes=series.fluxes,
        notes=series.notes,
    )


def climate(series: Series, step: Step) -> tuple[float, float]:
    """Return mean temperature [degC] and precipitation [mm yr-1] over all records; NaN where there is none."""
    days = lengths(series.first + np.arange(series.length, dtype=np.int64), step)
    temperature, water = (series.values[name] for name in CLIMATE)
    return weighted_mean(temperature, days), rain_of_a_year(water, series, step)


def complete(series: Series, drivers: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which records have all drivers, shape [T]."""
    return np.asarray(np.all([np.isfinite(series.values[name]) for name in drivers], axis=0))


def targets(series: Series, rows: NDArray[np.bool_], applied: Rule) -> tuple[Values, DropCounts]:
    """Return the targets that are good enough, shape [T], and how many of some rows were lost."""
    return sift(series.values[applied.target], series.values.get(QUALITY), rows, applied)
