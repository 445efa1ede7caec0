"""What training asks of the processes it runs in; `processes.py` has it through accelerate."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import torch
from torch import nn

from geoml_cli.training.state import State


class Ranks(Protocol):
    """What a trial of a precision asks for."""

    def all_reduce_sum(self, *values: float) -> list[float]:
        """Sum numbers over ranks."""


class Processes(Ranks, Protocol):
    """What the loop asks for."""

    @property
    def rank(self) -> int:
        """This process's number, from 0."""

    @property
    def count(self) -> int:
        """How many processes there are."""

    @property
    def device(self) -> torch.device:
        """Where this process computes."""

    def wrap(self, state: State) -> nn.Module:
        """Return the network whose gradients are shared."""

    def backward(self, loss: torch.Tensor) -> None:
        """Add to the gradients."""

    def no_sync(self, network: nn.Module) -> AbstractContextManager[None]:
        """Accumulate gradients locally (DDP `no_sync`)."""

    def step(self, state: State, clip_norm: float | None) -> None:
        """Clip, update the weights, clear the gradients."""

    def any_rank(self, flag: bool) -> bool:
        """Logical OR over ranks."""

    def log(self, values: dict[str, float], step: int) -> None:
        """Send values to the trackers."""
