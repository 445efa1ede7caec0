"""A stack of covariate rasters, to a map of the target, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from geoml_cli.inference.engine import Chunk, ChunkSamples, PredictionJob, attributes
from geoml_cli.inference.load import TrainedRun
from geoml_cli.inference.missing import PIXELS_MISSING, as_text, missing_by_reason
from geoml_cli.samples.input import CovariateStack, Grid
from geoml_cli.writers import raster
from geoml_cli.writers.chunk_store import ChunkStore
from geoml_cli.writers.map import Map

Window = tuple[slice, slice]


def raster_job(trained: TrainedRun, stack: CovariateStack) -> PredictionJob:
    """Predict every pixel whose window holds data; other pixels are missing."""
    side = trained.settings.shared.predict.block
    return PredictionJob(
        cell="pixels",
        digest={"rasters": stack.digest(), "block": side},
        chunks=lambda: _chunks(trained, stack, side),
        total=len(list(_windows(stack.grid, side))),
        write=lambda out, store, count: _write(trained, stack, out, store),
        unit=trained.outputs()[0].unit,
        check=raster.check_suffix,
        copies=raster.copies,
        reasons=stack.reasons,
    )


def _chunks(trained: TrainedRun, stack: CovariateStack, side: int) -> Iterator[Chunk]:
    for number, window in enumerate(_windows(stack.grid, side)):
        yield Chunk(number, lambda window=window: _samples(trained, stack, window))  # type: ignore[misc]


def _samples(trained: TrainedRun, stack: CovariateStack, window: Window) -> ChunkSamples:
    block = stack.block(*window)
    samples = trained.samples(block.variables)
    return ChunkSamples(samples, np.arange(len(samples), dtype=np.int64), block.valid, reason=block.reason)


def _write(trained: TrainedRun, stack: CovariateStack, out: Path, store: ChunkStore) -> Path:
    side = trained.settings.shared.predict.block
    windows = list(_windows(stack.grid, side))
    missing = as_text(missing_by_reason(stack.reasons, store, len(windows)))
    content = Map(stack.grid, trained.outputs(), side, attributes(trained) | {PIXELS_MISSING: missing})
    raster.write(out, content, ((*window, store.read(n)) for n, window in enumerate(windows)))
    return out


def _windows(grid: Grid, side: int) -> Iterator[Window]:
    for top in range(0, grid.height, side):
        for left in range(0, grid.width, side):
            yield slice(top, min(top + side, grid.height)), slice(left, min(left + side, grid.width))
