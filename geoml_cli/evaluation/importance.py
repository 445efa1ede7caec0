"""Permutation importance: how much worse a network gets when one covariate is shuffled among samples.

Breiman 2001, doi:10.1023/A:1010933404324, section 10; on the evaluated rows, not on training rows. Covariates
that go together share their importance: shuffling one leaves the network the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.evaluation.inputs import EvaluationInputs, MemberPredictor, observed
from geoml_cli.evaluation.kept import computed, of_member
from geoml_cli.evaluation.member_rows import ScoredRows
from geoml_cli.metrics.metric import Values
from geoml_cli.runs.kept import Computation
from geoml_cli.samples.samples import Samples
from geoml_cli.splits.split import Rows
from geoml_cli.work.reporting import Reporter

_TURNS = ("cos", "sin")
"""In front of the name of an angle, of which both are columns."""


class Covariate(NamedTuple):
    """Variables that are one covariate: the classes of a raster, a year that two inputs hold, or a single one.

    Attributes:
        places: By input, which of its variables.
        step: Time step of a window [N, T, V] that alone is shuffled, for all variables; None shuffles every step.
    """

    places: Mapping[str, tuple[int, ...]]
    step: int | None = None


def importance(inputs: EvaluationInputs, members: Sequence[ScoredRows], reporter: Reporter) -> dict[str, Values]:
    """Return, by covariate, the increase of the ranking score in each member and repeat [its unit].

    All pixels of a window, all years of a series and all classes of a raster are shuffled together, between
    samples. Empty where the settings ask for no repeats.
    """
    wanted, named = importances(inputs, members), _named(inputs)
    if not wanted:
        return {}
    parts, each = [], len(named) * inputs.settings.shared.evaluate.importance_repeats
    with reporter.task("importance", len(wanted) * each) as advance:
        for one in wanted:
            parts.append(computed(inputs, one))
            advance(each)
    together = np.concatenate(parts, axis=1)
    return dict(zip(named, together, strict=True))


def importances(inputs: EvaluationInputs, members: Sequence[ScoredRows]) -> list[Computation]:
    """Describe the increases of each member, [covariates, repeats]; none where the settings ask for no repeats."""
    evaluate, named = inputs.settings.shared.evaluate, _named(inputs)
    if not evaluate.importance_repeats or not named:
        return []
    return [_of_member(inputs, member, [evaluate.seed, place], named) for place, member in enumerate(members)]


def _named(inputs: EvaluationInputs) -> dict[str, Covariate]:
    return {**covariates(inputs.samples), **steps_before(inputs.samples, inputs.network.lagged)}


def _of_member(
    inputs: EvaluationInputs, member: ScoredRows, seed: list[int], named: Mapping[str, Covariate]
) -> Computation:
    evaluate, generator = inputs.settings.shared.evaluate, np.random.default_rng(seed)
    rows = _some(member.rows_N, evaluate.importance_rows, generator)

    def compute() -> Values:
        scored = _ScoredMember(inputs, member.name, rows, observed(inputs)[rows])
        repeats = evaluate.importance_repeats
        return np.array([scored.increases(covariate, repeats, generator) for covariate in named.values()])

    more = {"importance": list(named), "repeats": evaluate.importance_repeats, "seed": seed}
    return of_member(inputs, member.name, rows, more, compute)


def covariates(samples: Samples) -> dict[str, Covariate]:
    """Name the covariates: `LCEE10=1` and `LCEE10=2` are classes of one, and a name in two inputs is one as well.

    Shuffled by themselves, columns of 0 and 1 would show the network samples of no class, or of two; and cosine and
    sine of an angle would be of none.
    """
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, item in samples.inputs.items():
        for place, variable in enumerate(item.names):
            places = found.setdefault(_covariate(variable, item.names), {})
            places[name] = (*places.get(name, ()), place)
    return {covariate: Covariate(places) for covariate, places in found.items()}


def _covariate(variable: str, names: Sequence[str]) -> str:
    """Name what a variable is a column of."""
    function, _, angle = variable.partition(" ")
    if function in _TURNS and {f"{one} {angle}" for one in _TURNS} <= set(names):
        return angle
    return variable.rpartition("=")[0] or variable


def steps_before(samples: Samples, lagged: str) -> dict[str, Covariate]:
    """Name the steps of a window by how long before the last one they are; none where the network names no input."""
    item = samples.inputs.get(lagged)
    if item is None:
        return {}
    steps, everything = item.values.shape[1], tuple(range(len(item.names)))
    labels = [f"{lagged} at t" if step == steps - 1 else f"{lagged} at t-{steps - 1 - step}" for step in range(steps)]
    return {label: Covariate({lagged: everything}, step) for step, label in enumerate(labels)}


class _ScoredMember:
    """A member and the rows it is scored on, in memory."""

    def __init__(self, inputs: EvaluationInputs, member: str, rows: Rows, truth_N: Values) -> None:
        self._inputs, self._truth_N = inputs, truth_N
        self._predict: MemberPredictor = inputs.predictors[member]
        self._samples = _rows_of(inputs.samples, rows)
        self._unshuffled = self._score(self._samples)

    def increases(self, covariate: Covariate, repeats: int, generator: np.random.Generator) -> list[float]:
        """Shuffle a covariate several times; return the increase of the ranking score of each."""
        orders = [generator.permutation(len(self._truth_N)) for _ in range(repeats)]
        return [self._score(shuffled(self._samples, covariate, order)) - self._unshuffled for order in orders]

    def _score(self, samples: Samples) -> float:
        rows = np.arange(len(self._truth_N), dtype=np.int64)
        return self._inputs.task.ranking(self._truth_N, self._inputs.scored([self._predict(samples, rows)]))


def shuffled(samples: Samples, covariate: Covariate, order_N: NDArray[np.int64]) -> Samples:
    """Give every sample another's values of one covariate; nothing else changes."""
    inputs = dict(samples.inputs)
    for name, places in covariate.places.items():
        item = inputs[name]
        values = np.array(item.values[:])
        chosen: tuple[slice | list[int] | int, ...] = (slice(None),) * item.axis + (list(places),)
        if covariate.step is not None:
            chosen = (slice(None), covariate.step)
        values[chosen] = values[order_N][chosen]
        inputs[name] = replace(item, values=values)
    return replace(samples, inputs=inputs)


def _rows_of(samples: Samples, rows: Rows) -> Samples:
    inputs = {name: replace(item, values=item.values[rows]) for name, item in samples.inputs.items()}
    records = None if samples.records is None else samples.records.taken(rows)
    bare = replace(samples, target=replace(samples.target, values=None), span=None, complete=None)
    return replace(bare, inputs=inputs, records=records)


def _some(rows: Rows, most: int, generator: np.random.Generator) -> Rows:
    return rows if len(rows) <= most else np.sort(generator.choice(rows, most, replace=False))
