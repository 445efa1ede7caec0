"""Real measurements, which may not be copied into the repository: tests without them say so and skip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """Give a function that finds a file or folder of real data, or skips the test."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"real data are not here: {Path(*path.parts[-3:])}")
        return path

    return find
