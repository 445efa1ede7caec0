"""Baselines on the network's own rows: fitted on each fold's training rows, pooled like the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version

import numpy as np

from geoml_cli import registry
from geoml_cli.baselines.table_rows import Table, TableRows
from geoml_cli.baselines.tabular import BASELINES, FeatureTable, Gives, names_giving, predict
from geoml_cli.dataset.files import sha256
from geoml_cli.errors import DataError, SettingsError
from geoml_cli.evaluation.inputs import EvaluationInputs, observed
from geoml_cli.evaluation.kept import computed
from geoml_cli.evaluation.member_rows import ScoredRows
from geoml_cli.metrics.metric import Values
from geoml_cli.runs.kept import Computation, digest_of
from geoml_cli.samples.scaling import TargetScaling
from geoml_cli.splits.split import Rows
from geoml_cli.work.reporting import Reporter


@dataclass(frozen=True)
class BaselinePredictions:
    """What the baselines predict of the pooled rows.

    Attributes:
        predicted_P: By baseline.
        descriptions: Likewise.
        skipped: Why there are none; empty where there are.
    """

    predicted_P: Mapping[str, Values]
    descriptions: Mapping[str, str]
    skipped: str = ""


@dataclass(frozen=True)
class _Fold:
    """A fold's rows, and the transform its networks were trained under."""

    train: Rows
    validation: Rows
    test: Rows
    scaling: TargetScaling


def refuse_unknown(inputs: EvaluationInputs) -> None:
    """Raise SettingsError where the settings name a baseline that there is not, or runs that are not compared."""
    if inputs.settings.shared.evaluate.runs and inputs.task.maps is None:
        raise SettingsError(
            "runs are compared in evaluations of forecasts of maps only.",
            where="[evaluate] runs",
            fix="Leave it out; `geoml evaluate` each run instead.",
        )
    for name in inputs.settings.shared.evaluate.baselines:
        registry.require_choice("baseline", name, [*BASELINES, *inputs.network.baselines])


def predict_baselines(
    inputs: EvaluationInputs, members: Sequence[ScoredRows], reporter: Reporter
) -> BaselinePredictions:
    """Fit the baselines that the settings name, and predict the pooled rows.

    Raises:
        DataError: A covariate is missing, or a baseline's prediction is not finite.
    """
    fitted, skipped = _fit_functions(inputs, members)
    if skipped:
        return BaselinePredictions({}, {}, skipped)
    folds = _folds(inputs, members)
    found: dict[str, Values] = {}
    with reporter.task("baselines", len(fitted) * len(folds)) as advance:
        for name, fit in fitted.items():
            parts = []
            for fold in folds:
                parts.append(_finite(name, fit(fold)))
                advance(1)
            found[name] = np.concatenate(parts)
    return BaselinePredictions(found, {name: _description(inputs, name) for name in found})


def fitted_baselines(inputs: EvaluationInputs, members: Sequence[ScoredRows]) -> Iterator[Callable[[], Computation]]:
    """Yield, for each baseline of a table and each fold, what describes its predictions once it is asked.

    They share a table of features, which is made when the first is computed.
    """
    tabular = _tabular(inputs)
    if not tabular or _without_training(inputs, members):
        return
    features, folds = _Features(inputs), _folds(inputs, members)
    yield from (partial(features.computation, name, fold) for name in tabular for fold in folds)


def _tabular(inputs: EvaluationInputs) -> list[str]:
    """Name the baselines of the settings that learn from a table of features."""
    names = inputs.settings.shared.evaluate.baselines
    return [name for name in names if name in names_giving(inputs.task.baseline)] if inputs.network.table else []


def _without_training(inputs: EvaluationInputs, members: Sequence[ScoredRows]) -> bool:
    return any(not len(inputs.run.split(member.name).train) for member in members)


def _fit_functions(
    inputs: EvaluationInputs, members: Sequence[ScoredRows]
) -> tuple[dict[str, Callable[[_Fold], Values]], str]:
    """Return how each baseline predicts a fold, or why there are none."""
    names, gives = inputs.settings.shared.evaluate.baselines, inputs.task.baseline
    if not names:
        return {}, "No baselines: evaluate.baselines is empty."
    own, tabular = [name for name in names if name in inputs.network.baselines], _tabular(inputs)
    if not own and not tabular:
        return {}, f"No baselines: evaluate.baselines names none for a {gives}."
    if _without_training(inputs, members):
        return {}, "No baselines: the training rows of this run are unknown, so none can be trained on them."
    features = _Features(inputs) if tabular else None
    functions: dict[str, Callable[[_Fold], Values]] = {}
    for name in names:
        if name in own:
            functions[name] = _own(inputs, name)
        elif name in tabular and features is not None:
            functions[name] = features.predictor(name)
    return functions, ""


def _own(inputs: EvaluationInputs, name: str) -> Callable[[_Fold], Values]:
    seed = inputs.settings.shared.evaluate.seed

    def predicted(fold: _Fold) -> Values:
        return inputs.network.baselines[name].fit(inputs.samples, fold.train, seed)(inputs.samples, fold.test)

    return predicted


class _Features:
    """The table of features, made once for all baselines, and only where one of them is not kept."""

    def __init__(self, inputs: EvaluationInputs) -> None:
        self._truth, self._inputs = observed(inputs), inputs

    @cached_property
    def _named_table(self) -> tuple[Table, list[str]]:
        assert self._inputs.network.table is not None, "asked for where there is one"
        return self._inputs.network.table(self._inputs.samples)

    def predictor(self, name: str) -> Callable[[_Fold], Values]:
        """Return how a baseline predicts a fold, in the target's unit; classes and presence were never scaled."""

        def predicted(fold: _Fold) -> Values:
            plain, found = _plain(fold), computed(self._inputs, self.computation(name, fold))
            with np.errstate(over="ignore"):
                residuals = plain.forward(self._truth[fold.validation]) - found[len(fold.test) :]
                return plain.smeared(residuals).inverse(found[: len(fold.test)])

        return predicted

    def computation(self, name: str, fold: _Fold) -> Computation:
        """Describe a baseline's predictions of test and validation rows of a fold, scaled as the network's target."""
        seed, gives = self._inputs.settings.shared.evaluate.seed, _gives(self._inputs.task.baseline)
        rows, scaling = np.concatenate([fold.test, fold.validation]), _plain(fold)

        def compute() -> Values:
            table, names = self._named_table
            target = scaling.forward(self._truth[fold.train])
            return predict(
                name, FeatureTable(TableRows(table, fold.train), target, TableRows(table, rows), names), gives, seed
            )

        if self._inputs.kept is None:
            return Computation({}, compute)
        key = {
            "baseline": name,
            "data": self._inputs.dataset.manifest.digest(),
            "settings": sha256(self._inputs.run.config),
            "rows": [digest_of(fold.train), digest_of(rows)],
            "scaling": scaling.model_dump_json(),
            "gives": gives,
            "seed": seed,
            "scikit-learn": version("scikit-learn"),
        }
        return Computation(key, compute)


def _plain(fold: _Fold) -> TargetScaling:
    """Return the scaling without the network's smearing factor, which is not the baseline's."""
    return fold.scaling.model_copy(update={"smearing": 1.0})


def _gives(kind: str) -> Gives:
    assert kind != "none", "a task without tabular baselines"
    return kind  # type: ignore[return-value]


def _folds(inputs: EvaluationInputs, members: Sequence[ScoredRows]) -> list[_Fold]:
    """Return each fold's rows once; its members differ by seed only."""
    truth = observed(inputs)
    found: dict[str, _Fold] = {}
    for member in members:
        if member.fold not in found:
            split, scaling = inputs.run.split(member.name), inputs.run.scaling(member.name).target
            is_smeared = scaling.transform != "none" and inputs.settings.shared.target.smearing
            train, validation = (rows[np.isfinite(truth[rows])] for rows in (split.train, split.validation))
            chosen = validation if is_smeared else validation[:0]
            found[member.fold] = _Fold(train, chosen, member.rows_N, scaling)
    return list(found.values())


def _finite(name: str, values: Values) -> Values:
    if wrong := int((~np.isfinite(values)).sum()):
        raise DataError(
            f"baseline {name} predicts no finite value for {wrong} of {len(values)} rows.",
            where="[evaluate] baselines",
            fix="Leave it out with --set evaluate.baselines, or look for extreme covariates.",
        )
    return values


def _description(inputs: EvaluationInputs, name: str) -> str:
    own = inputs.network.baselines.get(name)
    return own.summary if own else BASELINES[name].summary
