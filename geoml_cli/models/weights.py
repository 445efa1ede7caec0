"""Comparison of a released state dict with the network it is meant for."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from geoml_cli.errors import DataError

# A file of another network differs in hundreds of keys: a few tell which network it is of.
_SHOWN = 8
_PARALLEL = "module."
_AVERAGED = "ema_model."
"""In front of averaged weights, by packages that keep the last step's next to them."""
_COUNTERS = ("n_averaged",)
"""Of averages of torch."""
_OF_LOSS = re.compile(r"(\w+_)?(loss|criterion|metrics?)(_\w+)?\..*")
"""Buffers of a loss that a class holds next to its network, as Lightning's do."""


def plain_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take off what programs put in front of the names of a network's weights; of averaged weights take these alone.

    Raises:
        DataError: A name is there with and without it, so that one would be taken for the other.
    """
    averaged = {name: tensor for name, tensor in state.items() if name.startswith(_AVERAGED)}
    named = {name.removeprefix(_AVERAGED): tensor for name, tensor in (averaged or state).items()}
    plain = _without_parallel({name: tensor for name, tensor in named.items() if name not in _COUNTERS})
    plain = {name: tensor for name, tensor in plain.items() if not _OF_LOSS.fullmatch(name)}
    # Classes that hold a network (Lightning's, say) and compiled ones put a name in front of all others; no network
    # here has one such part.
    while len(plain) > 1 and len({name.partition(".")[0] for name in plain}) == 1:
        plain = _without_parallel({name.partition(".")[2]: tensor for name, tensor in plain.items()})
    return plain


def _without_parallel(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take off what a parallel training puts in front of names."""
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        plain = name.removeprefix(_PARALLEL)
        if plain in found:
            raise DataError(
                f"has {plain} and {_PARALLEL}{plain}: which of them counts is not known",
                fix="Save the weights of one of them.",
            )
        found[plain] = tensor
    return found


def mismatches(
    weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], computed: Collection[str] = ()
) -> list[str]:
    """Name keys that are missing or unknown, shapes that differ, and weights that are no floats.

    Args:
        weights: As released.
        expected: The network's own state dict.
        computed: Buffers that a network computes; a release may come without them.
    """
    found = [f"{name} is missing" for name in expected if name not in weights and name not in computed]
    # Unknown keys are errors as well: weights that no layer takes would be lost without a word.
    found += [f"{name} is unknown" for name in weights if name not in expected]
    found += [
        f"{name} has shape {list(weights[name].shape)}, not {list(tensor.shape)}"
        for name, tensor in expected.items()
        if name in weights and weights[name].shape != tensor.shape
    ]
    found += [
        f"{name} is {kind}, not a dense tensor of floats"
        for name, tensor in expected.items()
        if name in weights and tensor.is_floating_point() and (kind := _other_kind(weights[name]))
    ]
    return found


def is_same(stored: Tensor, computed: Tensor, rounding: float) -> bool:
    """Return whether a stored buffer is what a network computes, up to the rounding of the type it was stored in."""
    if stored.dtype in (torch.float16, torch.bfloat16):
        rounding = max(rounding, torch.finfo(stored.dtype).eps * float(computed.abs().max()))
    return torch.allclose(stored.float(), computed, rtol=0, atol=rounding)


def _other_kind(tensor: Tensor) -> str:
    """Say what a tensor is that is not dense or holds no floats; empty for one that is and does."""
    if tensor.layout != torch.strided:
        return "sparse"
    return "" if tensor.is_floating_point() else f"of type {str(tensor.dtype).removeprefix('torch.')}"


def refuse(problems: Sequence[str]) -> None:
    """Refuse a state dict with problems; many are counted, not listed.

    Raises:
        DataError: There are any.
    """
    if problems:
        rest = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise DataError("; ".join(sorted(problems)[:_SHOWN]) + rest, fix="The file is damaged, or of another network.")
