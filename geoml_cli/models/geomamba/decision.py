"""Land cover out of the scores of its classes."""

from __future__ import annotations

import torch
from torch import Tensor

from geoml_cli.models.spec import Decided, Quantity
from geoml_cli.samples.samples import Signature


def columns(data: Signature) -> tuple[Quantity, ...]:
    """Describe the class and how sure it is."""
    named = ", ".join(f"{code} {name}" for code, name in zip(data.codes, data.classes, strict=True))
    return (
        Quantity(data.target_name, "1", f"likeliest class: {named}"),
        Quantity("confidence", "1", "probability of that class, mean of the members"),
    )


def outputs(scores_MBC: Tensor, codes: Tensor) -> tuple[Tensor, ...]:
    """Return the code of the likeliest class [B] by the members' mean probabilities, and its probability [B]."""
    likely_BC = torch.softmax(scores_MBC, dim=-1).mean(dim=0)
    confidence_B, place_B = likely_BC.max(dim=-1)
    return codes[place_B], confidence_B


DECIDED = Decided(columns, outputs)
