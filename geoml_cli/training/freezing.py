"""Frozen parts of a network, for fine-tuning: they keep the weights, and the statistics, that they started with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import nn

from geoml_cli import registry
from geoml_cli.errors import SettingsError
from geoml_cli.models.spec import Network
from geoml_cli.samples.samples import Signature

_WHERE = "[train] freeze"


class FrozenCount(NamedTuple):
    """How much of a network is frozen, in parameters (numbers, not tensors)."""

    frozen: int
    total: int


def check_freeze(names: Sequence[str], networks: Mapping[str, Network], signatures: Mapping[str, Signature]) -> None:
    """Refuse names of parts that no network of the run has, and a network without anything left to train.

    Args:
        names: Of `train.freeze`.
        networks: Of the run, by name.
        signatures: Of their data, by the same names.

    Raises:
        SettingsError: With the parts that there are.
    """
    if not names:
        return
    # Building draws weights, which must not move the generator that the members draw from.
    with torch.random.fork_rng():
        modules = {name: network.build(signatures[name]) for name, network in networks.items()}
    for name in names:
        if not any(_within(parameter, [name]) for module in modules.values() for parameter, _ in _parameters(module)):
            _refuse(name, list(modules.values()))
    for network, module in modules.items():
        frozen, total = freeze(module, names)
        if frozen == total:
            raise SettingsError(
                f"all {total} parameters of {network or 'the network'} are frozen: there is nothing to train.",
                where=_WHERE,
                fix=f"Leave out one or more of {', '.join(names)}.",
            )


def freeze(network: nn.Module, names: Sequence[str]) -> FrozenCount:
    """Take the parameters of parts out of the training: no gradient, no update, no weight decay.

    Args:
        network: Is changed.
        names: Parts by the dotted name of their module or parameter, such as `encoder` or `encoder.layers.0`; those
            that the network does not have are passed over, since the networks of a run may have different parts.
    """
    frozen = total = 0
    for name, parameter in _parameters(network):
        total += parameter.numel()
        if _within(name, names):
            parameter.requires_grad_(False)
            frozen += parameter.numel()
    return FrozenCount(frozen, total)


def keep_in_evaluation(network: nn.Module, names: Sequence[str]) -> None:
    """Put frozen parts back into evaluation mode: BatchNorm keeps its statistics, and dropout drops nothing.

    Recurrent layers stay in training mode, without their dropout: cuDNN gives the inputs of a layer that is in
    evaluation mode no gradient.
    """
    for name, module in network.named_modules():
        if name and _within(name, names):
            module.training = isinstance(module, nn.RNNBase)
            if isinstance(module, nn.RNNBase):
                module.dropout = 0.0


def frozen_classes(network: Network, names: Sequence[str]) -> set[str]:
    """Return the inputs whose classes have frozen weights."""
    return {name for name, part in network.class_parts.items() if _within(part, names)}


def _parameters(network: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return list(network.named_parameters())


def _within(name: str, parts: Sequence[str]) -> bool:
    """Return whether a dotted name is one of the parts or lies in one."""
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def _refuse(name: str, modules: Sequence[nn.Module]) -> None:
    """Raise the error that names the parts below the longest beginning of the name that is right."""
    known = [parameter.split(".") for module in modules for parameter, _ in _parameters(module)]
    words = name.split(".")
    depth = max(count for count in range(len(words) + 1) if any(path[:count] == words[:count] for path in known))
    above = words[:depth]
    choices = dict.fromkeys(
        ".".join(path[: depth + 1]) for path in known if path[:depth] == above and len(path) > depth
    )
    raise SettingsError(
        f"{name!r} is not a part of the network with parameters.",
        where=_WHERE,
        fix=f"{registry.suggestion(name, choices)}Parts{' of ' + '.'.join(above) if above else ''}: "
        f"{', '.join(choices)}.",
    )
