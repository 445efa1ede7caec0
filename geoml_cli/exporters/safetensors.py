"""Weights and scaling alone, for those who bring the network themselves."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from geoml_cli.exporters.exporter import Arrays, Exporter, Names, Opened


def write(network: nn.Module, inputs: Sequence[Tensor], names: Names, path: Path, dynamic: bool) -> None:
    """Write every parameter and buffer, `members.K.network.*` and `members.K.scale.*`."""
    weights = {name: value.detach().contiguous().clone() for name, value in network.state_dict().items()}
    try:
        save_file(weights, path, metadata={"inputs": ",".join(names[0]), "outputs": ",".join(names[1])})
    except SafetensorError as error:  # its way to say that the disk is full
        raise OSError(str(error)) from error


def open_weights(path: Path, network: nn.Module) -> Opened:
    """Put the file's weights into an emptied copy of the network."""
    fresh = copy.deepcopy(network)
    for value in fresh.state_dict().values():
        value.zero_()
    fresh.load_state_dict(load_file(path))

    def run(inputs: Sequence[Tensor]) -> Arrays:
        with torch.inference_mode():
            return [part.numpy() for part in fresh(*inputs)]

    return run


EXPORTER = Exporter("Weights and scaling alone", ".safetensors", write, open_weights)
