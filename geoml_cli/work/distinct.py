"""Different whole numbers, such as rows and groups, and different rows of a table, such as places, ascending.

`numpy.unique` and the set routines that call it look numbers up in a table since NumPy 2.3: where most of two million
differ, that takes 30 to 70 times as long as to sort them. Rows it compares as records, which takes longer as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def distinct(*numbers: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return each number that occurs in any of the arrays once, ascending; of none, none."""
    found = np.sort(
        np.concatenate([np.asarray(one, dtype=np.int64).reshape(-1) for one in numbers] or [np.empty(0, np.int64)])
    )
    is_first = np.ones(len(found), dtype=bool)
    np.not_equal(found[1:], found[:-1], out=is_first[1:])
    return found[is_first]


def common(numbers: NDArray[np.integer], others: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return each number that occurs in both arrays once, ascending."""
    return distinct(numbers[np.isin(numbers, others)])


def distinct_rows(table_NK: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return each row that occurs once, ascending by the first column and on, [U, K], and the number of every row, [N].

    Rows with NaN are all different.
    """
    order_N = np.lexsort(table_NK.T[::-1])
    ordered_NK = table_NK[order_N]
    is_first_N = np.ones(len(ordered_NK), dtype=bool)
    np.any(ordered_NK[1:] != ordered_NK[:-1], axis=1, out=is_first_N[1:])
    number_N = np.empty(len(order_N), dtype=np.int64)
    number_N[order_N] = np.cumsum(is_first_N) - 1
    return ordered_NK[is_first_N], number_N
