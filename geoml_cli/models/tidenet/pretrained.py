"""Released checkpoints: `ckpt-*.pt` with the entries `model` and `ema`.

Keys and shapes say how large a network is. What they do not say is the caller's: how many frames SimVP gives, and H and
W of SimVP and where the buffers were left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from geoml_cli.errors import DataError
from geoml_cli.models.spec import PretrainedWeights
from geoml_cli.models.tidenet.mixer import low_frequencies
from geoml_cli.models.tidenet.network import Shape, TideNet
from geoml_cli.models.tidenet.phase import frequencies
from geoml_cli.models.tidenet.settings import TidenetTables
from geoml_cli.models.tidenet.simvp import SPATIAL, SimVP
from geoml_cli.models.weights import is_same, mismatches, plain_names, refuse
from geoml_cli.samples.samples import InputSignature, Signature

Entry = Literal["ema", "model"]
_MASKS = ("spec_mask", "alphamixer.spec_mask")
_UV = "phasenet.uv"
_ROUNDING = 1e-6
_SIDE = 128
"""Rows and columns of the paper's maps."""
_FIELD, _UNIT, _SOURCE = "fco2", "mol m-2 yr-1", "carbon-ecs"
"""Quantity and unit of the paper's maps, and the source that reads them."""


def entry(content: Mapping[str, object], name: Entry = "ema") -> dict[str, Tensor]:
    """Return the state dict of one entry of a checkpoint, or the content itself where it is a plain state dict.

    Packages for averaged weights keep them under a prefix, next to the plain weights and their own counters.

    Raises:
        DataError: There is no such entry, or it holds more than tensors.
    """
    nested = any(isinstance(value, Mapping) for value in content.values())
    state = content.get(name) if nested else content
    if not isinstance(state, Mapping):
        raise DataError(f"has no entry {name}; it has {', '.join(map(str, content))}", fix="Name one of these entries.")
    named = {str(key): value for key, value in state.items() if isinstance(value, Tensor)}
    if others := [str(key) for key in state if str(key) not in named]:
        raise DataError(f"{others[0]} of entry {name} is not a tensor", fix="Name the file of weights.")
    return plain_names(named)


def read(tables: TidenetTables, weights: Mapping[str, Tensor]) -> PretrainedWeights:
    """Recognise a released state dict of TIDE-Net or SimVP; what it does not say is the preset's.

    Raises:
        DataError: Keys or shapes are of neither.
        SettingsError: The network cannot have such sizes.
    """
    state, own, unsaid = entry(weights), tables.network, tuple[str, ...]()
    if not tables.frames.size and _MASKS[0] not in state:
        raise DataError(
            "how many rows and columns the network's maps have is not in the file",
            fix="Name those it was trained on: --set frames.most_cells=0 --set 'frames.size=[ROWS,COLUMNS]'.",
        )
    height, width = tables.frames.size or (_SIDE, _SIDE)  # the file tells below
    if any(name.startswith("hid.") for name in state):
        frames_in, found = simvp(state)
        shape = Shape(frames_in, own.frames_out, height, width)
        network: dict[str, object] = {"variant": "simvp", "frames_in": frames_in}
    else:
        preset = Shape(own.frames_in, own.frames_out, height, width, own.hidden, own.spectral_number)
        shape, found = tidenet(state, preset)
        network = {
            "variant": "tidenet",
            "frames_in": shape.frames_in,
            "frames_out": shape.frames_out,
            "hidden": shape.hidden,
        }
        if _MASKS[0] in state:
            network["spectral_number"] = shape.spectral_number
        else:
            unsaid = ("network.spectral_number",)
    size = shape.height, shape.width
    frames = InputSignature(shape=(shape.frames_in, *size), axis=1, names=(_FIELD,))
    signature = Signature(
        inputs={"frames": frames},
        target_name=_FIELD,
        unit=_UNIT,
        target_shape=(shape.frames_out, *size),
        target_step="month",
    )
    # A size and a limit of cells exclude each other, and the preset may have a limit.
    frames_of: dict[str, object] = {"size": list(size), "most_cells": None}
    return PretrainedWeights({"network": network, "frames": frames_of}, signature, found, source=_SOURCE, unsaid=unsaid)


def tidenet(state: Mapping[str, Tensor], preset: Shape) -> tuple[Shape, dict[str, Tensor]]:
    """Return sizes and weights of a released TIDE-Net, buffers included.

    Args:
        state: As released.
        preset: H, W and the spectral number where the state dict was released without its buffers.

    Raises:
        DataError: Keys or shapes are not TIDE-Net's, or a buffer is not what the network computes.
        SettingsError: The network cannot have such sizes.
    """
    shape = _recognised(state, preset)
    with torch.device("meta"):  # shapes alone: a network of any size at no cost
        expected = TideNet(shape).state_dict()
    mask = low_frequencies((shape.height, shape.width), shape.spectral_number)
    computed = {**dict.fromkeys(_MASKS, mask), _UV: frequencies((shape.height, shape.width))}
    problems = mismatches(state, expected, computed)
    problems += [
        f"{name} holds other values than the network computes for {shape.height} x {shape.width} frames"
        for name, values in computed.items()
        if name in state and state[name].shape == values.shape and not is_same(state[name], values, _ROUNDING)
    ]
    refuse(problems)
    return shape, {**state, **computed}


def simvp(state: Mapping[str, Tensor]) -> tuple[int, dict[str, Tensor]]:
    """Return the number of frames that a released SimVP sees, and its weights.

    Raises:
        DataError: Keys or shapes are not SimVP's.
    """
    # `hid.enc.0` reads the features of all frames: T * S channels.
    channels = _sizes(state, "hid.enc.0.conv1.weight", 4)[1]
    frames = max(channels // SPATIAL, 1)
    with torch.device("meta"):
        expected = SimVP(frames, frames).state_dict()
    refuse(mismatches(state, expected))
    return frames, dict(state)


def _recognised(state: Mapping[str, Tensor], preset: Shape) -> Shape:
    """Read sizes off the shapes."""
    # The first map over time has 2 O outputs, the last convolution of `convin` D.
    doubled, frames_in = _sizes(state, "amplinet.tmlp.0.weight", 2)
    frames_out, hidden = doubled // 2, _sizes(state, "amplinet.convin.2.weight", 4)[0]
    shape = replace(preset, frames_in=frames_in, frames_out=frames_out, hidden=hidden)
    if _MASKS[0] not in state:
        return shape
    # A mask is [H, W/2 + 1], W even; its first row holds `spec_num` ones.
    height, columns = _sizes(state, _MASKS[0], 2)
    number = max(int((state[_MASKS[0]][0] != 0).sum()), 1)
    return replace(shape, height=height, width=2 * (columns - 1), spectral_number=number)


def _sizes(state: Mapping[str, Tensor], name: str, axes: int) -> tuple[int, ...]:
    tensor = state.get(name)
    if tensor is None or tensor.ndim != axes:
        fault = "is missing" if tensor is None else f"has shape {list(tensor.shape)}, not {axes} axes"
        raise DataError(f"{name} {fault}", fix="It is not a checkpoint of this network, or is damaged.")
    return tuple(tensor.shape)
