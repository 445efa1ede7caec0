"""All that changes while a member is trained, and its way to a snapshot and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.runs import checkpoint
from geoml_cli.runs.checkpoint import Snapshot
from geoml_cli.training import optimizers
from geoml_cli.training.ema import WeightEMA


@dataclass
class Counters:
    """Where training stands.

    Attributes:
        step: Optimiser steps done; epoch and batch follow from it.
        last_validation_step: The step of the last validation; -1 where weights of another run are to be validated.
        best: The best value of each criterion so far.
        best_step: The step it was found at.
        validations_without_improvement: Of the first criterion.
        loss_sum: Sum over rows of the training loss since the last validation, and the rows.
        seconds: Time trained, over all sessions.
    """

    step: int = 0
    last_validation_step: int = 0
    best: dict[str, float] = field(default_factory=dict)
    best_step: dict[str, int] = field(default_factory=dict)
    validations_without_improvement: int = 0
    loss_sum: float = 0.0
    loss_rows: int = 0
    seconds: float = 0.0


class State:
    """Network, optimiser, moving average and counters of one member; `fused` as for `optimizers.optimiser`."""

    def __init__(self, network: nn.Module, settings: TrainSettings, *, fused: bool = False) -> None:
        self.network = network
        self.optimiser = optimizers.optimiser(settings, network, fused=fused)
        self.average = WeightEMA(network, settings.ema_decay) if settings.ema_decay else None
        self.counters = Counters()
        # Made by `Processes.wrap`, in fp16 only.
        self.scaler: torch.amp.GradScaler | None = None

    def snapshot(self) -> Snapshot:
        """Copy everything that a resumed training needs."""
        tensors, numbers = checkpoint.random_states()
        moments = self.optimiser.state_dict()["state"]
        # A checkpoint is tensors and JSON, without pickle: an optimiser's plain numbers go with the latter.
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
            record,
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
            averages = {k.removeprefix("average."): v for k, v in snapshot.tensors.items() if k.startswith("average.")}
            self.average.restore(averages)
        if self.scaler is not None and "scaler" in snapshot.numbers:
            self.scaler.load_state_dict(snapshot.numbers["scaler"])
        self.counters = Counters(**snapshot.numbers["counters"])
        # Last, so that nothing above draws from them.
        checkpoint.restore_random_states(snapshot.tensors, snapshot.numbers["random"])
