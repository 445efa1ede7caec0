"""`predict` for the samples of a data set: all of them to a file, or single ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.samples import Samples
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.reporting import Reporter
from geoml_cli.runs.blocks import Blocks, writable
from geoml_cli.runs.run import Run
from geoml_cli.stages.map import attributes, bands, weights_digests
from geoml_cli.stages.predicted import Predicted, described
from geoml_cli.stages.restore import ensemble, samples_of, settings_of
from geoml_cli.training.signals import StopRequest
from geoml_cli.writers import table
from geoml_cli.writers.table import Column

if TYPE_CHECKING:
    import pandas as pd

Rows = NDArray[np.int64]


def predict_samples(run: Run, dataset: Dataset, out: Path, members: Sequence[str], reporter: Reporter) -> Predicted:
    """Predict every sample of a data set, a part of the rows at a time.

    Raises:
        StoppedError: A signal came; finished parts are kept and the same command goes on.
    """
    table_format(out)
    samples, predictor = samples_of(run, dataset), ensemble(run, members)
    size = settings_of(run).shared.predict.rows
    parts = [np.arange(start, min(start + size, len(samples))) for start in range(0, len(samples), size)]
    plan = {
        "run": run.id,
        "weights": weights_digests(run, members),
        "data": dataset.manifest.digest(),
        "rows": size,
    }
    blocks = Blocks(out, {**plan, "members": list(members)})
    with StopRequest() as stop, reporter.task("samples", len(parts)) as advance:
        for number, rows in enumerate(parts):
            if not blocks.done(number):
                blocks.write(number, predictor.outputs(samples, rows).astype(np.float32))
            advance(1)
            blocks.stop_if(stop.received, number)
    frames = (_frame(run, (dataset, samples), rows, blocks.read(n)) for n, rows in enumerate(parts))
    content = table.Table(_columns(run, dataset, len(members)), len(samples), attributes(run, members))
    table.write(out, content, frames)
    values = (blocks.read(number)[0] for number in range(len(parts)))
    done = described(out, "samples", run.data().signature.unit, values)
    blocks.clear()
    return done


def predict_indices(run: Run, dataset: Dataset, index: Sequence[int], members: Sequence[str]) -> pd.DataFrame:
    """Predict single samples of a data set.

    Raises:
        DataError: There is no such sample.
    """
    samples = samples_of(run, dataset)
    wrong = [place for place in index if not 0 <= place < len(samples)]
    if wrong:
        raise DataError(
            f"there is no sample {wrong[0]}, the data set holds {len(samples)}.",
            where="--index",
            fix=f"Use 0 to {len(samples) - 1}.",
        )
    rows = np.array(index, dtype=np.int64)
    frame = _frame(run, (dataset, samples), rows, ensemble(run, members).outputs(samples, rows).astype(np.float32))
    frame.insert(0, "index", rows)
    frame["unit"] = run.data().signature.unit
    return frame


def write_frame(run: Run, frame: pd.DataFrame, out: Path) -> None:
    """Write single predictions to a file by its suffix."""
    table_format(out)
    kinds = {"i": "int64", "f": "float64"}
    columns = tuple(Column(n, "", n, kinds.get(frame[n].dtype.kind, "text")) for n in frame.columns)  # type: ignore[arg-type]
    table.write(out, table.Table(columns, len(frame), {"run_id": run.id}), [frame])


def table_format(out: Path) -> None:
    """Refuse a file that cannot become a table, before anything is predicted.

    Raises:
        SettingsError: Its suffix is no table's.
        DataError: It cannot be written there.
    """
    if out.suffix.lower() not in table.suffixes():
        raise SettingsError(
            f"{out.suffix or 'no suffix'} is not a table format.",
            where=str(out),
            fix=f"Use {', '.join(table.suffixes())}; maps are made with --map.",
        )
    writable(out)


def _frame(run: Run, held: tuple[Dataset, Samples], rows: Rows, values: NDArray[np.float32]) -> pd.DataFrame:
    import pandas as pd

    dataset, samples = held
    named = bands(run, len(values))
    columns: dict[str, Any] = {"sample": rows}
    if dataset.has("id"):
        identity = dataset.labels("id")
        columns["id"] = [identity[row] for row in rows]
    for name in ("lon", "lat"):
        if dataset.has(name):
            columns[name] = dataset.array(name)[rows]
    columns |= {band.name: value for band, value in zip(named, values, strict=True)}
    if samples.target is not None:
        columns[f"{samples.target_name}_observed"] = samples.target[rows]
    return pd.DataFrame(columns)


def _columns(run: Run, dataset: Dataset, members: int) -> tuple[Column, ...]:
    data = run.data().signature
    known = [Column("sample", "1", "number of the sample in the data set", "int64")]
    if dataset.has("id"):
        known.append(Column("id", "1", "name of the sample", "text"))
    known += [column for column in place_columns()[1:] if dataset.has(column.name)]
    known += [Column(band.name, band.unit, band.long_name, "float32") for band in bands(run, members)]
    if dataset.has(data.target_name):
        known.append(Column(f"{data.target_name}_observed", data.unit, f"{data.target_name}, observed", "float32"))
    return tuple(known)


def place_columns() -> tuple[Column, ...]:
    """Describe the columns that say which point a row is."""
    return (
        Column("id", "1", "name of the point", "text"),
        Column("lon", "degrees_east", "longitude", "float64"),
        Column("lat", "degrees_north", "latitude", "float64"),
    )
