"""The figures of an evaluation, and what cannot be drawn and why."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from geoml_cli.evaluation.mixed import mixed
from geoml_cli.evaluation.outcome import Outcome
from geoml_cli.evaluation.scores import Scored, number
from geoml_cli.evaluation.subject import Subject, Values
from geoml_cli.figures.agreement import agreement
from geoml_cli.figures.confusion import confusion_matrix
from geoml_cli.figures.decisions import decisions
from geoml_cli.figures.importance import SHOWN, importance_bars
from geoml_cli.figures.learning import NAMED, Curve, learning_curves
from geoml_cli.figures.report import Picture
from geoml_cli.figures.residual_map import residual_map
from geoml_cli.figures.style import png
from geoml_cli.metrics.classification import confusion, reliability
from geoml_cli.samples.coordinates import coordinates, places_of_samples
from geoml_cli.splits.split import Rows


@dataclass
class Gallery:
    """Pictures by file name, and the reasons of those that are missing."""

    pictures: dict[str, Picture] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def gallery(subject: Subject, outcome: Outcome) -> Gallery:
    """Draw what there is to draw."""
    held = Gallery()
    if subject.spec.judged == "probabilities":
        _decisions(held, subject, outcome)
    elif subject.spec.judged == "classes":
        _mixed(held, subject, outcome)
    else:
        _agreement(held, subject, outcome)
    _residuals(held, subject, outcome)
    _learning(held, subject, outcome)
    _importance(held, subject, outcome)
    if outcome.rivals.skipped:
        held.missing.append(outcome.rivals.skipped)
    return held


def _agreement(held: Gallery, subject: Subject, outcome: Outcome) -> None:
    pool, note = outcome.pool, corner(outcome.network)
    name, unit = subject.quantity
    held.pictures["observed_predicted.png"] = Picture(
        title="Observed and predicted",
        caption=f"Predicted over observed {name} [{unit}], all folds together; the dashed line is agreement.",
        text=f"Predicted over observed {name}. " + note.replace("\n", ", ") + ".",
        png=png(agreement(pool.observed_P, pool.predicted_P, subject.quantity, note)),
    )


def _decisions(held: Gallery, subject: Subject, outcome: Outcome) -> None:
    pool, name = outcome.pool, subject.samples.target_name
    counts = confusion(pool.observed_P, pool.predicted_P)
    curve = reliability(pool.observed_P, pool.predicted_P)
    told = ", ".join(f"{word.replace('_', ' ')} {count}" for word, count in counts._asdict().items())
    held.pictures["reliability.png"] = Picture(
        title="Probabilities and decisions",
        caption=f"Left: how often {name} came true, by predicted probability; the dashed line is perfect, bars are "
        "the rows of a class. Right: decisions at a probability of 0.5.",
        text=f"Decisions at a probability of 0.5: {told}.",
        png=png(decisions((curve.predicted, curve.observed, curve.rows), counts, name)),
    )


def _mixed(held: Gallery, subject: Subject, outcome: Outcome) -> None:
    found = mixed(subject, outcome)
    assert found is not None, "classes are judged"
    right = np.diag(found.counts) / np.maximum(found.counts.sum(axis=1), 1)
    held.pictures["confusion.png"] = Picture(
        title="Classes taken for one another",
        caption="Share of each observed class (row) given each class (column); confusion.csv holds the counts.",
        text="Share found: "
        + ", ".join(f"{name} {number(v)}" for name, v in zip(found.names, right, strict=True))
        + ".",
        png=png(confusion_matrix(found.counts, found.names)),
    )


def corner(scored: Scored) -> str:
    """Return the scores as lines for a figure's corner."""
    lines = [f"n = {scored.n}"]
    for name, score in scored.scores.items():
        lines.append(f"{name} = {number(score.value)}" + (f" {score.unit}" if score.unit != "1" else ""))
    return "\n".join(lines)


def _residuals(held: Gallery, subject: Subject, outcome: Outcome) -> None:
    if subject.spec.judged == "classes":
        held.missing.append("Residual map: classes have no difference.")
        return
    rows, residual = _mean_residuals(subject, outcome)
    place = coordinates(subject.dataset, len(subject.samples))[rows]
    known = np.isfinite(place).all(axis=1)
    if not known.any():
        held.missing.append("Residual map: the samples have no coordinates.")
        return
    name, unit = subject.quantity
    lost = int((~known).sum())
    without = f" {lost} samples without coordinates are not shown." if lost else ""
    held.pictures["residual_map.png"] = Picture(
        title="Residuals on the map",
        caption=f"Predicted minus observed {name} [{unit}] at {known.sum()} places; predictions of one "
        f"place are averaged. Purple: too high; orange: too low.{without}",
        text=f"Map of residuals: mean {number(residual[known].mean())} {unit}, from "
        f"{number(residual[known].min())} to {number(residual[known].max())} {unit}.",
        png=png(residual_map(place[known], residual[known], subject.quantity)),
    )


def _mean_residuals(subject: Subject, outcome: Outcome) -> tuple[Rows, Values]:
    """Average over the samples of a place; return one of its samples, and the mean."""
    places = places_of_samples(subject.dataset, len(subject.samples))[outcome.pool.rows_P]
    _, first, sample_P = np.unique(places, return_index=True, return_inverse=True)
    rows = outcome.pool.rows_P[first]
    residual_P = outcome.pool.predicted_P - outcome.pool.observed_P
    return rows, np.bincount(sample_P, weights=residual_P) / np.bincount(sample_P)


def _learning(held: Gallery, subject: Subject, outcome: Outcome) -> None:
    by_fold = len(outcome.members) > NAMED
    found = [_curve(subject, member.name, member.fold if by_fold else member.name) for member in outcome.members]
    curves = [curve for curve in found if len(curve.epoch)]
    if not curves:
        held.missing.append("Learning curves: the run has no training history, as imported ones have none.")
        return
    held.pictures["learning_curves.png"] = Picture(
        title="Learning curves",
        caption="Training and validation loss of each member (of the scaled target); a dot marks the lowest "
        "validation loss." + (" Members of a fold share a colour." if by_fold else ""),
        text=f"Loss over epochs of {len(curves)} members, {int(max(curve.epoch.max() for curve in curves))} "
        "epochs at most.",
        png=png(learning_curves(curves)),
    )


def _curve(subject: Subject, member: str, name: str) -> Curve:
    history = subject.run.history(member)

    def column(key: str) -> Values:
        held = (entry.get(key) for entry in history)
        return np.array([np.nan if value is None else value for value in held], dtype=np.float64)

    return Curve(name, column("epoch"), column("loss"), column("val_loss"))


def _importance(held: Gallery, subject: Subject, outcome: Outcome) -> None:
    if not outcome.importance:
        held.missing.append("Permutation importance: evaluate.importance_repeats is 0.")
        return
    unit, by = subject.error_unit, subject.measure.name
    ranked = sorted(outcome.importance, key=lambda name: -float(outcome.importance[name].mean()))
    first = ", ".join(f"{name} {number(outcome.importance[name].mean())}" for name in ranked[:3])
    more = f" {SHOWN} of {len(ranked)} are shown." if len(ranked) > SHOWN else ""
    held.pictures["importance.png"] = Picture(
        title="Permutation importance",
        caption=f"Increase of the {by} [{unit}] when a covariate is shuffled among samples; bars are means, "
        "lines the range over members and repeats. Covariates that go together share their importance." + more,
        text=f"The largest increases of the {by} [{unit}]: {first}.",
        png=png(importance_bars(outcome.importance, f"{by} [{unit}]")),
    )
