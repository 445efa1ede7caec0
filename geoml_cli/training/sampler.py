"""The order of samples: a function of seed and epoch alone, so that a resumed run sees the same rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


class EpochSampler:
    """Rows of every step.

    Args:
        rows: Training rows.
        batch_size: Rows a step; the last of an epoch may be shorter.
        seed: The member's.
        smallest_batch: Rows that a batch needs; a shorter last one joins the one before it.
    """

    def __init__(self, rows: Rows, batch_size: int, seed: int, smallest_batch: int = 1) -> None:
        self._rows, self._size, self._seed = rows, batch_size, seed
        whole, rest = divmod(len(rows), batch_size)
        # Where there is no batch before it, a short one stays: the network says what is wrong with it.
        self.steps_per_epoch = max(whole + (rest >= smallest_batch), 1) if rest else whole
        self._epoch = -1
        self._shuffled = rows

    def batch(self, step: int) -> Rows:
        """Return the rows of a step, counted from 0 over the whole training."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            # A generator for every epoch: the order of the n-th needs none of those before it.
            self._shuffled = np.random.default_rng([self._seed, epoch]).permutation(self._rows)
            self._epoch = epoch
        # The last batch of an epoch takes what is left, a rest that was too short for a batch included.
        last = place == self.steps_per_epoch - 1
        return self._shuffled[place * self._size : None if last else (place + 1) * self._size]


def shard(rows: Rows, rank: int, processes: int) -> Rows:
    """Return the rows of a batch that one of several processes works on."""
    # Interleaved, so that a short batch is shared out as evenly as a whole one.
    return rows[rank::processes]
