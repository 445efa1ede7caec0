"""`predict`: a run and samples, a table, rasters, cells or times to one file, by one process or by many."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.dataset.raw_files import changed_since
from geoml_cli.dataset.store import Dataset, check_content
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.inference.baseline_run import BaselineRun, with_baseline
from geoml_cli.inference.engine import (
    finish_file,
    plan_of,
    predict_chunks,
    predict_part,
    predict_to_file,
    require_chunks,
)
from geoml_cli.inference.inputs.budgets import RequestedSums, sums_job
from geoml_cli.inference.inputs.cells import cells_job
from geoml_cli.inference.inputs.forecasts import forecasts_job
from geoml_cli.inference.inputs.pixel_days import pixel_days_job, requested_days
from geoml_cli.inference.inputs.rasters import raster_job
from geoml_cli.inference.inputs.samples import samples_job
from geoml_cli.inference.inputs.tables import points_input, samples_input, table_job
from geoml_cli.inference.inputs.time_grids import RequestedMaps, time_grid_job
from geoml_cli.inference.inputs.vectors import Mask, open_border, open_mask
from geoml_cli.inference.job import PredictionJob
from geoml_cli.inference.load import TrainedRun, open_trained
from geoml_cli.inference.map_files import MapFiles
from geoml_cli.inference.summary import PartSummary, PredictionSummary
from geoml_cli.runs.run import Run
from geoml_cli.samples.input import CovariateStack, Grid, TableInput
from geoml_cli.samples.requests import PredictionRequest
from geoml_cli.work.cluster import PARTS_EACH, OpenedOnce, Share, cluster
from geoml_cli.work.pieces import Part
from geoml_cli.work.reporting import NullReporter, Reporter
from geoml_cli.writers.chunk_store import ChunkStore, joined

_DEGREES = "EPSG:4326"
_TABLE_PARTS_EACH = 4
"""Parts of a table for each thread: each reads the table."""


class Prediction(NamedTuple):
    """What is predicted into which file.

    Attributes:
        trained: The run, with the members to use.
        dataset: A data set like the one the run was trained on.
        request: Which input.
        out: The file; its suffix chooses the format.
    """

    trained: TrainedRun
    dataset: Dataset
    request: PredictionRequest
    out: Path


def predict(prediction: Prediction, reporter: Reporter) -> PredictionSummary:
    """Predict what is asked for into a file; killed or stopped, the same call resumes.

    Raises:
        SettingsError: The source or model has no such input, or the file is of another kind.
        DataError: The input cannot be read, or is not what the run was trained on.
        StoppedError: A signal came; finished chunks are kept.
    """
    return predict_to_file(prediction.trained, _checked_job(prediction, reporter), prediction.out, reporter)


def predict_part_of(prediction: Prediction, part: Part, reporter: Reporter) -> PartSummary:
    """Predict a part of what is asked for, for one of several processes; the file is written by `finish`.

    Raises:
        SettingsError: As for `predict`, or other parts were made from other things.
        DataError: As for `predict`.
        StoppedError: A signal came; finished chunks are kept.
    """
    return predict_part(prediction.trained, _checked_job(prediction, reporter), prediction.out, reporter, part)


def finish(prediction: Prediction, reporter: Reporter) -> PredictionSummary:
    """Write the file from finished parts.

    Raises:
        SettingsError: As for `predict_part_of`.
        DataError: As for `predict`.
        StoppedError: Chunks are missing.
    """
    return finish_file(prediction.trained, _checked_job(prediction, reporter), prediction.out, reporter)


def predict_on(prediction: Prediction, scheduler: str, reporter: Reporter) -> PredictionSummary:
    """Predict on the workers of Dask, which share a disk with this process.

    Raises:
        SettingsError: As for `predict`, or no scheduler answers.
        DataError: As for `predict`, or workers see other files.
        StoppedError: A signal came; finished chunks are kept.
    """
    order = _order(prediction)

    def make(trained: TrainedRun, job: PredictionJob, store: ChunkStore, reporter: Reporter) -> int:
        with cluster(scheduler, reporter) as workers, reporter.task(job.cell, job.total) as advance:
            each = _TABLE_PARTS_EACH if job.total is None else PARTS_EACH
            for chunks in workers.map(_predict_share, workers.shares(order, job.total, each)):
                advance(chunks)
        return require_chunks(job, store)

    return predict_to_file(prediction.trained, _checked_job(prediction, reporter), prediction.out, reporter, make)


class _Order(NamedTuple):
    """A prediction in words that go to another process."""

    run: Path
    assignments: tuple[str, ...]
    members: tuple[str, ...]
    baseline: tuple[str, Path] | None
    data: Path
    request: PredictionRequest
    out: Path


def _order(prediction: Prediction) -> _Order:
    trained = prediction.trained
    by = (trained.baseline, trained.dataset.folder.absolute()) if isinstance(trained, BaselineRun) else None
    run = trained.run
    return _Order(
        run.folder.absolute(), tuple(run.assignments), trained.members, by, prediction.dataset.folder.absolute(),
        prediction.request.absolute(), prediction.out.absolute(),
    )  # fmt: skip


class _Opened(NamedTuple):
    """What a worker predicts with, opened once for an order."""

    trained: TrainedRun
    job: PredictionJob
    store: ChunkStore


def _predict_share(share: Share[_Order]) -> int:
    """Predict a part on a worker; return how many chunks it has."""
    with _ONE.for_share(share) as (trained, job, store):
        return share.part.share(predict_chunks(trained, job, store, NullReporter(), share.part))


def _open(order: _Order) -> _Opened:
    run, reporter = Run(order.run, order.assignments), NullReporter()
    trained = open_trained(run, order.members)
    if order.baseline is not None:
        from geoml_cli.evaluation.baseline_limits import with_limits  # brings scikit-learn

        name, own = order.baseline
        trained = with_limits(with_baseline(trained, name, Dataset(own)), reporter)
    job = _job(trained, Dataset(order.data), order.request, reporter)
    return _Opened(trained, job, joined(order.out, plan_of(trained, job)))


_ONE = OpenedOnce(_open)


def _checked_job(prediction: Prediction, reporter: Reporter) -> PredictionJob:
    if prediction.trained.settings.shared.data.verify:
        check_content(prediction.dataset)
    return _job(prediction.trained, prediction.dataset, prediction.request, reporter)


def _job(trained: TrainedRun, dataset: Dataset, request: PredictionRequest, reporter: Reporter) -> PredictionJob:
    if request.forecast:
        return forecasts_job(trained, dataset, request.dates, request.steps, reporter)
    if request.times:
        times = tuple(np.datetime64(time, "s") for time in request.times)
        return time_grid_job(trained, dataset, RequestedMaps(times, request.mlat), reporter)
    if request.sums is not None:
        requested = RequestedSums(request.sums, request.fill, request.strict)  # type: ignore[arg-type]
        return sums_job(trained, dataset, requested, reporter)
    if request.stack is not None:
        return _pixel_days(trained, dataset, request, reporter)
    if request.table is not None:
        return table_job(trained, _table_input(trained, dataset, request, reporter), reporter)
    if not request.mapped:
        return samples_job(trained, dataset)
    if dataset.has("cell") and registry.source(dataset.manifest.source).stack is None:
        if request.mask or request.border:
            option = "--mask" if request.mask else "--border"
            raise SettingsError("maps of the cells of a data set have none.", where=option, fix="Leave it out.")
        return cells_job(MapFiles(trained, f"cells of data set {dataset.folder.name}", (), reporter), dataset)
    stack = _stack(trained.run.model, dataset, request, reporter)
    if stack.year is not None:
        reporter.info(f"The map is of {stack.year}.")
    mask = open_mask(request.mask, stack.grid) if request.mask else None
    source = f"rasters in {(request.rasters or Path(dataset.manifest.raw)).absolute().name}"
    return raster_job(MapFiles(trained, source, _borders(request, stack.grid, mask), reporter), stack, mask)


def _pixel_days(trained: TrainedRun, dataset: Dataset, request: PredictionRequest, reporter: Reporter) -> PredictionJob:
    """Open a stack of pixels by day."""
    source = registry.source(dataset.manifest.source)
    if source.pixels is None or request.stack is None:
        raise SettingsError(
            f"{dataset.manifest.source} reads no stacks of pixels.", where="--stack", fix="Leave it out."
        )
    stack = source.pixels(request.stack, dataset.manifest)
    mask = open_mask(request.mask, stack.grid) if request.mask else None
    files = MapFiles(trained, f"stack {request.stack.name}", _borders(request, stack.grid, mask), reporter)
    return pixel_days_job(files, stack, requested_days(stack, request.days), mask)


def _borders(request: PredictionRequest, grid: Grid, mask: Mask | None) -> list[NDArray[np.float64]]:
    """Return the lines that the page of a map shows."""
    if request.border is not None:
        return open_border(request.border, grid)
    return mask.lines() if mask else []


def _stack(model: str, dataset: Dataset, request: PredictionRequest, reporter: Reporter) -> CovariateStack:
    """Open rasters like those the data set was made from, and tell what is to be known of them."""
    source = registry.source(dataset.manifest.source)
    if source.stack is None:
        timed = any("times" in options.model_fields for options in registry.card(model).inputs)
        raise SettingsError(
            f"{dataset.manifest.source} has no rasters to predict from.",
            where="--map",
            fix="Name a time: --map 2013-03-17T06:00."
            if timed
            else "Leave it out to predict the samples of the data set.",
        )
    if request.rasters is None:
        _look_at_raw(dataset, reporter)
    stack = source.stack(request.rasters or Path(dataset.manifest.raw), dataset.manifest, request.nodata)
    for note in stack.notes:
        reporter.warn(note)
    return stack


def _look_at_raw(dataset: Dataset, reporter: Reporter) -> None:
    """Say where the data set's own rasters are no longer what it was made from.

    Raises:
        DataError: They were fetched from an address, and their copy is gone.
    """
    manifest = dataset.manifest
    if manifest.origin and not Path(manifest.raw).exists():
        raise DataError(
            f"the copy of {manifest.origin} is not there.",
            where=manifest.raw,
            fix=f"Fetch it with `geoml prepare {manifest.source} {quote(manifest.origin)}`, or name rasters with "
            "--rasters.",
        )
    if changed := changed_since(dataset.folder, manifest):
        names = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        reporter.warn(
            f"Raw files have changed since the data set was prepared ({names}): predictions are of what they hold now."
        )


def _table_input(trained: TrainedRun, dataset: Dataset, request: PredictionRequest, reporter: Reporter) -> TableInput:
    """Open a table: of points, or of samples."""
    table = request.table
    assert table is not None, "a table is asked for"
    source = registry.source(dataset.manifest.source)
    if source.rows is not None:
        if request.crs or request.rasters:
            raise SettingsError(
                f"tables of {dataset.manifest.source} hold their samples themselves.",
                where="--crs" if request.crs else "--rasters",
                fix="Leave it out.",
            )
        return samples_input(table, source.rows, dataset)
    if source.points is None:
        raise SettingsError(
            f"{dataset.manifest.source} reads no tables.",
            where="--table",
            fix="Prepare the new files as a data set of their own, and name it with --data.",
        )
    stack = _stack(trained.run.model, dataset, request, reporter)
    return points_input(table, source.points, stack, request.crs or _DEGREES)
