"""`evaluate`: a run and its data to scores, figures and a report, by one process or by many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from geoml_cli.config.settings import Settings
from geoml_cli.dataset.files import require_writable_inside, write_text
from geoml_cli.dataset.store import Dataset, check_content
from geoml_cli.errors import DataError, StoppedError
from geoml_cli.evaluation import report
from geoml_cli.evaluation.audit import audit_network
from geoml_cli.evaluation.baselines import refuse_unknown
from geoml_cli.evaluation.csv_tables import write_combined
from geoml_cli.evaluation.evaluate import evaluate_network, evaluate_pipeline
from geoml_cli.evaluation.inputs import EvaluationInputs, Subset, open_network
from geoml_cli.evaluation.json_record import combined_record, text
from geoml_cli.evaluation.pieces import Networks, PartOutcome, Piece, make_part, pieces_of, refuse_unshared, require_all
from geoml_cli.evaluation.place_series import refuse_unknown_places
from geoml_cli.evaluation.report import NetworkReport
from geoml_cli.evaluation.result import EvaluationResult
from geoml_cli.evaluation.write import remove_earlier, write_network
from geoml_cli.inference.load import TrainedRun, settings_of
from geoml_cli.models.spec import SINGLE
from geoml_cli.runs.data import same_data
from geoml_cli.runs.run import Run
from geoml_cli.work.cluster import OpenedOnce, Share, cluster
from geoml_cli.work.pieces import Part
from geoml_cli.work.reporting import NullReporter, Reporter


@dataclass(frozen=True)
class Evaluation:
    """The results of a run, and where they are.

    Attributes:
        folder: Holds metrics.json, CSV files, figures and report.html; of several networks a folder for each.
        networks: What was written for each network.
        pipeline: Scores of several networks one after another; None where there is one network.
        document: The content of metrics.json.
    """

    folder: Path
    networks: Mapping[str, NetworkReport]
    pipeline: EvaluationResult | None
    document: dict[str, Any]

    @property
    def report(self) -> Path:
        """Return the report's path."""
        return self.folder / "report.html"


def evaluate(run: Run, dataset: Dataset, settings: Settings, subset: Subset, reporter: Reporter) -> Evaluation:
    """Score a run's trained members on rows of its data set, with baselines.

    Args:
        run: The run; members that are not trained are excluded, with a warning.
        dataset: The data set it was trained on.
        settings: The run's settings, `[evaluate]` as wanted now.
        subset: Which rows: `test`, `validation` or `train`; a run without a split is scored on all rows.
        reporter: Receives progress and what must be known before a number is quoted.

    Raises:
        DataError: There is no observed value, no trained member, or other data than the run was trained on.
        SettingsError: There is no such baseline.
        StoppedError: The process was interrupted; the run keeps what was computed.
    """
    return _scored(*_opened(run, dataset, settings, subset), reporter)


def _scored(trained: TrainedRun, inputs: Networks, reporter: Reporter) -> Evaluation:
    try:
        return _written(trained, inputs, reporter)
    except KeyboardInterrupt:
        if not any(one.kept is not None and one.kept.found + one.kept.made for one in inputs.values()):
            raise
        raise StoppedError(
            "stopped; what was computed is kept.",
            where=str(trained.run.folder),
            fix=f"Go on with `geoml evaluate {trained.run.quoted}` and the same options.",
        ) from None


def _written(trained: TrainedRun, inputs: Networks, reporter: Reporter) -> Evaluation:
    for opened in inputs.values():
        refuse_unknown_places(opened)
        refuse_unknown(opened)
    folder = trained.run.evaluation(next(iter(inputs.values())).subset)
    folder.mkdir(parents=True, exist_ok=True)
    is_alone = list(inputs) == [SINGLE]
    results = {name: _evaluated(trained, name, opened, reporter) for name, opened in inputs.items()}
    if not is_alone:  # tables of all networks would stand next to other scores of one
        remove_earlier(folder)
    written = {name: write_network(opened, results[name], reporter) for name, opened in inputs.items()}
    done = (
        Evaluation(folder, written, None, written[SINGLE].document) if is_alone else _combined(trained, inputs, written)
    )
    _tidy(inputs, reporter)
    return done


def evaluate_part(run: Run, dataset: Dataset, subset: Subset, part: Part, reporter: Reporter) -> PartOutcome:
    """Compute a part of what an evaluation needs, for one of several processes; the run keeps it.

    Raises:
        SettingsError: The evaluation cannot be shared out.
        DataError: As for `evaluate`.
        StoppedError: A signal came; finished pieces are kept.
    """
    return make_part(pieces_of(_shared(run, dataset, subset, "--part")[1]), part, reporter)


def finish(run: Run, dataset: Dataset, subset: Subset, reporter: Reporter) -> Evaluation:
    """Evaluate from finished parts.

    Raises:
        SettingsError: As for `evaluate_part`.
        DataError: As for `evaluate`.
        StoppedError: Pieces are missing.
    """
    trained, inputs = _shared(run, dataset, subset, "--finish")
    require_all(pieces_of(inputs))
    return _scored(trained, inputs, reporter)


def evaluate_on(run: Run, dataset: Dataset, subset: Subset, scheduler: str, reporter: Reporter) -> Evaluation:
    """Compute what an evaluation needs on the workers of Dask, which share a disk with this process; then evaluate.

    Raises:
        SettingsError: As for `evaluate_part`, or no scheduler answers.
        DataError: As for `evaluate`, or workers see other files.
        StoppedError: A signal came; finished pieces are kept.
    """
    trained, inputs = _shared(run, dataset, subset, "--scheduler")
    pieces = pieces_of(inputs)
    order = _Order(run.folder.absolute(), run.assignments, dataset.folder.absolute(), subset)
    with cluster(scheduler, reporter) as workers, reporter.task("pieces", len(pieces)) as advance:
        for made in workers.map(_make_share, workers.shares(order, len(pieces))):
            advance(made)
    require_all(pieces)
    return _scored(trained, inputs, reporter)


class _Order(NamedTuple):
    """An evaluation in words that go to another process."""

    run: Path
    assignments: tuple[str, ...]
    data: Path
    subset: Subset


def _open(order: _Order) -> list[Piece]:
    run = Run(order.run, order.assignments)
    return pieces_of(_loaded(run, Dataset(order.data), settings_of(run), order.subset)[1])


_ONE = OpenedOnce(_open)


def _make_share(share: Share[_Order]) -> int:
    """Compute a part on a worker; return how many pieces it has."""
    with _ONE.for_share(share) as pieces:
        return make_part(pieces, share.part, NullReporter()).pieces


def _shared(run: Run, dataset: Dataset, subset: Subset, option: str) -> tuple[TrainedRun, Networks]:
    """Open an evaluation that is shared out."""
    trained, inputs = _opened(run, dataset, settings_of(run), subset)
    refuse_unshared(inputs, option)
    return trained, inputs


def _opened(run: Run, dataset: Dataset, settings: Settings, subset: Subset) -> tuple[TrainedRun, Networks]:
    """Refuse a run that nothing can be written to and data that are not those of its training; load the networks."""
    keeps = settings.shared.evaluate.keep and settings.shared.data.verify
    for own in (run.evaluation(subset), *([run.kept(subset)] if keeps else [])):
        require_writable_inside(run.folder, own)
    same_data(run, dataset)
    if settings.shared.data.verify:
        check_content(dataset)
    return _loaded(run, dataset, settings, subset)


def _loaded(run: Run, dataset: Dataset, settings: Settings, subset: Subset) -> tuple[TrainedRun, Networks]:
    """Load the trained members of every network."""
    trained = TrainedRun(run, tuple(run.members()), settings)
    if not trained.networks:
        raise DataError(
            "no member of the run is trained.",
            where=str(run.folder),
            fix=f"Resume with `geoml train {run.quoted}`.",
        )
    return trained, {name: open_network(trained, dataset, subset, name) for name in trained.networks}


def _tidy(inputs: Mapping[str, EvaluationInputs], reporter: Reporter) -> None:
    """Remove predictions that are out of date, and say how many were not made anew."""
    kept = [one.kept for one in inputs.values() if one.kept is not None]
    for one in kept:
        one.tidy()
    if found := sum(one.found for one in kept):
        reporter.info(f"Predictions that the run keeps were used: {found} (evaluate.keep = false makes them anew).")


def _evaluated(trained: TrainedRun, name: str, inputs: EvaluationInputs, reporter: Reporter) -> EvaluationResult:
    result = evaluate_network(inputs, reporter)
    if inputs.subset != "test":
        return result
    nearest_R = result.distances.of_test_rows if result.distances else None
    lines = audit_network(trained, name, inputs.dataset, inputs.samples, nearest_R)
    failed = [f"{line.name} ({line.detail})" for line in lines if line.outcome == "fail"]
    failures = [f"The audit of the splits fails: {'; '.join(failed)}."] if failed else []
    return replace(result, audit=lines, notes=[*failures, *result.notes])


def _combined(
    trained: TrainedRun, inputs: Mapping[str, EvaluationInputs], written: Mapping[str, NetworkReport]
) -> Evaluation:
    """Score the networks one after another where all are there, and put what matters of each on one page."""
    run, first = trained.run, next(iter(inputs.values()))
    whole = len(inputs) == len(trained.spec.networks(trained.settings.own)) > 1 and trained.pipeline is not None
    pipeline = evaluate_pipeline(trained.pipeline, inputs) if whole and trained.pipeline else None
    document = combined_record(first, {name: one.document for name, one in written.items()}, pipeline)
    folder = run.evaluation(first.subset)
    write_combined(folder, {name: one.result for name, one in written.items()}, pipeline)
    write_text(folder / "report.html", report.combined_report(first, written, pipeline))
    write_text(folder / "metrics.json", text(document))
    return Evaluation(folder, written, pipeline, document)
