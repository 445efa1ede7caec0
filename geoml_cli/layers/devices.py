"""Where networks compute, and that float32 there means float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch


def best_device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


# Of a context, not of the process: other threads keep compiled kernels.
_FEW: ContextVar[bool] = ContextVar("few", default=False)


@contextmanager
def few_samples() -> Iterator[None]:
    """Compute with one thread of the CPU, and without compiled kernels.

    For a few samples both take longer to start than the computation.
    """
    threads, before = torch.get_num_threads(), _FEW.set(True)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        _FEW.reset(before)


def are_few() -> bool:
    """Return whether only a few samples are computed, inside of `few_samples`."""
    return _FEW.get()


def in_float32(device: torch.device) -> torch.device:
    """Let float32 be float32 on a device, which is returned.

    PyTorch lets cuDNN's convolutions and LSTMs round their inputs to TF32, which keeps 10 bits of 23: maps of a card
    then differ from those of the CPU by up to 5 % of their standard deviation. Mixed precision is a setting instead.
    """
    if device.type == "cuda":
        # Only cuDNN's: matrix products (`torch.backends.cuda.matmul`) keep float32 by PyTorch's own default.
        torch.backends.cudnn.allow_tf32 = False
    return device
