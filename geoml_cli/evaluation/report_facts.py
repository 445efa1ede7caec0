"""Tables of a report that hold no scores: where the samples come from, and the settings of the run."""

from __future__ import annotations

from dataclasses import replace

from geoml_cli.config.settings import SharedTables
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.figures.report import ReportTable


def funnel_table(inputs: EvaluationInputs) -> ReportTable:
    """Count the raw rows, those excluded by reason, and those kept."""
    funnel = inputs.dataset.manifest.funnel
    dropped = [[f"excluded: {reason}", str(count)] for reason, count in funnel.dropped.items()]
    rows = [["read", str(funnel.read)], *dropped, ["kept", str(funnel.kept)]]
    return ReportTable(
        "Filter summary", " ".join(["From raw rows to samples.", *funnel.notes]), ["Rows", "Count"], rows
    )


def settings_table(inputs: EvaluationInputs) -> ReportTable:
    """List the settings that are not at their default."""
    settings = inputs.settings
    plain = SharedTables(model=settings.model, source=settings.shared.source)
    default = replace(settings, shared=plain, own=type(settings.own)()).flat()
    rows = [
        [key, _shown(value), _shown(default.get(key))]
        for key, value in settings.flat().items()
        if value != default.get(key)
    ]
    caption = "Settings other than the default; config.toml of the run holds all of them."
    return ReportTable("Settings", caption, ["Setting", "Value", "Default"], rows)


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
