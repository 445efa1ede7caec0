"""`predict` for a user's table: points at which rasters are cut, or samples that the table holds itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.dataset.files import sha256
from geoml_cli.dataset.store import Array, Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.inference.load import RunPredictor, ensemble, samples_of, settings_of
from geoml_cli.runs.blocks import Blocks
from geoml_cli.runs.run import Run
from geoml_cli.source import Named, PixelBlock, Scene
from geoml_cli.stages.map import attributes, bands, weights_digests
from geoml_cli.stages.predict import place_columns, table_format
from geoml_cli.stages.predicted import Predicted, described
from geoml_cli.work.reporting import Reporter
from geoml_cli.work.signals import StopRequest
from geoml_cli.writers import table
from geoml_cli.writers.table import Column

if TYPE_CHECKING:
    import pandas as pd

_KINDS = {"i": "int64", "u": "int64", "f": "float64"}


@dataclass(frozen=True)
class Piece:
    """Some rows of the table.

    Attributes:
        columns: What says which row is which, handed on as it stands.
        cut: Makes the samples of the rows; asked for only where they are not predicted yet.
    """

    columns: tuple[Named, ...]
    cut: Callable[[], PixelBlock]

    def __len__(self) -> int:
        return len(self.columns[0].values)


@dataclass(frozen=True)
class Pieces:
    """A table, read as often as it is asked for, some rows at a time.

    Attributes:
        read: Gives the pieces.
        plan: What else than the table determines the samples, for a prediction that goes on after a kill.
    """

    read: Callable[[], Iterator[Piece]]
    plan: dict[str, object]


def of_points(run: Run, path: Path, scene: Scene, crs: str) -> Pieces:
    """Read points and cut samples from rasters; points off the rasters or on no-data are missing.

    Raises:
        SettingsError: The source has no such tables.
    """
    places = registry.source(run.data().source).places
    if places is None:
        raise SettingsError(f"{run.data().source} reads no tables of points.", where="--table")
    size, described_as = settings_of(run).shared.predict.rows, place_columns()

    def read() -> Iterator[Piece]:
        for part in places(path, crs, size):
            held: tuple[Array | list[str], ...] = (part.identity, part.longitude, part.latitude)
            columns = [Named(c.name, c.unit, c.long_name, v) for c, v in zip(described_as, held, strict=True)]
            yield Piece(tuple(columns), _points(scene, part.longitude, part.latitude))

    return Pieces(read, {"rasters": scene.digest(), "crs": crs})


def of_samples(run: Run, path: Path, dataset: Dataset) -> Pieces:
    """Read samples that the table holds itself, some of them in relation to the data set of the run.

    Raises:
        SettingsError: The source has no such tables.
    """
    rows = registry.source(run.data().source).rows
    if rows is None:
        raise SettingsError(f"{run.data().source} reads no tables of samples.", where="--table")
    size = settings_of(run).shared.predict.rows

    def read() -> Iterator[Piece]:
        for block in rows(path, dataset, size):
            yield Piece(block.columns, _held(PixelBlock(block.valid, block.variables)))

    return Pieces(read, {"data": dataset.manifest.digest()})


def predict_table(
    run: Run, pieces: Pieces, what: tuple[Path, Path], members: Sequence[str], reporter: Reporter
) -> Predicted:
    """Predict the rows of a table; rows without a sample are missing.

    Args:
        run: The run.
        pieces: The table.
        what: The table's file, and the file to write.
        members: To use.
        reporter: Hears of progress.

    Raises:
        DataError: The table cannot be read.
        StoppedError: A signal came; finished parts are kept and the same command goes on.
    """
    source, out = what
    if not source.is_file():
        raise DataError("there is no such file.", where=str(source), fix="Name a table with --table.")
    table_format(out)
    plan = {"run": run.id, "weights": weights_digests(run, members), "table": sha256(source), **pieces.plan}
    blocks, predictor = Blocks(out, {**plan, "rows": settings_of(run).shared.predict.rows}), ensemble(run, members)
    rows = 0
    with StopRequest() as stop, reporter.task("parts of the table", None) as advance:
        for number, piece in enumerate(pieces.read()):
            if not blocks.done(number):
                blocks.write(number, _predicted(run, predictor, piece))
            rows += len(piece)
            advance(1)
            blocks.stop_if(stop.received, number)
    count = _write(run, (pieces, blocks), (out, rows), members)
    band = bands(run, members)[0]
    done = described(out, "rows", band.unit, (blocks.read(number)[0] for number in range(count)))
    blocks.clear()
    return done


def _write(run: Run, held: tuple[Pieces, Blocks], what: tuple[Path, int], members: Sequence[str]) -> int:
    """Read the table a second time, so that no more than a part of it is ever held; return how many parts it has."""
    (pieces, blocks), (out, rows) = held, what
    named, count = bands(run, members), 0

    def frames() -> Iterator[pd.DataFrame]:
        nonlocal count
        for number, piece in enumerate(pieces.read()):
            count = number + 1
            yield _frame(piece, named, blocks.read(number))

    columns = (*_columns(pieces), *(Column(b.name, b.unit, b.long_name, "float32") for b in named))
    table.write(out, table.Table(columns, rows, attributes(run, members)), frames())
    return count


def _columns(pieces: Pieces) -> Iterator[Column]:
    for column in next(pieces.read()).columns:
        kind = "text" if isinstance(column.values, list) else _KINDS.get(column.values.dtype.kind, "text")
        yield Column(column.name, column.unit, column.long_name, kind)  # type: ignore[arg-type]


def _frame(piece: Piece, named: Sequence[Variable], values: NDArray[np.float32]) -> pd.DataFrame:
    import pandas as pd

    columns = {column.name: column.values for column in piece.columns}
    return pd.DataFrame(columns | {band.name: value for band, value in zip(named, values, strict=True)})


def _predicted(run: Run, predictor: RunPredictor, piece: Piece) -> NDArray[np.float32]:
    cut = piece.cut()
    samples = samples_of(run, cut.variables)
    values = predictor.outputs(samples, np.arange(len(samples), dtype=np.int64))
    result = np.full((len(values), len(piece)), np.nan, dtype=np.float32)
    result[:, cut.valid] = values
    return result


def _points(scene: Scene, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> Callable[[], PixelBlock]:
    return lambda: scene.points(longitude, latitude)


def _held(cut: PixelBlock) -> Callable[[], PixelBlock]:
    return lambda: cut
