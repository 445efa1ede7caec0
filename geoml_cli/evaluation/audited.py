"""One network of a run as an audit sees it, and the lines that answer its questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Dataset
from geoml_cli.metrics.metric import Values
from geoml_cli.samples.samples import Samples
from geoml_cli.samples.scaling import Scaling
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.split import Split

Rows = NDArray[np.int64]
Outcome = Literal["pass", "warn", "fail", "not applicable"]


@dataclass(frozen=True)
class Line:
    """One question and its answer.

    Attributes:
        name: What was looked for.
        outcome: `fail` where scores claim more than they show, `warn` where their reader must know.
        count: Rows or variables concerned, over all folds.
        detail: In words.
    """

    name: str
    outcome: Outcome
    count: int
    detail: str


@dataclass(frozen=True)
class Audited:
    """One network of a run.

    Attributes:
        dataset: That it was trained on.
        samples: As the network sees them.
        settings: Its `[split]`.
        folds: Split and scaling of each.
        refit: Fits the scaling on rows; None where the run was imported.
        nearest_R: Distance of every test row of every fold from the nearest training row [km], if measured already.
    """

    dataset: Dataset
    samples: Samples
    settings: SplitSettings
    folds: Sequence[tuple[Split, Scaling]]
    refit: Callable[[Rows], Scaling] | None
    nearest_R: Values | None = None

    @property
    def one_value(self) -> bool:
        """Return whether a sample has one value of the target, not maps."""
        return not self.samples.target.dims


def failing(name: str, count: int, wrong: str, right: str) -> Line:
    """Fail where rows are concerned, and pass else."""
    return Line(name, "fail", count, wrong) if count else Line(name, "pass", 0, right)
