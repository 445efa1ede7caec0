"""Released checkpoints: a state dict whose keys and shapes say how large the network is.

What they do not say stays as the preset has it: attention heads, seasons of the south, and the periods of time scales
where the preset has as many.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from geoml_cli.errors import DataError
from geoml_cli.models.geomamba.context import YEAR_WIDTH
from geoml_cli.models.geomamba.kan import knots
from geoml_cli.models.geomamba.network import GeoMamba, Shape
from geoml_cli.models.geomamba.settings import NetworkSettings
from geoml_cli.models.geomamba.task import INPUTS, MOVING
from geoml_cli.models.spec import PretrainedWeights
from geoml_cli.models.weights import is_same, mismatches, plain_names, refuse
from geoml_cli.samples.samples import InputSignature, Signature

_UNUSED = ("LayerNorm", "final_layernorm", "dynamic_embed2.", "tmpembed", "embdim_embed")
"""Beginnings of keys of layers that the paper's forward pass never calls."""

_UNUSED_WITHIN = ".LayerNorm.weight"
"""The same, in every selective encoder."""

_ROUNDING = 1e-5
"""Of knots between -2.2 and 2.2, as releases hold them."""
_SCALES = {1: ("year/2024",), 4: ("month/12", "day/30", "hour/24", "minute/60")}
"""The paper's time scales by their number: yearly, and sub-daily."""

_DYNAMIC = ("E", "Eb", "Ei", "Ep", "Et", "p", "Ew", "H", "LST", "NDVI", "rf", "S", "LAI", "EVI", "SMrz", "SMs", "tmp")
_STATIC = ("DEM", "aspect", "slope")


_SAID = ("embedding", "width", "layers", "steps", "categories", "year_term", "scales", "site_inputs")
"""Settings that keys and shapes say, or that go with them."""


def read(own: NetworkSettings, state: Mapping[str, Tensor]) -> PretrainedWeights:
    """Translate a released state dict.

    Args:
        own: The preset's settings.
        state: As released.

    Raises:
        DataError: Keys or shapes are not Geo-Mamba's; the message names them.
    """
    named = plain_names(state)
    weights = {name: tensor for name, tensor in named.items() if not _unused(name)}
    settings, shape = _recognised(weights, own)
    with torch.device("meta"):  # shapes alone: a network of any size at no cost
        network = GeoMamba(settings, shape)
    computed = {
        name: knots().repeat(tensor.shape[0], 1) for name, tensor in network.state_dict().items() if _grid(name)
    }
    _compare(weights, network.state_dict(), computed)
    tables: dict[str, dict[str, object]] = {"network": settings.model_dump(include=set(_SAID))}
    # Grids come last: where a release holds them they were compared, and give way to the exact ones.
    return PretrainedWeights(tables, _signature(settings, shape), {**weights, **computed})


def _unused(name: str) -> bool:
    return name.startswith(_UNUSED) or name.endswith(_UNUSED_WITHIN)


def _grid(name: str) -> bool:
    return name.rpartition(".")[2] == "grid"


def _recognised(weights: Mapping[str, Tensor], own: NetworkSettings) -> tuple[NetworkSettings, Shape]:
    """Read sizes off the shapes."""
    embedding, factors = _sizes(weights, "dynamic_embed.0.base_weight")
    static = _sizes(weights, "static_encoder.static_encoder.0.base_weight")[1]
    flat = _sizes(weights, "regressor2.0.base_weight")[1]
    year_term = "year_embedding.base_weight" in weights
    # 4 columns of a year term, and two of each scale.
    scales = (_sizes(weights, "timeEncoder.base_weight")[1] - YEAR_WIDTH * year_term) // 2
    periods = own.scales if len(own.scales) == scales else _SCALES.get(scales)
    if periods is None:
        raise DataError(
            f"timeEncoder.base_weight stands for {scales} time scales; the preset has {len(own.scales)}",
            fix=f"Its periods are not in the file: name {scales} of them, such as "
            '--set \'network.scales=["month/12","day-of-year/366"]\'.',
        )
    # The head reads T * F numbers, F one more than the factors: that tells the number of steps.
    if static >= factors or flat % (factors + 1):
        raise DataError(
            f"{factors} factors, {static} of them static, do not fit {flat} inputs of regressor2.0",
            fix="The file is damaged, or of another network.",
        )
    layers = len({name.split(".")[3] for name in weights if name.startswith("mamba_encoder_64.mamba_encoder.layers.")})
    categories, outputs = _sizes(weights, "LC_embedding.0.weight")[0], _sizes(weights, "regressor2.2.base_weight")[0]
    heads = 1  # any divisor does: weights are the same for all
    sizes = {"embedding": embedding, "width": _sizes(weights, "mamba_encoder_64.tmpembed.base_weight")[0]}
    sizes |= {"heads": heads, "layers": max(layers, 1), "steps": flat // (factors + 1), "categories": categories}
    settings = NetworkSettings.model_validate({**sizes, "year_term": year_term, "scales": periods})
    return settings, Shape(factors - static, static, settings.steps, categories, outputs)


def _sizes(weights: Mapping[str, Tensor], name: str) -> tuple[int, int]:
    tensor = weights.get(name)
    if tensor is None or tensor.ndim != 2:
        state = "is missing" if tensor is None else f"has shape {list(tensor.shape)}, not two axes"
        raise DataError(f"{name} {state}", fix="It is not a checkpoint of Geo-Mamba, or is damaged.")
    return tensor.shape[0], tensor.shape[1]


def _compare(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], computed: Mapping[str, Tensor]) -> None:
    problems = mismatches(weights, expected, computed)
    problems += [
        f"{name} is not the uniform grid on [-2.2, 2.2]"
        for name, grid in computed.items()
        if name in weights and weights[name].shape == grid.shape and not is_same(weights[name], grid, _ROUNDING)
    ]
    refuse(problems)


def _signature(settings: NetworkSettings, shape: Shape) -> Signature:
    """Describe the data; names are the paper's where the numbers of factors are."""
    yearly = (shape.dynamic, shape.static) == (len(_DYNAMIC), len(_STATIC))
    names = {
        "dynamic": _DYNAMIC if yearly else _numbered("dynamic", shape.dynamic),
        "static": _STATIC if yearly else _numbered("static", shape.static),
        **INPUTS,
        **({"year": ("year",)} if settings.year_term else {}),
        "time": settings.clocks,
    }
    inputs = {
        name: InputSignature(shape=(shape.steps if name in MOVING else 1, len(columns)), axis=2, names=columns)
        for name, columns in names.items()
    }
    classes = _numbered("class", shape.outputs) if shape.outputs > 1 else ()
    name, unit = ("GWS", "cm") if yearly else ("class", "1") if classes else ("target", "")
    return Signature(inputs=inputs, target_name=name, unit=unit, classes=classes, codes=tuple(range(len(classes))))


def _numbered(kind: str, count: int) -> tuple[str, ...]:
    return tuple(f"{kind}_{k}" for k in range(1, count + 1))
