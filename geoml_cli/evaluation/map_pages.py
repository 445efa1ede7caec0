"""Pages of the maps that a run has predicted, for its report."""

from __future__ import annotations

from geoml_cli.figures.report import ReportFigure
from geoml_cli.inference.map_files import page_mark
from geoml_cli.runs.run import Run

_HEAD = 4096
_MOST = 3
"""Pages in a report: a map of every day would fill it."""


def map_pages(run: Run) -> dict[str, ReportFigure]:
    """Return the pages of the newest maps in the run's folder of predictions, by file name."""
    found = [path for path in run.predictions.glob("*.png") if page_mark(run.id) in path.read_bytes()[:_HEAD]]
    newest = sorted(found, key=lambda path: path.stat().st_mtime)[-_MOST:]
    return {
        f"page_of_{path.name}": ReportFigure(
            title=f"Map {path.stem}",
            caption="Prediction, interval width and area of applicability of a map in the run's folder of predictions. "
            "Test scores say nothing about pixels outside the area.",
            text=f"Page of the map {path.stem}: prediction, width of its interval and area of applicability.",
            png=path.read_bytes(),
        )
        for path in sorted(newest)
    }
