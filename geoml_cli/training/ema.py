"""Exponential moving average of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightEMA:
    """Keeps `average <- decay * average + (1 - decay) * weight`; buffers and integers are copied as they are."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self.weights = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take the network's weights in."""
        parameters = dict(network.named_parameters())
        for name, value in network.state_dict().items():
            # Running statistics of norms are averages already, and counters are no numbers to average.
            if name in parameters:
                self.weights[name].lerp_(value, 1 - self._decay)
            else:
                self.weights[name].copy_(value)

    @torch.no_grad()
    def restore(self, weights: Mapping[str, Tensor]) -> None:
        """Go on from a checkpoint."""
        for name, value in self.weights.items():
            value.copy_(weights[name])

    @contextmanager
    def applied_to(self, network: nn.Module) -> Iterator[None]:
        """Put the average into the network for a while."""
        # Copies, since loading writes into the network's own tensors.
        own = {name: value.detach().clone() for name, value in network.state_dict().items()}
        network.load_state_dict(self.weights)
        try:
            yield
        finally:
            network.load_state_dict(own)
