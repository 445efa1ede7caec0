"""Training rows kept at a distance from test rows: neighbours in space are alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geoml_cli.dataset.store import Variables
from geoml_cli.errors import DataError
from geoml_cli.samples.coordinates import nearest_km
from geoml_cli.splits.grouping import place_of_samples
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.split import Rows, Split


def drop_near(variables: Variables, split: Split, settings: SplitSettings, rows: int) -> Split:
    """Exclude training and validation rows nearer than the buffer to a test row.

    Args:
        variables: The data set.
        split: As drawn.
        settings: `[split]`; a width of 0 excludes none.
        rows: Number of rows of the data set.

    Raises:
        DataError: Samples have no coordinates, or no training or validation row is left.
    """
    if not (buffer_km := settings.buffer_km):
        return split
    place_N2 = place_of_samples(variables, rows)
    # Validation rows as well: a checkpoint that neighbours of the test chose would be chosen by the test.
    train, validation = (_far(place_N2, part, split.test, buffer_km) for part in (split.train, split.validation))
    for subset, kept in (("training", train), ("validation", validation)):
        if not len(kept):
            raise DataError(
                f"every {subset} row of {split.fold} lies within {buffer_km:g} km of a test row",
                where="[split] buffer_km",
                fix=_smaller(place_N2[split.train], place_N2[split.test], settings.kind),
            )
    lost = len(split.train) + len(split.validation) - len(train) - len(validation)
    return replace(split, train=train, validation=validation, near_excluded=lost)


def _smaller(train_N2: NDArray[np.float64], test_N2: NDArray[np.float64], kind: str) -> str:
    """Return what to do about a buffer that takes all rows."""
    if len(train_N2) and nearest_km(train_N2, test_N2).max() > 0:
        return f"Set split.buffer_km smaller{', or split.block_km larger' * (kind == 'blocks')}."
    return (
        "Test rows stand at every place of a training row, as where years are held out, and a buffer is for splits by "
        "place. Set split.buffer_km=0, or leave split.second_group out (--set split.second_group=)."
    )


def _far(place_N2: NDArray[np.float64], rows: Rows, test: Rows, buffer_km: float) -> Rows:
    return rows[nearest_km(place_N2[rows], place_N2[test]) >= buffer_km] if len(rows) and len(test) else rows
