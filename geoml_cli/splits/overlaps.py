"""Rows whose windows share time steps with rows on the other side of a split.

Legend: N samples, R rows in question.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geoml_cli.errors import DataError
from geoml_cli.samples.samples import WindowSpan
from geoml_cli.splits.split import Split

Rows = NDArray[np.int64]


MIXED = (
    "Split in time (split.kind='chronological' or 'years'), or make groups longer than a window (split.group_by with "
    "split.group_length)."
)
"""What to do where rows of the same time stand on both sides."""


def drop_overlaps(split: Split, span: WindowSpan | None, fix: str = MIXED) -> Split:
    """Exclude rows whose windows (target included) share steps of their series with rows they must not know.

    Validation rows must not share steps with test rows, training rows neither with test nor with validation rows.

    Args:
        split: The rows.
        span: Steps of each row's window; None where there are no windows.
        fix: What to do where no row is left.

    Raises:
        DataError: No training or validation row is left.
    """
    if span is None:
        return split
    validation = split.validation[~overlapping(split.validation, split.test, span)]
    held_out = np.concatenate([split.validation, split.test])
    train = split.train[~overlapping(split.train, held_out, span)]
    for subset, rows in (("training", train), ("validation", validation)):
        if not len(rows):
            longest = int((span.last - span.first).max()) + 1
            raise DataError(
                f"every {subset} row has a window of {longest} time steps that shares some with rows on the other side "
                "of the split",
                where="[split]",
                fix=fix,
            )
    lost = len(split.train) + len(split.validation) - len(train) - len(validation)
    return replace(split, train=train, validation=validation, overlaps_excluded=lost)


def overlapping(rows: Rows, others: Rows, span: WindowSpan) -> NDArray[np.bool_]:
    """Return which rows' windows share a step of the same series with a window of one of the others, [R]."""
    if not len(rows) or not len(others):
        return np.zeros(len(rows), dtype=bool)
    # Series are laid one behind the other, far enough apart that windows of two series never meet.
    stride = int(span.last.max()) - int(span.first.min()) + 2
    begin, end = span.series * stride + span.first, span.series * stride + span.last
    order = others[np.argsort(begin[others], kind="stable")]
    # Of the windows that begin no later than a row's last step, the one that reaches furthest decides.
    furthest = np.maximum.accumulate(end[order])
    before = np.searchsorted(begin[order], end[rows], side="right") - 1
    return np.asarray((before >= 0) & (furthest[np.maximum(before, 0)] >= begin[rows]))
