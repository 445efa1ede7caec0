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


def overlapping(rows: Rows, others: Rows, span: WindowSpan, theirs: WindowSpan | None = None) -> NDArray[np.bool_]:
    """Return which rows' windows share a step of the same series with a window of one of the others, [R].

    Args:
        rows: In question.
        others: Rows of the other side.
        span: Steps of each row's window.
        theirs: Steps of the others' windows where these are cut otherwise, of the same series.
    """
    if not len(rows) or not len(others):
        return np.zeros(len(rows), dtype=bool)
    theirs = theirs or span
    # Series are laid one behind the other, far enough apart that windows of two series never meet.
    stride = (
        max(int(one.last.max()) for one in (span, theirs)) - min(int(one.first.min()) for one in (span, theirs)) + 2
    )
    begin, end = (span.series * stride + steps for steps in (span.first, span.last))
    begin_other, end_other = (theirs.series * stride + steps for steps in (theirs.first, theirs.last))
    order = others[np.argsort(begin_other[others], kind="stable")]
    # Of the windows that begin no later than a row's last step, the one that reaches furthest decides.
    furthest = np.maximum.accumulate(end_other[order])
    before = np.searchsorted(begin_other[order], end[rows], side="right") - 1
    return np.asarray((before >= 0) & (furthest[np.maximum(before, 0)] >= begin[rows]))


def predicting_alike(rows: Rows, others: Rows, span: WindowSpan, theirs: WindowSpan) -> NDArray[np.bool_]:
    """Return which rows predict the last step of one of the others, [R]; arguments as for `overlapping`."""
    stride = max(int(span.last.max()), int(theirs.last.max())) + 1
    own, other = (span.series * stride + span.last)[rows], (theirs.series * stride + theirs.last)[others]
    return np.isin(own, other)
