"""A user's table: points at which rasters are sampled, or samples that the table holds itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.dataset.files import sha256
from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import Kind, Variable
from geoml_cli.errors import DataError
from geoml_cli.inference.job import Chunk, ChunkSamples, PredictionJob, attributes
from geoml_cli.inference.load import TrainedRun
from geoml_cli.samples.coordinates import ID, LATITUDE, LONGITUDE
from geoml_cli.samples.input import POINT_REASONS, CovariateStack, Points, TableChunk, TableColumn, TableInput
from geoml_cli.work.reporting import Reporter
from geoml_cli.writers import table
from geoml_cli.writers.chunk_store import ChunkStore

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float32]
ReadPoints = Callable[[Path, str, int], Iterator[Points]]
ReadSamples = Callable[[Path, Dataset, int], Iterator[TableChunk]]
_KINDS: dict[str, Kind] = {"i": "i8", "u": "i8", "f": "f8"}
_YEAR = Variable("year", "1", "calendar year of the covariates")
_REASON = Variable("reason", "", "why there is no prediction", dtype="str")


def table_job(trained: TrainedRun, given: TableInput, reporter: Reporter) -> PredictionJob:
    """Predict the rows of a table; rows without a sample are missing, and counted by reason where the source tells it.

    Raises:
        DataError: There is no such file.
    """
    if not given.path.is_file():
        raise DataError("there is no such file.", where=str(given.path), fix="Name a table with --table.")
    size = trained.settings.shared.predict.rows
    return PredictionJob(
        cell="rows",
        digest={"table": sha256(given.path), **given.digest, "rows": size},
        chunks=lambda: _chunks(trained, given.chunks(size)),
        total=None,
        write=lambda out, store, count: _write(trained, given, out, _Predicted(store, count, reporter)),
        summarised=trained.summarised,
        unit=trained.outputs()[trained.summarised].unit,
        check=table.check_suffix,
        reasons=given.reasons,
        keeps_reasons=True,
    )


def points_input(path: Path, read: ReadPoints, stack: CovariateStack, crs: str) -> TableInput:
    """Points at which rasters are sampled; points off the rasters or on no-data are missing."""

    def chunks(size: int) -> Iterator[TableChunk]:
        for points in read(path, crs, size):
            columns = (
                TableColumn(ID, points.identity),
                TableColumn(LONGITUDE, points.longitude),
                TableColumn(LATITUDE, points.latitude),
                *_years(points, stack),
            )
            yield TableChunk(columns, partial(stack.points, points))

    return TableInput(
        path, {"rasters": stack.digest(all_years=True), "crs": crs}, chunks, (*POINT_REASONS, *stack.reasons)
    )


def _years(points: Points, stack: CovariateStack) -> tuple[TableColumn, ...]:
    """Return the years that rows are predicted for: their own, else that of maps."""
    if stack.year is None:
        return ()
    if points.year is None:
        return (TableColumn(_YEAR, [str(stack.year)] * len(points.identity)),)
    # As text, since an empty cell stays one, in whichever part of the table it stands.
    return (TableColumn(_YEAR, [f"{year:.0f}" if np.isfinite(year) else "" for year in points.year]),)


def samples_input(path: Path, read: ReadSamples, dataset: Dataset) -> TableInput:
    """Samples that a table holds itself, some of them in relation to the data set of the run."""
    reasons = registry.source(dataset.manifest.source).row_reasons
    return TableInput(path, {"data": dataset.manifest.digest()}, lambda size: read(path, dataset, size), reasons)


def _chunks(trained: TrainedRun, chunks: Iterator[TableChunk]) -> Iterator[Chunk]:
    for number, chunk in enumerate(chunks):
        yield Chunk(number, lambda chunk=chunk: _samples(trained, chunk))  # type: ignore[misc]


def _samples(trained: TrainedRun, chunk: TableChunk) -> ChunkSamples:
    block = chunk.read()
    samples = trained.samples(block.variables)
    return ChunkSamples(samples, np.arange(len(samples), dtype=np.int64), block.valid, reason=block.reason)


@dataclass(frozen=True)
class _Predicted:
    """Finished chunks, and who receives rows without a prediction."""

    store: ChunkStore
    count: int
    reporter: Reporter

    def none(self) -> bool:
        """Return whether no row has a prediction."""
        return all(np.isnan(self.store.read(number)).all() for number in range(self.count))

    def reasons(self) -> Counter[int]:
        """Count rows by the place of their reason, -1 where none is known."""
        return Counter(place for number in range(self.count) for place in self.store.reason(number).tolist())


def _nowhere(given: TableInput, reasons: Mapping[int, int]) -> DataError:
    """Return the error of points of which none has a prediction."""
    found = {given.reasons[place]: rows for place, rows in reasons.items() if place >= len(POINT_REASONS)}
    if found:
        listed = ", ".join(f"{reason}: {rows}" for reason, rows in found.items())
        return DataError(
            f"none of its points has a prediction ({listed})",
            where=str(given.path),
            fix="Give points, and years, at which the rasters have data.",
        )
    return DataError(
        f"none of its points lies on the rasters where they have data (CRS of the points: {given.digest['crs']})",
        where=str(given.path),
        fix="Check --crs, the columns of the coordinates, and where the rasters lie.",
    )


def _write(trained: TrainedRun, given: TableInput, out: Path, predicted: _Predicted) -> list[Path]:
    """Read the table a second time, so that no more than a chunk of it is ever in memory.

    Raises:
        DataError: No point has a prediction.
    """
    if "crs" in given.digest and predicted.none():
        raise _nowhere(given, predicted.reasons())
    size, outputs = trained.settings.shared.predict.rows, trained.outputs()
    first = next(given.chunks(size))
    has_reasons, missing = first.reasons is not None or bool(given.reasons), Counter[str]()
    columns = (
        *(_typed(column, values) for column, values in first.columns),
        *outputs,
        *((_REASON,) if has_reasons else ()),
    )
    rows = sum(len(chunk) for chunk in given.chunks(size)) if out.suffix.lower() == ".nc" else 0

    def frames() -> Iterator[pd.DataFrame]:
        import pandas as pd

        for number, chunk in enumerate(given.chunks(size)):
            content = {column.name: values for column, values in chunk.columns}
            values_ON = predicted.store.read(number)
            content |= {output.name: values_N for output, values_N in zip(outputs, values_ON, strict=True)}
            if has_reasons:
                named = chunk.reasons or [given.reasons[place] if place >= 0 else "" for place in store.reason(number)]
                content[_REASON.name] = reasons = _reasons(named, values_ON[0], trained.undefined)
                missing.update(filter(None, reasons))
            yield pd.DataFrame(content)

    store = predicted.store
    table.write(out, table.Table(columns, rows, attributes(trained)), frames())
    if first.reasons is not None:  # the engine reports others
        text = ", ".join(f"{reason}: {number}" for reason, number in missing.most_common())
        predicted.reporter.info(f"Rows without a prediction: {text or 'none'}.")
    return [out]


def _reasons(named: Sequence[str], values_N: Floats, undefined: str) -> list[str]:
    """Return why each row has no prediction, empty where it has one."""
    pairs = zip(named, np.isfinite(values_N).tolist(), strict=True)
    return ["" if predicted else reason or undefined for reason, predicted in pairs]


def _typed(column: Variable, values: object) -> Variable:
    kind = "str" if isinstance(values, list) else _KINDS.get(values.dtype.kind, "str")  # type: ignore[attr-defined]
    return Variable(column.name, column.unit, column.long_name, dtype=kind)  # type: ignore[arg-type]
