"""The deterministic weights of the golden cases, by the rule their numbers were made with."""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

GOLDEN = Path(__file__).parent / "golden"
COMPUTED = {"num_batches_tracked", "grid", "pe", "spec_mask", "uv"}
"""Buffers that a model computes; a checkpoint may come without them."""


def case(name: str, folder: Path = GOLDEN) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """Read a golden case: its description, and its arrays."""
    described = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
        return described, {key: arrays[key] for key in arrays.files}


def filled(shapes: dict[str, list[int]], seed: int) -> dict[str, torch.Tensor]:
    """Fill every parameter and running statistic by its name."""
    names = [name for name in shapes if name.rpartition(".")[2] not in COMPUTED]
    return {name: torch.from_numpy(_filled(name, tuple(shapes[name]), seed)) for name in names}


def _filled(name: str, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
    z = generator.standard_normal(shape).astype(np.float32)
    if name.endswith("A_log"):
        value = np.log(np.arange(1, shape[1] + 1, dtype=np.float32))[None] + 0.05 * z
    elif name.endswith("running_var"):
        value = 1 + 0.5 * np.abs(z)
    elif len(shape) == 1 and name.endswith(("weight", ".D")):
        value = 1 + 0.05 * z
    elif len(shape) >= 2:
        value = z / math.sqrt(math.prod(shape[1:]))
    else:
        value = 0.05 * z
    return np.ascontiguousarray(value, dtype=np.float32)
