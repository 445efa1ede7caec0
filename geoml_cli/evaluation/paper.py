"""A run's scores next to those that its paper published."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from geoml_cli.config.tables.paper import PaperNumber, PaperSettings
from geoml_cli.errors import SettingsError

Key = tuple[str, str, str]
"""Network, score, and what is unseen about the rows."""


@dataclass(frozen=True)
class PaperRow:
    """A score of a run next to the paper's.

    Attributes:
        network: Of a model with several; else empty.
        metric: Name of the score.
        rows_of: What is unseen about the rows, such as `unseen station`, where rows differ in it; empty for all rows.
        unit: Of the score.
        ours: Of the run on the preset's split, with its interval.
        paper: As published; None where it is not given, or has another unit.
        strict: Of the run on a split that does not leak, with its interval; None where there is no such run.
        other_unit: The paper's unit, where it is another.
        other_target: The paper's quantity and this run's, where they differ.
    """

    network: str
    metric: str
    rows_of: str
    unit: str
    ours: tuple[float, float, float]
    paper: float | None = None
    strict: tuple[float, float, float] | None = None
    other_unit: str = ""
    other_target: tuple[str, str] | None = None

    @property
    def difference(self) -> tuple[float, float, float] | None:
        """Ours minus the paper's, with the interval of ours; None where there is nothing to compare."""
        if self.paper is None:
            return None
        value, low, high = (end - self.paper for end in self.ours)
        return value, low, high

    @property
    def met(self) -> bool | None:
        """Whether the paper's number lies within our interval; None where there is no number, or no interval.

        An interval that does not hold our own score decides nothing.
        """
        ours, low, high = self.ours
        return low <= self.paper <= high if self.paper is not None and low <= ours <= high else None


def paper_rows(paper: PaperSettings, ours: Path, strict: Path | None) -> list[PaperRow]:
    """Set the scores of two evaluations next to published ones; the published ones come first.

    Args:
        paper: A preset's.
        ours: Folder of the evaluation of the run on the preset's split.
        strict: Likewise, of the run on a split that does not leak.

    Raises:
        SettingsError: A published score is none that the run is evaluated by.
    """
    found, without_leaks = _scores(ours), _scores(strict) if strict else {}
    numbers = {(number.network, number.metric): number for number in paper.numbers}
    if unknown := [key for key in numbers if (*key, "") not in found]:
        names = ", ".join(dict.fromkeys("/".join(filter(None, key[:2])) for key in found))
        missing = "/".join(filter(None, unknown[0]))
        raise SettingsError(f"{missing} is no score of this run.", where="[paper] numbers", fix=f"Scores are: {names}.")
    # A score of all rows is never alone where it is published: rows of an unseen place and time may differ widely.
    shown = [key for key in found if not key[2] or key[:2] in numbers]
    order = sorted(shown, key=lambda key: (key[:2] not in numbers, key[:2] if key[:2] in numbers else ()))
    rows = [_row(key, found[key], numbers.get(key[:2]), without_leaks.get(key)) for key in order]
    others = {name for name in _targets(ours) if not name.startswith(paper.target)} if paper.target else set()
    if not others:
        return rows
    pair = paper.target, ", ".join(sorted(others))
    return [replace(row, paper=None, other_target=pair) if row.paper is not None else row for row in rows]


def _row(key: Key, ours: Mapping[str, Any], number: PaperNumber | None, strict: Mapping[str, Any] | None) -> PaperRow:
    same = number is not None and number.unit == ours["unit"]
    return PaperRow(
        *key,
        unit=ours["unit"],
        ours=_interval(ours),
        paper=number.value if number is not None and same else None,
        strict=_interval(strict) if strict else None,
        other_unit=number.unit if number is not None and not same else "",
    )


def _interval(score: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return value and ends; no number where an evaluation found none."""
    value, low, high = (
        float("nan") if score[name] is None else float(score[name]) for name in ("value", "low", "high")
    )
    return value, low, high


def _scores(folder: Path) -> dict[Key, Mapping[str, Any]]:
    """Read the scores of an evaluation."""
    found: dict[Key, Mapping[str, Any]] = {}
    for network, content in _records(folder):
        parts = {"": content["network"], **{one["rows_of"]: one["network"] for one in content.get("claims") or ()}}
        for rows_of, part in parts.items():
            found.update({(network, metric, rows_of): score for metric, score in part["scores"].items()})
    return found


def _targets(folder: Path) -> list[str]:
    """Name the targets of an evaluation."""
    return [content["target"]["name"] for _, content in _records(folder)]


def _records(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read what an evaluation recorded, by the network; that of a model with one has no name."""
    for path in sorted(folder.glob("*/metrics.json")) or [folder / "metrics.json"]:
        yield path.parent.name if path.parent != folder else "", json.loads(path.read_text(encoding="utf-8"))


def unmet(paper: PaperSettings, rows: Sequence[PaperRow]) -> list[str]:
    """Name the published scores on public data that the run does not meet, over all rows."""
    return [row.metric for row in rows if paper.public and row.met is False and not row.rows_of]


def explained(paper: PaperSettings, rows: Sequence[PaperRow]) -> list[str]:
    """Say what must be known before the numbers are compared."""
    known = {
        "the paper's numbers": f"from the {paper.found_in or 'paper'}" if paper.numbers else "not given",
        "the paper's data": f"{paper.data}{'' if paper.public else ' (not public)'}" if paper.data else "not given",
        "the paper's protocol": paper.protocol or "not given",
    }
    units = [
        f"the paper's {row.metric} is in {row.other_unit}, this one in {row.unit}: not compared"
        for row in rows
        if row.other_unit and not row.rows_of
    ]
    targets = [
        f"the paper's {row.metric} is of {row.other_target[0]}, this one of {row.other_target[1]}: not compared"
        for row in rows
        if row.other_target and not row.rows_of
    ]
    without = [
        f"this run has no interval {'that holds' if math.isfinite(row.ours[1]) else 'of'} its {row.metric}: whether "
        "the paper's number is met is not known"
        for row in rows
        if row.paper is not None and row.met is None and not row.rows_of
    ]
    return [*(f"{name}: {text}" for name, text in known.items()), *paper.reasons, *units, *targets, *without]
