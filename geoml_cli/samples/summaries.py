"""A few numbers a sample: the mean of every variable over its window, and its spread there.

Legend: N samples of which R are summed up, F summaries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoml_cli.samples.patches import Patches
from geoml_cli.samples.samples import Input, Samples

Floats = NDArray[np.float64]


class Summary(NamedTuple):
    """What a summary is of: an input's variable, its mean or its spread."""

    input: str
    place: int
    variable: str
    is_spread: bool


def summary_names(samples: Samples) -> list[Summary]:
    """Name the summaries of inputs that are scaled: codes of classes, degrees and clock times have no distance."""
    return [
        Summary(name, place, variable, is_spread)
        for name, item in _measured(samples).items()
        for is_spread in ((False, True) if _window(item) else (False,))
        for place, variable in enumerate(item.names)
    ]


def summaries(samples: Samples, rows: NDArray[np.int64]) -> Floats:
    """Return the summaries of some samples, [R, F], in physical units."""
    found = [np.broadcast_to(part, (len(rows), part.shape[1])) for part in _parts(samples, rows)]
    return np.concatenate(found, axis=1) if found else np.empty((len(rows), 0))


def _parts(samples: Samples, rows: NDArray[np.int64]) -> Iterator[Floats]:
    """Yield the summaries of each input, a single row where all samples share it, as those of one map do."""
    first = np.zeros(1, dtype=np.int64)
    for item in _measured(samples).values():
        yield _of_input(item, first if item.shared else rows)


def _measured(samples: Samples) -> dict[str, Input]:
    return {name: item for name, item in samples.inputs.items() if item.scaled}


def _window(item: Input) -> bool:
    """Return whether a variable has several values a sample."""
    return int(np.prod(item.values.shape[1:])) > item.values.shape[item.axis]


def _of_input(item: Input, rows: NDArray[np.int64]) -> Floats:
    if isinstance(item.values, Patches):
        return np.concatenate(item.values.moments(rows), axis=1)
    values = np.moveaxis(np.asarray(item.values[rows], dtype=np.float64), item.axis, 1)
    values = values.reshape(*values.shape[:2], -1)
    mean = values.mean(axis=2)
    return np.concatenate([mean, values.std(axis=2)], axis=1) if _window(item) else mean
