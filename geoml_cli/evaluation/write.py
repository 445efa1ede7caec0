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
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    # Removed first and written last: where metrics.json exists, the files next to it belong to it.
    # A table that this evaluation does not write would otherwise be an earlier one's.
    for stale in (folder / "metrics.json", *folder.glob("*.csv")):
        stale.unlink(missing_ok=True)
    figures = draw_figures(inputs, result)
    _write_figures(folder / "figures", figures)
    write_tables(folder, inputs, result)
    write_text(folder / "report.html", html_report(inputs, result, figures))
    document = record(inputs, result, figures.missing)
    write_text(folder / "metrics.json", text(document))
    return NetworkReport(folder, result, document, figures, report_tables(inputs, result), lead_table(inputs, result))


def _write_figures(folder: Path, figures: FigureSet) -> None:
    for stale in folder.glob("*.png"):
        if stale.name not in figures.figures:
            stale.unlink()
    for name, figure in figures.figures.items():
        with atomic_write(folder / name) as temporary:
            temporary.write_bytes(figure.png)
