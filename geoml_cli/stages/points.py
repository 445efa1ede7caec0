"""`predict` for a table of points: samples cut from the rasters where the points lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.dataset.files import sha256
from geoml_cli.dataset.source import Places, Scene
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.reporting import Reporter
from geoml_cli.runs.blocks import Blocks
from geoml_cli.runs.run import Run
from geoml_cli.stages.map import attributes, bands, weights_digests
from geoml_cli.stages.predict import place_columns, table_format
from geoml_cli.stages.predicted import Predicted, described
from geoml_cli.stages.restore import Outputs, ensemble, samples_of, settings_of
from geoml_cli.training.signals import StopRequest
from geoml_cli.writers import table
from geoml_cli.writers.table import Column

if TYPE_CHECKING:
    import pandas as pd


def predict_points(
    run: Run, scene: Scene, what: tuple[Path, str, Path], members: Sequence[str], reporter: Reporter
) -> Predicted:
    """Predict at the points of a table; points off the rasters or on no-data are missing.

    Args:
        run: The run.
        scene: The rasters.
        what: The table, the CRS of its points, and the file to write.
        members: To use.
        reporter: Hears of progress.

    Raises:
        DataError: The table cannot be read.
        StoppedError: A signal came; finished parts are kept and the same command goes on.
    """
    source, crs, out = what
    if not source.is_file():
        raise DataError("there is no such file.", where=str(source), fix="Name a table of points with --table.")
    table_format(out)
    plan = {"run": run.id, "weights": weights_digests(run, members), "rasters": scene.digest()}
    blocks = Blocks(out, {**plan, "table": sha256(source), "crs": crs})
    predictor = ensemble(run, members)
    with StopRequest() as stop, reporter.task("parts of the table", None) as advance:
        for number, part in enumerate(_places(run, source, crs)):
            if not blocks.done(number):
                blocks.write(number, _at_points(run, scene, predictor, part))
            advance(1)
            blocks.stop_if(stop.received, number)
    # The table is read a second time, so that no more than a part of it is ever held.
    _write(run, blocks, (source, crs, out), members)
    values = (blocks.read(n)[0] for n, _ in enumerate(_places(run, source, crs)))
    done = described(out, "points", run.data().signature.unit, values)
    blocks.clear()
    return done


def _write(run: Run, blocks: Blocks, what: tuple[Path, str, Path], members: Sequence[str]) -> None:
    source, crs, out = what
    named = bands(run, members)
    columns = (*place_columns(), *(Column(b.name, b.unit, b.long_name, "float32") for b in named))
    rows = sum(len(part.identity) for part in _places(run, source, crs))
    parts = enumerate(_places(run, source, crs))
    frames = (_frame(part, blocks.read(number), [band.name for band in named]) for number, part in parts)
    table.write(out, table.Table(columns, rows, attributes(run, members)), frames)


def _places(run: Run, path: Path, crs: str) -> Iterator[Places]:
    source = registry.source(run.data().source)
    if source.places is None:
        raise SettingsError(f"{run.data().source} reads no tables of points.", where="--table")
    return source.places(path, crs, settings_of(run).shared.predict.rows)


def _at_points(run: Run, scene: Scene, predictor: Outputs, part: Places) -> NDArray[np.float32]:
    cut = scene.points(part.longitude, part.latitude)
    samples = samples_of(run, cut.variables)
    values = predictor.outputs(samples, np.arange(len(samples), dtype=np.int64))
    result = np.full((len(values), len(part.identity)), np.nan, dtype=np.float32)
    result[:, cut.valid] = values
    return result


def _frame(part: Places, values: NDArray[np.float32], names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, Any] = {"id": part.identity, "lon": part.longitude, "lat": part.latitude}
    return pd.DataFrame(columns | dict(zip(names, values, strict=True)))
