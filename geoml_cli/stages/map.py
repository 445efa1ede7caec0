"""`predict` over rasters: a stack of covariates to a map of the target, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.files import sha256
from geoml_cli.dataset.variables import Variable
from geoml_cli.inference.load import RunPredictor, ensemble, open_trained, samples_of, settings_of
from geoml_cli.runs.blocks import Blocks, writable
from geoml_cli.runs.run import Run
from geoml_cli.source import Grid, Scene
from geoml_cli.stages.predicted import Predicted, described
from geoml_cli.work.reporting import Reporter
from geoml_cli.work.signals import StopRequest
from geoml_cli.writers import raster

Window = tuple[slice, slice]


def predict_map(run: Run, scene: Scene, out: Path, members: Sequence[str], reporter: Reporter) -> Predicted:
    """Predict every pixel whose window holds data; other pixels are missing.

    The same prediction again, after a kill, goes on with the first block that is not finished.

    Raises:
        StoppedError: A signal came; finished blocks are kept.
        DataError: The rasters are not what the run was trained on.
    """
    raster.check_suffix(out)
    writable(out)
    block = settings_of(run).shared.predict.block
    windows = list(_windows(scene.grid, block))
    plan = {"run": run.id, "members": list(members), "rasters": scene.digest(), "block": block}
    blocks = Blocks(out, {**plan, "weights": weights_digests(run, members)})
    _predict_blocks(run, scene, blocks, (windows, members), reporter)
    content = raster.Map(scene.grid, bands(run, members), block, attributes(run, members))
    raster.write(out, content, ((*window, blocks.read(number)) for number, window in enumerate(windows)))
    values = (blocks.read(number)[0] for number in range(len(windows)))
    done = described(out, "pixels", run.data().signature.unit, values)
    blocks.clear()
    return done


def bands(run: Run, members: Sequence[str]) -> tuple[Variable, ...]:
    """Describe the outputs of a prediction."""
    return open_trained(run, members).outputs()


def _predict_blocks(
    run: Run, scene: Scene, blocks: Blocks, work: tuple[list[Window], Sequence[str]], reporter: Reporter
) -> None:
    windows, members = work
    predictor = ensemble(run, members)
    with StopRequest() as stop, reporter.task("blocks", len(windows)) as advance:
        for number, window in enumerate(windows):
            if not blocks.done(number):
                blocks.write(number, _block(run, scene, predictor, window))
            advance(1)
            blocks.stop_if(stop.received, number)


def _block(run: Run, scene: Scene, predictor: RunPredictor, window: Window) -> NDArray[np.float32]:
    """Predict a window, shape [bands, rows, columns]."""
    pixels = scene.block(*window)
    samples = samples_of(run, pixels.variables)
    values = predictor.outputs(samples, np.arange(len(samples), dtype=np.int64))
    result = np.full((len(values), *pixels.valid.shape), np.nan, dtype=np.float32)
    result[:, pixels.valid] = values
    return result


def _windows(grid: Grid, side: int) -> Iterator[Window]:
    for top in range(0, grid.height, side):
        for left in range(0, grid.width, side):
            yield slice(top, min(top + side, grid.height)), slice(left, min(left + side, grid.width))


def weights_digests(run: Run, members: Sequence[str]) -> list[str]:
    """Name the weights that determine a prediction."""
    return [sha256(run.member(name).checkpoint("best").weights) for name in members]


def attributes(run: Run, members: Sequence[str]) -> dict[str, str]:
    """Describe a prediction, for the head of its file."""
    data = run.data()
    return {
        "title": f"{data.signature.target_name} predicted by {run.model}",
        "source": f"geoml run {run.id}, members {', '.join(members)}",
        "run_id": run.id,
        "data_digest": data.digest or "unknown",
    }
