"""What an evaluation finds, before it is written anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from geoml_cli.evaluation.rivals import Rivals
from geoml_cli.evaluation.scores import Contest, Scored
from geoml_cli.evaluation.subject import MemberRows, Pool, Subject, Values
from geoml_cli.metrics.compare import RMSE, Measure

_FEW_GROUPS = 20
"""Fewer clusters give too narrow intervals: Cameron, Gelbach and Miller 2008, doi:10.1162/rest.90.3.414."""


@dataclass(frozen=True)
class Outcome:
    """All results of an evaluation.

    Attributes:
        members: Rows and predictions of each member.
        pool: Folds put together.
        network: Scores of the pooled predictions.
        each: Scores of every member.
        rivals: The baselines, or why there are none.
        importance: By covariate, increase of the error in each member and repeat.
        verdict: Which wins, in a sentence.
    """

    members: list[MemberRows]
    pool: Pool
    network: Scored
    each: list[Scored]
    rivals: Rivals
    importance: Mapping[str, Values]
    verdict: str

    @property
    def measure(self) -> Measure:
        """Return what the network and its baselines were ranked by."""
        return self.rivals.contests[0].against.measure if self.rivals.contests else RMSE

    @property
    def contests(self) -> list[Contest]:
        """Return the baselines, the best first."""
        return sorted(self.rivals.contests, key=lambda held: held.baseline.error)


def pooling(subject: Subject) -> str:
    """Say how rows were put together, for those who compute the scores again."""
    split = subject.settings.shared.split
    group = f"spatial block of {split.block_km:g} km" if split.kind == "blocks" else "sample"
    if split.by:
        group = f"{split.by}" if split.consecutive == 1 else f"stretch of {split.consecutive} x {split.by}"
    if split.also:
        group += f" in one {split.also}"
    together = "vote" if subject.spec.judged == "classes" else "are averaged"
    return (
        f"Members of a fold that differ by seed {together}, row by row; then the folds are put together. "
        "A sample that several folds judge counts once for each. Intervals and tests take groups whole; "
        f"a group is a {group}."
    )


def warnings(subject: Subject, outcome: Outcome) -> list[str]:
    """Return what must be known before a number is quoted."""
    told = [_untrained(subject), _unknown_rows(subject, outcome), _seen_rows(subject)]
    left_out = sum(member.left_out for member in outcome.members)
    if left_out:
        told.append(f"{left_out} rows (over all members) have no observed value and were left out.")
    if outcome.network.groups < _FEW_GROUPS:
        told.append(f"Only {outcome.network.groups} groups were judged: the intervals are too narrow.")
    return [text for text in told if text]


def _untrained(subject: Subject) -> str:
    planned = subject.planned
    missing = [name for name in planned if name not in subject.predictors]
    if not missing:
        return ""
    names = ", ".join(missing)
    return f"{len(missing)} of {len(planned)} members are not trained and not in these scores: {names}."


def _unknown_rows(subject: Subject, outcome: Outcome) -> str:
    if all(len(subject.run.split(member.name).train) for member in outcome.members):
        return ""
    return (
        "The training rows of this run are unknown, as it was imported: the rows judged here may be among "
        "them, and the scores then say how well it remembers, not how well it predicts."
    )


def _seen_rows(subject: Subject) -> str:
    return {
        "train": "The networks (and baselines) were trained on these rows: scores say how well they fit, not predict.",
        "validation": "These rows chose the checkpoints, so scores on them are too good.",
        "test": "",
    }[subject.part]
