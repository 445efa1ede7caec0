"""What the two networks see of a data set, and what they minimise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn, tensor
from torch.nn import functional

from geoml_cli.dataset.store import Array, Variables
from geoml_cli.errors import DataError
from geoml_cli.models.ech.network import WINDOWS, build
from geoml_cli.models.ech.settings import EchTables
from geoml_cli.models.spec import Batch, Call
from geoml_cli.samples.samples import Input, Samples, Signature, Target, WindowSpan
from geoml_cli.samples.windows import Windows

HOURS, FINE_VALUES = 49, 61
"""Values of a window by the hour (48 hours and the last) and of one every five minutes (300 minutes and the last)."""
# Minutes between values of a window. The paper's text says 1 for the fine one; in its released sample, one row a
# minute, the fine window of row i + 5 is that of row i moved by one place.
_HOUR, _FINE = 60, 5
NAMES = ("sme_hourly", "symh_hourly", "sme_fine", "symh_fine")
"""Windows in the order of the networks' arguments; the classifier sees the first two."""
POSITION_NAMES = ("L", "cos MLT", "sin MLT", "cos^6 MLAT")
INPUT_WORDS = {
    "position": "L in Earth radii, cosine and sine of 15 degrees x MLT [h], sixth power of the cosine of MLAT",
    **{
        name: f"the index every {minutes} minutes, oldest first, the last at the sample's time"
        for name in NAMES
        for minutes in [_HOUR if name.endswith("hourly") else _FINE]
    },
}


def samples(tables: EchTables, network: str, variables: Variables) -> Samples:
    """Take the position, windows and target of `classifier` or `regressor` out of prepared variables.

    Raises:
        DataError: The series are too coarse for the windows.
    """
    ends, step = np.asarray(variables.array("index"), dtype=np.int64), step_minutes(variables)
    inputs = {"position": Input(position(variables), axis=1, names=POSITION_NAMES)}
    for name in NAMES[: WINDOWS[network]]:
        inputs[name] = window(variables, name, ends)
    # All satellites look at the one pair of index series.
    one = np.zeros(len(ends), dtype=np.int64)
    # The hourly window reaches back 48 hours, and the fine one lies within.
    span = WindowSpan(one, ends - (HOURS - 1) * _HOUR // step, ends, step / 60)
    if network == "classifier":
        return Samples(inputs, Target("presence", "1", presence(tables, variables)), span)
    target = Target(
        "amplitude", "dB", amplitude(tables, variables), if_unknown=_without_waves(tables.wave.threshold, variables)
    )
    return Samples(inputs, target, span)


def step_minutes(variables: Variables) -> int:
    """Return the step of the series [min]."""
    time = variables.array("time")
    return int(time[1] - time[0])


def position(variables: Variables) -> NDArray[np.float32]:
    """Return L, cos and sin of 15 degrees x MLT, and cos(MLAT)^6, shape [N, 4]."""
    # To float32 first, as a data set holds them: trees part a table's rows and the samples by their last digits.
    shell, hour, latitude = (np.asarray(variables.array(name), dtype=np.float32) for name in ("l", "mlt", "mlat"))
    angle = np.radians(hour.astype(np.float64) * 15)
    equator = np.cos(np.radians(latitude.astype(np.float64))) ** 6
    columns = [shell, np.cos(angle), np.sin(angle), equator]
    return np.stack(columns, axis=1).astype(np.float32)


def window(variables: Variables, name: str, ends: NDArray[np.int64]) -> Input:
    """Return the windows of an index that end at some places of its series, shape [N, T, 1].

    Raises:
        DataError: The series are too coarse.
    """
    index, _, kind = name.partition("_")
    values, minutes = (HOURS, _HOUR) if kind == "hourly" else (FINE_VALUES, _FINE)
    step = step_minutes(variables)
    if minutes % step:
        raise DataError(
            f"the series come every {step} minutes, the regressor's windows take a value every {minutes}",
            where=name,
            fix="Prepare with 1- or 5-minute indices, or train the classifier alone: --set network.part=classifier.",
        )
    # Single minutes, not means over the hour, as in the released sample. Windows are cut when a batch asks for them:
    # stored, the 224 numbers of a sample would take some 50 times the room of its four of position.
    cut = Windows([variables.array(index)], ends, values, minutes // step)
    return Input(cast(Array, cut), axis=2, names=(index,))  # computed lazily; cast is for the type checker


def presence(tables: EchTables, variables: Variables) -> NDArray[np.float32] | None:
    """Return 1 where a wave is present, 0 where not, NaN where that is not known."""
    if variables.has("presence"):
        return np.asarray(variables.array("presence"), dtype=np.float32)
    if not variables.has("amplitude"):
        return None
    amplitude = np.asarray(variables.array("amplitude"), dtype=np.float32)
    present = (amplitude >= tables.wave.threshold).astype(np.float32)
    # NaN is not above any threshold: an amplitude that is not known would be an absence.
    return np.where(np.isnan(amplitude), np.float32(np.nan), present)


def amplitude(tables: EchTables, variables: Variables) -> NDArray[np.float32] | None:
    """Return the amplitude [dB] where a wave is present, else NaN."""
    present = presence(tables, variables)
    if present is None or not variables.has("amplitude"):
        return None
    measured = np.asarray(variables.array("amplitude"), dtype=np.float32)
    # A target of NaN makes a row unusable: the second stage learns from samples with a wave alone.
    return np.where(present == 1, measured, np.float32(np.nan))


def _without_waves(threshold: float, variables: Variables) -> str:
    """Return what to do where amplitudes were measured and none of them is a wave's; empty where none was measured."""
    alone = "or train the classifier alone: --set network.part=classifier"
    measured = np.asarray(variables.array("amplitude")) if variables.has("amplitude") else np.empty(0)
    if not (found := np.isfinite(measured)).any():
        return ""
    if variables.has("presence"):
        return f"presence is 1 in no sample with an amplitude: check that column, {alone}."
    return (
        f"No amplitude is {threshold:g} dB or more (they reach {measured[found].max():g} dB): "
        f"say from where on there is a wave, --set wave.threshold=DB, {alone}."
    )


def make(tables: EchTables, network: str, data: Signature) -> nn.Module:
    """Build `classifier` or `regressor`."""
    return build(network, tables.network.hidden, tables.network.dropout)


def predict(network: nn.Module, batch: Batch) -> Tensor:
    """Return the logit or the scaled amplitude, shape [B]."""
    output: Tensor = network(batch["position"], *(batch[name] for name in NAMES if name in batch))
    return output


def log_odds(network: nn.Module, batch: Batch, positive_weight: float) -> Tensor:
    """Return the log-odds of a wave in the samples as they are, shape [B].

    A cross-entropy that counts waves w times is least where the logit is ln w above them.
    """
    logit_B = predict(network, batch)
    return logit_B - math.log(positive_weight) if positive_weight != 1 else logit_B


def weights_note(positive_weight: float) -> str:
    """Say what the classifier's weights alone put out; empty where that is the log-odds."""
    if positive_weight == 1:
        return ""
    return (
        f"logits of the weights alone are {math.log(positive_weight):.6g} above the log-odds of a wave, which is ln of "
        f"wave.positive_weight = {positive_weight:g}: import them with --set wave.positive_weight={positive_weight:g}, "
        "or take it off"
    )


def mean_square(network: nn.Module, batch: Batch) -> Tensor:
    """Return the mean squared error of the regressor, in the scaled target's units."""
    return functional.mse_loss(predict(network, batch), batch["target"])


def cross_entropy(network: nn.Module, batch: Batch, positive_weight: float) -> Tensor:
    """Return the mean binary cross-entropy of the classifier; waves count `positive_weight` times."""
    # With a weight of 1, the default, this is the paper's loss.
    weight = tensor(positive_weight, device=batch["target"].device)
    return functional.binary_cross_entropy_with_logits(predict(network, batch), batch["target"], pos_weight=weight)


def without_call(loss: Callable[[nn.Module, Batch], Tensor]) -> Callable[[nn.Module, Batch, Call], Tensor]:
    """Return a loss that has no penalty and is the same at every step."""

    def of_batch(network: nn.Module, batch: Batch, call: Call) -> Tensor:
        return loss(network, batch)

    return of_batch
