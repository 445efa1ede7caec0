"""One resumable engine for every prediction: chunks of samples in, chunks of outputs out, then one file.

A killed prediction resumes with the next chunk; the result equals that of one go, whatever the kind of input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import require_space, sha256
from geoml_cli.errors import DataError, StoppedError
from geoml_cli.inference import ranges, trained_ranges
from geoml_cli.inference.area import APPLICABLE, share_inside
from geoml_cli.inference.job import Chunk, ChunkSamples, PredictionJob
from geoml_cli.inference.load import TrainedRun
from geoml_cli.inference.missing import as_text, count_missing, missing_by_reason
from geoml_cli.inference.run_predictor import RunPredictor
from geoml_cli.inference.summary import PartSummary, PredictionSummary, class_shares, summarise
from geoml_cli.runs.calibration import is_left
from geoml_cli.runs.kept import code_digest
from geoml_cli.tasks.task import Limits
from geoml_cli.work.numbers import format_number, format_share
from geoml_cli.work.pieces import ALL, Part
from geoml_cli.work.reporting import Reporter
from geoml_cli.work.signals import StopRequest
from geoml_cli.writers import chunk_store
from geoml_cli.writers.chunk_store import ChunkStore, require_writable

Rows = NDArray[np.int64]
_MOSTLY = 0.9
"""Share of predictions inside the area of applicability below which it is a warning."""
_NAMED = 10
"""Missing chunks that a message names."""
Floats = NDArray[np.float32]
Make = Callable[[TrainedRun, PredictionJob, ChunkStore, Reporter], int]
"""Makes chunks that are missing, or has them made; returns how many there are."""


def predict_to_file(
    trained: TrainedRun, job: PredictionJob, out: Path, reporter: Reporter, make: Make | None = None
) -> PredictionSummary:
    """Predict all chunks and write the file.

    Args:
        trained: The run.
        job: What is predicted.
        out: The file.
        reporter: Receives progress.
        make: Makes the chunks; this process without it.

    Raises:
        SettingsError: The suffix of the file is not one of the job's, or another process is making it.
        DataError: The file cannot be written there, or the inputs are not what the run was trained on.
        StoppedError: A signal came; finished chunks are kept and the same command resumes.
    """
    _begin(trained, job, out, reporter)
    with chunk_store.whole(out, plan_of(trained, job)) as store:
        count = (make or predict_chunks)(trained, job, store, reporter)
        return _finished(trained, job, store, reporter, count)


def finish_file(trained: TrainedRun, job: PredictionJob, out: Path, reporter: Reporter) -> PredictionSummary:
    """Write the file from chunks that processes made part by part.

    Raises:
        SettingsError: As for `predict_to_file`, or the chunks were made from other things.
        DataError: As for `predict_to_file`.
        StoppedError: Chunks are missing; which, and of which parts.
    """
    _begin(trained, job, out, reporter)
    with chunk_store.whole(out, plan_of(trained, job), keep=True) as store:
        return _finished(trained, job, store, reporter, require_chunks(job, store))


def predict_part(trained: TrainedRun, job: PredictionJob, out: Path, reporter: Reporter, part: Part) -> PartSummary:
    """Predict the chunks of a part that are not there yet; errors as for `predict_to_file`."""
    job.check(out)
    require_writable(out)
    with chunk_store.for_part(out, plan_of(trained, job), part) as store:
        count = predict_chunks(trained, job, store, reporter, part)
        return PartSummary(out, part, part.share(count), store.written)


def require_chunks(job: PredictionJob, store: ChunkStore) -> int:
    """Return how many chunks there are.

    Raises:
        StoppedError: Some are missing.
    """
    count = job.total if job.total is not None else sum(1 for _ in job.chunks())
    if missing := store.unfinished(range(count)):
        raise _unfinished(store, missing, count)
    return count


def _unfinished(store: ChunkStore, missing: Sequence[int], count: int) -> StoppedError:
    """Name the chunks that are missing, and the parts that they are of where these are known."""
    named = ", ".join(str(number + 1) for number in missing[:_NAMED])
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    if len(missing) == count and store.target.exists():
        return StoppedError(
            "no chunk is there; the file is, from an earlier prediction.", where=str(store.target),
            fix="Leave --finish out to predict it anew.",
        )  # fmt: skip
    counts = {part.of for part in chunk_store.parts_seen(store)}
    fix = "Predict them with --part, or leave --finish out to predict them here."
    if len(counts) == 1:
        [of] = counts
        parts = sorted({number % of + 1 for number in missing})
        names = ", ".join(f"--part {number}/{of}" for number in parts)
        fix = f"Predict them with {names}; or leave --finish out to predict them here."
    return StoppedError(
        f"{len(missing)} of {count} chunks are missing: {named}{more}.", where=str(store.folder), fix=fix
    )


def _begin(trained: TrainedRun, job: PredictionJob, out: Path, reporter: Reporter) -> None:
    """Refuse a file that cannot be written, and say what intervals promise."""
    job.check(out)
    require_writable(out)
    if job.written_values is None:  # a sum has neither interval nor inputs of its own
        tell_intervals(trained, reporter)


def _finished(
    trained: TrainedRun, job: PredictionJob, store: ChunkStore, reporter: Reporter, count: int
) -> PredictionSummary:
    """Write the file from its chunks, which are removed."""
    if not count:
        raise DataError(f"there are no {job.cell} to predict.", fix="Give an input that holds some.")
    outside = _outside_training(trained, store, count, reporter)
    path, *figures = job.write(store.target, store, count)
    outputs = (store.read(number)[job.summarised] for number in range(count))
    limits = _limits(trained, job)
    counted = job.counted or job.cell
    summary = summarise(path, counted, job.unit, job.written_values() if job.written_values else outputs, limits)
    _tell_impossible(summary, limits, reporter)
    if job.written_values is None:
        _tell_area(trained, (store.read(number)[-1] for number in range(count)), job.cell, reporter)
    classes = {} if job.written_values else _classes(trained, job, store, count)
    missing = missing_by_reason(job.reasons, trained.undefined, store, count)
    store.clear()
    if job.reasons:
        reporter.info(f"{job.cell.capitalize()} without a prediction: {as_text(missing)}.")
    if summary.count == summary.missing:
        reporter.warn(f"none of {summary.count} {counted} has a value: check what the inputs cover and lack.")
    of = "" if job.written_values else trained.outputs()[job.summarised].name
    return replace(summary, outside=outside, classes=classes, reasons=missing, drawn=tuple(figures), of=of)


def _outside_training(trained: TrainedRun, store: ChunkStore, count: int, reporter: Reporter) -> dict[str, float]:
    """Return each input's share outside its trained range; report it, or refuse it."""
    variables = [variable for name in trained.networks for variable in trained.ranges(name).variables]
    counts = trained_ranges.empty(len(variables))
    for number in range(count):
        counts = trained_ranges.merged(counts, store.counts(number))
    outside = ranges.shares(variables, counts)
    ranges.check_sizes(variables, counts, reporter)
    ranges.check_shares(outside, trained.settings.shared.predict.out_of_range, reporter)
    return {one.name: 0.0 for one in variables} | ranges.by_name(outside)


def _limits(trained: TrainedRun, job: PredictionJob) -> Limits:
    """Return what the values that are summarised can be, as far as that is known."""
    tasks = [trained.task(name) for name in trained.networks]
    is_target = trained.pipeline is None and job.written_values is None and job.summarised == tasks[0].scored
    return tasks[0].limits if is_target else (None, None)


def _tell_impossible(summary: PredictionSummary, limits: Limits, reporter: Reporter) -> None:
    if summary.impossible:
        bounds = " or ".join(
            f"{side} {format_number(limit)}"
            for side, limit in zip(("below", "above"), limits, strict=True)
            if limit is not None
        )
        reporter.warn(
            f"{summary.impossible} of {summary.count} {summary.kind} are {bounds} {summary.unit}, which what is "
            f"predicted cannot be (lowest {format_number(summary.lowest)}, highest {format_number(summary.highest)}); "
            "they are written as predicted."
        )


def _classes(trained: TrainedRun, job: PredictionJob, store: ChunkStore, count: int) -> dict[str, float]:
    """Return the share of each class; empty where the output that is summarised is no class."""
    tasks = [trained.task(name) for name in trained.networks]
    if trained.pipeline is not None or not tasks[0].class_names or job.summarised != tasks[0].scored:
        return {}
    codes = (store.read(number)[job.summarised] for number in range(count))
    return class_shares(tasks[0].class_names, tasks[0].to_scored, codes)


def predict_chunks(
    trained: TrainedRun, job: PredictionJob, store: ChunkStore, reporter: Reporter, part: Part = ALL
) -> int:
    """Predict the chunks of a part that are not there yet; return how many chunks there are in all."""
    predictor, count = trained.loaded, 0
    total = None if job.total is None else part.share(job.total)
    with StopRequest() as stop, reporter.task(job.cell, total) as advance:
        for chunk in job.chunks():
            count += 1
            if not part.has(chunk.number):
                continue
            if not store.done(chunk.number):
                size = _make(trained, predictor, chunk, job, store)
                # Chunks and the file that they become lie side by side.
                further = (1 + job.copies(store.target)) * (job.total or 1) - chunk.number - 1
                require_space(store.folder, size * further)
            advance(1)
            store.stop_if(stop.received, chunk.number)
    return count


def _make(trained: TrainedRun, predictor: RunPredictor, chunk: Chunk, job: PredictionJob, store: ChunkStore) -> int:
    """Predict a chunk and keep it; return its size [bytes]."""
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


def plan_of(trained: TrainedRun, job: PredictionJob) -> dict[str, object]:
    """Name what determines chunks: those of another plan are not reused."""
    return {
        "code": code_digest(),
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
        reporter.info(f"Intervals: {intervals.promise}.")
    if trained.without_intervals:
        stopped = trained.settings.shared.train.calibrate and is_left(trained.run)
        (reporter.warn if stopped else reporter.info)(trained.without_intervals)


def _tell_area(trained: TrainedRun, applicable: Iterable[Floats], cell: str, reporter: Reporter) -> None:
    """Say how many predictions lie where the run was tested."""
    if trained.applicability is not None and np.isfinite(inside := share_inside(applicable)):
        tell = reporter.info if inside > _MOSTLY else reporter.warn
        tell(f"In the area of applicability: {format_share(inside)} of the {cell} (output {APPLICABLE}).")


def weights_digests(trained: TrainedRun) -> list[str]:
    """Name the weights that determine a prediction."""
    return [sha256(trained.run.member(name).checkpoint("best").weights) for name in trained.members]
