"""A user's table of stations and dates to predict, from the series of the data set.

Legend: N rows of a table, R records.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Block, Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError
from geoml_cli.readers.arrow_tables import open_arrow
from geoml_cli.samples.input import SampleBlock, TableChunk, TableColumn
from geoml_cli.sources.smap import deriving
from geoml_cli.sources.smap.calendar import OWN_TABLE, days_of
from geoml_cli.sources.smap.names import StationNames

_MINUTES = 1440
_NONE = ("index", "station_index", "history", "smap_cell", "soil_moisture")
_ID = Variable("ID", "", "station", dtype="str")
_DATE = Variable("Date", "", "day", dtype="str")


def rows(path: Path, dataset: Dataset, size: int) -> Iterator[TableChunk]:
    """Read a table of stations and dates; a station or day that the data set does not hold has no sample.

    Args:
        path: CSV with ID and Date (YYYYMMDD or YYYY-MM-DD).
        dataset: The data set of the run, or another prepared one.
        size: Most rows at once.

    Raises:
        DataError: A column is missing, a date is none, or there are no rows.
    """
    table = open_arrow(path)
    identity, date = table.column(("ID",), "station"), table.column(("Date",), "day")
    records = _Records(dataset)
    read = 0
    for block in table.blocks((identity, date), ()):
        for start in range(0, len(block[identity]), size):
            part = slice(start, start + size)
            names, dates = block[identity][part], block[date][part]
            day = days_of(np.char.replace(dates, "-", ""), path, date, OWN_TABLE)
            columns = TableColumn(_ID, names.tolist()), TableColumn(_DATE, dates.tolist())
            yield TableChunk(columns, partial(records.samples, names, day))
            read += len(day)
    if not read:
        raise DataError("has a header and no rows", where=str(path), fix="Give a table with ID and Date.")


class _Records:
    """Series of a data set, to be found by station and day."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._names = dataset.labels("station")
        day = np.asarray(dataset.array("time"), dtype=np.int64) // _MINUTES
        first = np.asarray(dataset.array("station_first"), dtype=np.int64)
        lengths = np.diff(np.append(first, len(day)))
        station = np.repeat(np.arange(len(first)), lengths)
        # Days fit into five digits: station and day are one ascending number.
        self._key = station * 100_000 + day
        whole = np.all([np.isfinite(dataset.array(name)) for name in dataset.labels("dynamic")], axis=0)
        parts = np.split(whole, first[1:])
        self._history = np.concatenate([deriving.unbroken(part) for part in parts])

    def samples(self, names: NDArray[np.str_], day: NDArray[np.int64]) -> SampleBlock:
        """Make the samples of stations and days since 1970-01-01; `valid` has shape [N]."""
        known, (different, row) = StationNames(self._names), np.unique(names, return_inverse=True)
        station = np.array([known.number(name) for name in different.tolist()], dtype=np.int64)[row.reshape(-1)]
        wanted = station * 100_000 + day
        place = np.minimum(np.searchsorted(self._key, wanted), len(self._key) - 1)
        valid = (station >= 0) & (self._key[place] == wanted)
        index = place[valid]
        arrays: dict[str, Any] = {}
        texts: dict[str, list[str]] = {}
        for name in self._dataset.manifest.variables:
            if self._dataset.is_text(name):
                texts[name] = self._dataset.labels(name)
            elif name not in _NONE:
                arrays[name] = self._dataset.array(name)
        arrays |= {"index": index, "station_index": station[valid], "history": self._history[index]}
        units = {name: self._dataset.unit(name) for name in (*arrays, *texts)}
        return SampleBlock(valid, Block(arrays, texts, units))
