"""A user's own positions in space and time, to predict under the index series of a data set."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.dataset.store import Block, Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError
from geoml_cli.readers.column_fills import ColumnFills
from geoml_cli.readers.time_series import TimeSeries
from geoml_cli.samples.input import SampleBlock, TableChunk, TableColumn, first_reason
from geoml_cli.sources.ech.files import read
from geoml_cli.sources.ech.indices import Series
from geoml_cli.sources.ech.orbit import Orbit
from geoml_cli.sources.ech.quantities import INDICES, POSITION, WAVE
from geoml_cli.sources.ech.samples import place

_ABOUT = {
    "l": Variable("L", "1", "L-shell, in Earth radii"),
    "mlt": Variable("MLT", "h", "magnetic local time"),
    "mlat": Variable("MLAT", "degrees", "magnetic latitude"),
}


REASONS = ("a coordinate is missing", "the index series do not hold its time and the hours before it")


def rows(path: Path, dataset: Dataset, size: int) -> Iterator[TableChunk]:
    """Read a table of times and positions, `size` rows at a time, in its own order.

    A row has no sample where its time is not on the series, its windows of 48 hours are not whole, or its position is
    missing.

    Raises:
        DataError: The file is damaged, lacks a column or holds what looks like fills; or the series do not know their
            time.
    """
    start = dataset.manifest.facts["start"]
    if start is None:
        raise DataError(
            "the index series do not know their time", where=str(dataset.folder), fix="Prepare again with --start."
        )
    sme, symh = (np.asarray(dataset.array(name)) for name in ("sme", "symh"))
    series = Series(np.datetime64(start, "s"), int(dataset.manifest.facts["step_seconds"]), sme, symh)
    positions = _positions(path, ColumnFills(dataset.manifest.options.get("nodata", ()), (*INDICES, *POSITION, *WAVE)))
    for first in range(0, len(positions.time), size):
        yield _chunk(positions, slice(first, first + size), dataset, series)


def _positions(path: Path, fills: ColumnFills) -> TimeSeries:
    table = read(path, fills)
    lacking = [name for name in POSITION if name not in table.values]
    if lacking:
        raise DataError(
            f"has no column {_ABOUT[lacking[0]].name}",
            where=f"{path}, line 1",
            fix="Give the columns time (UTC), L, MLT [h] and MLAT [degrees].",
        )
    for name in POSITION:
        fills.count(name, str(path), table.values[name])
    fills.refuse_of_prediction()
    return table


def _chunk(timed: TimeSeries, rows: slice, dataset: Dataset, series: Series) -> TableChunk:
    time = timed.time[rows]
    position = {name: timed.values[name][rows] for name in POSITION}
    columns = [TableColumn(Variable("time", "", "time, UTC"), [str(moment) for moment in time])]
    columns += [TableColumn(_ABOUT[name], values) for name, values in position.items()]
    return TableChunk(tuple(columns), partial(_samples, Orbit(time, position, {}), dataset, series))


def _samples(orbit: Orbit, dataset: Dataset, series: Series) -> SampleBlock:
    index, whole = place(series, orbit, Funnel())
    placed = np.asarray(np.isfinite(np.stack(list(orbit.position.values()))).all(axis=0))
    reason = first_reason(np.stack([~placed, ~whole]))
    valid = reason < 0
    arrays = {name: dataset.array(name) for name in ("sme", "symh", "time")}
    arrays |= {name: values[valid] for name, values in orbit.position.items()}
    return SampleBlock(valid, Block({**arrays, "index": index[valid]}, {}, {"time": dataset.unit("time")}), reason)
