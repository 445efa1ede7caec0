"""One resumable engine for every prediction: chunks of samples in, chunks of outputs out, then one file.

A killed prediction resumes with the next chunk; the result equals that of one go, whatever the kind of input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import require_space, sha256
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.inference import ranges
from geoml_cli.inference.area import APPLICABLE, share_inside
from geoml_cli.inference.load import RunPredictor, TrainedRun
from geoml_cli.inference.missing import as_text, count_missing, missing_by_reason
from geoml_cli.inference.summary import PredictionSummary, class_shares, summarise
from geoml_cli.samples.samples import Samples
from geoml_cli.work.numbers import format_share
from geoml_cli.work.reporting import Reporter
from geoml_cli.work.signals import StopRequest
from geoml_cli.writers.chunk_store import ChunkStore, require_writable

Rows = NDArray[np.int64]
_MOSTLY = 0.9
"""Share of predictions inside the area of applicability below which it is a warning."""
Floats = NDArray[np.float32]


class ChunkSamples(NamedTuple):
    """The samples of a chunk.

    Attributes:
        samples: Of the chunk, or of all chunks; None where no cell of the chunk carries one.
        rows: Which of them are the chunk's.
        valid: Which cells of the chunk carry a sample; None where all do and the chunk is one row of cells.
        steps: Lead times of forecasts of maps, past the network's own where it is fed its own maps; None of others.
        reason: Place among the job's reasons why a cell carries no sample, -1 where it is none of them, in the shape of
            the cells; None of a job without reasons.
    """

    samples: Samples | None
    rows: Rows
    valid: NDArray[np.bool_] | None = None
    steps: int | None = None
    reason: NDArray[np.int16] | None = None


class Chunk(NamedTuple):
    """A piece of a prediction.

    Attributes:
        number: From 0.
        read: Makes its samples; called only where the chunk is not predicted yet.
    """

    number: int
    read: Callable[[], ChunkSamples]


@dataclass(frozen=True)
class PredictionJob:
    """A prediction of one kind of input into one file.

    Attributes:
        cell: What one prediction is of, in the plural: samples, points, pixels, cells.
        digest: What determines the samples; chunks of another digest are not reused.
        chunks: The chunks in order.
        total: How many; None where only reading tells.
        write: Writes the file (or files) from finished chunks, given their number; returns it (or the first), then
            figures and styles beside it.
        summarised: Which output the summary describes.
        written_values: Values that the summary describes instead, where the file holds others than the outputs.
        reasons: Why a cell may carry no sample; empty where it is not known.
        keeps_reasons: Whether the reason of each cell is written, and not the counts alone.
        copies: How often values lie on disk beside the chunks while a file is written, at most.
        unit: Of that output.
        check: Refuses a file that cannot be written, before anything is predicted.
    """

    cell: str
    digest: Mapping[str, object]
    chunks: Callable[[], Iterator[Chunk]]
    total: int | None
    write: Callable[[Path, ChunkStore, int], list[Path]]
    unit: str
    check: Callable[[Path], None]
    summarised: int = 0
    written_values: Callable[[], Iterable[Floats]] | None = None
    reasons: Sequence[str] = ()
    keeps_reasons: bool = False
    copies: Callable[[Path], int] = lambda out: 1


def predict_to_file(trained: TrainedRun, job: PredictionJob, out: Path, reporter: Reporter) -> PredictionSummary:
    """Predict all chunks and write the file.

    Raises:
        SettingsError: The suffix of the file is not one of the job's, or another process is making it.
        DataError: The file cannot be written there, or the inputs are not what the run was trained on.
        StoppedError: A signal came; finished chunks are kept and the same command resumes.
    """
    job.check(out)
    require_writable(out)
    if job.written_values is None:  # a sum has neither interval nor inputs of its own
        tell_intervals(trained, reporter)
    with ChunkStore(out, _plan(trained, job)) as store:
        count, outside = predict_chunks(trained, job, store, reporter)
        path, *beside = job.write(out, store, count)
        outputs = (store.read(number)[job.summarised] for number in range(count))
        summary = summarise(path, job.cell, job.unit, job.written_values() if job.written_values else outputs)
        if job.written_values is None:
            _tell_area(trained, (store.read(number)[-1] for number in range(count)), job.cell, reporter)
        classes = {} if job.written_values else _classes(trained, job, store, count)
        missing = missing_by_reason(job.reasons, trained.undefined, store, count)
        store.clear()
    if job.reasons:
        reporter.say(f"{job.cell.capitalize()} without a prediction: {as_text(missing)}.")
    if summary.count == summary.missing:
        reporter.warn(f"none of {summary.count} {job.cell} has a value: check what the inputs cover and lack.")
    return replace(summary, outside=outside, classes=classes, reasons=missing, beside=tuple(beside))


def _classes(trained: TrainedRun, job: PredictionJob, store: ChunkStore, count: int) -> dict[str, float]:
    """Return the share of each class; empty where the output that is summarised is no class."""
    tasks = [trained.task(name) for name in trained.networks]
    if trained.pipeline is not None or not tasks[0].class_names or job.summarised != tasks[0].scored:
        return {}
    codes = (store.read(number)[job.summarised] for number in range(count))
    return class_shares(tasks[0].class_names, tasks[0].to_scored, codes)


def predict_chunks(
    trained: TrainedRun, job: PredictionJob, store: ChunkStore, reporter: Reporter
) -> tuple[int, dict[str, float]]:
    """Predict the chunks that are not there yet; return how many there are, and each input's share out of its range."""
    predictor, count = trained.predictor(), 0
    counts = ranges.empty(len(predictor.variables))
    with StopRequest() as stop, reporter.task(job.cell, job.total) as advance:
        for chunk in job.chunks():
            if not store.done(chunk.number):
                size = _make((trained, predictor), chunk, (job, store))
                # Chunks and the file that they become lie side by side.
                further = (1 + job.copies(store.target)) * (job.total or 1) - chunk.number - 1
                require_space(store.folder, size * further)
            counts = ranges.merged(counts, store.counts(chunk.number))
            count += 1
            advance(1)
            store.stop_if(stop.received, chunk.number)
    if not count:
        raise DataError(f"there are no {job.cell} to predict.", fix="Give an input that holds some.")
    limit = trained.settings.shared.predict.out_of_range
    outside = ranges.shares(predictor.variables, counts)
    ranges.judge(outside, limit, reporter)
    return count, {one.name: 0.0 for one in predictor.variables} | ranges.by_name(outside)


def _make(by: tuple[TrainedRun, RunPredictor], chunk: Chunk, into: tuple[PredictionJob, ChunkStore]) -> int:
    """Predict a chunk and keep it; return its size [bytes]."""
    (trained, predictor), (job, store) = by, into
    samples = chunk.read()
    values = _predict(predictor, samples, len(trained.outputs()))
    if samples.reason is None:
        return store.write(chunk.number, values, predictor.counts())
    missing = count_missing(values[job.summarised], samples.reason, len(job.reasons))
    return store.write(chunk.number, values, predictor.counts(), missing, samples.reason if job.keeps_reasons else None)


def _predict(predictor: RunPredictor, chunk: ChunkSamples, outputs: int) -> Floats:
    """Predict a chunk, shape [outputs, cells ...], NaN where a cell carries no sample."""
    if chunk.valid is None:
        assert chunk.samples is not None, "a row of cells that all carry samples"
        return predictor.outputs(chunk.samples, chunk.rows, chunk.steps).astype(np.float32)
    result = np.full((outputs, *chunk.valid.shape), np.nan, dtype=np.float32)
    if chunk.samples is not None:
        result[:, chunk.valid] = predictor.outputs(chunk.samples, chunk.rows, chunk.steps)
    return result


def _plan(trained: TrainedRun, job: PredictionJob) -> dict[str, object]:
    """Name what determines chunks: those of another plan are not reused."""
    return {
        "run": trained.run.id,
        "by": trained.predicts,
        "weights": weights_digests(trained),
        "outputs": [output.name for output in trained.outputs()],
        "reasons": list(job.reasons),
        "intervals": {name: one.digest for name, one in trained.intervals.items()},
        **job.digest,
    }


def tell_intervals(trained: TrainedRun, reporter: Reporter) -> None:
    """Say what intervals promise, and why there are none."""
    for intervals in trained.intervals.values():
        reporter.say(f"Intervals: {intervals.promise}.")
    if trained.without_intervals:
        reporter.say(trained.without_intervals)


def _tell_area(trained: TrainedRun, applicable: Iterable[Floats], cell: str, reporter: Reporter) -> None:
    """Say how many predictions lie where the run was tested."""
    if trained.applicability is not None and np.isfinite(inside := share_inside(applicable)):
        tell = reporter.say if inside > _MOSTLY else reporter.warn
        tell(f"In the area of applicability: {format_share(inside)} of the {cell} (output {APPLICABLE}).")


def weights_digests(trained: TrainedRun) -> list[str]:
    """Name the weights that determine a prediction."""
    return [sha256(trained.run.member(name).checkpoint("best").weights) for name in trained.members]


def attributes(trained: TrainedRun, dataset: Dataset | None = None) -> dict[str, str]:
    """Describe a prediction, for the head of its file; `dataset` is what was read, where it is a data set."""
    data = trained.data
    digest = dataset.manifest.digest() if dataset else data.digest
    return {
        "title": f"{data.signature.target_name} predicted by {trained.predicts}",
        "source": f"geoml run {trained.run.id}, members {', '.join(trained.members)}",
        "run_id": trained.run.id,
        "data_digest": digest or "unknown",
        **{f"intervals_{one.task.target.name}": one.promise for one in trained.intervals.values()},
    }
