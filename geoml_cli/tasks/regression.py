"""A continuous quantity.

Legend: M members, B rows of a batch, O outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from geoml_cli.dataset.variables import Variable
from geoml_cli.figures.agreement import agreement
from geoml_cli.figures.report import ReportFigure
from geoml_cli.figures.style import png
from geoml_cli.metrics.metric import Metric
from geoml_cli.metrics.regression import MAE, RMSE
from geoml_cli.tasks.task import Limits, ScoredRows, Task

if TYPE_CHECKING:
    from torch import Tensor


def regression(target: Variable, metrics: tuple[Metric, ...], symbol: str = "", limits: Limits = (None, None)) -> Task:
    """Return the task of predicting a quantity: the members' mean and, of several, their standard deviation.

    Args:
        target: The quantity.
        metrics: Its scores.
        symbol: How papers write the quantity; empty where its name is used.
        limits: Least and most that it can be.
    """

    def outputs(members: int) -> tuple[Variable, ...]:
        name, unit = target.name, target.unit
        if members == 1:
            return (Variable(name, unit, f"{name}, predicted"),)
        meaning = f"standard deviation of {name} over {members} members, no interval"
        deviation = Variable(f"{name}_ensemble_std", unit, meaning, title=f"{name} std of members")
        return Variable(name, unit, f"{name}, mean of {members} members"), deviation

    figures = (_observed_predicted,)
    kind: Literal["regression"] = "regression"
    return Task(target, outputs, mean_and_deviation, 0, metrics, RMSE, MAE, kind, figures, symbol=symbol, limits=limits)


def mean_and_deviation(each_MB: Tensor) -> Tensor:
    """Return the members' mean [1, B], and with several their standard deviation (ddof 1), [2, B]."""
    import torch

    members = each_MB.shape[0]
    if members == 1:
        return each_MB
    mean_B = each_MB.mean(dim=0)
    # ddof 1: members are a sample of the networks that other seeds and folds would give.
    deviation_B = ((each_MB - mean_B) ** 2).sum(dim=0).div(members - 1).sqrt()
    return torch.stack([mean_B, deviation_B])


def _observed_predicted(rows: ScoredRows) -> tuple[str, ReportFigure]:
    name, unit = rows.target.name, rows.target.unit
    return "observed_predicted.png", ReportFigure(
        title="Observed and predicted",
        caption=f"Predicted over observed {name} [{unit}], all folds together; the dashed line is agreement.",
        text=f"Predicted over observed {name}. " + rows.annotation.replace("\n", ", ") + ".",
        png=png(agreement(rows.observed_N, rows.predicted_N, (name, unit), rows.annotation)),
    )
