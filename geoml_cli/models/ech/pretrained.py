"""Released checkpoints: a plain state dict of one of the two networks."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from geoml_cli.errors import DataError
from geoml_cli.models.ech.network import POSITION, WINDOWS, build
from geoml_cli.models.ech.settings import NetworkSettings
from geoml_cli.models.ech.task import FINE_VALUES, HOURS, NAMES, POSITION_NAMES
from geoml_cli.models.spec import PretrainedWeights
from geoml_cli.models.weights import mismatches, plain_names, refuse
from geoml_cli.samples.samples import InputSignature, Signature

_TARGETS = {"classifier": ("presence", "1"), "regressor": ("amplitude", "dB")}


def read(network: str, state: Mapping[str, Tensor]) -> PretrainedWeights:
    """Translate a released state dict of a network.

    Raises:
        DataError: It is of the other network, or keys or shapes are neither's; the message names them.
    """
    weights = plain_names(state)
    # The number of LSTMs is what tells the two networks apart.
    layers = sum(f"lstm{number}.lstm.weight_ih_l0" in weights for number in range(1, 5))
    other = next((name for name, windows in WINDOWS.items() if windows == layers and name != network), None)
    if other is not None:
        raise DataError(
            f"is a checkpoint of the {other} ({layers} LSTMs), not of the {network}", fix=f"Give it with --{other}."
        )
    # weight_hh of an LSTM is [4 hidden, hidden].
    recurrence = weights.get("lstm1.lstm.weight_hh_l0")
    hidden = recurrence.shape[1] if recurrence is not None and recurrence.ndim == 2 else NetworkSettings().hidden
    expected = build(network, hidden, 0.0).state_dict()
    refuse(mismatches(weights, expected))
    return PretrainedWeights({"network": {"hidden": hidden}}, signature(network), weights)


def signature(network: str) -> Signature:
    """Describe what a network sees."""
    inputs = {"position": InputSignature(shape=(POSITION,), axis=1, names=POSITION_NAMES)}
    for name in NAMES[: WINDOWS[network]]:
        values = HOURS if name.endswith("hourly") else FINE_VALUES
        inputs[name] = InputSignature(shape=(values, 1), axis=2, names=(name.partition("_")[0],))
    target, unit = _TARGETS[network]
    return Signature(inputs=inputs, target_name=target, unit=unit)
