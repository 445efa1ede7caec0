"""A stack of covariate rasters, to a map of the target, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from geoml_cli.inference.inputs.masking import MaskedWindows
from geoml_cli.inference.inputs.vectors import Mask
from geoml_cli.inference.job import Chunk, ChunkSamples, PredictionJob, attributes
from geoml_cli.inference.map_files import MapFiles
from geoml_cli.inference.missing import PIXELS_MISSING, as_text, missing_by_reason
from geoml_cli.samples.input import CovariateStack, Grid
from geoml_cli.writers import raster
from geoml_cli.writers.chunk_store import ChunkStore
from geoml_cli.writers.map import Map

Window = tuple[slice, slice]


def raster_job(files: MapFiles, stack: CovariateStack, mask: Mask | None) -> PredictionJob:
    """Predict every pixel whose window holds data, inside the mask; other pixels are missing."""
    trained = files.trained
    windows = MaskedWindows(trained, mask, stack.reasons)
    side = trained.settings.shared.predict.block
    return PredictionJob(
        cell="pixels",
        digest={"rasters": stack.digest(), "block": side, **windows.digest},
        chunks=lambda: _chunks(windows, stack, side),
        total=len(list(_windows(stack.grid, side))),
        write=lambda out, store, count: _write(files, windows, stack, out, store),
        unit=trained.outputs()[0].unit,
        check=partial(raster.check, stack.grid),
        copies=raster.copies,
        reasons=windows.reasons,
    )


def _chunks(windows: MaskedWindows, stack: CovariateStack, side: int) -> Iterator[Chunk]:
    for number, window in enumerate(_windows(stack.grid, side)):
        yield Chunk(number, lambda window=window: _samples(windows, stack, window))  # type: ignore[misc]


def _samples(windows: MaskedWindows, stack: CovariateStack, window: Window) -> ChunkSamples:
    shape = tuple(part.stop - part.start for part in window)
    return windows.samples(window, shape, lambda: stack.block(*window))


def _write(files: MapFiles, masked: MaskedWindows, stack: CovariateStack, out: Path, store: ChunkStore) -> list[Path]:
    trained, grid = files.trained, stack.grid
    side = trained.settings.shared.predict.block
    windows = list(_windows(grid, side))
    missing = as_text(missing_by_reason(masked.reasons, trained.undefined, store, len(windows)))
    dated = {"year": str(stack.year)} if stack.year is not None else {}
    head = {**attributes(trained), **dated, **masked.attributes, PIXELS_MISSING: missing}
    content = Map(grid, trained.outputs(), side, head)
    return files.write(out, content, ((*window, store.read(n)) for n, window in enumerate(windows)))


def _windows(grid: Grid, side: int) -> Iterator[Window]:
    for top in range(0, grid.height, side):
        for left in range(0, grid.width, side):
            yield slice(top, min(top + side, grid.height)), slice(left, min(left + side, grid.width))
