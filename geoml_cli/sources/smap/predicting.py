"""A user's table of stations and dates to predict, from the series of the data set.

Legend: N rows of a table, R records, S stations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Block, Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError
from geoml_cli.readers.arrow_tables import Joined, open_arrow
from geoml_cli.samples.input import SampleBlock, TableChunk, TableColumn
from geoml_cli.sources.smap import deriving
from geoml_cli.sources.smap.calendar import written_days
from geoml_cli.sources.smap.names import IDENTITY, SEPARATOR, Identity, StationNames
from geoml_cli.sources.smap.pixels import REASONS
from geoml_cli.sources.smap.products import RADAR

Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]
_MINUTES = 1440
_NONE = ("index", "station_index", "history", "smap_cell", "soil_moisture")
_ID = Variable("ID", "", "station", dtype="str")
_DATE = Variable("Date", "", "day", dtype="str")
_UNKNOWN, _NO_DAY = "no such station in the data set", "no row of gridMET on that day"


def rows(path: Path, dataset: Dataset, size: int) -> Iterator[TableChunk]:
    """Read a table of stations and dates; a station or day that the data set does not hold has no sample.

    Args:
        path: CSV with ID and Date (YYYYMMDD or YYYY-MM-DD); Latitude and Longitude, where there, are near its own.
        dataset: The data set of the run, or another prepared one.
        size: Most rows at once.

    Raises:
        DataError: A column is missing, a date is none, a station lies elsewhere, or there are no rows.
    """
    table = open_arrow(path)
    identity, date = table.column(("ID",), "station"), table.column(("Date",), "day")
    records = _Records(dataset, path)
    joined = Joined("identity of the station", (identity, *IDENTITY[1:]), SEPARATOR)
    read = 0
    # All columns are read: a row of which any cell is filled is a row to predict.
    for block in table.blocks(tuple(dict.fromkeys((identity, date, *table.columns))), (), joined=joined):
        for start in range(0, len(block[identity]), size):
            part = slice(start, start + size)
            names, dates = block[identity][part], block[date][part]
            day = written_days(dates, path, date)
            columns = TableColumn(_ID, names.tolist()), TableColumn(_DATE, dates.tolist())
            index, reasons = records.find(block[joined.name][part], day)
            yield TableChunk(columns, partial(records.samples, index), reasons)
            read += len(day)
    if not read:
        raise DataError("has a header and no rows", where=str(path), fix="Give a table with ID and Date.")


class _Records:
    """Series of a data set, to be found by station and day."""

    def __init__(self, dataset: Dataset, path: Path) -> None:
        self._dataset, self._path = dataset, path
        day = np.asarray(dataset.array("time"), dtype=np.int64) // _MINUTES
        first = np.asarray(dataset.array("station_first"), dtype=np.int64)
        self._station = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(day))))
        # Days fit into five digits: station and day are one ascending number.
        self._key = self._station * 100_000 + day
        whole = _finite(dataset, dataset.labels("dynamic"))
        self._history = np.concatenate([deriving.valid_run_length(part) for part in np.split(whole, first[1:])])
        antecedent = int(dataset.manifest.facts["antecedent"])
        self._reason = np.where(self._history > antecedent, -1, 2)
        self._reason[~(whole & _snapshot(dataset))] = 1
        self._reason[np.asarray(dataset.array("land_cover")) < 0] = 0

    def find(self, identities: NDArray[np.str_], day: Integers) -> tuple[Integers, list[str]]:
        """Return the record of stations and days since 1970-01-01, -1 where there is no sample, and why not, [N]."""
        different, row = np.unique(identities, return_inverse=True)
        kept, excluded = self._dataset.labels("station"), _excluded(self._dataset)
        # Searched for together: the name of an excluded station may be another spelling of a kept one's.
        unknown = np.full(len(excluded), np.nan)
        lat, lon = (np.append(self._dataset.array(name).astype(np.float64), unknown) for name in ("lat", "lon"))
        known = StationNames([*kept, *excluded], place=(lat, lon))
        found = np.array([known.number(Identity.of(text), self._path) for text in different.tolist()], dtype=np.int64)
        rules = list(excluded.values())
        absent = [rules[number - len(kept)] if number >= len(kept) else _UNKNOWN for number in found.tolist()]
        numbers = np.where(found < len(kept), found, -1)
        station = numbers[row.reshape(-1)]
        wanted = station * 100_000 + day
        place = np.minimum(np.searchsorted(self._key, wanted), len(self._key) - 1)
        there = (station >= 0) & (self._key[place] == wanted)
        reason = np.array(["", *REASONS])[self._reason[place] + 1].astype(object)
        reason[~there] = _NO_DAY
        reason[station < 0] = np.array(absent, dtype=object)[row.reshape(-1)][station < 0]
        return np.where(there & (self._reason[place] < 0), place, -1), reason.tolist()

    def samples(self, record: Integers) -> SampleBlock:
        """Make the samples of records, -1 for none; `valid` has shape [N]."""
        valid = record >= 0
        index = record[valid]
        arrays: dict[str, Any] = {}
        texts: dict[str, list[str]] = {}
        for name in self._dataset.manifest.variables:
            if self._dataset.is_text(name):
                texts[name] = self._dataset.labels(name)
            elif name not in _NONE:
                arrays[name] = self._dataset.array(name)
        arrays |= {"index": index, "station_index": self._station[index], "history": self._history[index]}
        units = {name: self._dataset.unit(name) for name in (*arrays, *texts)}
        return SampleBlock(valid, Block(arrays, texts, units))


def _finite(dataset: Dataset, names: list[str]) -> Mask:
    """Return the records on which all of some series have a value, [R]."""
    return np.asarray(np.all([np.isfinite(dataset.array(name)) for name in names], axis=0))


def _snapshot(dataset: Dataset) -> Mask:
    """Return the records whose own day has SMAP and all indices, [R]."""
    vv, vh = (np.asarray(dataset.array(name)) for name in RADAR)
    defined = (vv != vh) & (vv + vh != 0) & (vh != 0)
    return np.asarray(_finite(dataset, ["SMAP", *RADAR, *dataset.labels("index_name")]) & defined)


def _excluded(dataset: Dataset) -> Mapping[str, str]:
    """Return why stations of the raw files are not in the data set, by name: the rule that took most of their days."""
    found = {}
    for name, counts in dataset.manifest.funnel.per_station.items():
        lost = {reason: days for reason, days in counts.items() if reason not in ("read", "kept")}
        if lost and not counts.get("kept"):
            rule = max(lost, key=lambda reason: lost[reason])
            found[name] = f"excluded by prepare ({rule.removeprefix('station: ')})"
    return found
