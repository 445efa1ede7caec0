"""The one training loop: a member from its first or last step to its best weights.

A step is the unit of everything: the rows it sees, its learning rate, and when to validate follow from its number.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

import numpy as np
import torch
from torch import nn

from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.errors import DataError, GeomlError, StoppedError
from geoml_cli.models.spec import Batch, Spec
from geoml_cli.runs import checkpoint
from geoml_cli.runs.checkpoint import Snapshot
from geoml_cli.runs.run import MemberFiles
from geoml_cli.samples.batches import Batches
from geoml_cli.splits.split import Split
from geoml_cli.training import optimizers
from geoml_cli.training.nonfinite import culprit
from geoml_cli.training.sampler import Order, Rows, share
from geoml_cli.training.state import State
from geoml_cli.work.reporting import Advance


class Processes(Protocol):
    """What the loop asks of the processes it runs in (see `processes.py`)."""

    @property
    def rank(self) -> int:
        """This process's number, from 0."""

    @property
    def count(self) -> int:
        """How many processes there are."""

    def wrap(self, state: State) -> nn.Module:
        """Return the network whose gradients are shared."""

    def backward(self, loss: torch.Tensor) -> None:
        """Add to the gradients."""

    def apart(self, network: nn.Module) -> AbstractContextManager[None]:
        """Add to gradients without sharing them yet."""

    def step(self, state: State, clip_norm: float | None) -> None:
        """Clip, update the weights, clear the gradients."""

    def total(self, *values: float) -> list[float]:
        """Sum numbers over processes."""

    def any(self, flag: bool) -> bool:
        """Tell whether any process says yes."""

    def log(self, values: dict[str, float], step: int) -> None:
        """Send values to the trackers."""


@dataclass(frozen=True)
class Member:
    """What is trained.

    Attributes:
        name: In the run.
        files: Its folder.
        split: Its rows.
        batches: Its scaled samples.
        spec: The model.
    """

    name: str
    files: MemberFiles
    split: Split
    batches: Batches
    spec: Spec[Any]


class Loop:
    """Trains one member; `run` is the story."""

    def __init__(self, member: Member, state: State, settings: TrainSettings, processes: Processes) -> None:
        self._member, self._state, self._settings, self._processes = member, state, settings, processes
        self._order = Order(member.split.train, settings.batch_size, member.split.seed)
        per_epoch = self._order.steps_per_epoch
        self.total = settings.steps or settings.epochs * per_epoch
        self._between = settings.evaluate_steps or settings.evaluate_epochs * per_epoch
        self._network = processes.wrap(state)
        self._best: Snapshot | None = None
        self._saved = time.monotonic()

    def run(self, stop: Callable[[], bool], advance: Advance) -> None:
        """Train to the end, validating on the way.

        Raises:
            StoppedError: `stop` said so; the state is saved.
            DataError: An input was not finite.
            GeomlError: The loss was not finite.
        """
        counters = self._state.counters
        while True:
            started = time.monotonic()
            if self._due():
                self._validate(stop)
            if counters.step >= self.total or self._patience_over():
                break
            self._step()
            counters.seconds += time.monotonic() - started
            advance(1)
            self._keep_safe(stop)
        self._save()

    def _due(self) -> bool:
        step = self._state.counters.step
        at_place = step % self._between == 0 or step >= self.total
        return at_place and step != self._state.counters.validated

    def _patience_over(self) -> bool:
        patience = self._settings.patience
        return patience is not None and self._state.counters.waited >= patience

    def _step(self) -> None:
        counters = self._state.counters
        rows = self._order.batch(counters.step)
        for group in self._state.optimiser.param_groups:
            group["lr"] = optimizers.rate(self._settings, counters.step, self.total)
        self._network.train()
        counters.loss_sum += self._gradients(rows)
        counters.loss_rows += len(rows)
        self._processes.step(self._state, self._settings.clip_norm)
        counters.step += 1
        if self._state.average and counters.step % self._settings.ema_every == 0:
            self._state.average.update(self._state.network)

    def _gradients(self, rows: Rows) -> float:
        """Add up the batch's gradients in parts; return the sum of its loss over all processes' rows."""
        mine = share(rows, self._processes.rank, self._processes.count)
        parts = [part for part in np.array_split(mine, self._settings.accumulate) if len(part)]
        # A process without rows still takes part, with a row of no weight: the others wait for its gradients.
        weights = [len(part) for part in parts] or [0]
        parts = parts or [rows[:1]]
        summed = 0.0
        for place, (part, weight) in enumerate(zip(parts, weights, strict=True)):
            shared = place == len(parts) - 1
            with nullcontext() if shared else self._processes.apart(self._network):
                batch = self._member.batches(part)
                loss = self._member.spec.loss(self._network, batch)
                value = float(loss.detach())
                if not math.isfinite(value):
                    self._refuse(batch, part)
                self._processes.backward(loss * (weight * self._processes.count / len(rows)))
            summed += value * weight
        return self._processes.total(summed)[0] if self._processes.count > 1 else summed

    def _refuse(self, batch: Batch, rows: Rows) -> NoReturn:
        name, is_input = culprit(self._state.network, self._member.spec.predict, batch)
        shown = ", ".join(str(row) for row in rows[:8].tolist()) + (" ..." if len(rows) > 8 else "")
        kind = DataError if is_input else GeomlError
        raise kind(
            f"the loss is not finite at step {self._state.counters.step} (rows {shown}); first: {name}.",
            where=f"member {self._member.name}",
            fix="Look at these rows in the prepared data."
            if is_input
            else "Lower train.lr, or set train.clip_norm; fp16 needs bf16's range more often than not.",
        )

    def _validate(self, stop: Callable[[], bool]) -> None:
        """Score the validation rows, note it, keep the weights if they are the best yet."""
        average, network, counters = self._state.average, self._state.network, self._state.counters
        with average.lent(network) if average else nullcontext():
            value = self._validation_loss(stop)
            better = value is not None and value < counters.best
            if better or (value is not None and self._settings.keep == "last"):
                self._best = Snapshot(checkpoint.copied(dict(network.state_dict())), {}, {"step": counters.step})
        if value is None:
            self._stop()
        if better:
            counters.best, counters.best_step = value, counters.step
        counters.waited = 0 if better else counters.waited + 1
        self._note(value)
        counters.validated, counters.loss_sum, counters.loss_rows = counters.step, 0.0, 0

    @torch.no_grad()
    def _validation_loss(self, stop: Callable[[], bool]) -> float | None:
        """Return the mean loss over the validation rows, or None where a stop was asked for on the way."""
        self._network.eval()
        rows = share(self._member.split.validation, self._processes.rank, self._processes.count)
        summed = 0.0
        for batch in self._member.batches.in_order(rows, self._settings.batch_size):
            if self._processes.count == 1 and stop():
                return None
            summed += float(self._member.spec.loss(self._state.network, batch)) * len(batch["target"])
        total, count = self._processes.total(summed, len(rows))
        if not math.isfinite(total):
            raise GeomlError(
                f"the validation loss is not finite at step {self._state.counters.step}.",
                where=f"member {self._member.name}",
                fix="Lower train.lr, or set train.clip_norm.",
            )
        return total / count

    def _note(self, value: float) -> None:
        counters = self._state.counters
        entry = {
            "epoch": counters.step / self._order.steps_per_epoch,
            "step": counters.step,
            "loss": counters.loss_sum / counters.loss_rows if counters.loss_rows else None,
            "val_loss": value,
            "lr": optimizers.rate(self._settings, counters.step - 1, self.total),
            "seconds": round(counters.seconds, 3),
        }
        if self._processes.rank == 0:
            with self._member.files.history.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(entry) + "\n")
        shown = {name: entry[name] for name in ("loss", "val_loss", "lr")}
        self._processes.log({f"{self._member.name}/{k}": v for k, v in shown.items() if v is not None}, counters.step)

    def _keep_safe(self, stop: Callable[[], bool]) -> None:
        if self._agreed(stop()):
            self._stop()
        if self._agreed(time.monotonic() - self._saved >= self._settings.checkpoint_seconds):
            self._save()

    def _agreed(self, flag: bool) -> bool:
        return self._processes.any(flag) if self._processes.count > 1 else flag

    def _stop(self) -> NoReturn:
        self._save()
        raise StoppedError(
            f"stopped at step {self._state.counters.step} of {self.total}, saved.",
            where=f"member {self._member.name}",
            fix="The same command with --resume goes on.",
        )

    def _save(self) -> None:
        """Write `best`, then `last`: killed in between, the steps from the old `last` find the same best again."""
        if self._processes.rank == 0:
            if self._best is not None:
                checkpoint.write(self._best, self._member.files.checkpoint("best"))
            checkpoint.write(self._state.snapshot(), self._member.files.checkpoint("last"))
        self._best, self._saved = None, time.monotonic()
