"""Training steps on an NVIDIA card as CUDA graphs: recorded once, then started as a whole.

A network of many small operations leaves a card idle, since each of them is started from Python; a graph starts all of
them at once. What it gives is compared with the network itself before it is used.

Legend: B rows of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.errors import SettingsError
from geoml_cli.models.spec import Network
from geoml_cli.training.precision import random_states_kept

_WHERE, _FIX = "[train] cuda_graphs", "Use --set train.cuda_graphs=false."
_ANEW = "Train a new run with --set train.cuda_graphs=false."
_TOLERANCE = {"fp32": 1e-2, "bf16": 0.1, "fp16": 0.1}
"""How far output and gradients may lie from those of the network, relative to their norm: some kernels add up in no
fixed order."""

Recorder = Callable[[nn.Module, tuple[Tensor, ...]], Callable[..., Tensor]]


def refuse_graphs(networks: Mapping[str, Network], settings: TrainSettings) -> None:
    """Refuse to record what cannot be replayed.

    Raises:
        SettingsError: A network decides by more than its inputs, or gradients add up over parts.
    """
    if not settings.cuda_graphs:
        return
    if unfit := [name or "the network" for name, network in networks.items() if not network.recordable]:
        raise SettingsError(
            f"cuda_graphs = true, but {', '.join(unfit)} is not known to compute the same in every step.",
            where=_WHERE,
            fix=_FIX,
        )
    # A graph writes its gradients to one place: those of the next part would replace the sum so far.
    if settings.accumulate > 1:
        raise SettingsError(
            f"cuda_graphs = true and accumulate = {settings.accumulate}: a graph replaces gradients, it adds none up.",
            where=_WHERE,
            fix="Use --set train.cuda_graphs=false, or --set train.accumulate=1.",
        )


def unrecorded(settings: TrainSettings, device: torch.device, processes: int) -> str:
    """Say why steps are not recorded although the settings ask for it; empty where they are, or nobody asks.

    Not an error: a run that began on a card may go on without it.
    """
    if not settings.cuda_graphs:
        return ""
    if device.type != "cuda":
        return f"cuda_graphs = true changes nothing here: training is on {device.type}."
    return f"cuda_graphs = true changes nothing here: {processes} processes train." if processes > 1 else ""


def recorded(network: nn.Module, settings: TrainSettings, device: torch.device, processes: int) -> nn.Module:
    """Return the network that steps are computed with."""
    is_wanted = settings.cuda_graphs and not unrecorded(settings, device, processes)
    return Recorded(network, settings) if is_wanted else network


class Recorded(nn.Module):
    """A network whose whole batches are replayed, forward and backward; shorter ones are computed as ever.

    Args:
        network: Its weights are updated in place, as optimisers do.
        settings: The preset's `[train]`.
        recorder: Makes a graph of a module and its inputs.
    """

    def __init__(self, network: nn.Module, settings: TrainSettings, recorder: Recorder | None = None) -> None:
        super().__init__()
        self.network = network
        self._settings, self._record = settings, recorder or _graph
        self._replay: Callable[..., Tensor] | None = None
        self._shapes: tuple[torch.Size, ...] = ()
        self._is_warm = False

    def forward(self, *inputs: Tensor | None) -> Tensor:
        """Return what the network does.

        Args:
            inputs: [B, ...] each, or None; the same ones are None in every call.

        Raises:
            SettingsError: The network cannot be recorded, or its graph gives other values.
        """
        given = tuple(tensor for tensor in inputs if tensor is not None)
        if len(given[0]) != self._settings.batch_size:
            return self._computed(inputs)
        if self._replay is None:
            # The first whole batch compiles and chooses kernels, which is not to be recorded.
            if not self._is_warm:
                self._is_warm = True
                return self._computed(inputs)
            self._replay, self._shapes = self._recorded(inputs), tuple(tensor.shape for tensor in given)
        if tuple(tensor.shape for tensor in given) != self._shapes:
            return self._computed(inputs)
        return self._replay(*given)

    def _computed(self, inputs: Sequence[Tensor | None]) -> Tensor:
        output: Tensor = self.network(*inputs)
        return output

    def _recorded(self, inputs: Sequence[Tensor | None]) -> Callable[..., Tensor]:
        present = tuple(place for place, tensor in enumerate(inputs) if tensor is not None)
        # Two, since PyTorch replaces what the first one computes by its graph.
        whole, plain = (_Whole(self.network, len(inputs), present) for _ in range(2))
        # Copies: a graph keeps the tensors that it was recorded with, and later batches are written into them.
        own = tuple(tensor.detach().clone(memory_format=torch.contiguous_format) for tensor in inputs
                    if tensor is not None)  # fmt: skip
        try:
            # Recording runs the network a few times; what a step draws must not depend on it.
            with random_states_kept():
                replay = self._record(whole, own)
                self._compare(replay, plain, tuple(tensor.clone() for tensor in own))
        except RuntimeError as error:
            raise SettingsError(
                "PyTorch cannot record this network here, or its graph does not fit into the card's memory.",
                where=_WHERE,
                fix=_ANEW,
            ) from error
        return replay

    def _compare(self, replay: Callable[..., Tensor], plain: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Refuse a graph that gives another output, or other gradients, than the network."""
        weights = [parameter for parameter in plain.parameters() if parameter.requires_grad]
        # A graph returns the same tensors in every call, which the next call overwrites.
        theirs, ours = ([part.clone() for part in _gradients(way, inputs, weights)] for way in (plain, replay))
        scale = torch.stack([part.double().norm() for part in theirs[1:]]).norm()
        distance = torch.stack([(a - b).double().norm() for a, b in zip(ours[1:], theirs[1:], strict=True)]).norm()
        output = (ours[0] - theirs[0]).double().norm() / theirs[0].double().norm().clamp(min=1e-12)
        worst = float(torch.maximum(distance / scale.clamp(min=1e-12), output))
        if not worst <= _TOLERANCE[self._settings.precision]:
            raise SettingsError(
                f"the recorded network differs by {worst:.2g} from the network itself.", where=_WHERE, fix=_ANEW
            )


class _Whole(nn.Module):
    """A network that is given tensors alone: what is None in every call is left out."""

    def __init__(self, network: nn.Module, arguments: int, present: tuple[int, ...]) -> None:
        super().__init__()
        self.network, self._arguments, self._present = network, arguments, present

    def forward(self, *tensors: Tensor) -> Tensor:
        inputs: list[Tensor | None] = [None] * self._arguments
        for place, tensor in zip(self._present, tensors, strict=True):
            inputs[place] = tensor
        output: Tensor = self.network(*inputs)
        return output


def _gradients(way: Callable[..., Tensor], inputs: tuple[Tensor, ...], weights: list[nn.Parameter]) -> list[Tensor]:
    """Return the output, and the gradient of its sum of squares by every weight that it depends on."""
    output = way(*inputs)
    found = torch.autograd.grad(output.float().square().sum(), weights, allow_unused=True)
    return [output.detach(), *(torch.zeros_like(weight) if slope is None else slope
                               for weight, slope in zip(weights, found, strict=True))]  # fmt: skip


def _graph(module: nn.Module, inputs: tuple[Tensor, ...]) -> Callable[..., Tensor]:
    # Weights gather their gradients on the stream that recorded, and the graph starts on another: PyTorch waits for the
    # one before the other, and newer versions warn that this was perhaps not meant.
    if quiet := getattr(torch.autograd.graph, "set_warn_on_accumulate_grad_stream_mismatch", None):
        quiet(False)
    graphed: Callable[..., Tensor] = torch.cuda.make_graphed_callables(  # type: ignore[assignment]
        module, inputs, allow_unused_input=True
    )
    return graphed
