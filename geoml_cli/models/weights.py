"""Comparison of a released state dict with the network it is meant for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from torch import Tensor

from geoml_cli.errors import DataError

# A file of another network differs in hundreds of keys: a few tell which network it is of.
_SHOWN = 8


def mismatches(
    weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], computed: Collection[str] = ()
) -> list[str]:
    """Name keys that are missing or unknown, and shapes that differ.

    Args:
        weights: As released.
        expected: The network's own state dict.
        computed: Buffers that a network computes; a release may come without them.
    """
    found = [f"{name} is missing" for name in expected if name not in weights and name not in computed]
    # Unknown keys are errors as well: weights that no layer takes would be lost without a word.
    found += [f"{name} is unknown" for name in weights if name not in expected]
    found += [
        f"{name} has shape {list(weights[name].shape)}, not {list(tensor.shape)}"
        for name, tensor in expected.items()
        if name in weights and weights[name].shape != tensor.shape
    ]
    return found


def refuse(problems: Sequence[str]) -> None:
    """Refuse a state dict with problems; many are counted, not listed.

    Raises:
        DataError: There are any.
    """
    if problems:
        rest = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise DataError("; ".join(sorted(problems)[:_SHOWN]) + rest, fix="The file is damaged, or of another network.")
