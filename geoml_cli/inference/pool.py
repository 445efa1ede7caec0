"""Batches side by side on the CPU: one thread a batch, in place of many threads inside of one.

The operations of a small network are too short to be shared out over threads; whole batches are not.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from itertools import chain, islice
from typing import TypeVar

import torch

T = TypeVar("T")


def in_order(calls: Iterator[Callable[[], T]]) -> Iterator[T]:
    """Yield what calls return, in their order; as many run at once as PyTorch may use threads here.

    Several run on one thread each, so that a result does not depend on what else runs. A single call runs on this
    thread and all of PyTorch's. Calls are taken when they can begin, and one ahead: so many are in memory at once.

    Raises:
        Exception: Of the first call that fails; later ones are not begun.
    """
    threads, first = torch.get_num_threads(), list(islice(calls, 2))
    if threads == 1 or len(first) < 2:
        yield from (call() for call in chain(first, calls))
        return
    running: deque[Future[T]] = deque()
    try:
        for call in chain(first, calls):
            running.append(_pool(threads).submit(_alone, call))
            if len(running) > threads:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        wait([future for future in running if not future.cancel()])
        # A thread that says how many it may use says so for threads that are still to come, too.
        torch.set_num_threads(threads)


def _alone(call: Callable[[], T]) -> T:
    """Call on this thread alone: how many threads PyTorch may use is known of each thread, not of the process."""
    torch.set_num_threads(1)
    with torch.inference_mode():
        return call()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="geoml-batch")


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked child has none of its parent's threads
