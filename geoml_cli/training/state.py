"""All that changes while a member is trained, and its way to a snapshot and back."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.runs import checkpoint
from geoml_cli.runs.checkpoint import Snapshot
from geoml_cli.training import optimizers
from geoml_cli.training.ema import Average


@dataclass
class Counters:
    """Where training stands.

    Attributes:
        step: Optimiser steps done; epoch and batch follow from it.
        validated: The step of the last validation.
        best: The lowest validation loss, and the step it was seen at.
        waited: Validations since then.
        loss_sum: Sum over rows of the training loss since the last validation, and the rows.
        seconds: Time trained, over all sessions.
    """

    step: int = 0
    validated: int = 0
    best: float = math.inf
    best_step: int = 0
    waited: int = 0
    loss_sum: float = 0.0
    loss_rows: int = 0
    seconds: float = 0.0


class State:
    """Network, optimiser, average and counters of one member."""

    def __init__(self, network: nn.Module, settings: TrainSettings) -> None:
        self.network = network
        self.optimiser = optimizers.optimiser(settings, network)
        self.average = Average(network, settings.ema_decay) if settings.ema_decay else None
        self.counters = Counters()
        self.scaler: torch.amp.GradScaler | None = None

    def snapshot(self) -> Snapshot:
        """Copy everything that a resumed training needs."""
        tensors, numbers = checkpoint.random_states()
        moments = self.optimiser.state_dict()["state"]
        plain: dict[str, dict[str, float]] = {}
        for index, entries in moments.items():
            for name, value in entries.items():
                if isinstance(value, Tensor):
                    tensors[f"optimiser.{index}.{name}"] = value
                elif value is not None:
                    plain.setdefault(str(index), {})[name] = value
        if self.average:
            tensors |= {f"average.{name}": value for name, value in self.average.weights.items()}
        record: dict[str, Any] = {"counters": asdict(self.counters), "random": numbers, "optimiser": plain}
        if self.scaler is not None:
            record["scaler"] = self.scaler.state_dict()
        return Snapshot(
            checkpoint.copied(dict(self.network.state_dict())),
            checkpoint.copied(tensors),
            _finite_json(record),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go on where a snapshot was taken."""
        self.network.load_state_dict(snapshot.weights)
        moments: dict[int, dict[str, Any]] = {
            int(index): dict(entries) for index, entries in snapshot.numbers["optimiser"].items()
        }
        for key, value in snapshot.tensors.items():
            kind, _, rest = key.partition(".")
            if kind == "optimiser":
                index, _, name = rest.partition(".")
                moments.setdefault(int(index), {})[name] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": moments, "param_groups": groups})
        if self.average:
            held = {k.removeprefix("average."): v for k, v in snapshot.tensors.items() if k.startswith("average.")}
            self.average.restore(held)
        if self.scaler is not None and "scaler" in snapshot.numbers:
            self.scaler.load_state_dict(snapshot.numbers["scaler"])
        counters = dict(snapshot.numbers["counters"])
        counters["best"] = math.inf if counters["best"] is None else counters["best"]
        self.counters = Counters(**counters)
        checkpoint.restore_random_states(snapshot.tensors, snapshot.numbers["random"])


def _finite_json(record: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity: a best loss not seen yet is null."""
    counters = record["counters"]
    return {
        **record,
        "counters": {**counters, "best": None if math.isinf(counters["best"]) else counters["best"]},
    }
