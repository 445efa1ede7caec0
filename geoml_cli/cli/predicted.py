"""What `geoml predict` says when it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geoml_cli.cli import console

if TYPE_CHECKING:
    from geoml_cli.dataset.store import Dataset
    from geoml_cli.inference.load import TrainedRun
    from geoml_cli.inference.summary import PartSummary, PredictionSummary


def show_part(done: PartSummary, as_json: bool) -> None:
    """Print what a part made."""
    if as_json:
        document = {"file": str(done.path), "part": str(done.part), "chunks": done.chunks, "made": done.made}
        console.document(document)
        return
    console.line(f"part {done.part}: {done.chunks} chunks, {done.made} made now; --finish writes {done.path}")


def show(trained: TrainedRun, done: PredictionSummary, as_json: bool) -> None:
    """Print what a file of predictions holds, and what stands next to it."""
    row, run = done.row(), trained.run
    styles = [path for path in done.drawn if path.suffix == ".qml"]
    figures = [path for path in done.drawn if path not in styles]
    if as_json:
        drawn = {"figures": [str(path) for path in figures]} if figures else {}
        drawn |= {"styles": [str(path) for path in styles]} if styles else {}
        row |= {"classes": dict(done.classes)} if done.classes else {}
        row |= {"missing_by_reason": dict(done.reasons)} if done.reasons else {}
        console.document(
            {
                "run": str(run.folder.resolve()),
                "by": trained.predicts,
                "file": str(done.path),
                **drawn,
                **row,
                "outside": done.outside,
            }
        )
        return
    console.table(list(row), [tuple(row.values())])
    console.line(f"written: {done.path}")
    for path in figures:
        console.line(f"figure: {path}")
    for path in styles:
        console.line(f"style of QGIS: {path}")


def predict_indexed(trained: TrainedRun, dataset: Dataset, common: dict[str, Any], reporter: console.Terminal) -> None:
    """Predict single samples; print them, and write them where a file is named."""
    from geoml_cli.inference.inputs.samples import predict_indices, shown, write_columns

    columns = predict_indices(trained, dataset, common["index"], reporter)
    if common["out"] is not None:
        write_columns(trained, dataset, columns, common["out"])
    columns = shown(trained, dataset, columns)
    rows = list(zip(*(values.tolist() for values in columns.values()), strict=True))
    if common["as_json"]:
        run = str(trained.run.folder.resolve())
        console.document([{"run": run, **dict(zip(columns, row, strict=True))} for row in rows])
        return
    console.table(list(columns), rows)
