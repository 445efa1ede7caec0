"""Scores of maps: equal to other libraries where no cell is missing, to a calculation by hand where some are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from scores.categorical import BinaryContingencyManager
from scores.continuous import additive_bias, mae, rmse
from skimage.metrics import structural_similarity
from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure

from geoml_cli.metrics.fields import (
    ACC,
    BIAS,
    MAE,
    RMSE,
    contingency,
    event_scores,
    fractions_skill,
    mean_csi,
    psnr,
    ssim,
)

SHAPE = (3, 2, 32, 40)


@pytest.fixture
def fields() -> tuple[np.ndarray, np.ndarray]:
    """Smooth maps in 0..1, and others near them."""
    random = np.random.default_rng(4)
    truth = np.clip(0.5 + 0.2 * np.cumsum(np.cumsum(random.normal(0, 0.2, SHAPE), axis=-1), axis=-2) / 10, 0, 1)
    return truth, np.clip(truth + random.normal(0, 0.1, SHAPE), 0, 1)


def value(metric, observed, predicted, weight=None, reference=None) -> float:
    weight = np.ones_like(observed) if weight is None else weight
    reference = np.zeros_like(observed) if reference is None else reference
    return float(metric.value(metric.statistics(observed, predicted, weight, reference).sum(axis=(0, 1))))


def test_errors_equal_those_of_scores(fields):
    truth, forecast = fields
    pair = xr.DataArray(forecast), xr.DataArray(truth)
    np.testing.assert_allclose(value(RMSE, truth, forecast), rmse(*pair))
    np.testing.assert_allclose(value(MAE, truth, forecast), mae(*pair))
    np.testing.assert_allclose(value(BIAS, truth, forecast), additive_bias(*pair), atol=1e-12)


def test_events_equal_those_of_scores(fields):
    truth, forecast = fields
    thresholds = (0.4, 0.6)
    for place, threshold in enumerate(thresholds):
        csi, pod, far, hss = event_scores(str(threshold), contingency(thresholds), place)
        table = BinaryContingencyManager(
            xr.DataArray(forecast >= threshold).astype(float), xr.DataArray(truth >= threshold).astype(float)
        ).transform()
        assert value(csi, truth, forecast) == pytest.approx(float(table.critical_success_index()))
        assert value(pod, truth, forecast) == pytest.approx(float(table.probability_of_detection()))
        assert value(far, truth, forecast) == pytest.approx(float(table.false_alarm_ratio()))
        assert value(hss, truth, forecast) == pytest.approx(float(table.heidke_skill_score()))


def test_similarity_equals_that_of_other_libraries(fields):
    truth, forecast = fields
    maps = [torch.from_numpy(part).flatten(0, 1)[:, None] for part in (forecast, truth)]
    noise = PeakSignalNoiseRatio(data_range=1.0)(*maps)
    assert value(psnr(1.0), truth, forecast) == pytest.approx(float(noise))
    expected = [
        structural_similarity(a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
        for a, b in zip(truth.reshape(-1, 32, 40), forecast.reshape(-1, 32, 40), strict=True)
    ]
    assert value(ssim(1.0), truth, forecast) == pytest.approx(np.mean(expected))
    other = StructuralSimilarityIndexMeasure(data_range=1.0, kernel_size=11, sigma=1.5)(*maps)
    # It lets windows hang over the edge by reflection before it crops, so that the last digits differ.
    assert value(ssim(1.0), truth, forecast) == pytest.approx(float(other), rel=2e-3)


def test_a_cell_without_weight_counts_for_nothing(fields):
    truth, forecast = fields
    weight = np.ones(SHAPE)
    weight[..., :9, :13] = 0
    changed = np.where(weight > 0, forecast, 9.0)
    metrics = [RMSE, MAE, BIAS, ACC, psnr(1.0), ssim(1.0), fractions_skill(0.5, 5), mean_csi("CSI", (0.5,), 4)]
    metrics += event_scores("0.5", contingency((0.5,)), 0)
    for metric in metrics:
        assert value(metric, truth, changed, weight) == pytest.approx(value(metric, truth, forecast, weight)), metric
    options = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    expected = [
        structural_similarity(a, b, full=True, **options)[1]
        for a, b in zip(truth.reshape(-1, 32, 40), forecast.reshape(-1, 32, 40), strict=True)
    ]
    whole = np.zeros((32, 40), dtype=bool)
    whole[5:-5, 5:-5] = True
    whole[: 9 + 5, : 13 + 5] = False
    assert value(ssim(1.0), truth, forecast, weight) == pytest.approx(np.mean(np.array(expected)[:, whole]))


def test_events_by_hand():
    """Two hits, one miss, one false alarm, two correct negatives; the last cell is land."""
    observed = np.array([[[[1.0, 1, 1, 0, 0, 0, 1]]]])
    predicted = np.array([[[[1.0, 1, 0, 1, 0, 0, 0]]]])
    weight = np.array([[[[1.0, 1, 1, 1, 1, 1, 0]]]])
    csi, pod, far, hss = event_scores("0.5", contingency((0.5,)), 0)
    assert value(csi, observed, predicted, weight) == 2 / 4
    assert value(pod, observed, predicted, weight) == 2 / 3
    assert value(far, observed, predicted, weight) == 1 / 3
    assert value(hss, observed, predicted, weight) == pytest.approx(2 * (2 * 2 - 1) / (3 * 3 + 3 * 3))


def test_area_weighs_the_sums():
    observed, predicted = np.zeros((1, 1, 1, 2)), np.array([[[[1.0, 3.0]]]])
    weight = np.array([[[[3.0, 1.0]]]])
    assert value(MAE, observed, predicted, weight) == 1.5
    assert value(RMSE, observed, predicted, weight) == pytest.approx(np.sqrt(12 / 4))


def test_pooled_events_forgive_a_shift_within_a_square():
    observed, predicted = np.zeros((1, 1, 8, 8)), np.zeros((1, 1, 8, 8))
    observed[..., 1, 1], predicted[..., 2, 3] = 1, 1
    assert value(mean_csi("CSI", (0.5,)), observed, predicted) == 0
    assert value(mean_csi("CSI pool 4", (0.5,), 4), observed, predicted) == 1
    weight = np.ones_like(observed)
    weight[..., 2, 3] = 0  # what is predicted over land is no event
    assert value(mean_csi("CSI pool 4", (0.5,), 4), observed, predicted, weight) == 0


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7, 0.9])
def test_a_value_at_the_threshold_is_an_event_however_it_is_stored(threshold):
    """Tenths, as ice concentrations are stored: 0.7 is 0.69999999 as a float32."""
    tenths = np.arange(10)[None, None, None]
    stored = (tenths / np.float32(10)).astype(np.float32).astype(np.float64)
    hits, *others = contingency((threshold,))(stored, tenths / 10, np.ones(stored.shape), stored)[0, 0]
    assert hits == 10 - round(10 * threshold) and others == [0, 0, 10 - hits]


def test_a_mean_over_thresholds_leaves_out_those_without_events():
    observed = np.array([[[[0.2, 0.6]]]])
    assert value(mean_csi("CSI", (0.5, 0.9)), observed, observed) == 1
    assert np.isnan(value(mean_csi("CSI", (0.9,)), observed, observed))


def test_fractions_skill_by_hand():
    """One event each, a cell apart: fractions over 3 cells are 1/3 in three places, two of which are shared."""
    observed, predicted = np.zeros((1, 1, 1, 9)), np.zeros((1, 1, 1, 9))
    observed[..., 4], predicted[..., 5] = 1, 1
    metric = fractions_skill(0.5, 3)
    assert metric.name == "FSS 0.5, squares of 3"
    # The map is one row high: a square of 3 x 3 holds three known cells.
    assert value(metric, observed, predicted) == pytest.approx(1 - 2 / 6)
    assert value(metric, observed, observed) == pytest.approx(1)


def test_anomaly_correlation_is_about_the_reference(fields):
    truth, forecast = fields
    reference = np.full(SHAPE, 0.3)
    a, b = truth - reference, forecast - reference
    expected = (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())
    assert value(ACC, truth, forecast, reference=reference) == pytest.approx(expected)
    assert np.isnan(value(ACC, truth, reference, reference=reference))
