"""Writing the evaluation of one network: figures, tables, report, and last of all metrics.json."""

from __future__ import annotations

from pathlib import Path

from geoml_cli.dataset.files import atomic_write, write_text
from geoml_cli.evaluation.csv_tables import write_tables
from geoml_cli.evaluation.figures import FigureSet, draw_figures
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.json_record import record, text
from geoml_cli.evaluation.report import NetworkReport, html_report, lead_table, report_tables
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.work.reporting import Reporter


def write_network(inputs: EvaluationInputs, result: EvaluationResult, reporter: Reporter) -> NetworkReport:
    """Render a result in all its forms."""
    for note in result.notes:
        reporter.warn(note)
    folder = inputs.folder
    # Drawn first, which takes longest: an evaluation that is stopped leaves the last one as it was.
    figures = draw_figures(inputs, result)
    html, document = html_report(inputs, result, figures), record(inputs, result, figures.missing)
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    remove_earlier(folder)
    _write_figures(folder / "figures", figures)
    write_tables(folder, inputs, result)
    write_text(folder / "report.html", html)
    write_text(folder / "metrics.json", text(document))
    return NetworkReport(folder, result, document, figures, report_tables(inputs, result), lead_table(inputs, result))


def remove_earlier(folder: Path) -> None:
    """Remove tables and report of an earlier evaluation, metrics.json first, which is written last.

    Where it exists, the files next to it belong to it; what this evaluation does not write would be an earlier one's.
    """
    for stale in (folder / "metrics.json", *folder.glob("*.csv"), folder / "report.html"):
        if stale.is_file():
            stale.unlink()


def _write_figures(folder: Path, figures: FigureSet) -> None:
    for stale in folder.glob("*.png"):
        if stale.name not in figures.figures:
            stale.unlink()
    for name, figure in figures.figures.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_bytes(figure.png)
