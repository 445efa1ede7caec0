"""Baselines on a table of features: estimators of scikit-learn and their settings.

Legend: N training rows, M rows to predict, F features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geoml_cli.baselines.climatology import ClassClimatology, Climatology
from geoml_cli.baselines.ridge import BlockwiseRidge
from geoml_cli.baselines.table_rows import ROWS, Columns, Table, TableRows
from geoml_cli.errors import DataError, SettingsError

Values = NDArray[np.float64]
Gives = Literal["regression", "probability", "class"]
GROUP = "class of "
"""How columns of features begin that number the group of a row, such as its station or month, the coarsest first."""

_JOBS = 2
"""Threads of a forest: what the smallest machine we promise to run on has."""
_BLOCK = 8192
"""Rows that a thread of a forest predicts at once."""
_TREES, _BOOSTED = 500, 300
_LEAF = 3
"""Fewest training rows in a leaf; single-sample leaves follow the noise of laboratory values."""
_MOST_ROWS = 30_000
"""Rows a tree is grown on where there are more: 500 whole trees of 300,000 rows would take gigabytes."""
_SHARE = 1 / 3
"""Share of covariates tried at a split: Breiman's advice for regression."""
_RATE = 0.05
"""Half of scikit-learn's default rate, three times the trees: slower steps overfit less on small samples."""
_ALPHAS = np.logspace(-3, 5, 17)
"""From hardly any to nearly full shrinkage of standardised covariates, two values a decade."""
_ITERATIONS = 1000


@dataclass(frozen=True)
class TabularBaseline:
    """An estimator with settings for each kind of target it can predict.

    Attributes:
        summary: One line for the report.
        estimators: By what it gives, training rows N and a seed to an estimator with `fit` and `predict`.
        of_groups: Whether it takes the columns that number groups, and only those; others take the rest.
        in_blocks: Whether its estimator needs no copy of all rows in float64.
    """

    summary: str
    estimators: Mapping[Gives, Callable[[int, int], Any]]
    of_groups: bool = False
    in_blocks: bool = False


@dataclass(frozen=True)
class FeatureTable:
    """What every baseline is given: the rows the network was trained on, and those it is scored on.

    Attributes:
        train_NF: Features of the training rows, physical units.
        target_N: Their target, transformed as the network's is.
        test_MF: Features of the rows to predict.
        names: Names of the F features.
    """

    train_NF: Table | TableRows
    target_N: Values
    test_MF: Table | TableRows
    names: list[str]


def predict(name: str, table: FeatureTable, gives: Gives, seed: int) -> Values:
    """Fit a baseline and predict, [M]: values in the transformed target's unit, probabilities, or classes.

    Missing features are refused, not filled: networks do not take them either, and a baseline that saw a
    filling of its own would be compared on other data.

    Raises:
        DataError: A feature is missing or infinite, with its name.
    """
    return fit(name, table, gives, seed)(table.test_MF)


def fit(name: str, table: FeatureTable, gives: Gives, seed: int) -> Callable[[Table | TableRows], Values]:
    """Fit a baseline; return what predicts rows of all the table's features, [M, F] to [M]; errors as for `predict`."""
    estimator, places = _fitted(name, table, gives, seed)
    if estimator is None:
        return lambda rows_MF: np.full(len(rows_MF), table.target_N.mean())

    def predicted(rows_MF: Table | TableRows) -> Values:
        if gives == "probability" and hasattr(estimator, "predict_proba"):
            return np.asarray(_by_rows(estimator, "predict_proba", rows_MF, places)[:, 1], dtype=np.float64)
        found = np.asarray(_by_rows(estimator, "predict", rows_MF, places), dtype=np.float64)
        return np.clip(found, 0.0, 1.0) if gives == "probability" else found

    return predicted


def fit_probabilities(name: str, table: FeatureTable, classes: int, seed: int) -> Callable[[Table], Values]:
    """Fit a baseline of classes; return what gives the probability of each, [M, F] to [M, classes].

    The likeliest class is the one that `fit` predicts; errors as for `predict`.
    """
    estimator, places = _fitted(name, table, "class", seed)
    known = np.unique(table.target_N).astype(np.int64)

    def predicted(rows_MF: Table) -> Values:
        found = np.zeros((len(rows_MF), classes))
        # Of a single class there is no estimator; classes of no training row have a probability of 0.
        found[:, known] = 1.0 if estimator is None else _by_rows(estimator, "predict_proba", rows_MF, places)
        return found

    return predicted


def _fitted(name: str, table: FeatureTable, gives: Gives, seed: int) -> tuple[Any, list[int]]:
    """Return the estimator, None where a fold holds a single class, and the places of its columns."""
    places = _columns_for(name, table.names)
    refuse_missing(table, places)
    if gives != "regression" and len(np.unique(table.target_N)) < 2:
        return None, places
    estimator = BASELINES[name].estimators[gives](len(table.train_NF), seed)
    features_NF = Columns(table.train_NF, places)
    # In float32, a temperature in kelvin loses the digits that standardising brings out.
    estimator.fit(features_NF if BASELINES[name].in_blocks else features_NF.doubles(), table.target_N)
    if hasattr(estimator, "n_jobs"):
        # Threads add up their trees in the order they finish in, and that changes the last digits between runs.
        estimator.set_params(n_jobs=1)
    return estimator, places


def _by_rows(estimator: Any, method: str, rows_MF: Table | TableRows, places: Sequence[int]) -> Values:  # noqa: ANN401
    """Predict blocks of rows, in threads where the estimator is a forest: a row's trees keep their order."""
    is_forest = hasattr(estimator, "n_jobs")
    size = _BLOCK if is_forest else ROWS

    def predicted(start: int) -> Values:
        block = Columns(rows_MF, places)[start : start + size].astype(np.float64)
        return np.asarray(getattr(estimator, method)(block))

    starts = range(0, max(len(rows_MF), 1), size)
    if not is_forest or len(starts) == 1:
        return np.concatenate([predicted(start) for start in starts])
    with ThreadPoolExecutor(_JOBS) as pool:
        return np.concatenate(list(pool.map(predicted, starts)))


def names_giving(gives: str) -> list[str]:
    """Name the baselines that give values, probabilities or classes."""
    return [name for name, baseline in BASELINES.items() if gives in baseline.estimators]


def _columns_for(name: str, names: Sequence[str]) -> list[int]:
    """Return the places of the columns that a baseline takes."""
    of_groups = BASELINES[name].of_groups
    places = [place for place, column in enumerate(names) if column.startswith(GROUP) == of_groups]
    if not places:
        others = [other for other in BASELINES if other != name and not BASELINES[other].of_groups]
        raise SettingsError(
            f"{name} needs groups of rows, such as station or month; this model names none.",
            where="[evaluate] baselines",
            fix=f"Leave it out of the list, such as --set \"evaluate.baselines=['{others[0]}']\".",
        )
    return places


def refuse_missing(table: FeatureTable, places: Sequence[int]) -> None:
    """Raise DataError where one of the features at these places is NaN or infinite."""
    counts_F = np.zeros(len(places), dtype=np.int64)
    for rows_NF in (Columns(table.train_NF, places), Columns(table.test_MF, places)):
        for start in range(0, len(rows_NF), ROWS):
            counts_F += (~np.isfinite(rows_NF[start : start + ROWS])).sum(axis=0)
    if missing := {table.names[place]: int(count) for place, count in zip(places, counts_F, strict=True) if count}:
        worst = max(missing, key=lambda name: missing[name])
        raise DataError(
            f"{sum(missing.values())} values of {len(missing)} covariates are missing or infinite, "
            f"{missing[worst]} of them in {worst!r}.",
            where="baselines",
            fix="Prepare the data set again without these samples, or use --set evaluate.baselines=[].",
        )


def _mean(rows: int, seed: int) -> Any:  # noqa: ANN401  scikit-learn is untyped, here and below
    from sklearn.dummy import DummyRegressor

    return DummyRegressor()


def _most_frequent(rows: int, seed: int) -> Any:  # noqa: ANN401
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="most_frequent")


def _ridge(rows: int, seed: int) -> Any:  # noqa: ANN401
    """Hoerl and Kennard 1970, doi:10.1080/00401706.1970.10488634; penalty by leave-one-out on the training rows."""
    return BlockwiseRidge(_ALPHAS)


def _logistic(rows: int, seed: int) -> Any:  # noqa: ANN401
    """Cox 1958, doi:10.1111/j.2517-6161.1958.tb00292.x."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=_ITERATIONS))


def _forest(rows: int, seed: int) -> Any:  # noqa: ANN401
    """Breiman 2001, doi:10.1023/A:1010933404324."""
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(max_features=_SHARE, random_state=seed, **_forest_settings(rows))


def _forest_of_classes(rows: int, seed: int) -> Any:  # noqa: ANN401
    """Classification trees; covariates tried at a split are the root of all, as Breiman advises."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(random_state=seed, **_forest_settings(rows))


def _forest_settings(rows: int) -> dict[str, Any]:
    most = _MOST_ROWS if rows > _MOST_ROWS else None
    return {"n_estimators": _TREES, "min_samples_leaf": _LEAF, "n_jobs": _JOBS, "max_samples": most}


def _boosting(rows: int, seed: int) -> Any:  # noqa: ANN401
    """Friedman 2001, doi:10.1214/aos/1013203451.

    No early stopping: it would hold out rows at random, neighbours of the training rows among them.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=_BOOSTED, learning_rate=_RATE, early_stopping=False, random_state=seed
    )


def _boosting_of_classes(rows: int, seed: int) -> Any:  # noqa: ANN401
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=_BOOSTED, learning_rate=_RATE, early_stopping=False, random_state=seed
    )


BASELINES: Mapping[str, TabularBaseline] = {
    "climatology": TabularBaseline(
        "Mean of the training rows of the same groups, as the model names them (such as place and month)",
        {
            "regression": lambda rows, seed: Climatology(),
            "probability": lambda rows, seed: Climatology(),
            "class": lambda rows, seed: ClassClimatology(),
        },
        of_groups=True,
    ),
    "gradient-boosting": TabularBaseline(
        f"Gradient boosting of {_BOOSTED} trees on binned covariates",
        {"regression": _boosting, "probability": _boosting_of_classes, "class": _boosting_of_classes},
    ),
    "logistic": TabularBaseline(
        "Logistic regression on standardised covariates", {"probability": _logistic, "class": _logistic}
    ),
    "mean": TabularBaseline(
        "Mean of the training rows' (transformed) target, whatever the covariates",
        {"regression": _mean, "probability": _mean, "class": _most_frequent},
        in_blocks=True,  # nobody looks at the covariates
    ),
    "random-forest": TabularBaseline(
        f"Random forest of {_TREES} trees, each on {_MOST_ROWS:,} rows at most",
        {"regression": _forest, "class": _forest_of_classes},
    ),
    "ridge": TabularBaseline(
        "Ridge regression on standardised covariates, penalty by leave-one-out",
        {"regression": _ridge},
        in_blocks=True,
    ),
}
