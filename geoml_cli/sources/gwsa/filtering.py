"""Which rows can be used, and why the others cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.errors import DataError
from geoml_cli.readers.igbp import IGBP
from geoml_cli.readers.undeclared_fills import UNREAL
from geoml_cli.sources.gwsa.cell_rows import CellRows

FILL = -9998.0
"""What is not above it is no data: -9999 and -99999 both stand in the published tables."""
Mask = NDArray[np.bool_]


@dataclass
class DropCounts:
    """Rows left out, by reason and by column."""

    reasons: Counter[str] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)

    def tell(self, funnel: Funnel) -> None:
        """Write them into the funnel."""
        for reason, rows in self.reasons.items():
            funnel.drop(reason, rows)
        if self.columns:
            listed = ", ".join(f"{name} {rows}" for name, rows in self.columns.most_common())
            funnel.notes.append(f"rows left out, by column that lacks a value: {listed}")


REASONS = ("no year", f"fill value (not above {FILL:g})", "no value", "infinite value, or 9e18 and more")


def usable(panel: CellRows, names: Sequence[str], losses: DropCounts) -> Mask:
    """Tell which rows have a time, a place, and a value in every column that is used; arguments as of `faults`."""
    return faults(panel, names, losses) < 0


def faults(panel: CellRows, names: Sequence[str], losses: DropCounts) -> NDArray[np.int16]:
    """Return why rows cannot be used, as the place among `REASONS` of the first; -1 of rows that can.

    Args:
        panel: Rows as they stand.
        names: Columns that are used.
        losses: Counts the others, each once by reason and once for each column at fault.

    Returns:
        Shape [rows].

    Raises:
        DataError: A latitude or longitude cannot be one.
    """
    first = np.full(len(panel), -1, dtype=np.int16)
    places = {"latitude": panel.latitude, "longitude": panel.longitude}
    columns = {**places, **{name: panel.values[name] for name in names}}
    each = (
        [("year", np.isnat(panel.time))],
        [(name, values <= FILL) for name, values in columns.items()],
        [(name, np.isnan(values)) for name, values in columns.items()],
        [(name, np.abs(values) >= UNREAL) for name, values in columns.items()],
    )
    for place, (reason, wrong) in enumerate(zip(REASONS, each, strict=True)):
        found = np.zeros(len(panel), dtype=np.bool_)
        for name, rows in wrong:
            if count := int(rows.sum()):
                losses.columns[name] += count
                found |= rows
        if count := int((found & (first < 0)).sum()):
            losses.reasons[reason] += count
        first[found & (first < 0)] = place
    _refuse_places(panel, first < 0)
    return first


def _refuse_places(panel: CellRows, rows: Mask) -> None:
    for values, name, low, high in ((panel.latitude, "lat", -90, 90), (panel.longitude, "lon", -180, 360)):
        wrong = rows & ((values < low) | (values > high))
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(
                f"{name} is {values[row]:g}, not within {low} to {high} degrees",
                where=panel.where(row, name),
                fix="Give degrees; check that lat and lon are not swapped.",
            )


def categories(panel: CellRows, name: str, rows: Mask) -> NDArray[np.int16]:
    """Return the land-cover classes of some rows.

    Raises:
        DataError: One is no MODIS IGBP class.
    """
    codes = panel.values[name]
    wrong = rows & ~np.isin(codes, np.arange(len(IGBP)))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{name} is {codes[row]:g}, not a MODIS IGBP class of 0 to {len(IGBP) - 1}",
            where=panel.where(row, name),
            fix="Recode it (0 is water, which MCD12Q1 calls 17; 1 is evergreen needleleaf forest, 16 barren).",
        )
    return np.asarray(codes[rows], dtype=np.int16)
