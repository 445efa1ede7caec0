"""Released checkpoints: a plain state dict of one of the two networks."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from geoml_cli.errors import DataError
from geoml_cli.models.ech.network import POSITION, WINDOWS, build
from geoml_cli.models.ech.settings import NetworkSettings
from geoml_cli.models.ech.task import FINE_VALUES, HOURS, NAMES, POSITION_NAMES
from geoml_cli.models.spec import Released
from geoml_cli.models.weights import mismatches, refuse
from geoml_cli.samples.samples import InputSignature, Signature

_TARGETS = {"classifier": ("presence", "1"), "regressor": ("amplitude", "dB")}


def released(state: Mapping[str, Tensor], part: str) -> Released:
    """Translate a released state dict of a part.

    Raises:
        DataError: It is of the other part, or keys or shapes are neither's; the message names them.
    """
    weights = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    held = sum(f"lstm{number}.lstm.weight_ih_l0" in weights for number in range(1, 5))
    other = next((name for name, windows in WINDOWS.items() if windows == held and name != part), None)
    if other is not None:
        raise DataError(
            f"is a checkpoint of the {other} ({held} LSTMs), not of the {part}", fix=f"Give it with --{other}."
        )
    recurrence = weights.get("lstm1.lstm.weight_hh_l0")
    hidden = recurrence.shape[1] if recurrence is not None and recurrence.ndim == 2 else NetworkSettings().hidden
    expected = build(part, hidden, 0.0).state_dict()
    refuse(mismatches(weights, expected))
    return Released({"network": {"hidden": hidden}}, signature(part), weights)


def signature(part: str) -> Signature:
    """Describe what a network sees."""
    inputs = {"position": InputSignature(shape=(POSITION,), axis=1, names=POSITION_NAMES)}
    for name in NAMES[: WINDOWS[part]]:
        values = HOURS if name.endswith("hourly") else FINE_VALUES
        inputs[name] = InputSignature(shape=(values, 1), axis=2, names=(name.partition("_")[0],))
    target, unit = _TARGETS[part]
    return Signature(inputs=inputs, target_name=target, unit=unit)
