"""The next maps of a series.

Legend: M members, B forecasts, L lead times, H, W rows and columns of the network's map.
"""

from __future__ import annotations

from geoml_cli.dataset.variables import Variable
from geoml_cli.metrics import fields
from geoml_cli.metrics.metric import Metric
from geoml_cli.tasks.regression import mean_and_deviation, regression
from geoml_cli.tasks.task import MapScores, Task

# Of the pooled CSI that TIDE-Net's paper scores by.
POOLED = (4, 16)
"""Sides of the squares [cells] over which events are pooled."""


def forecast(target: Variable, maps: MapScores, dims: tuple[str, ...] = ("lead_time", "y", "x")) -> Task:
    """Return the task of forecasting maps: the members' mean and, of several, their standard deviation.

    Args:
        target: What is forecast.
        maps: How maps are scored.
        dims: Of a forecast.
    """
    events: tuple[Metric, ...] = ()
    # In addition to the scaled thresholds, one in the target's unit: at 0 a flux turns from source to sink.
    if maps.threshold is not None:
        label = f">= {maps.threshold:g} {target.unit}".strip()
        events = fields.event_scores(label, fields.contingency((maps.threshold,)), 0)
    described = Variable(target.name, target.unit, target.long_name, dims, attributes=target.attributes)
    # Taken for its description of outputs; maps have scores of their own.
    plain = regression(described, ())
    return Task(
        target=described,
        outputs=plain.outputs,
        pool=mean_and_deviation,
        scored=0,
        metrics=(fields.RMSE, fields.MAE, fields.BIAS, fields.ACC, *events),
        ranking=fields.RMSE,
        paired=fields.MAE,
        # No table of features stands for a map: the network's own baselines are scored.
        baseline="none",
        maps=maps,
    )


def scaled_scores(thresholds: tuple[float, ...], fractions: tuple[int, ...]) -> tuple[Metric, ...]:
    """Return the scores of maps scaled to 0..1.

    Args:
        thresholds: Of events, in the scaled range.
        fractions: Sides of the squares [cells] of the fractions skill score, at the middle threshold.
    """
    counted = fields.contingency(thresholds)
    middle = thresholds[len(thresholds) // 2]
    events = [
        metric for place, at in enumerate(thresholds) for metric in fields.event_scores(f"{at:g}", counted, place)
    ]
    return (
        fields.SCALED_MSE,
        fields.SCALED_MAE,
        # Both are relative to the range of values, here 0..1.
        fields.psnr(1.0),
        fields.ssim(1.0),
        *events,
        fields.mean_csi("CSI mean", thresholds),
        *(fields.mean_csi(f"CSI mean, pooled {side}", thresholds, side) for side in POOLED),
        *(fields.fractions_skill(middle, side) for side in fractions),
    )
