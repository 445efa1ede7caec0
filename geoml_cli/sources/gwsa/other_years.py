"""Years of a column in another unit than the others at the same places.

Legend: C cells: a box of some degrees in a month of a year.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.readers.year_scales import Cells, OtherHalves, cells_from_sums, half_of, other_halves, said
from geoml_cli.sources.gwsa.factors import described
from geoml_cli.sources.gwsa.row_summary import Census

Values = NDArray[np.float64]
_TWO = 2
"""Years of anomalies that do not tell which of them is unusual."""
_SOME_ROWS = 3
"""Of a month and box, from which on it is compared with others: a single cell may change a lot."""
_TEMPERATURES = ("K", "degC", "1")
"""Units of columns that may be temperatures; that of a column which nobody documents is 1."""
_ICE, _NEAR_ICE = 273.15, 20.0
"""Zero degrees Celsius [K], and how far means of years may differ from it, for years differ by themselves."""


def refuse_other_years(
    census: Census, names: Sequence[str], used: Sequence[str], target: str, units: Mapping[str, str]
) -> list[str]:
    """Refuse columns of which some years are in another unit.

    Args:
        census: Of all rows.
        names: Those that are compared.
        used: All of them, as they were summed up.
        target: Of `used`. An anomaly: two years do not tell which is unusual, and its size alone tells little.
        units: Those that were given.

    Returns:
        What is said of a target whose years scatter as if some were in another unit.

    Raises:
        DataError: There is one; with the first row of these years.
    """
    if not census.sums:
        return []
    month, box = np.array(list(census.sums)).T
    count, *sums = np.array(list(census.sums.values())).T
    # Cells that lie far apart have no box in common; then they are compared one by one.
    least = _SOME_ROWS if count[count >= _SOME_ROWS].sum() * 2 >= count.sum() else 1
    notes = []
    for name in names:
        first = 3 * used.index(name)
        own = (count, *sums[first : first + 3])
        cells = cells_from_sums(month, box, own, least)
        if least == 1:  # one or two rows have no scatter to speak of: several boxes must agree
            cells = cells._replace(scatter_C=np.full_like(cells.scatter_C, np.nan))
        if name == target and len(np.unique(cells.month_C // 12)) <= _TWO:
            continue
        if found := other_halves(cells):
            raise _refused(census, found, said(found, name), name)
        if described(name, census.monthly, units).unit in _TEMPERATURES:
            _refuse_celsius(census, name, cells)
        if name == target and (found := other_halves(_by_scatter(cells))):
            factor = f"{found.factor:.3g} times as" if found.factor > 1 else f"a {1 / found.factor:.3g}th as"
            notes.append(f"values of {name} of {found} lie {factor} far apart as in other years: another unit?")
    return notes


def _by_scatter(cells: Cells) -> Cells:
    """Return cells whose level is their scatter; those without one left out."""
    known = np.isfinite(cells.scatter_C)
    scatter = cells.scatter_C[known]
    return Cells(cells.month_C[known], cells.place_C[known], scatter, scatter, cells.mean_C[known])


def _refuse_celsius(census: Census, name: str, cells: Cells) -> None:
    """Refuse a temperature that is in kelvin in some years, and in degrees Celsius in others: it scatters alike."""
    found = other_halves(cells._replace(scatter_C=cells.level_C))
    if found is None:
        return
    among = np.isin(half_of(cells.month_C), found.halves)
    apart = float(np.median(cells.mean_C[among]) - np.median(cells.mean_C[~among]))
    if abs(abs(apart) - _ICE) > _NEAR_ICE:
        return
    units = ("kelvin", "degrees Celsius") if apart > 0 else ("degrees Celsius", "kelvin")
    raise _refused(census, found, f"{name} of {found} is in {units[0]}, and that of other years in {units[1]}", name)


def _refused(census: Census, found: OtherHalves, message: str, name: str) -> DataError:
    at = next(
        time for time in sorted(census.times) if half_of(time.astype("datetime64[M]").astype(int)) in found.halves
    )
    where = census.first[at].rpartition(", column")[0] or census.first[at]
    fix = f"Bring all years of {name} to one unit; where they are, name it: --units {name}=UNIT."
    return DataError(message, where=where, fix=fix)
