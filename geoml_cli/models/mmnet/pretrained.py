"""Released checkpoints: `model_best.pth`, with the means and deviations that its inputs were standardised with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from geoml_cli.errors import DataError
from geoml_cli.models.mmnet.network import build
from geoml_cli.models.mmnet.task import TARGET, UNIT
from geoml_cli.models.spec import PretrainedWeights
from geoml_cli.models.weights import mismatches, plain_names, refuse
from geoml_cli.samples.samples import InputSignature, Signature
from geoml_cli.samples.scaling import Affine, Scaling, TargetScaling

# Columns as released: cover, site, SMAP, indices; the MLP has the day's weather before SMAP.
_CLASSES = ("Shrub", "Grassland", "Barren", "Wetland", "Forest", "Developed", "Crop", "Pasture")
_COVER = tuple(f"land_cover={name}" for name in _CLASSES)
_BITS = tuple(f"land_cover=bit {bit}" for bit in range(3))
_SITE = ("DoY_normalized", "lat", "lon", "elevation", "slope", "aspect_normalized", "clay", "bd", "sand")
_WEATHER = ("eto", "etr", "pr", "sph", "srad", "vpd", "vs", "LST")
_INDICES = ("ndvi", "evi", "ndwi", "lswi", "nsdsi", "cr", "dpsvim", "pol", "rvim", "vvvh")
_COVERS = {"one-hot": _COVER, "binary": _BITS, "none": ()}
_COMPUTED = ("num_batches_tracked", "pe")
_FILES = {"static_mean_std": "static", "dynamic_mean_std": "dynamic", "mean_std": "static"}
"""Released statistics by the name of their file: of the snapshot, the weather, and of all that the MLP sees."""


def read(state: Mapping[str, Tensor]) -> PretrainedWeights:
    """Translate a released state dict.

    Raises:
        DataError: Keys or shapes are none of the three networks'; the message names them.
    """
    weights = plain_names(state)
    variant = _variant(weights)
    snapshot, series = _sizes(weights, variant)
    with torch.device("meta"):  # shapes alone
        expected = build(variant, snapshot, series, 0.0).state_dict()
    computed = [name for name in expected if name.rpartition(".")[2] in _COMPUTED]
    refuse(mismatches(weights, expected, computed))
    tables, names = _recognised(variant, snapshot)
    # Positions and counters are computed where a release comes without them.
    fresh = build(variant, snapshot, series, 0.0).state_dict()
    complete = {name: weights.get(name, fresh[name]) for name in expected}
    own: dict[str, object] = {"variant": variant, **tables, **({} if variant == "mlp" else {"days": series[0]})}
    return PretrainedWeights({"network": own}, _signature(names, series), complete)


def statistics(data: Signature, arrays: Mapping[str, NDArray[np.float64]]) -> Scaling:
    """Return the scaling that released statistics say.

    Args:
        data: Of the checkpoint.
        arrays: By the stem of their file: mean and deviation of every variable, [2, V] or [V, 2].

    Raises:
        DataError: A file is missing, is of another network, or is not of that shape.
    """
    given = {_input_of(stem): (stem, array) for stem, array in arrays.items()}
    inputs = {}
    for name, item in data.inputs.items():
        if name not in given:
            wanted = [stem for stem, of in _FILES.items() if of == name]
            raise DataError(
                f"the statistics of the input {name} are missing", fix=f"Give {' or '.join(wanted)}.npy as well."
            )
        inputs[name] = _affine(*given[name], variables=len(item.names))
    if more := sorted(set(given) - set(data.inputs)):
        raise DataError(f"{given[more[0]][0]}.npy belongs to a network with antecedent weather", fix="Leave it out.")
    trailing = {name: 0 for name in inputs}
    return Scaling(inputs=inputs, trailing=trailing, target=TargetScaling())


def _input_of(stem: str) -> str:
    if stem not in _FILES:
        names = ", ".join(f"{name}.npy" for name in _FILES)
        raise DataError(f"{stem}.npy is no file of released statistics", fix=f"Known names: {names}.")
    return _FILES[stem]


def _affine(stem: str, array: NDArray[np.float64], variables: int) -> Affine:
    pairs = array.reshape(2, -1) if array.ndim > 2 and array.shape[0] == 2 else array
    if pairs.ndim == 2 and pairs.shape == (variables, 2) and variables != 2:
        pairs = pairs.T
    if pairs.shape != (2, variables):
        raise DataError(
            f"{stem}.npy has shape {list(array.shape)}; mean and deviation of {variables} variables are wanted",
            fix="Give the statistics that were released with this checkpoint.",
        )
    mean, deviation = np.asarray(pairs, dtype=np.float64)
    if not (np.isfinite(pairs).all() and (deviation >= 0).all()):
        raise DataError(f"{stem}.npy holds a deviation below 0, or a value that is not finite", fix="Get it again.")
    # As when the scaling is fitted: a variable that did not vary is shifted only.
    scale = np.where(deviation > 0, deviation, 1.0)
    return Affine(shift=tuple(mean.tolist()), scale=tuple(scale.tolist()))


def _variant(weights: Mapping[str, Tensor]) -> str:
    marks = {"mmnet": "encoder_s.0.weight", "transformer": "encoder_d.0.lin.weight", "mlp": "encoder.0.weight"}
    for variant, mark in marks.items():
        if mark in weights:
            return variant
    raise DataError(
        f"has none of {', '.join(marks.values())} (it has {', '.join(sorted(weights)[:4]) or 'nothing'})",
        fix="It is not a checkpoint of mmnet, transformer or mlp.",
    )


def _sizes(weights: Mapping[str, Tensor], variant: str) -> tuple[int, tuple[int, int]]:
    """Read the widths of the inputs off the first layers: snapshot, and days and variables of the weather."""
    if variant == "mlp":
        return _columns(weights, "encoder.0.weight"), (1, 0)
    # Without the table of positions nothing tells the number of days: the paper's eleven.
    table = weights.get("position_enc.pe")
    days = 11 if table is None else table.shape[0] - 1 if table.ndim == 2 else 0
    if days < 1:
        raise DataError("position_enc.pe is not a table of positions", fix="The file is damaged.")
    width = _columns(weights, "encoder_d.0.lin.weight")
    if variant == "mmnet":
        return _columns(weights, "encoder_s.0.weight"), (days, width)
    # Its first layer sees snapshot and weather together; the release has eight variables of weather.
    if width <= len(_WEATHER):
        raise DataError(f"encoder_d.0.lin.weight sees {width} variables", fix="It needs a snapshot and eight more.")
    return width - len(_WEATHER), (days, len(_WEATHER))


def _columns(weights: Mapping[str, Tensor], name: str) -> int:
    tensor = weights.get(name)
    if tensor is None or tensor.ndim != 2:
        state = "is missing" if tensor is None else f"has shape {list(tensor.shape)}, not two axes"
        raise DataError(f"{name} {state}", fix="The file is damaged, or of another network.")
    return tensor.shape[1]


def _recognised(variant: str, snapshot: int) -> tuple[dict[str, object], tuple[str, ...]]:
    """Find the choice of inputs that has this many variables; numbered names where it is none of ours."""
    for land_cover, cover in _COVERS.items():
        for use_indices in (True, False):
            names = (*cover, *_SITE, *(_WEATHER if variant == "mlp" else ()), "SMAP", *_INDICES * use_indices)
            if len(names) == snapshot:
                return {"land_cover": land_cover, "use_indices": use_indices}, names
    return {}, tuple(f"static_{place}" for place in range(1, snapshot + 1))


def _signature(names: tuple[str, ...], series: tuple[int, int]) -> Signature:
    inputs = {"static": InputSignature(shape=(len(names),), axis=1, names=names)}
    days, variables = series
    if variables:
        weather = _WEATHER if variables == len(_WEATHER) else tuple(f"dynamic_{k}" for k in range(1, variables + 1))
        inputs["dynamic"] = InputSignature(shape=(days, variables), axis=2, names=weather)
    return Signature(inputs=inputs, target_name=TARGET, unit=UNIT)
