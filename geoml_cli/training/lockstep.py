"""Members of one fold trained in lockstep: a step of all of them is one forward and one backward pass.

Small networks spend a step on starting operations. Over stacked weights each operation is started once for all members.
All else (optimiser, validation, history, checkpoints) is each member's own.

Legend: M members, B rows of a batch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from geoml_cli.errors import GeomlError
from geoml_cli.models.spec import Batch, Call, Network
from geoml_cli.training.trainer import Trainer
from geoml_cli.work.reporting import Advance


def train_in_lockstep(
    trainers: Sequence[Trainer], stop: Callable[[], bool], advance: Advance, finish: Callable[[Trainer], None]
) -> None:
    """Train members to their ends; one that ends early leaves the others.

    A member that is behind, since its last checkpoint is older, catches up first.

    Args:
        trainers: Of members that have the same number of training rows.
        stop: Whether to save and end.
        advance: Receives the number of steps, of all members together.
        finish: Called with each as it ends, once it is saved.

    Raises:
        StoppedError: `stop` said so; all are saved.
        GeomlError: A loss was not finite; the other members are saved.
    """
    going = list(trainers)
    stack = Stack(())
    try:
        while going := _going_on(going, stop, finish):
            step = min(trainer.state.counters.step for trainer in going)
            together = [trainer for trainer in going if trainer.state.counters.step == step]
            if stack.trainers != tuple(together):
                stack = Stack(together)
            stack.step()
            advance(len(together))
            for trainer in together:
                trainer.checkpoint_if_due(stop)
    except GeomlError as error:
        _save_others(going, error)
        raise


def _going_on(going: Sequence[Trainer], stop: Callable[[], bool], finish: Callable[[Trainer], None]) -> list[Trainer]:
    """Validate where it is time to; save and leave out the members that are at their end."""
    left = []
    for trainer in going:
        if trainer.goes_on(stop):
            left.append(trainer)
        else:
            trainer.save()
            finish(trainer)
    return left


def is_of_member(error: BaseException, name: str) -> bool:
    """Return whether an error says that it is of a member, by its name."""
    return isinstance(error, GeomlError) and error.where == f"member {name}"


def _save_others(going: Sequence[Trainer], error: GeomlError) -> None:
    """Save all members but the one that an error is of, if it is of one: a full disk is not asked again."""
    others = [trainer for trainer in going if not is_of_member(error, trainer.member.name)]
    if len(others) < len(going):
        for trainer in others:
            trainer.save()


class Stack:
    """Members at the same step; their parameters become rows of shared tensors, [M, ...] each.

    Optimisers, averages and checkpoints change the members' parameters in place, so that nothing is copied in a step.

    Args:
        trainers: Of networks of one shape.
    """

    def __init__(self, trainers: Sequence[Trainer]) -> None:
        self.trainers = tuple(trainers)
        self._own: list[list[nn.Parameter]] = []
        self._stacked: dict[str, Tensor] = {}
        if len(trainers) > 1:
            self._stack([trainer.state.network for trainer in trainers])

    def _stack(self, networks: Sequence[nn.Module]) -> None:
        for name, _ in networks[0].named_parameters():
            own = [network.get_parameter(name) for network in networks]
            stacked = torch.stack([parameter.detach() for parameter in own])
            for parameter, row in zip(own, stacked, strict=True):
                parameter.data = row
            # Frozen parameters are stacked as well, and get no gradient.
            self._stacked[f"network.{name}"] = stacked.requires_grad_(own[0].requires_grad)
            self._own.append(own)

    def step(self) -> None:
        """Make one step of every member; of one alone, its own.

        Raises:
            DataError: An input was not finite.
            GeomlError: A loss was not finite.
        """
        if len(self.trainers) == 1:
            self.trainers[0].step()
            return
        started = time.monotonic()
        rows = [trainer.begin_step() for trainer in self.trainers]
        batches = [trainer.member.batches(of_member) for trainer, of_member in zip(self.trainers, rows, strict=True)]
        losses_M = self._losses(batches)
        values = losses_M.tolist()
        for trainer, value, batch, of_member in zip(self.trainers, values, batches, rows, strict=True):
            if not math.isfinite(value):
                trainer.raise_nonfinite(batch, of_member)
        self._set_gradients(losses_M)
        for trainer, value, of_member in zip(self.trainers, values, rows, strict=True):
            trainer.end_step(value * len(of_member), len(of_member))
        for trainer in self.trainers:
            trainer.state.counters.seconds += (time.monotonic() - started) / len(self.trainers)

    def _losses(self, batches: Sequence[Batch]) -> Tensor:
        """Return the loss of every member on its own batch, [M]."""
        first = self.trainers[0]
        module = _Loss(first.state.network, first.member.network)
        call = Call(first.state.counters.step + 1, len(batches[0]["target"]))
        stacked = {name: torch.stack([batch[name] for batch in batches]) for name in batches[0]}  # [M, B, ...]

        def of_member(weights: dict[str, Tensor], batch: Batch) -> Tensor:
            loss: Tensor = functional_call(module, weights, (batch, call))
            return loss

        # What layers draw, such as dropout, differs between members.
        losses_M: Tensor = vmap(of_member, randomness="different")(self._stacked, stacked)
        return losses_M

    def _set_gradients(self, losses_M: Tensor) -> None:
        """Give every parameter its gradient: no weight of a member is in the loss of another."""
        trained = [place for place, stacked in enumerate(self._stacked.values()) if stacked.requires_grad]
        weights = list(self._stacked.values())
        found = torch.autograd.grad(losses_M.sum(), [weights[place] for place in trained], allow_unused=True)
        for place, gradient in zip(trained, found, strict=True):
            if gradient is not None:
                # Fused optimisers pair numbers by their place in memory, whatever the strides: those of convolutions
                # come transposed.
                rows = gradient.contiguous().unbind()
                for parameter, row in zip(self._own[place], rows, strict=True):
                    parameter.grad = row


class _Loss(nn.Module):
    """A network's loss as a module, whose parameters `functional_call` replaces by those of a member."""

    def __init__(self, module: nn.Module, network: Network) -> None:
        super().__init__()
        self.network, self._loss = module, network.loss

    def forward(self, batch: Batch, call: Call) -> Tensor:
        """Return the mean loss over the rows, a scalar."""
        return self._loss(self.network, batch, call)
