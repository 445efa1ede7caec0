"""Features of a baseline, in the order of those that it was fitted on.

Legend: N samples, C columns of the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.samples.samples import Samples

Rows = NDArray[np.int64]
Table = NDArray[np.float32]
Values = NDArray[np.float64]
MakeTable = Callable[[Samples], tuple[Table, list[str]]]


class BaselineFeatures:
    """Tables of features of a run's own samples and of others.

    Args:
        make: As `Network.table`.
        own: Samples of the run.

    Attributes:
        own_NC: Features of the run's own samples.
        names: Of the columns.
    """

    def __init__(self, make: MakeTable, own: Samples) -> None:
        self._make = make
        self.own_NC, self.names = make(own)
        self._last: tuple[Samples, tuple[Table, NDArray[np.bool_]]] | None = None

    def predictor(self, predict: Callable[[Table], Values]) -> Callable[[Samples, Rows], Values]:
        """Return what predicts rows of samples, [N] or [N, classes]; NaN where a class occurs that is not known."""

        def predicted(samples: Samples, rows: Rows) -> Values:
            table_NC, unknown_N = self._of(samples)
            found = predict(table_NC[rows])
            found[unknown_N[rows]] = np.nan
            return found

        return predicted

    def _of(self, samples: Samples) -> tuple[Table, NDArray[np.bool_]]:
        """Return the features of all samples, once for all rows of them, and which hold a class that is not known."""
        if self._last is None or self._last[0] is not samples:
            self._last = samples, in_order(*self._make(_a_row_each(samples)), self.names)
        return self._last[1]


def _a_row_each(samples: Samples) -> Samples:
    """Return samples of which each has inputs of its own: those that all share are repeated, without a copy."""
    inputs = {
        name: replace(
            item, values=np.broadcast_to(item.values[:], (len(samples), *item.values.shape[1:])), shared=False
        )
        if item.shared
        else item
        for name, item in samples.inputs.items()
    }
    return replace(samples, inputs=inputs)


def in_order(table_NC: Table, names: list[str], wanted: list[str]) -> tuple[Table, NDArray[np.bool_]]:
    """Return the features in the order of those that the baseline was fitted on, and which rows are of other classes.

    A class of an input has a column where it occurs: one that occurs in the training data alone is 0 here, and rows of
    one that occurs here alone have no prediction.

    Raises:
        DataError: A feature is missing, or there is another.
    """
    covariates = {name.rpartition("=")[0] for name in wanted}
    others = [name for name in names if name not in wanted]
    odd = [name for name in others if "=" not in name or name.rpartition("=")[0] not in covariates]
    odd += [name for name in wanted if name not in names and "=" not in name]
    if odd:
        raise DataError(
            f"the features are not those that the baseline was fitted on ({', '.join(sorted(odd))}).",
            where="--with",
            fix="Leave it out, or give the inputs that the run was trained on.",
        )
    place = {name: column for column, name in enumerate(names)}
    zero = np.zeros(len(table_NC), dtype=np.float32)
    unknown_N = (table_NC[:, [place[name] for name in others]] != 0).any(axis=1)
    return np.stack([table_NC[:, place[name]] if name in place else zero for name in wanted], axis=1), unknown_N
