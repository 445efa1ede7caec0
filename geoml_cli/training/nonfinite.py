"""Where a loss that is not finite came from: the first input, layer or parameter that is not finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from geoml_cli.errors import DataError, GeomlError
from geoml_cli.models.spec import Batch

Predict = Callable[[nn.Module, Batch], Tensor]


def first_nonfinite(network: nn.Module, predict: Predict, batch: Batch) -> tuple[str, bool]:
    """Name the first thing that is not finite.

    Args:
        network: After the loss was not finite.
        predict: The model's way to run it.
        batch: The batch it ran on.

    Returns:
        Its description, and whether it is an input (bad data) rather than a layer (a diverged network).
    """
    # Causes before effects: bad inputs spoil parameters, and these the output of every layer.
    for name, value in batch.items():
        if not _finite(value):
            rows = (~torch.isfinite(value.flatten(1) if value.ndim > 1 else value[:, None])).any(dim=1)
            return f"input {name!r} at {int(rows.sum())} of {len(value)} rows of the batch", True
    for name, parameter in network.named_parameters():
        if not _finite(parameter):
            return f"parameter {name!r}", False
    return _layer(network, predict, batch), False


def nonfinite_loss(found: tuple[str, bool], rows: NDArray[np.int64], step: int, member: str) -> GeomlError:
    """Return the error of a loss that is not finite.

    Args:
        found: What `first_nonfinite` says.
        rows: Of the batch.
        step: Steps done before.
        member: Its name.
    """
    name, is_input = found
    shown = ", ".join(str(row) for row in rows[:8].tolist()) + (" ..." if len(rows) > 8 else "")
    kind = DataError if is_input else GeomlError
    return kind(
        f"the loss is not finite at step {step} (rows {shown}); first: {name}.",
        where=f"member {member}",
        fix="Look at these rows in the prepared data."
        if is_input
        else "Lower train.lr, or set train.clip_norm; fp16 needs bf16's range more often than not.",
    )


def _layer(network: nn.Module, predict: Predict, batch: Batch) -> str:
    """Run the network once more, watching every layer's output."""
    seen: list[str] = []

    def watch(name: str) -> Any:  # noqa: ANN401  a hook
        def hook(module: nn.Module, arguments: object, output: object) -> None:
            if not _finite(output):
                seen.append(f"output of layer {name!r} ({type(module).__name__})")

        return hook

    handles = [module.register_forward_hook(watch(name)) for name, module in network.named_modules() if name]
    try:
        with torch.no_grad():
            predict(network, batch)
    finally:
        for handle in handles:
            handle.remove()
    # Inner layers return before those around them: the first that is noted is the innermost.
    return seen[0] if seen else "the loss itself, all layers being finite"


def _finite(value: object) -> bool:
    if isinstance(value, Tensor):
        return not value.is_floating_point() or bool(torch.isfinite(value).all())
    if isinstance(value, (tuple, list)):
        return all(_finite(part) for part in value)
    return True
