from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as sk

from geoml_cli.metrics import regression as ours
from geoml_cli.metrics.metric import Metric

ALL = (
    ours.RMSE,
    ours.MAE,
    ours.BIAS,
    ours.UBRMSE,
    ours.R2,
    ours.NSE,
    ours.PEARSON,
    ours.CCC,
    ours.RPIQ,
    ours.KGE,
)
ERRORS = {"RMSE", "MAE", "bias", "ubRMSE"}
Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Observations that vary by more than rounding, and any predictions."""
    size = draw(st.integers(3, 40))
    numbers = st.floats(-1e4, 1e4).map(lambda value: round(value, 3))
    observed = draw(arrays(np.float64, size, elements=numbers).filter(lambda v: np.ptp(v) > 0.01))
    return observed, draw(arrays(np.float64, size, elements=numbers))


@given(pairs())
def test_agrees_with_scikit_learn(pair: Pair) -> None:
    observed, predicted = pair
    assert ours.RMSE(*pair) == pytest.approx(sk.root_mean_squared_error(observed, predicted))
    assert ours.MAE(*pair) == pytest.approx(sk.mean_absolute_error(observed, predicted))
    assert ours.R2(*pair) == pytest.approx(sk.r2_score(observed, predicted), rel=1e-9)


@given(pairs())
def test_rmse_splits_into_bias_and_unbiased_part(pair: Pair) -> None:
    assert ours.RMSE(*pair) ** 2 == pytest.approx(ours.BIAS(*pair) ** 2 + ours.UBRMSE(*pair) ** 2, rel=1e-9, abs=1e-9)


@given(pairs())
def test_concordance_is_correlation_times_a_penalty(pair: Pair) -> None:
    """Lin 1989: CCC = r * C_b with C_b = 2 / (v + 1/v + u^2), v the ratio of deviations, u the shift."""
    observed, predicted = pair
    if np.ptp(predicted) < 0.01:
        return
    v = observed.std() / predicted.std()
    u = (observed.mean() - predicted.mean()) / math.sqrt(observed.std() * predicted.std())
    expected = stats.pearsonr(observed, predicted).statistic * 2 / (v + 1 / v + u * u)
    assert ours.CCC(*pair) == pytest.approx(expected, abs=1e-9)
    assert abs(ours.CCC(*pair)) <= abs(ours.PEARSON(*pair)) + 1e-9


@given(pairs(), st.floats(0.1, 100), st.floats(-100, 100))
def test_ratios_do_not_depend_on_the_unit(pair: Pair, factor: float, shift: float) -> None:
    moved = (pair[0] * factor + shift, pair[1] * factor + shift)
    assert ours.R2(*moved) == pytest.approx(ours.R2(*pair), rel=1e-6, abs=1e-6)
    assert ours.CCC(*moved) == pytest.approx(ours.CCC(*pair), rel=1e-6, abs=1e-6)
    assert ours.RMSE(*moved) == pytest.approx(ours.RMSE(*pair) * factor, rel=1e-6, abs=1e-6)


@given(pairs())
def test_perfect_predictions_score_best(pair: Pair) -> None:
    observed = pair[0] + 2e4  # positive: the KGE needs a mean other than 0
    scores = {metric.name: metric(observed, observed) for metric in ALL}
    assert math.isnan(scores.pop("RPIQ"))
    # A variance from sums of squares is good to the root of their rounding.
    assert scores == pytest.approx({name: 0.0 if name in ERRORS else 1.0 for name in scores}, abs=1e-6)


def test_values_worked_by_hand() -> None:
    observed, predicted = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 2.0, 4.0, 4.0])
    assert ours.RMSE(observed, predicted) == pytest.approx(math.sqrt(0.5))
    assert ours.BIAS(observed, predicted) == 0.5
    assert ours.R2(observed, predicted) == pytest.approx(1 - 2 / 5)
    assert ours.NSE(observed, predicted) == ours.R2(observed, predicted)
    # cov = 1, var(o) = 1.25, var(p) = 1, shift = 0.5
    assert ours.CCC(observed, predicted) == pytest.approx(2 / (1.25 + 1 + 0.25))
    assert ours.PEARSON(observed, predicted) == pytest.approx(1 / math.sqrt(1.25))
    assert ours.RPIQ(observed, predicted) == pytest.approx(1.5 / math.sqrt(0.5))
    alpha, beta, r = 1 / math.sqrt(1.25), 3 / 2.5, 1 / math.sqrt(1.25)
    assert ours.KGE(observed, predicted) == pytest.approx(
        1 - math.sqrt((r - 1) ** 2 + (alpha - 1) ** 2 + (beta - 1) ** 2)
    )


def test_predicting_the_mean_explains_nothing() -> None:
    observed = np.array([0.1, 0.7, 3.0, 9.0])
    mean = np.full(4, observed.mean())
    assert ours.R2(observed, mean) == pytest.approx(0)
    assert ours.CCC(observed, mean) == 0
    assert math.isnan(ours.PEARSON(observed, mean)) and math.isnan(ours.KGE(observed, mean))


@pytest.mark.parametrize("metric", [ours.R2, ours.NSE, ours.PEARSON, ours.CCC, ours.RPIQ, ours.KGE])
def test_undefined_without_variation(metric: Metric) -> None:
    assert math.isnan(metric(np.array([3.0]), np.array([4.0])))
    # In floats the mean of seven times 0.1 is not 0.1, and their variance is above 0.
    assert math.isnan(metric(np.full(7, 0.1), np.arange(7.0)))


def test_kge_is_undefined_around_a_mean_of_zero() -> None:
    assert math.isnan(ours.KGE(np.array([-1.0, 1.0]), np.array([0.0, 2.0])))


@pytest.mark.parametrize("metric", ALL)
def test_refuses_what_only_a_bug_can_bring(metric: Metric) -> None:
    one, two = np.array([1.0]), np.array([1.0, 2.0])
    with pytest.raises(ValueError, match=r"^observed \(1,\) and predicted \(2,\) must be \[N\], of one"):
        metric(one, two)
    with pytest.raises(ValueError, match="leave out rows without an observation"):
        metric(np.array([1.0, np.nan]), two)
    with pytest.raises(ValueError, match="must be finite"):
        metric(two, np.array([1.0, np.inf]))
    with pytest.raises(ValueError, match="at least one sample"):
        metric(np.empty(0), np.empty(0))


def test_errors_carry_the_targets_unit() -> None:
    assert {metric.name for metric in ALL if metric.unit_of("g kg-1") == "g kg-1"} == ERRORS
    assert ours.CCC.unit_of("g kg-1") == "1"
