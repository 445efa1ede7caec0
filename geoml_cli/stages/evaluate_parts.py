"""`evaluate` for a model of several networks: each of them, then all together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from geoml_cli.config.settings import Settings
from geoml_cli.dataset.files import write_text
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError
from geoml_cli.evaluation.chain import Chain, chain_tables, chained
from geoml_cli.evaluation.record import strict, text
from geoml_cli.evaluation.subject import Part
from geoml_cli.figures.report import Report, render
from geoml_cli.inference.load import by_part
from geoml_cli.runs.run import Run
from geoml_cli.stages.evaluate import Evaluation, measured, opened
from geoml_cli.version import __version__
from geoml_cli.work.reporting import Reporter


@dataclass(frozen=True)
class Whole:
    """What was found of every part, and of the chain.

    Attributes:
        folder: Holds metrics.json and report.html, and a folder for each part.
        parts: Evaluations of the parts.
        chain: Scores of all parts together.
    """

    folder: Path
    parts: tuple[Evaluation, ...]
    chain: Chain
    document: dict[str, Any]

    @property
    def report(self) -> Path:
        """Return the report's path."""
        return self.folder / "report.html"


def evaluate_parts(run: Run, dataset: Dataset, settings: Settings, split: Part, reporter: Reporter) -> Whole:
    """Score a run's networks by part, then their chain; errors as for `evaluate`."""
    names = by_part(run, run.members())
    if not names:
        raise DataError(
            "no member of the run is trained.",
            where=str(run.folder),
            fix=f"Go on with `geoml train {run.model} --preset {run.preset} --resume`.",
        )
    folder = run.evaluation(split)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").unlink(missing_ok=True)
    subjects = {part: opened(run, dataset, settings, split, part) for part in names}
    parts = tuple(measured(subject, reporter) for subject in subjects.values())
    chain = chained(subjects)
    document = {
        "run": run.id,
        "split": split,
        "geoml": __version__,
        "parts": {part: held.document for part, held in zip(subjects, parts, strict=True)},
        "chain": {name: asdict(score) for name, score in chain.scores.items()},
        "chain_classes": [held._asdict() for held in chain.classes],
    }
    document = strict(document)
    write_text(folder / "report.html", _page((run, split), parts, chain))
    write_text(folder / "metrics.json", text(document))
    return Whole(folder, parts, chain, document)


def _page(what: tuple[Run, str], parts: tuple[Evaluation, ...], chain: Chain) -> str:
    """Put what matters of every part on one page; each part has a page of its own as well."""
    run, split = what
    report = Report(
        title=f"{run.model}: evaluation on {split} rows",
        verdict=" ".join(f"{held.title.capitalize()}: {held.outcome.verdict}" for held in parts),
        facts=[("Run", run.id), ("Preset", run.preset), ("Made by", f"geoml {__version__}")],
        warnings=[f"{held.title}: {warning}" for held in parts for warning in held.document["warnings"]],
        tables=[*chain_tables(chain), *(table for held in parts for table in held.tables)],
        pictures=[picture for held in parts for picture in held.pictures],
        missing=[f"{held.title}: {told}" for held in parts for told in held.document["not_shown"]],
    )
    return render(report)
