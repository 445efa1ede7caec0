"""One class of several.

Legend: M members, B rows of a batch, C classes, N rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from geoml_cli.dataset.variables import Variable
from geoml_cli.figures.confusion import confusion_matrix
from geoml_cli.figures.report import ReportFigure
from geoml_cli.figures.style import png
from geoml_cli.metrics.metric import Values
from geoml_cli.metrics.multiclass import class_metrics, confusion, error_rate
from geoml_cli.tasks.task import ScoredRows, Task
from geoml_cli.work.numbers import format_number

if TYPE_CHECKING:
    from torch import Tensor


def multiclass(target: Variable, codes: tuple[int, ...], names: tuple[str, ...]) -> Task:
    """Return the task of predicting a class from the scores (before softmax) that a network puts out.

    Args:
        target: What is observed: codes of classes.
        codes: The data's own number of each class, in the order of the network's scores.
        names: Their names.
    """
    named = ", ".join(f"{code} {name}" for code, name in zip(codes, names, strict=True))
    columns = (
        Variable(target.name, "1", f"likeliest class: {named}", classes=dict(zip(codes, names, strict=True))),
        Variable("confidence", "1", "probability of that class, mean of the members"),
    )
    return Task(
        target=target,
        outputs=lambda members: columns,
        pool=_pool(codes),
        scored=0,
        metrics=class_metrics(len(codes)),
        ranking=error_rate(len(codes)),
        paired=error_rate(len(codes)),
        baseline="class",
        figures=(_confusion(names),),
        to_scored=_index_of(codes),
        has_residuals=False,
        scales_target=False,
        class_names=names,
        ranking_words="of the rows",
        probabilities=_probabilities,
        codes=codes,
    )


def _probabilities(score_MBC: Tensor) -> Tensor:
    """Return the members' mean probability of every class, [B, C]."""
    import torch

    return torch.softmax(score_MBC, dim=-1).mean(dim=0)


def _pool(codes: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    def pool(score_MBC: Tensor) -> Tensor:
        """Return the code of the class of highest mean probability, and that probability, [2, B]."""
        import torch

        # Probabilities are averaged, not scores: what is delivered is then what is scored.
        probability_BC = _probabilities(score_MBC)
        confidence_B, place_B = probability_BC.max(dim=-1)
        code_B = torch.tensor(codes, dtype=score_MBC.dtype, device=score_MBC.device)[place_B]
        # Scores that are NaN are of no class; the largest of them would be the first one's.
        is_known_B = ~probability_BC.isnan().any(dim=-1)
        found = torch.stack([code_B, confidence_B])
        return torch.where(is_known_B, found, torch.full_like(found, torch.nan))

    return pool


def _index_of(codes: tuple[int, ...]) -> Callable[[Values], Values]:
    # The data's numbers may come in any order, and searchsorted needs an ascending one.
    order = np.argsort(codes)
    ascending = np.array(codes, dtype=np.float64)[order]

    def index_of(code_N: Values) -> Values:
        """Return the place of each code among the classes."""
        place = np.searchsorted(ascending, code_N).clip(max=len(ascending) - 1)
        assert np.array_equal(ascending[place], code_N), "every code is a class of the network"
        return np.asarray(order[place], dtype=np.float64)

    return index_of


def _confusion(names: tuple[str, ...]) -> Callable[[ScoredRows], tuple[str, ReportFigure]]:
    def figure(rows: ScoredRows) -> tuple[str, ReportFigure]:
        counts = confusion(rows.observed_N, rows.predicted_N, len(names))
        # A class that is neither observed nor predicted would be an empty row and column.
        occurs = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
        counts, shown = counts[np.ix_(occurs, occurs)], [names[place] for place in occurs]
        right = np.diag(counts) / np.maximum(counts.sum(axis=1), 1)
        found = ", ".join(f"{name} {format_number(value)}" for name, value in zip(shown, right, strict=True))
        return "confusion.png", ReportFigure(
            title="Confusion of classes",
            caption="Share of each observed class (row) predicted as each class (column); counts: confusion.csv.",
            text=f"Share found: {found}.",
            png=png(confusion_matrix(counts, shown)),
        )

    return figure
