"""The factor by which a prediction turned back from a logarithm is too small, from residuals of validation rows.

The exponential of a mean is below the mean of exponentials. Duan 1983, doi:10.1080/01621459.1983.10478017.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from geoml_cli.errors import GeomlError
from geoml_cli.runs import checkpoint
from geoml_cli.samples.scaling import TargetScaling
from geoml_cli.training.trainer import Member


@torch.no_grad()
def smearing_of(member: Member, network: nn.Module, target: TargetScaling, batch_size: int) -> float:
    """Return the factor of a member's best weights.

    Training rows would give one that is too small, since a network fits them more closely than others.

    Args:
        member: Trained to its end.
        network: Of the member's kind; its weights are replaced.
        target: The target's scaling.
        batch_size: Rows at once.

    Raises:
        GeomlError: Residuals are so large that the factor is not finite.
    """
    files = member.files.checkpoint("best")
    with checkpoint.fitting(files):
        network.load_state_dict(checkpoint.weights(files))
    network.eval()
    residuals = []
    for batch in member.batches.in_order(member.split.validation, batch_size):
        predicted = member.network.predict(network, batch).double()
        # In scaled units, where the network was fitted; `smeared` turns them back one by one.
        residuals.append((batch["target"].double() - predicted).cpu().numpy().ravel())
    factor = target.smeared(np.concatenate(residuals)).smearing
    if not np.isfinite(factor):
        raise GeomlError(
            "the smearing factor of its validation rows is not finite.",
            where=f"member {member.name}",
            fix="Lower train.lr, or set target.smearing=false.",
        )
    return factor
