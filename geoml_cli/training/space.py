"""Disk space that a training takes."""

from __future__ import annotations

from geoml_cli.config.settings import Settings
from geoml_cli.runs.create import Plan
from geoml_cli.training.plan import networks_of
from geoml_cli.training.precision import random_states_kept

# Numbers that an optimiser keeps for each weight: Adam's two moments, the momentum of SGD.
_MOMENTS = {"adam": 2, "adamw": 2, "sgd": 1}
_FLOAT_BYTES = 4
_REPLACED = 1
"""A checkpoint is written next to the one that it replaces."""


def training_bytes(settings: Settings, plan: Plan) -> int:
    """Estimate the size of the checkpoints of all members."""
    train, sizes = settings.shared.train, dict[str, int]()
    for name, network in networks_of(settings).items():
        with random_states_kept():
            tensors = network.build(plan.data.signatures[name]).state_dict().values()
        state = _MOMENTS[train.optimiser] + (1 if train.ema_decay else 0)
        copies = 1 + len(network.criteria) + _REPLACED  # last, and best by each criterion
        sizes[name] = sum(tensor.numel() for tensor in tensors) * _FLOAT_BYTES * (1 + state) * copies
    return sum(sizes[split.network] for split, _ in plan.members.values())
