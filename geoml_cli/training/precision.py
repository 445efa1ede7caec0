"""Mixed precision, tried on the device before a run: layers that cannot compute in it run in float32.

A processor or a library may lack a layer in bf16 (oneDNN has no LSTM of it without AVX-512), and says so only when a
batch comes. So the network runs once, forward and backward, before a run begins.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from types import MethodType
from typing import Any, Literal

import torch
from torch import Tensor, nn

from geoml_cli.errors import SettingsError
from geoml_cli.runs import checkpoint
from geoml_cli.training.ranks import Ranks

Precision = Literal["fp32", "bf16", "fp16"]

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
_WHERE, _FIX = "[train] precision", "Use --set train.precision=fp32."


@dataclass(frozen=True)
class Trial:
    """What came of trying a precision.

    Attributes:
        layers: Names of the types of all layers.
        float32: Of these, the types that have to run in float32.
        refused: The type that fails even so; empty where there is none.
        reason: What the library said of the first failure.
    """

    layers: tuple[str, ...] = ()
    float32: tuple[str, ...] = ()
    refused: str = ""
    reason: str = ""

    def joined(self, other: Trial) -> Trial:
        """Return the trial of two networks of a run: a type that fails in one runs in float32 in both."""
        return Trial(
            tuple(sorted({*self.layers, *other.layers})),
            tuple(sorted({*self.float32, *other.float32})),
            self.refused or other.refused,
            self.reason or other.reason,
        )

    def agreed(self, ranks: Ranks) -> Trial:
        """Return the union over ranks: the nodes of a cluster may have different processors."""
        *counts, refusals = ranks.all_reduce_sum(*(name in self.float32 for name in self.layers), bool(self.refused))
        float32 = tuple(name for name, count in zip(self.layers, counts, strict=True) if count)
        reason = self.reason or ("it failed in another process" if float32 or refusals else "")
        return replace(self, float32=float32, refused=self.refused or ("network" if refusals else ""), reason=reason)

    def check(self, precision: Precision, device: torch.device) -> None:
        """Refuse a precision that does not work.

        Raises:
            SettingsError: A layer fails that cannot run in float32 by itself.
        """
        if self.refused:
            raise SettingsError(
                f"{precision} does not work on this device ({device.type}): {self.refused} failed ({self.reason}).",
                where=_WHERE,
                fix=_FIX,
            )

    def message(self, precision: Precision, device: torch.device) -> str:
        """Say which layers run in float32 and why; empty where all run in the precision."""
        if not self.float32:
            return ""
        layers = ", ".join(self.float32)
        return f"Precision {precision}: {layers} layers run in float32 on this device ({device.type}): {self.reason}."


def check_device(precision: Precision, *, cpu: bool) -> None:
    """Refuse fp16 on the CPU: its gradients need loss scaling, which is a GPU's.

    Raises:
        SettingsError: There is no GPU, or it is not to be used.
    """
    if precision == "fp16" and (cpu or not torch.cuda.is_available()):
        raise SettingsError("fp16 needs a GPU.", where=_WHERE, fix="Use bf16 or fp32.")


def try_network(network: nn.Module, forward: Callable[[], object], precision: Precision) -> Trial:
    """Run a network as training and validation do; find the types of layers that have to run in float32.

    Args:
        network: Of no further use: its layers are changed until they work.
        forward: Runs it on a few samples.
        precision: Which is tried.

    Raises:
        RuntimeError: It fails in float32 as well, so that the precision is not to blame.
    """
    trial = Trial(tuple(sorted({type(module).__name__ for module in network.modules()})))
    if precision == "fp32":
        return trial
    autocast = torch.autocast(next(network.parameters()).device.type, _TYPES[precision])
    while (found := _failure(network, forward, autocast)) is not None:
        layer, error = found
        # Asked once: where float32 fails as well, the precision is not to blame.
        if not trial.float32 and (plain := _raised(network, forward, nullcontext())) is not None:
            raise plain
        name = type(layer).__name__
        trial = replace(trial, reason=trial.reason or _sentence(error))
        # It runs in float32 already, or no layer of its own is to blame: nothing is left to try.
        if layer is network or name in trial.float32:
            return replace(trial, refused=name)
        trial = replace(trial, float32=tuple(sorted({*trial.float32, name})))
        lower(network, trial.float32)
    return trial


def lower(network: nn.Module, names: Collection[str]) -> None:
    """Let layers of these types run in float32, whatever surrounds them; weights and their names stay.

    Casting the inputs up is exact, and the weights are float32 already.
    """
    for module in network.modules():
        if type(module).__name__ in names:
            # A bound method: a copy of the network gets one that is bound to the copy.
            module.forward = MethodType(_float32_forward, module)


def _float32_forward(module: nn.Module, *inputs: Any, **named: Any) -> Any:  # noqa: ANN401  the layer's own
    device = next((tensor.device.type for tensor in _tensors((inputs, named))), "cpu")
    with torch.autocast(device, enabled=False):
        return type(module).forward(module, *_cast(inputs), **_cast(named))


def layer_reasons(device: torch.device, precision: Precision) -> dict[str, str]:
    """Try the kinds of layers that networks here are made of, one by one.

    Returns:
        By kind, why it runs in float32; empty where it runs in the precision.
    """
    with random_states_kept():
        kinds: tuple[tuple[nn.Module, tuple[int, ...]], ...] = (
            (nn.Linear(4, 4), (2, 4)),
            (nn.Conv1d(4, 4, 2), (2, 4, 8)),
            (nn.Conv2d(4, 4, 2), (2, 4, 8, 8)),
            (nn.LSTM(4, 4, batch_first=True), (2, 8, 4)),
        )
        reasons = {}
        for layer, shape in kinds:
            x = torch.zeros(shape, device=device)
            network = nn.Sequential(layer).to(device)
            reasons[type(layer).__name__] = try_network(network, partial(network, x), precision).reason
    return reasons


@contextmanager
def random_states_kept() -> Iterator[None]:
    """Put every random state back at the end."""
    tensors, numbers = checkpoint.random_states()
    try:
        yield
    finally:
        checkpoint.restore_random_states(tensors, numbers)


@dataclass
class _Calls:
    """The layers of a network as it runs.

    Attributes:
        entered: Layers that were entered, parents before children, with their inputs.
        running: Of these, the layers that were not left.
    """

    entered: list[tuple[nn.Module, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    running: list[nn.Module] = field(default_factory=list)

    @contextmanager
    def watching(self, network: nn.Module) -> Iterator[None]:
        """Note the calls of every layer."""
        handles = []
        for module in network.modules():
            handles.append(module.register_forward_pre_hook(self._enter, with_kwargs=True))
            handles.append(module.register_forward_hook(self._leave))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        self.entered.append((module, inputs, named))
        self.running.append(module)

    def _leave(self, module: nn.Module, inputs: object, output: object) -> None:
        self.running.pop()


def _failure(
    network: nn.Module, forward: Callable[[], object], autocast: AbstractContextManager[object]
) -> tuple[nn.Module, RuntimeError] | None:
    """Return the innermost layer that failed, with the error; the network itself where no layer is to blame."""
    calls = _Calls()
    with calls.watching(network):
        error = _raised(network, forward, autocast)
    if error is None:
        return None
    if calls.running:
        return calls.running[-1], error
    # The backward pass does not say which layer it was in: each is run alone, children before their parents.
    for module, inputs, named in reversed(calls.entered):
        again = partial(module, *_leaves(inputs), **_leaves(named))
        if module is not network and (own := _raised(module, again, autocast)) is not None:
            return module, own
    return network, error


def _raised(
    module: nn.Module, forward: Callable[[], object], autocast: AbstractContextManager[object]
) -> RuntimeError | None:
    """Run forward and backward as in training, then forward as in validation; return what was raised."""
    try:
        module.train()
        with autocast:
            outputs = [output for output in _tensors(forward()) if output.requires_grad]
        # The backward pass is outside of autocast, as PyTorch advises: operations keep the type of their forward pass.
        if outputs:
            torch.stack([output.float().sum() for output in outputs]).sum().backward()  # type: ignore[no-untyped-call]
        module.eval()
        with torch.no_grad(), autocast:
            forward()
    except RuntimeError as error:
        return error
    return None


def _tensors(value: object) -> Iterator[Tensor]:
    """Find the tensors of a layer's inputs or outputs."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors(part)


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:  # noqa: ANN401
    """Change every floating-point tensor of a layer's inputs."""
    if isinstance(value, Tensor):
        return change(value) if value.is_floating_point() else value
    if isinstance(value, dict):
        return {name: _mapped(part, change) for name, part in value.items()}
    return type(value)(_mapped(part, change) for part in value) if isinstance(value, (tuple, list)) else value


_cast = partial(_mapped, change=Tensor.float)
_leaves = partial(_mapped, change=lambda tensor: tensor.detach().requires_grad_())


def _sentence(error: RuntimeError) -> str:
    """Return the first sentence of a library's message."""
    return str(error).strip().partition("\n")[0].partition(". ")[0].rstrip(".") or type(error).__name__
