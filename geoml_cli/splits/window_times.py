"""Windows of maps for splits: a data set of maps has times of maps, and a split asks for those of samples.

Legend: N windows, T time steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geoml_cli.dataset.store import Array, Dataset, Variables
from geoml_cli.errors import DataError
from geoml_cli.samples.frames import Frames
from geoml_cli.samples.samples import Samples

ALL_TIMES = "time_of_steps"
"""Time of every step of the series [T], of which shares in time are counted; windows near its end have none."""


@dataclass(frozen=True)
class WindowTimes:
    """Variables of windows: `time` of the first step, and `year` and `month` of the first forecast step, [N] each."""

    arrays: dict[str, Array]

    def has(self, name: str) -> bool:
        """Return whether there is such a variable."""
        return name in self.arrays

    def is_text(self, name: str) -> bool:
        """Return whether a variable holds text; none does."""
        return False

    def array(self, name: str) -> Array:
        """Return a variable."""
        return self.arrays[name]

    def labels(self, name: str) -> list[str]:
        """Refuse: there is no text."""
        raise DataError(f"windows of maps have no {name}", where="[split]", fix="Split them in time.")

    def unit(self, name: str) -> str:
        """Return a unit; numbers are counts."""
        return "1"


def variables_of(dataset: Dataset, samples: Samples) -> Variables:
    """Return what a split knows of samples: the data set itself, or of windows of maps their times."""
    frames = samples.target.values
    if not isinstance(frames, Frames) or samples.span is None:
        return dataset
    # Steps are counted, not dated: shares are of steps, and months differ in length.
    time_T = np.arange(len(frames.series), dtype=np.int64)
    # Labels are ISO 8601, as fine as the step: the year and the month stand first.
    labels = [frames.series.labels[step] for step in frames.first]
    return WindowTimes(
        {
            "time": time_T[samples.span.first],
            "year": np.array([int(label[:4]) for label in labels], dtype=np.int64),
            "month": np.array([int(label[5:7]) for label in labels], dtype=np.int64),
            ALL_TIMES: time_T,
        }
    )
