"""`evaluate`: a run and its data to scores, figures and a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from geoml_cli.config.settings import Settings
from geoml_cli.dataset.files import replacing, write_text
from geoml_cli.dataset.store import Dataset
from geoml_cli.evaluation.importance import importance
from geoml_cli.evaluation.outcome import Outcome, warnings
from geoml_cli.evaluation.page import page, short_table, tables
from geoml_cli.evaluation.pictures import Gallery, gallery
from geoml_cli.evaluation.record import record, text
from geoml_cli.evaluation.rivals import refuse_unknown, rivals
from geoml_cli.evaluation.scores import score_member, score_pool, verdict
from geoml_cli.evaluation.subject import Part, Predictor, Subject, observed, pool, predicted
from geoml_cli.evaluation.tables import write_tables
from geoml_cli.figures.report import Picture, Table
from geoml_cli.inference.load import part_of, part_samples, restored
from geoml_cli.models.spec import Spec
from geoml_cli.runs.run import Run
from geoml_cli.stages.train import same_data
from geoml_cli.work.reporting import Reporter


@dataclass(frozen=True)
class Evaluation:
    """What was found, and where it stands.

    Attributes:
        folder: Holds metrics.json, the CSV files, figures and report.html.
        outcome: Scores and predictions.
        document: The content of metrics.json.
        title: The part of the model, where it has several.
        tables: Of the report.
        pictures: Of the report.
    """

    folder: Path
    outcome: Outcome
    document: dict[str, Any]
    title: str = ""
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()

    @property
    def report(self) -> Path:
        """Return the report's path."""
        return self.folder / "report.html"

    @property
    def headers(self) -> list[str]:
        """Return the columns of `rows`."""
        return short_table(self.outcome)[0]

    @property
    def rows(self) -> list[list[str]]:
        """Return the network beside its baselines, for a terminal."""
        return short_table(self.outcome)[1]

    @property
    def sentences(self) -> list[str]:
        """Return what the table does not say by itself."""
        return [self.outcome.verdict, *([self.outcome.rivals.skipped] if self.outcome.rivals.skipped else [])]


def evaluate(run: Run, dataset: Dataset, settings: Settings, split: Part, reporter: Reporter) -> Evaluation:
    """Score a run's trained members on rows of its data set, beside baselines.

    Args:
        run: The run; members that are not trained are left out, with a warning.
        dataset: The data set it was trained on.
        settings: The run's settings, `[evaluate]` as wanted now.
        split: Which rows: `test`, `validation` or `train`; a run without a split is judged on all rows.
        reporter: Hears of progress and of what must be known before a number is quoted.

    Raises:
        DataError: There is no observed value, no trained member, or other data than the run was trained on.
        SettingsError: There is no such baseline.
    """
    return measured(opened(run, dataset, settings, split), reporter)


def opened(run: Run, dataset: Dataset, settings: Settings, split: Part, network: str = "") -> Subject:
    """Restore the networks of a run, or of one part of its model; errors as for `evaluate`."""
    same_data(run, dataset)
    spec, _ = part_of(run, network)
    bare = Subject(run, dataset, settings, spec, part_samples(run, network, dataset), {}, split, network)
    observed(bare)  # Refuses data without observations before networks are loaded.
    members = [name for name in run.members() if run.part(name) == network]
    return replace(bare, predictors={name: _linked(restored(run, name), spec) for name in members})


def _linked(predictor: Predictor, spec: Spec[Any]) -> Predictor:
    """Turn a network's output into what is scored."""
    return lambda samples, rows: spec.link(predictor(samples, rows))


def measured(subject: Subject, reporter: Reporter) -> Evaluation:
    """Predict, score, compare, explain, and write."""
    refuse_unknown(subject)
    members = predicted(subject, reporter)
    pooled = pool(subject, members)
    network = score_pool(subject, pooled, subject.name, pooled.predicted_P)
    with reporter.task("score", len(members)) as advance:
        each = []
        for member in members:
            each.append(score_member(subject, member))
            advance(1)
    beside = rivals(subject, members, pooled, reporter)
    why = importance(subject, members, reporter)
    sentence = verdict(network, beside.contests, (subject.measure.name, subject.error_unit))
    outcome = Outcome(members, pooled, network, each, beside, why, sentence)
    for warning in warnings(subject, outcome):
        reporter.warn(warning)
    return _written(subject, outcome)


def _written(subject: Subject, outcome: Outcome) -> Evaluation:
    folder = subject.folder
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    # Gone first and written last: where metrics.json stands, the files beside it belong to it.
    (folder / "metrics.json").unlink(missing_ok=True)
    drawn = gallery(subject, outcome)
    _write_figures(folder / "figures", drawn)
    write_tables(folder, subject, outcome)
    write_text(folder / "report.html", page(subject, outcome, drawn))
    found = record(subject, outcome, drawn.missing)
    write_text(folder / "metrics.json", text(found))
    named = _titled(tables(subject, outcome), list(drawn.pictures.values()), subject.network)
    return Evaluation(folder, outcome, found, subject.network, *named)


def _titled(tables: list[Table], pictures: list[Picture], part: str) -> tuple[list[Table], list[Picture]]:
    """Name the part in the titles of what stands on a page of several."""
    if not part:
        return tables, pictures
    shown = [replace(table, title=f"{table.title}: {part}") for table in tables]
    return shown, [replace(picture, title=f"{picture.title}: {part}") for picture in pictures]


def _write_figures(folder: Path, drawn: Gallery) -> None:
    for stale in folder.glob("*.png"):
        if stale.name not in drawn.pictures:
            stale.unlink()
    for name, picture in drawn.pictures.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(picture.png)
