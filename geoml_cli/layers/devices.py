"""Where networks compute, and that float32 there means float32."""

from __future__ import annotations

import torch


def best_device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def in_float32(device: torch.device) -> torch.device:
    """Let float32 be float32 on a device, which is returned.

    PyTorch lets cuDNN's convolutions and LSTMs round their inputs to TF32, which keeps 10 bits of 23: maps of a card
    then differ from those of the CPU by up to 5 % of their standard deviation. Mixed precision is a setting instead.
    """
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    return device
