"""On how many cores this process may run."""

from __future__ import annotations

import os


def cores() -> int:
    """Return on how many cores this process may run: a batch job has some of the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
