"""Several ways to the same numbers, in one process and by turns: other work on the machine meets all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from geoml_cli.inference.predictor import ScaledNetwork
from geoml_cli.samples.batches import gatherer
from geoml_cli.samples.samples import Samples

Way = Callable[[], NDArray[Any]]


def seconds(ways: Mapping[str, Way], tolerance: float, turns: int) -> dict[str, float]:
    """Return the least time of each way over some turns [s], after one that is not counted.

    Raises:
        AssertionError: A way gives other numbers than the first; names it and the largest difference.
    """
    least = dict.fromkeys(ways, np.inf)
    expected: NDArray[Any] | None = None
    for turn in range(turns + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            found = way()
            taken = time.perf_counter() - started
            expected = found if expected is None else expected
            difference = float(np.abs(found - expected).max())
            if not difference <= tolerance:
                raise AssertionError(f"{name} differs by {difference:g}")
            least[name] = min(least[name], taken) if turn else np.inf
    return least


def one_after_another(network: ScaledNetwork, samples: Samples, size: int) -> Way:
    """Return a loop over batches, each shared out over PyTorch's threads: how predictions were made before."""

    def loop() -> NDArray[Any]:
        gather, rows = gatherer(samples, torch.device("cpu")), np.arange(len(samples))
        with torch.inference_mode():
            parts = [network(*gather(rows[start : start + size])) for start in range(0, len(rows), size)]
        return np.asarray(torch.cat(parts).numpy())

    return loop
