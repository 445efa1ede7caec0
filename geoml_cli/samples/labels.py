"""Names of samples' groups by number: as text, the land cover of a row takes a hundred bytes.

Legend: N rows, K names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Labels: TypeAlias = "pd.Categorical[str]"


def labelled(place_N: NDArray[Any], names: Sequence[str] | NDArray[np.str_]) -> Labels:
    """Return the name of every row, [N].

    Args:
        place_N: Place of each row's name; -1 is the last.
        names: Of the groups, [K]; several places may have one.
    """
    import pandas as pd

    categories, place_K = np.unique(np.asarray(names, dtype=np.str_), return_inverse=True)
    return pd.Categorical.from_codes(place_K.reshape(-1).astype(np.int32)[place_N], pd.Index(categories.tolist()))


def labels_of_numbers(value_N: NDArray[np.integer], length: int = 1) -> Labels:
    """Return whole numbers, such as years, as names, in ascending order.

    Args:
        value_N: The numbers; of blocks of several, how many blocks come before.
        length: Numbers of a block, which is named by its first and last: `2002-2003`.
    """
    import pandas as pd

    values, place_N = np.unique(value_N, return_inverse=True)
    names = [str(value) if length == 1 else f"{value * length}-{(value + 1) * length - 1}" for value in values.tolist()]
    return pd.Categorical.from_codes(place_N.reshape(-1), pd.Index(names))


def names_in_use(label_N: Labels) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Return the names that occur, in order, the place of every row's name among them, [N], and the rows of each."""
    used = label_N.remove_unused_categories()
    place_N = np.asarray(used.codes, dtype=np.int64)
    return [str(name) for name in used.categories], place_N, np.bincount(place_N, minlength=len(used.categories))
