"""Memory that tensors take while something is computed, as PyTorch's profiler measures it."""

from __future__ import annotations

from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile


def measured(call: Callable[[], object]) -> int:
    """Return the most memory of tensors during a call, beyond what was there before [bytes]."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        call()
    changes = [event for event in found.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = most = 0
    for event in sorted(changes, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most
