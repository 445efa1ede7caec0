"""Numbered pieces of work over threads of this process.

Compiled loops release the GIL, so Python's threads run them side by side. A pool of our own rather than numba's:
OpenMP would have two copies in the process, PyTorch's and numba's, and forbids fork, and numba's own pool must not be
entered by two threads. Which piece runs on which thread changes nothing: pieces write to separate places.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch


def spread(work: Callable[[int], object], pieces: int) -> None:
    """Call `work(0) ... work(pieces - 1)`, on as many threads as PyTorch may use; the caller is one of them."""
    helpers = min(torch.get_num_threads(), pieces) - 1
    if helpers < 1:
        for piece in range(pieces):
            work(piece)
        return
    numbers = itertools.count()  # handing out the next number is atomic

    def share() -> None:
        while (piece := next(numbers)) < pieces:
            work(piece)

    started = [_pool().submit(share) for _ in range(helpers)]
    share()
    for helper in started:
        # Raises what a piece raised.
        helper.result()


@cache
def _pool() -> ThreadPoolExecutor:
    # Threads are made when they are needed; PyTorch may be set to use more than there are cores.
    return ThreadPoolExecutor(max_workers=max(os.cpu_count() or 1, 64), thread_name_prefix="geoml-kernel")


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked child has none of its parent's threads
