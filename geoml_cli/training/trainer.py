"""The one training loop: a member from its first or last step to its best weights.

A step is the unit of everything: the rows it sees, its learning rate, and when to validate follow from its number.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from shlex import quote
from typing import NoReturn

import numpy as np
import torch

from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.errors import GeomlError, StoppedError
from geoml_cli.layers.widths import rows_at_once
from geoml_cli.models.spec import Batch, Call, Network
from geoml_cli.runs import checkpoint
from geoml_cli.runs.checkpoint import Snapshot
from geoml_cli.runs.run import MemberFiles
from geoml_cli.samples.batches import Batches
from geoml_cli.splits.split import Split
from geoml_cli.training import optimizers
from geoml_cli.training.freezing import keep_in_evaluation
from geoml_cli.training.nonfinite import first_nonfinite, nonfinite_loss
from geoml_cli.training.ranks import Processes
from geoml_cli.training.recorded import recorded
from geoml_cli.training.sampler import EpochSampler, Rows, shard
from geoml_cli.training.state import State
from geoml_cli.work.reporting import Advance


@dataclass(frozen=True)
class Member:
    """What is trained.

    Attributes:
        name: In the run.
        files: Its folder.
        split: Its rows.
        batches: Its scaled samples.
        network: Its record.
    """

    name: str
    files: MemberFiles
    split: Split
    batches: Batches
    network: Network


class Trainer:
    """Trains one member, `total` steps or until it no longer improves; `run` is the story."""

    def __init__(self, member: Member, state: State, settings: TrainSettings, processes: Processes) -> None:
        self.member, self.state, self._settings, self._processes = member, state, settings, processes
        self._order = EpochSampler(
            member.split.train, settings.batch_size, member.split.seed, member.network.smallest_batch
        )
        per_epoch = self._order.steps_per_epoch
        self.total = settings.steps or settings.epochs * per_epoch
        self._between = settings.evaluate_steps or settings.evaluate_epochs * per_epoch
        self._network = processes.wrap(state)
        # Of steps alone: validation sees batches of other lengths.
        self._stepped = recorded(self._network, settings, processes.device, processes.count)
        self._best: dict[str, Snapshot] = {}
        self._saved = time.monotonic()
        self._rows_at_once = 0

    def run(self, stop: Callable[[], bool], advance: Advance) -> None:
        """Train to the end, validating on the way.

        Raises:
            StoppedError: `stop` said so; the state is saved.
            DataError: An input was not finite.
            GeomlError: The loss was not finite.
        """
        while self.goes_on(stop):
            self.step()
            advance(1)
            self.checkpoint_if_due(stop)
        self.save()

    def goes_on(self, stop: Callable[[], bool]) -> bool:
        """Validate where it is time to, and return whether a step follows; errors as for `run`."""
        started = time.monotonic()
        # Before a step: a run that was killed between its last step and its last validation validates first.
        if self._due():
            self._validate(stop)
            self.state.counters.seconds += time.monotonic() - started
        # After it: the last weights are validated too.
        return self.state.counters.step < self.total and not self._patience_over()

    def step(self) -> None:
        """Make one step; errors as for `run`."""
        started = time.monotonic()
        rows = self.begin_step()
        summed = self._gradients(rows)
        self.end_step(summed, len(rows))
        self.state.counters.seconds += time.monotonic() - started

    def _due(self) -> bool:
        step = self.state.counters.step
        at_place = step % self._between == 0 or step >= self.total
        return at_place and step != self.state.counters.last_validation_step

    def _patience_over(self) -> bool:
        patience = self._settings.patience
        return patience is not None and self.state.counters.validations_without_improvement >= patience

    def begin_step(self) -> Rows:
        """Set learning rate and modes of the next step; return its rows, of all processes."""
        step = self.state.counters.step
        for group in self.state.optimiser.param_groups:
            group["lr"] = optimizers.rate(self._settings, step, self.total)
        self._network.train()
        # `train` has set the mode of every layer; frozen ones keep their statistics and drop nothing.
        keep_in_evaluation(self.state.network, self._settings.freeze)
        return self._order.batch(step)

    def end_step(self, loss_sum: float, rows: int) -> None:
        """Update the weights by their gradients, and count the step.

        Args:
            loss_sum: Of the loss over the rows of the batch.
            rows: Their number.
        """
        counters = self.state.counters
        # Weighed by rows: the mean of an epoch does not depend on how its last batch is cut.
        counters.loss_sum += loss_sum
        counters.loss_rows += rows
        self._processes.step(self.state, self._settings.clip_norm)
        counters.step += 1
        # TIDE-Net's average takes in every 20th step; one of every step would follow the weights more closely.
        if self.state.average and counters.step % self._settings.ema_every == 0:
            self.state.average.update(self.state.network)

    def _gradients(self, rows: Rows) -> float:
        """Add up the batch's gradients in parts; return the sum of its loss over all processes' rows."""
        mine = shard(rows, self._processes.rank, self._processes.count)
        parts = [part for part in np.array_split(mine, self._settings.accumulate) if len(part)]
        # A process without rows still runs, with rows of no weight: the others wait for its gradients.
        # Weights are rows, not parts, of which the last may be shorter.
        weights = [len(part) for part in parts] or [0]
        parts = parts or [rows[: self.member.network.smallest_batch]]
        call = Call(self.state.counters.step + 1, len(rows))
        summed = 0.0
        for place, (part, weight) in enumerate(zip(parts, weights, strict=True)):
            shared = place == len(parts) - 1
            with nullcontext() if shared else self._processes.no_sync(self._network):
                batch = self.member.batches(part)
                loss = self.member.network.loss(self._stepped, batch, call)
                value = float(loss.detach())
                if not math.isfinite(value):
                    self.raise_nonfinite(batch, part)
                # Means of parts become the mean of the batch; DDP divides by the processes, hence `count`.
                self._processes.backward(loss * (weight * self._processes.count / len(rows)))
            summed += value * weight
        return self._processes.all_reduce_sum(summed)[0] if self._processes.count > 1 else summed

    def raise_nonfinite(self, batch: Batch, rows: Rows) -> NoReturn:
        """Say where a loss that is not finite comes from."""
        found = first_nonfinite(self.state.network, self.member.network.predict, batch)
        raise nonfinite_loss(found, rows, self.state.counters.step, self.member.name)

    def _validate(self, stop: Callable[[], bool]) -> None:
        """Score the validation rows by every criterion, log it, keep the weights of those that improved."""
        average, network, counters = self.state.average, self.state.network, self.state.counters
        with average.applied_to(network) if average else nullcontext():
            values = self._validation_scores(stop)
            improved = [name for name in values or () if self._improved(name, (values or {})[name])]
            # With `restore = last` the newest weights are kept under every criterion, better or not.
            kept = list(values or ()) if self._settings.restore == "last" else improved
            if kept:
                snapshot = Snapshot(checkpoint.copied(dict(network.state_dict())), {}, {"step": counters.step})
                self._best |= dict.fromkeys(kept, snapshot)
        # Outside of the average: what is saved are the weights that training goes on with.
        if values is None:
            self._stop()
        for name in improved:
            counters.best[name], counters.best_step[name] = values[name], counters.step
        waited = counters.validations_without_improvement
        counters.validations_without_improvement = 0 if self._first in improved else waited + 1
        self._log(values)
        counters.last_validation_step, counters.loss_sum, counters.loss_rows = counters.step, 0.0, 0

    @property
    def _first(self) -> str:
        """Name the criterion that stops early."""
        return next(iter(self.member.network.criteria))

    @property
    def _restored(self) -> str:
        """Name the criterion whose checkpoint is used afterwards."""
        named = self._settings.restore
        return named if named in self.member.network.criteria else self._first

    def _improved(self, name: str, value: float) -> bool:
        return self.member.network.criteria[name].better(value, self.state.counters.best.get(name))

    @torch.no_grad()
    def _validation_scores(self, stop: Callable[[], bool]) -> dict[str, float] | None:
        """Return each criterion over the validation rows, or None where a stop was asked for on the way."""
        self._network.eval()
        criteria, network = self.member.network.criteria, self.state.network
        rows = shard(self.member.split.validation, self._processes.rank, self._processes.count)
        sums: dict[str, torch.Tensor] = {}
        for batch in self.member.batches.in_order(rows, self._validation_rows(rows)):
            if self._processes.count == 1 and stop():
                return None
            for name, criterion in criteria.items():
                sums[name] = sums.get(name, 0) + criterion.sums(network, batch).double().cpu()
        return {name: self._value(name, sums.get(name)) for name in criteria}

    def _validation_rows(self, rows: Rows) -> int:
        """Return how many rows are validated at a time: no fewer than those of which gradients are computed."""
        if not self._rows_at_once and len(rows):
            device = next(self.state.network.parameters()).device
            self._rows_at_once = rows_at_once(lambda few: self._predicted(rows[:1].repeat(few)), device)
        return max(self._rows_at_once, self._settings.batch_size // self._settings.accumulate)

    def _predicted(self, rows: Rows) -> torch.Tensor:
        return self.member.network.predict(self.state.network, self.member.batches(rows))

    def _value(self, name: str, sums: torch.Tensor | None) -> float:
        """Add the sums of all ranks up to a criterion's value."""
        criterion = self.member.network.criteria[name]
        if self._processes.count > 1:
            # A rank without validation rows adds zeros; it learns how many from the others.
            width = int(self._processes.all_reduce_sum(0.0 if sums is None else float(len(sums)))[0])
            ranks = int(self._processes.all_reduce_sum(float(sums is not None))[0])
            own = [0.0] * (width // ranks) if sums is None else sums.tolist()
            sums = torch.tensor(self._processes.all_reduce_sum(*own), dtype=torch.float64)
        assert sums is not None, "there are validation rows"
        value = criterion.value(sums)
        if not math.isfinite(value):
            raise GeomlError(
                f"the validation {name} is not finite at step {self.state.counters.step}.",
                where=f"member {self.member.name}",
                fix="Lower train.lr, or set train.clip_norm.",
            )
        return value

    def _log(self, values: Mapping[str, float]) -> None:
        counters = self.state.counters
        validation = {f"val_{name}": value for name, value in values.items()}
        entry = {
            "epoch": counters.step / self._order.steps_per_epoch,
            "step": counters.step,
            "loss": counters.loss_sum / counters.loss_rows if counters.loss_rows else None,
            **validation,
            # That of the step that was just made.
            "lr": optimizers.rate(self._settings, max(counters.step - 1, 0), self.total),
            "seconds": round(counters.seconds, 3),
        }
        if self._processes.rank == 0:
            with self.member.files.history.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(entry) + "\n")
        shown = {name: entry[name] for name in ("loss", *validation, "lr")}
        self._processes.log({f"{self.member.name}/{k}": v for k, v in shown.items() if v is not None}, counters.step)

    def checkpoint_if_due(self, stop: Callable[[], bool]) -> None:
        """Save where it is time to.

        Raises:
            StoppedError: `stop` said so; the state is saved.
        """
        if self._any_rank(stop()):
            self._stop()
        if self._any_rank(time.monotonic() - self._saved >= self._settings.checkpoint_seconds):
            self.save()

    def _any_rank(self, flag: bool) -> bool:
        return self._processes.any_rank(flag) if self._processes.count > 1 else flag

    def _stop(self) -> NoReturn:
        self.save()
        raise StoppedError(
            f"stopped at step {self.state.counters.step} of {self.total}, saved.",
            where=f"member {self.member.name}",
            fix=f"Resume with `geoml train {quote(str(self.member.files.run))}`.",
        )

    def save(self) -> None:
        """Write `best`, then `last`: killed in between, the steps from the old `last` find the same best again."""
        if self._processes.rank == 0:
            for name, snapshot in self._best.items():
                checkpoint.write(snapshot, self.member.files.best(None if name == self._restored else name))
            checkpoint.write(self.state.snapshot(), self.member.files.checkpoint("last"))
        self._best, self._saved = {}, time.monotonic()
