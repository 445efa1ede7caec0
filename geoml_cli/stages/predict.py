"""`predict` for the samples of a data set: all of them to a file, or single ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoml_cli import registry
from geoml_cli.dataset.store import Dataset
from geoml_cli.dataset.variables import Variable
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.inference.load import TrainedRun, ensemble, samples_of, settings_of
from geoml_cli.models.spec import Values
from geoml_cli.runs.blocks import Blocks, writable
from geoml_cli.runs.run import Run
from geoml_cli.samples.coordinates import stations_of_samples
from geoml_cli.stages.map import attributes, bands, weights_digests
from geoml_cli.stages.predicted import Predicted, described
from geoml_cli.work.reporting import Reporter
from geoml_cli.work.signals import StopRequest
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
    blocks, parts = predicted_parts((run, dataset), out, members, reporter)
    known, named = observations(run, dataset), bands(run, members)
    frames = (_frame((run, dataset), rows, (named, blocks.read(n)), known) for n, rows in enumerate(parts))
    rows_in_all = sum(len(rows) for rows in parts)
    content = table.Table(_columns((run, dataset), named, known), rows_in_all, attributes(run, members))
    table.write(out, content, frames)
    values = (blocks.read(number)[0] for number in range(len(parts)))
    done = described(out, "samples", named[0].unit, values)
    blocks.clear()
    return done


def predicted_parts(
    held: tuple[Run, Dataset], out: Path, members: Sequence[str], reporter: Reporter
) -> tuple[Blocks, list[Rows]]:
    """Predict every sample of a data set into parts on disk, beside the file they will become.

    Raises:
        StoppedError: A signal came; finished parts are kept and the same command goes on.
    """
    run, dataset = held
    writable(out)
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
    return blocks, parts


Observations = list[tuple[Variable, NDArray[np.float32]]]


def observations(run: Run, dataset: Dataset) -> Observations:
    """Return what was observed of every part's target, each [N], NaN where nothing was."""
    found = []
    trained = TrainedRun(run, tuple(run.planned()), settings_of(run))
    for network in trained.networks:
        held = trained.network_samples(network, dataset)
        if (known := held.observed()) is not None:
            name = f"{held.target_name}_observed"
            found.append((Variable(name, held.unit, f"{held.target_name}, observed"), known))
    return found


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
    values, named = ensemble(run, members).outputs(samples, rows).astype(np.float32), bands(run, members)
    known = observations(run, dataset)
    frame = table.readable(_frame((run, dataset), rows, (named, values), known), _columns((run, dataset), named, known))
    frame.insert(0, "index", rows)
    if len({band.unit for band in named}) == 1:
        frame["unit"] = named[0].unit
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


def _frame(
    held: tuple[Run, Dataset],
    rows: Rows,
    predicted: tuple[tuple[Variable, ...], NDArray[np.float32]],
    known: Observations,
) -> pd.DataFrame:
    import pandas as pd

    (run, dataset), (named, values) = held, predicted
    columns: dict[str, Any] = {"sample": rows}
    if dataset.has("id"):
        identity = dataset.labels("id")
        columns["id"] = [identity[row] for row in rows]
    if dataset.has("station"):
        columns["station"] = stations_of_samples(dataset)[rows]
    columns |= {quantity.name: values for quantity, values in _places(run, dataset, rows)}
    columns |= {band.name: value for band, value in zip(named, values, strict=True)}
    columns |= {quantity.name: target[rows] for quantity, target in known}
    return pd.DataFrame(columns)


def _places(run: Run, dataset: Dataset, rows: Rows) -> list[tuple[Variable, Values]]:
    """Return where and when samples are, as the model tells it, or by longitude and latitude."""
    tell = registry.spec(run.model).coordinates
    if tell is not None:
        return tell(dataset, rows)
    described = {column.name: Variable(column.name, column.unit, column.long_name) for column in place_columns()[1:]}
    return [(q, np.asarray(dataset.array(name)[rows])) for name, q in described.items() if dataset.has(name)]


def _columns(held: tuple[Run, Dataset], named: tuple[Variable, ...], known: Observations) -> tuple[Column, ...]:
    run, dataset = held
    none = np.empty(0, dtype=np.int64)
    columns = [Column("sample", "1", "number of the sample in the data set", "int64")]
    if dataset.has("id"):
        columns.append(Column("id", "1", "name of the sample", "text"))
    if dataset.has("station"):
        columns.append(Column("station", "1", "code of the station", "text"))
    columns += [
        Column(quantity.name, quantity.unit, quantity.long_name, "float64")
        for quantity, _ in _places(run, dataset, none)
    ]
    columns += [Column(band.name, band.unit, band.long_name, "float32") for band in named]
    columns += [Column(quantity.name, quantity.unit, quantity.long_name, "float32") for quantity, _ in known]
    return tuple(columns)


def place_columns() -> tuple[Column, ...]:
    """Describe the columns that say which point a row is."""
    return (
        Column("id", "1", "name of the point", "text"),
        Column("lon", "degrees_east", "longitude", "float64"),
        Column("lat", "degrees_north", "latitude", "float64"),
    )
