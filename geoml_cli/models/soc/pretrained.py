"""Released checkpoints: a plain state dict whose keys and shapes say which network it is."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from geoml_cli.errors import DataError
from geoml_cli.models.soc.network import WINDOW, build
from geoml_cli.models.soc.settings import NetworkSettings
from geoml_cli.models.spec import PretrainedWeights
from geoml_cli.models.weights import mismatches, plain_names, refuse
from geoml_cli.samples.samples import InputSignature, Signature

# 2002 to 2011 in the paper.
YEARS = 10
UNIT = "g kg-1"
_SERIES = {1: "evi", 11: "lsp", 12: "evi_lsp"}
"""The paper's features: EVI (1), phenology (11), joined in this order (12)."""


def read(state: Mapping[str, Tensor]) -> PretrainedWeights:
    """Translate a released state dict.

    Raises:
        DataError: Keys or shapes are none of the three networks'; the message names them.
    """
    weights = plain_names(state)
    settings, covariates, features = _recognised(weights)
    expected = build(settings, covariates, features).state_dict()
    refuse(mismatches(weights, expected))
    tables: dict[str, dict[str, object]] = {"network": settings.model_dump()}
    return PretrainedWeights(tables, _signature(covariates, features), weights)


def _recognised(weights: Mapping[str, Tensor]) -> tuple[NetworkSettings, int, int]:
    convolution, recurrence = weights.get("conv1.weight"), weights.get("lstm.weight_ih_l0")
    if convolution is None and recurrence is None:
        raise DataError(
            f"has neither conv1.weight nor lstm.weight_ih_l0 (it has {', '.join(sorted(weights)[:4]) or 'nothing'})",
            fix="It is not a checkpoint of cnn, lstm or cnn-lstm.",
        )
    variant = "lstm" if convolution is None else "cnn" if recurrence is None else "cnn-lstm"
    # A weight of the wrong rank is let through here with one channel, and named by the comparison of shapes.
    covariates = 0 if convolution is None else convolution.shape[1] if convolution.ndim == 4 else 1
    if recurrence is None or recurrence.ndim != 2:
        return NetworkSettings(variant=variant), covariates, 0
    layers = sum(name.startswith("lstm.weight_hh_l") for name in weights)
    features = recurrence.shape[1]
    series = _SERIES.get(features, "evi_lsp")
    # weight_ih of an LSTM holds the matrices of its four gates, one below the other.
    hidden = max(recurrence.shape[0] // 4, 1)
    settings = {"variant": variant, "series": series, "hidden": hidden, "layers": max(layers, 1)}
    return NetworkSettings.model_validate(settings), covariates, features


def _signature(covariates: int, features: int) -> Signature:
    inputs: dict[str, InputSignature] = {}
    if covariates:
        # The release does not name its channels.
        names = tuple(f"covariate_{k}" for k in range(1, covariates + 1))
        inputs["static"] = InputSignature(shape=(covariates, WINDOW, WINDOW), axis=1, names=names)
    if features:
        phenology = [f"lsp_{k}" for k in range(1, features + 1)]
        named = ["evi", *phenology][:features] if features != 11 else phenology
        inputs["series"] = InputSignature(shape=(YEARS, features), axis=2, names=tuple(named))
    return Signature(inputs=inputs, target_name="soc", unit=UNIT)
