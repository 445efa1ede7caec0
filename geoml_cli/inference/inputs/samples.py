"""Samples of a prepared data set, to a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset, check_content
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError
from geoml_cli.inference import ranges
from geoml_cli.inference.engine import tell_intervals
from geoml_cli.inference.job import Chunk, ChunkSamples, PredictionJob, attributes
from geoml_cli.inference.load import TrainedRun
from geoml_cli.inference.places import coordinates_of
from geoml_cli.layers.devices import few_samples
from geoml_cli.runs.data import is_own_data
from geoml_cli.samples.coordinates import ID, stations_of_samples
from geoml_cli.work.reporting import Reporter
from geoml_cli.writers import table
from geoml_cli.writers.chunk_store import ChunkStore, require_writable

if TYPE_CHECKING:
    import pandas as pd

Rows = NDArray[np.int64]
Floats = NDArray[np.float32]
Columns = dict[str, NDArray[Any]]
_SAMPLE = Variable("sample", "1", "number of the sample in the data set", dtype="i8")
_STATION = Variable("station", "1", "code of the station", dtype="str")


class Observation(NamedTuple):
    """An observed target, written with the predicted one."""

    variable: Variable
    values_N: Floats


def samples_job(trained: TrainedRun, dataset: Dataset) -> PredictionJob:
    """Predict every sample of a data set, some rows at a time."""
    size = trained.settings.shared.predict.rows
    return PredictionJob(
        cell="samples",
        digest={"data": dataset.manifest.digest(), "rows": size},
        chunks=lambda: _chunks(trained, dataset, size),
        total=-(-len(trained.samples(dataset)) // size),
        write=lambda out, store, count: _write(trained, dataset, out, store),
        summarised=trained.summarised,
        unit=trained.outputs()[trained.summarised].unit,
        check=table.check_suffix,
    )


def _chunks(trained: TrainedRun, dataset: Dataset, size: int) -> Iterator[Chunk]:
    samples = trained.samples(dataset)
    for number, rows in enumerate(rows_of_chunks(len(samples), size)):
        chosen = ChunkSamples(samples, rows)
        yield Chunk(number, lambda chosen=chosen: chosen)  # type: ignore[misc]


def rows_of_chunks(samples: int, size: int) -> list[Rows]:
    """Return the rows of every chunk."""
    return [np.arange(start, min(start + size, samples)) for start in range(0, samples, size)]


def _write(trained: TrainedRun, dataset: Dataset, out: Path, store: ChunkStore) -> list[Path]:
    samples = len(trained.samples(dataset))
    observed = observations(trained, dataset)
    chunks = rows_of_chunks(samples, trained.settings.shared.predict.rows)
    frames = (_frame(trained, dataset, rows, store.read(n), observed) for n, rows in enumerate(chunks))
    content = table.Table(_columns(trained, dataset, observed), samples, attributes(trained, dataset))
    table.write(out, content, frames)
    return [out]


def observations(trained: TrainedRun, dataset: Dataset) -> list[Observation]:
    """Return the observed target of every network, NaN where there is none."""
    found = []
    for network in trained.networks:
        target = trained.network_samples(network, dataset).target
        if (known := target.observed()) is not None:
            described = Variable(f"{target.name}_observed", target.unit, f"{target.name}, observed")
            found.append(Observation(described, known))
    return found


def predict_indices(trained: TrainedRun, dataset: Dataset, index: Sequence[int], reporter: Reporter) -> Columns:
    """Predict single samples of a data set; return columns by name, one value a sample.

    Raises:
        DataError: There is no such sample, the data set is damaged, or inputs of other data than the run's lie outside
            the trained ranges.
    """
    if trained.settings.shared.data.verify:
        check_content(dataset)
    samples = trained.samples(dataset)
    wrong = [place for place in index if not 0 <= place < len(samples)]
    if wrong:
        raise DataError(
            f"there is no sample {wrong[0]}, the data set holds {len(samples)}.",
            where="--index",
            fix=f"Use 0 to {len(samples) - 1}.",
        )
    rows = np.array(index, dtype=np.int64)
    with few_samples():
        predictor = trained.predictor()
        values = predictor.outputs(samples, rows).astype(np.float32)
    outside = ranges.shares(predictor.variables, predictor.counts())
    # Samples of the run's own data set were compared with its signature: one that is rare is no other unit.
    limit = 1.0 if is_own_data(trained.run, dataset) else trained.settings.shared.predict.out_of_range
    ranges.check_shares(outside, limit, reporter)
    tell_intervals(trained, reporter)
    return _values(trained, dataset, rows, values, observations(trained, dataset))


def shown(trained: TrainedRun, dataset: Dataset, columns: Columns) -> Columns:
    """Return single predictions as they are shown: times as text, and the unit where all outputs have one."""
    outputs, found = trained.outputs(), {"index": columns["sample"], **columns}
    for column in _columns(trained, dataset, observations(trained, dataset)):
        if " since " in column.unit:
            found[column.name] = table.iso_times(found[column.name], column.unit)
    if len({output.unit for output in outputs}) == 1:
        found["unit"] = np.full(len(columns["sample"]), outputs[0].unit, dtype=object)
    return found


def write_columns(trained: TrainedRun, dataset: Dataset, columns: Columns, out: Path) -> None:
    """Write single predictions to a file by its suffix, as those of all samples are written."""
    import pandas as pd

    table.check_suffix(out)
    require_writable(out)
    described = _columns(trained, dataset, observations(trained, dataset))
    content = table.Table(described, len(columns["sample"]), attributes(trained, dataset))
    table.write(out, content, [pd.DataFrame(columns)])


def _frame(
    trained: TrainedRun, dataset: Dataset, rows: Rows, values: Floats, observed: Sequence[Observation]
) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(_values(trained, dataset, rows, values, observed))


def _values(
    trained: TrainedRun, dataset: Dataset, rows: Rows, values: Floats, observed: Sequence[Observation]
) -> Columns:
    """Return the columns of some samples by name."""
    columns: Columns = {"sample": rows}
    if dataset.has("id"):
        identity = dataset.labels("id")
        columns["id"] = np.array([identity[row] for row in rows], dtype=object)
    if dataset.has("station"):
        columns["station"] = stations_of_samples(dataset)[rows]
    columns |= {variable.name: values for variable, values in coordinates_of(trained.spec, dataset, rows)}
    columns |= {output.name: value for output, value in zip(trained.outputs(), values, strict=True)}
    columns |= {variable.name: target[rows] for variable, target in observed}
    return columns


def _columns(trained: TrainedRun, dataset: Dataset, observed: Sequence[Observation]) -> tuple[Variable, ...]:
    columns = [_SAMPLE]
    if dataset.has("id"):
        columns.append(ID)
    if dataset.has("station"):
        columns.append(_STATION)
    none = np.empty(0, dtype=np.int64)
    columns += [_as_float64(variable) for variable, _ in coordinates_of(trained.spec, dataset, none)]
    return (*columns, *trained.outputs(), *(variable for variable, _ in observed))


def _as_float64(variable: Variable) -> Variable:
    return Variable(variable.name, variable.unit, variable.long_name, dtype="f8")
