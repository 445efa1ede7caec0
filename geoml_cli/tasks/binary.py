"""The presence of something, by its probability.

Legend: M members, B rows of a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from geoml_cli.dataset.variables import Variable
from geoml_cli.figures.decisions import decisions
from geoml_cli.figures.report import ReportFigure
from geoml_cli.figures.style import png
from geoml_cli.metrics.classification import MAE, RMSE, count_decisions, decision_metrics, reliability
from geoml_cli.metrics.metric import Metric
from geoml_cli.tasks.task import ScoredRows, Task

if TYPE_CHECKING:
    from torch import Tensor

PROBABILITY = 1
"""Place of the probability among the outputs."""


def binary(target: Variable, event: str, metrics: tuple[Metric, ...], threshold: float) -> Task:
    """Return the task of predicting a presence (1) or absence (0) from the logit that a network puts out.

    Args:
        target: What is observed, 0 or 1.
        event: What it is the presence of, for descriptions.
        metrics: Scores of the probability, in addition to those of decisions at the threshold.
        threshold: Probability above which the event is predicted.
    """
    columns = (
        Variable("logit", "1", f"logit of the presence of {event}"),
        Variable("probability", "1", f"probability of {event}"),
        Variable(
            target.name,
            "1",
            f"1 where {event} is predicted (probability above {threshold:g}), else 0",
            classes={0: "absent", 1: "present"},
        ),
    )
    return Task(
        target=target,
        outputs=lambda members: columns,
        pool=_pool(threshold),
        scored=PROBABILITY,
        metrics=(*decision_metrics(threshold), *metrics),
        # The root of the Brier score, a proper score: a share of right decisions does not tell 0.51 from 0.99.
        ranking=RMSE,
        paired=MAE,
        baseline="probability",
        figures=(partial(_decisions, threshold),),
        scales_target=False,
        ranking_words="of the probability",
        probabilities=_probabilities,
        codes=(0, 1),
    )


def _probabilities(logit_MB: Tensor) -> Tensor:
    """Return the members' mean probability of absence and of presence, [B, 2]."""
    import torch

    present_B = torch.sigmoid(logit_MB).mean(dim=0)
    return torch.stack([1 - present_B, present_B], dim=-1)


def _pool(threshold: float) -> Callable[[Tensor], Tensor]:
    def pool(logit_MB: Tensor) -> Tensor:
        """Return logit, probability and presence, [3, B], of the members' mean probability."""
        import torch
        from torch.nn import functional

        if logit_MB.shape[0] == 1:
            # A single logit stays as it is: the way by probabilities would round it.
            logit_B, probability_B = logit_MB[0], torch.sigmoid(logit_MB[0])
        else:
            probability_B = torch.sigmoid(logit_MB).mean(dim=0)
            # log(p / (1 - p)) of the mean, in logs: p itself rounds to 1 from a logit of 17 on.
            logit_B = torch.logsumexp(functional.logsigmoid(logit_MB), dim=0) - torch.logsumexp(
                functional.logsigmoid(-logit_MB), dim=0
            )
        present_B = (probability_B > threshold).to(probability_B.dtype)
        return torch.stack([logit_B, probability_B, present_B])

    return pool


def _decisions(threshold: float, rows: ScoredRows) -> tuple[str, ReportFigure]:
    name = rows.target.name
    counts = [round(float(count)) for count in count_decisions(rows.observed_N, rows.predicted_N, threshold)[:4]]
    curve = reliability(rows.observed_N, rows.predicted_N)
    words = ("true positive", "false positive", "false negative", "true negative")
    said = ", ".join(f"{word} {count}" for word, count in zip(words, counts, strict=True))
    return "reliability.png", ReportFigure(
        title="Probabilities and decisions",
        caption=f"Left: how often {name} came true, by predicted probability; the dashed line is perfect, bars are "
        f"the rows of a class. Right: decisions at a probability of {threshold:g}.",
        text=f"Decisions at a probability of {threshold:g}: {said}.",
        png=png(
            decisions((curve.predicted, curve.observed, curve.rows), (counts[0], counts[1], counts[2], counts[3]), name)
        ),
    )
